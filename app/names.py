"""What registries and this machine offer, as titles for controls."""

import streamlit as st

from paramixer_core.device import available_devices
from paramixer_core.models import MIXERS, WIRED
from paramixer_core.tasks import TASKS


@st.cache_resource
def device_names() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return tuple(device.value for device in available_devices())


def mixer_titles() -> dict[str, str]:
    """Every mixer's title by its name, in the registry's order, a wiring of one's own last."""
    return {name: kind.title for name, kind in (MIXERS | {WIRED.name: WIRED}).items()}


def task_titles() -> dict[str, str]:
    """Every task's title by its name, in the registry's order."""
    return {name: task.title for name, task in TASKS.items()}
