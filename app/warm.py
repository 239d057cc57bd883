"""Load what the next pages need while the first one is read: PyTorch takes seconds to import."""

import threading
from importlib import import_module

import streamlit as st


@st.cache_resource
def warm_up() -> threading.Thread:
    """Import the training library once per server, behind the page that is already painted."""
    thread = threading.Thread(
        target=import_module, args=("paramixer_core.training",), name="warm-up", daemon=True
    )
    thread.start()
    return thread
