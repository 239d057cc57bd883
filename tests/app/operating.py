"""Pages over an executor of the test's own, which whoever looks may use as the operator does."""

from typing import Any

import pytest

from app import engine, identity
from paramixer_core.runs.ownership import Actor


def act_as_operator(monkeypatch: pytest.MonkeyPatch, executor: Any) -> None:
    """Have the app open this executor, and take everybody for its operator."""
    monkeypatch.setattr(engine, "opened", lambda: executor)
    monkeypatch.setattr(identity, "actor", lambda: Actor("tests", operator=True))
