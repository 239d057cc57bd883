"""The three elements behind every view: a small view, its feed, and the code that all views share.

Streamlit sends a component's code along with each of its messages. So a view itself is a few lines
that wait for the shared code; the code, compressed, is the data of a component of its own, mounted
once per run and, being the same bytes each time, sent once per browser. The feed is an invisible
element that hands small changes (a selection, an exact window) to a view whose large message then
stays the same, which Streamlit doesn't send again.
"""

import json
import zlib
from typing import Any

import streamlit as st
from streamlit.errors import StreamlitDuplicateElementKey

from app.components.choice import nothing
from app.components.payload import script, style

_PARTS = (
    "kit",
    "lines_draw",
    "lines",
    "matrix_source",
    "matrix_draw",
    "matrix_parts",
    "matrix_moves",
    "matrix",
    "ring_draw",
    "ring",
    "tokens_draw",
    "tokens",
    "growth_draw",
    "growth",
    "routes",
    "runs",
    "mount",
)
_STYLE = json.dumps(style("kit", "lines", "matrix", "ring", "tokens", "growth", "routes", "runs"))
CODE = zlib.compress(f"const STYLE = {_STYLE};\n{script(*_PARTS)}".encode(), 9)
LOAD_CODE = script("load")
VIEW_CODE = script("view")
FEED_CODE = script("feed")

_CODE_KEY = "paramixer-code"
_view = st.components.v2.component("paramixer_view", js=VIEW_CODE)
_feed = st.components.v2.component("paramixer_feed", js=FEED_CODE)
_code = st.components.v2.component("paramixer_code", js=LOAD_CODE)


def mount_view(key: str, payload: bytes, *states: str) -> dict[str, Any]:
    """Put a view into the current container and return its state, as named in `states`.

    The payload's header says which view it is (`view`) and repeats the key.
    """
    callbacks: dict[str, Any] = {f"on_{state}_change": nothing for state in states}
    result = _view(key=key, data=payload, **callbacks)
    return {state: result.get(state) for state in states}


def mount_feed(key: str, payload: bytes) -> None:
    """Put a view's feed behind it; the payload's header holds the view's key."""
    _feed(key=f"{key}-feed", data=payload)


def mount_code() -> None:
    """Put the shared code into the current container unless this run already has it."""
    try:
        _code(key=_CODE_KEY, data=CODE)
    except StreamlitDuplicateElementKey:
        return
