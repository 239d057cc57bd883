"""Which choice holds where both the page and the reader can make one: the one that came last."""

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import streamlit as st

Choice = TypeVar("Choice")


@dataclass
class _Memory(Generic[Choice]):
    given: Choice
    click: int
    now: Choice


def latest_choice(key: str, given: Choice, clicked: tuple[Choice, int] | None) -> Choice:
    """The page's choice `given` if it changed since the last run, else the reader's last click.

    `clicked` is a component's state: the choice and a number that differs for every click. The
    memory lives in the session state under `key`-memory.
    """
    memory: _Memory[Choice] = st.session_state.setdefault(f"{key}-memory", _Memory(given, 0, given))
    if given != memory.given:
        memory.given = memory.now = given
    if clicked is not None and clicked[1] != memory.click:
        memory.now, memory.click = clicked
    return memory.now


def nothing() -> None:
    """Streamlit keeps a component's state only where a callback is given."""


def whole_number(value: Any) -> int | None:
    """A whole number from a browser's message, or None for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None
