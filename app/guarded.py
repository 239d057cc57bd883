"""Errors of buttons and of parts of a page: each shows its sentence, never Streamlit's red box.

Every fragment is made by `fragment`, and every callback goes through `said`; a test holds that.
"""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import streamlit as st

from app.escape import plain
from paramixer_core.errors import ParamixerError

P = ParamSpec("P")
T = TypeVar("T")
SAID = "said-by-a-callback"
ICON = ":material/error:"


def said(callback: Callable[P, object]) -> Callable[P, None]:
    """A callback whose ParamixerError is shown by the page or fragment that runs after it."""

    @functools.wraps(callback)
    def careful(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            callback(*args, **kwargs)
        except ParamixerError as error:
            st.session_state[SAID] = str(error)

    return careful


def show_said() -> None:
    """What the last callback had to say, if anything, once."""
    if sentence := st.session_state.pop(SAID, ""):
        st.error(plain(sentence), icon=ICON)


def part(draw: Callable[P, T]) -> Callable[P, T | None]:
    """A part of a page in whose place its ParamixerError is shown."""

    @functools.wraps(draw)
    def careful(*args: P.args, **kwargs: P.kwargs) -> T | None:
        show_said()
        try:
            return draw(*args, **kwargs)
        except ParamixerError as error:
            st.error(plain(error), icon=ICON)
            return None

    return careful


def fragment(draw: Callable[P, T], **options: Any) -> Callable[P, T | None]:
    """`st.fragment` of such a part; `options` as there (run_every, key)."""
    made: Callable[P, T | None] = st.fragment(part(draw), **options)
    return made
