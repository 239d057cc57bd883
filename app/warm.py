"""Load what the next pages need while the first one is read: PyTorch takes seconds to import."""

import threading
import time
from importlib import import_module

import streamlit as st

PAINT_SECONDS = 1.0
"""What the page that is already computed needs to reach its browser undisturbed."""


@st.cache_resource
def warm_up() -> threading.Thread:
    """Import the training library once per server, behind the page that is already painted."""
    thread = threading.Thread(target=_load, name="warm-up", daemon=True)
    thread.start()
    return thread


def _load() -> None:
    time.sleep(PAINT_SECONDS)
    import_module("paramixer_core.training")
