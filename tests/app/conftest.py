"""Loads what the app would load in the background, before any page test runs.

The shape checks parse each module of the core as it is imported. Early releases of Python 3.11
cannot do that in two threads at once (SystemError: AST constructor recursion depth mismatch).
"""

import pytest

import paramixer_core.training  # noqa: F401
from app import reading
from paramixer_core.job_workers import IDLE


@pytest.fixture(autouse=True)
def _files_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page test has no browser that looks again: it waits until the file is read."""
    monkeypatch.setattr(reading, "AT_ONCE_SECONDS", 120)


@pytest.fixture(autouse=True, scope="session")
def _no_process_left():
    yield
    IDLE.close()
