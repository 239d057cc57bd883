"""What a closed tab sent and nobody used is gone soon after; a tab that comes back has it still."""

import pytest
import streamlit as st

from app.abandoned import ABANDONED_SECONDS, EVERY_SECONDS, Sweep


class Files:
    """Stands for Streamlit's files and sessions."""

    def __init__(self) -> None:
        self.held = {"a": 10, "b": 20}
        self.active = {"a", "b"}
        self.closed: list[str] = []
        self.uploaded_file_mgr = self

    def is_active_session(self, name: str) -> bool:
        return name in self.active

    def close_session(self, name: str) -> None:
        self.closed.append(name)

    def remove_session_files(self, name: str) -> None:
        self.held.pop(name, None)


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Files:
    held = Files()
    monkeypatch.setattr("app.abandoned.waiting_files", lambda: dict(held.held))
    return held


def test_only_what_is_abandoned_for_long_is_dropped_with_its_session(files: Files) -> None:
    now = [0.0]
    sweep = Sweep(seconds=60, clock=lambda: now[0])
    sweep(files)
    files.active = {"b"}
    for now[0] in (10.0, 60.0, 69.0):
        sweep(files)
    assert files.closed == []
    now[0] = 70.0
    sweep(files)
    assert (files.closed, files.held) == (["a"], {"b": 20})
    now[0] = 500.0
    sweep(files)
    assert files.held == {"b": 20}


def test_a_tab_that_came_back_is_counted_anew(files: Files) -> None:
    now = [0.0]
    sweep = Sweep(seconds=60, clock=lambda: now[0])
    for now[0], active in ((0.0, {"b"}), (50.0, {"a", "b"}), (70.0, {"b"}), (129.0, {"b"})):
        files.active = active
        sweep(files)
    assert files.closed == []


def test_streamlit_still_has_the_session_by_then() -> None:
    assert st.get_option("server.disconnectedSessionTTL") > ABANDONED_SECONDS + 2 * EVERY_SECONDS
