"""Changing runs while they train, and making new ones from their snapshots."""

import streamlit as st

from app import engine, say
from app.escape import plain
from app.guarded import fragment
from app.names import run_title
from app.results import results
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.forks import CHANGEABLE
from paramixer_core.runs.run import Run

SPEEDS: dict[str, float | None] = {
    "1 step/s": 1.0,
    "5 steps/s": 5.0,
    "25 steps/s": 25.0,
    "Full speed": None,
}


def steer(runs: list[Run]) -> None:
    """What may be done with the shown runs besides starting and stopping, folded away.

    What is folded is not computed, and unfolding runs its own part of the page alone.
    """
    change(runs)
    files(runs)


@fragment
def change(runs: list[Run]) -> None:
    """Pace and learning rate from the next step on; new runs from snapshots."""
    with st.container(horizontal=True, gap="small"):
        pace = st.popover(
            "Speed and learning rate", icon=":material/tune:", key="pace", on_change="rerun"
        )
        forks = st.popover(
            "Fork from a snapshot", icon=":material/call_split:", key="forks", on_change="rerun"
        )
    if pace.open:
        with pace:
            choose_pace(runs)
    if forks.open:
        with forks:
            choose_fork(runs)


@fragment
def files(runs: list[Run]) -> None:
    """Who won on what, and what one may take home."""
    folded = st.expander(
        "Results and files", icon=":material/download:", key="files", on_change="rerun"
    )
    if folded.open:
        with folded:
            results(runs)


def choose_pace(runs: list[Run]) -> None:
    """Slow motion and the learning rate."""
    runs = [engine.executor().status(run.id) for run in runs]
    active = [run for run in engine.mine(runs) if run.state.active]
    held = next((name for name, speed in SPEEDS.items() if speed == runs[0].speed), "Full speed")
    speed = st.segmented_control(
        "Speed", list(SPEEDS), default=held, required=True, key="speed", disabled=not active
    )
    rate = st.number_input(
        "Learning rate",
        min_value=1e-6,
        max_value=10.0,
        value=runs[0].learning_rate or runs[0].config.learning_rate,
        format="%g",
        key="new-rate",
        disabled=not active,
    )
    if st.button("Apply", key="apply", disabled=not active):
        for run in active:
            engine.executor().set_speed(run.id, SPEEDS[speed or held])
            engine.executor().set_learning_rate(run.id, rate)
        st.toast(f"From the next step on: {speed}, learning rate {rate:g}.")
    if not engine.mine(runs):
        st.caption("Only who started these runs may change them. Fork one to go on differently.")
    elif not active:
        st.caption("These runs have ended. Fork one of their snapshots to go on differently.")


def choose_fork(runs: list[Run]) -> None:
    """A new run that goes on from a snapshot with changed settings, shown beside its parent."""
    by_title = {f"{run_title(run)} · {run.id}": run for run in runs}
    parent = by_title[st.selectbox("From", list(by_title), key="fork-parent")]
    steps = [snapshot.step for snapshot in engine.store().snapshots(parent.id, scheduled=False)]
    if not steps:
        st.caption("Its first snapshot is on its way.")
        st.button("Look again", key="fork-refresh", icon=":material/refresh:")
        return
    step = st.selectbox("At step", steps[::-1], key="fork-step")
    rate = st.number_input(
        "Learning rate", 1e-6, 10.0, parent.config.learning_rate, format="%g", key="fork-rate"
    )
    more = st.number_input("Steps from there on", 1, 1_000_000, 1000, key="fork-steps")
    seed = st.number_input("Seed of its batches", 0, 2**31 - 1, parent.config.seed, key="fork-seed")
    st.caption(f"A fork keeps the weights' shapes; it may change {say.listed(CHANGEABLE)}.")
    if st.button("Fork", type="primary", key="fork-start"):
        try:
            child = engine.executor().fork(
                parent.id,
                step,
                owner=engine.owner(),
                learning_rate=rate,
                steps=step + more,
                seed=seed,
            )
        except ParamixerError as error:
            st.error(plain(error), icon=":material/error:")
            return
        engine.show([*(run.id for run in runs[: engine.MAX_SHOWN - 1]), child.id])
        st.rerun()
