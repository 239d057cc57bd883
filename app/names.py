"""What registries and this machine offer, as titles for controls."""

import streamlit as st

from app import engine
from app.escape import plain
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual
from paramixer_core.device import available_devices
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MIXERS, WIRED
from paramixer_core.runs.run import Run
from paramixer_core.runs.store_errors import StoreError
from paramixer_core.tasks import TASKS, is_uploaded, known_task

RESIDUALS = {
    Residual.PER_FACTOR: "after every factor",
    Residual.FIRST: "V₀ at every factor",
    Residual.AROUND_BLOCK: "around the block",
    Residual.NONE: "none",
}
"""What a Paramixer block adds back, and where."""


@st.cache_resource
def device_names() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return tuple(device.value for device in available_devices())


def mixer_titles(wired: bool | str = True) -> dict[str, str]:
    """Every mixer's title by its name, in the registry's order; last, if `wired`, that of a wiring
    of one's own."""
    kinds = MIXERS | {WIRED.name: WIRED} if wired else MIXERS
    return {name: kind.title for name, kind in kinds.items()}


def run_title(run: Run) -> str:
    """The title of what mixes in a run (of a wiring of one's own, the name that it was given), and
    of a fork the step where it left its parent."""
    title = mixer_titles()[run.config.mixer]
    if run.config.mixer == WIRED.name:
        title = Wiring.parse(run.config.wiring).name or title
    return title if run.parent is None else f"{title}, fork at {run.parent_step:,}"


def task_titles() -> dict[str, str]:
    """Every task's title by its name, in the registry's order; then what this browser uploaded
    and what the link names."""
    titles = {name: task.title for name, task in TASKS.items()}
    named = st.query_params.get("task", "")
    try:
        brought = [name for name in engine.brought() if is_uploaded(name)]
    except StoreError:  # the page says so where it needs the store
        brought = []
    for name in [*brought, *([named] if is_uploaded(named) else [])]:
        try:
            titles[name] = known_task(name).title
        except ParamixerError as error:
            st.warning(plain(error), icon=":material/link_off:")
    return titles
