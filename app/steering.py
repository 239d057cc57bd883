"""Changing runs while they train, and making new ones from their snapshots."""

from typing import TypeVar

import streamlit as st

from app import engine
from app.escape import plain
from app.guarded import fragment
from app.names import run_title
from app.results import results
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.lineage import rate_after
from paramixer_core.runs.run import Run
from paramixer_core.runs.segments import conditions_of, differences

T = TypeVar("T")
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
    for run in runs:
        for sentence in differences([*conditions_of(run.ancestry), *run.conditions]):
            st.warning(f"{run_title(run)}, {run.id}: {sentence}", icon=":material/difference:")
    change(runs)
    files(runs)


@fragment
def change(runs: list[Run]) -> None:
    """Pace and learning rate from the next step on; new runs from snapshots; what is kept."""
    with st.container(horizontal=True, gap="small"):
        pace = st.popover(
            "Speed and learning rate", icon=":material/tune:", key="pace", on_change="rerun"
        )
        forks = st.popover(
            "Fork from a snapshot", icon=":material/call_split:", key="forks", on_change="rerun"
        )
        pins = st.popover("Pin", icon=":material/keep:", key="pins", on_change="rerun")
    if pins.open:
        with pins:
            choose_pins(runs)
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
    """Slow motion and the learning rate: what is left as it is changes nothing in any run."""
    runs = engine.executor().statuses([run.id for run in runs])
    active = [run for run in engine.mine(runs) if run.state.active]
    held = common([speed_name(run) for run in active or runs])
    rate_held = common([run.learning_rate for run in active or runs])
    # Keys that tell what holds: a control is made anew once another tab has changed it.
    speed = st.segmented_control(
        "Speed", list(SPEEDS), default=held, key=f"speed-{held}", disabled=not active
    )
    rate = st.number_input(
        "Learning rate",
        min_value=1e-6,
        max_value=10.0,
        value=rate_held,
        format="%g",
        key=f"new-rate-{rate_held}",
        placeholder="their own rates",
        help=None if rate_held is not None else f"Now {rates_told(active or runs)}.",
        disabled=not active,
    )
    if st.button("Apply", key="apply", disabled=not active):
        apply(active, None if speed == held else speed, None if rate == rate_held else rate)
    if not engine.mine(runs):
        st.caption("Only who started these runs may change them. Fork one to go on differently.")
    elif not active:
        st.caption("These runs have ended. Fork one of their snapshots to go on differently.")


def apply(runs: list[Run], speed: str | None, rate: float | None) -> None:
    """Change only what was chosen anew, and say it."""
    for run in runs:
        if speed is not None:
            engine.executor().set_speed(run.id, SPEEDS[speed])
        if rate is not None:
            engine.executor().set_learning_rate(run.id, rate)
    changed = [speed.lower()] if speed is not None else []
    if rate is not None:
        changed.append(f"learning rate {rate:g}")
    st.toast(f"From the next step on: {', '.join(changed)}." if changed else "Nothing was changed.")


def common(values: list[T]) -> T | None:
    """The value that all have in common, if there is one."""
    return values[0] if len(set(values)) == 1 else None


def speed_name(run: Run) -> str | None:
    """A run's speed limit among the offered ones."""
    return next((name for name, speed in SPEEDS.items() if speed == run.speed), None)


def rates_told(runs: list[Run]) -> str:
    """Who trains at which rate."""
    return ", ".join(f"{run_title(run)}: {run.learning_rate:g}" for run in runs)


def choose_fork(runs: list[Run]) -> None:
    """A new run that goes on from a snapshot with changed settings, shown beside its parent."""
    by_title = {f"{run_title(run)} · seed {run.config.seed} · {run.id}": run for run in runs}
    parent = by_title[st.selectbox("From", list(by_title), key="fork-parent")]
    steps = [snapshot.step for snapshot in engine.store().snapshots(parent.id, scheduled=False)]
    if not steps:
        st.caption("Its first snapshot is on its way.")
        st.button("Look again", key="fork-refresh", icon=":material/refresh:")
        return
    step = st.selectbox("At step", steps[::-1], key=f"fork-step-{parent.id}")
    in_force = rate_after(engine.store(), parent.id, step)
    rate = st.number_input(
        "Learning rate",
        1e-6,
        10.0,
        in_force,
        format="%g",
        key=f"fork-rate-{parent.id}-{step}-{in_force}",
        help=f"After step {step:,} it was {in_force:g}.",
    )
    more = st.number_input("Steps from there on", 1, 1_000_000, 1000, key="fork-steps")
    seed = st.number_input(
        "Seed of its batches", 0, 2**31 - 1, parent.config.seed, key=f"fork-seed-{parent.id}"
    )
    st.caption(
        "A fork keeps the weights' shapes. With nothing changed it repeats its parent's losses."
    )
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


def choose_pins(runs: list[Run]) -> None:
    """Which runs are kept whatever happens to the oldest ones once the disk is full."""
    st.caption("Old runs make room for new ones. Those that are pinned are never removed.")
    for run in engine.executor().statuses([run.id for run in runs]):
        title = f"{run_title(run)} · seed {run.config.seed} · {run.id}"
        pinned = st.toggle(title, value=run.pinned, key=f"pin-{run.id}-{run.pinned}")
        if pinned != run.pinned:
            engine.store().pin(run.id, pinned)
            st.rerun(scope="fragment")
