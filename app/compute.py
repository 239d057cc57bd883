"""The cached border between the pages and the core: frozen settings in, arrays out."""

import streamlit as st

from paramixer_core.device import available_devices


@st.cache_resource
def device_names() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return tuple(device.value for device in available_devices())
