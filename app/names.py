"""What registries and this machine offer, as titles for controls."""

import streamlit as st

from paramixer_core.device import available_devices
from paramixer_core.models import MIXERS, WIRED
from paramixer_core.tasks import TASKS


@st.cache_resource
def device_names() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return tuple(device.value for device in available_devices())


def mixer_titles(wired: bool | str = True) -> dict[str, str]:
    """Every mixer's title by its name, in the registry's order; last, if `wired`, that of a wiring
    of one's own."""
    kinds = MIXERS | {WIRED.name: WIRED} if wired else MIXERS
    return {name: kind.title for name, kind in kinds.items()}


def task_titles() -> dict[str, str]:
    """Every task's title by its name, in the registry's order."""
    return {name: task.title for name, task in TASKS.items()}
