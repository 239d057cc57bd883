"""Bring your own weights, or your own labelled sequences to train on."""

from collections.abc import Callable

import streamlit as st

from app import inspect_upload_sequences, inspect_upload_weights, inspect_uploaded
from app.escape import plain
from paramixer_core.errors import ParamixerError


def draw() -> None:
    """Two boxes that stay closed until they are wanted."""
    left, right = st.columns(2, gap="large")
    with left, st.expander("Upload weights"):
        explained(inspect_upload_weights.draw)
    with right, st.expander("Upload sequences to train on"):
        explained(inspect_upload_sequences.draw)
    explained(inspect_uploaded.draw)


def explained(box: Callable[[], None]) -> None:
    """Draw a box; what is wrong with an upload becomes a sentence in it."""
    try:
        box()
    except ParamixerError as error:
        st.error(plain(error), icon=":material/upload_file:")
