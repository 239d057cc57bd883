"""Runs while they train: figures, curves and the buttons that steer them."""

import streamlit as st

from app import controls, engine, say
from app.components import Line, live_lines, points_per_line
from app.names import mixer_titles
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity, bands_of
from paramixer_core.runs.races import spread
from paramixer_core.runs.run import Run, RunState

TICK_SECONDS = 0.5
SMOOTHING = 0.9
CARDS_A_ROW = 3
AXES = {
    RaceAxis.STEPS: "steps",
    RaceAxis.SECONDS: "seconds of training",
    RaceAxis.MULTIPLY_ADDS: "multiply-adds of training",
}

Groups = dict[str, list[Run]]
"""Runs that differ only in their seed, under one name."""


def watch(runs: list[Run]) -> None:
    """Show runs and go on showing them, twice a second, for as long as one of them changes."""
    ticking = any(run.state.active for run in runs)
    ids = [run.id for run in runs]
    axis = controls.choice(
        "Compare over", "over", list(RaceAxis), default=RaceAxis.STEPS, titles=AXES, row=True
    )

    def tick() -> None:
        now = [engine.executor().status(run_id) for run_id in ids]
        groups = grouped(now)
        buttons(now)
        cards(groups)
        curves(groups, axis)
        if ticking and not any(run.state.active for run in now):
            st.rerun()

    st.fragment(tick, run_every=TICK_SECONDS if ticking else None, key="watch")()


def grouped(runs: list[Run]) -> Groups:
    """Runs by name: seeds of one setting together; the id tells settings of one mixer apart."""
    settings: dict[object, list[Run]] = {}
    for run in runs:
        setting = (run.config.replace(seed=0), run.parent, run.parent_step)
        settings.setdefault(setting, []).append(run)
    mixers = [group[0].config.mixer for group in settings.values()]
    titles = mixer_titles()
    return {
        titles[group[0].config.mixer]
        + (f" · {group[0].id[:4]}" if mixers.count(group[0].config.mixer) > 1 else ""): group
        for group in settings.values()
    }


def buttons(runs: list[Run]) -> None:
    """Pause, continue, single step, stop, reset: they act on all shown runs together."""
    executor = engine.executor()
    training = [run for run in runs if run.state in (RunState.QUEUED, RunState.RUNNING)]
    held = [run for run in runs if run.state is RunState.PAUSED]
    left = [run for run in runs if run.state in (RunState.STOPPED, RunState.INTERRUPTED)]
    with st.container(horizontal=True, gap="small"):
        if st.button("Pause", icon=":material/pause:", key="pause", disabled=not training):
            for run in training:
                executor.pause(run.id)
            st.rerun(scope="fragment")
        if st.button(
            "Continue", icon=":material/play_arrow:", key="continue", disabled=not held + left
        ):
            for run in held + left:
                executor.resume(run.id)
            st.rerun()
        if st.button("One step", icon=":material/skip_next:", key="step", disabled=not held):
            for run in held:
                executor.single_step(run.id)
            st.rerun(scope="fragment")
        if st.button("Stop", icon=":material/stop:", key="stop", disabled=not training + held):
            for run in training + held:
                executor.stop(run.id)
            st.rerun(scope="fragment")
        if st.button(
            "Reset",
            icon=":material/replay:",
            key="reset",
            help="Back to the same initial weights, held at step 0: press Continue.",
        ):
            engine.reset(runs)
            st.rerun()


def cards(groups: Groups) -> None:
    """The present figures of every group."""
    columns = st.columns(min(CARDS_A_ROW, len(groups)))
    for place, (name, runs) in enumerate(groups.items()):
        newest = [engine.store().evaluations(run.id).accuracy[-1:] for run in runs]
        accuracy = spread([float(last[0]) for last in newest if len(last)])
        shown = max(runs, key=lambda run: (run.state.active, -run.step))
        with (
            columns[place % CARDS_A_ROW],
            st.container(border=True, key=f"figures-{shown.config.mixer}-{runs[0].id}"),
        ):
            st.markdown(f"**{name}** · {say.states(runs)}")
            st.progress(shown.progress, text=f"step {shown.step:,} of {shown.config.steps:,}")
            first, second, third = st.columns([2, 1, 1.2])
            first.metric("Test accuracy", say.share(accuracy))
            second.metric("Steps/s", say.rate(shown.steps_per_second))
            third.metric("Time left", say.duration(shown.eta))
            st.caption(say.setting(runs))


def curves(groups: Groups, axis: RaceAxis) -> None:
    """Training loss and test accuracy, one line a group, with a band where it has many seeds."""
    losses = lines(groups, RaceQuantity.LOSS, axis)
    accuracies = lines(groups, RaceQuantity.TEST_ACCURACY, axis)
    left, right = st.columns(2, gap="medium")
    with left:
        live_lines(
            losses,
            title="Training loss",
            x_label=AXES[axis],
            y_label="loss of the batch (log scale)",
            log_y=True,
            smoothing=SMOOTHING,
            key="loss",
            empty="The first step is on its way.",
        )
    with right:
        live_lines(
            accuracies,
            title="Test accuracy",
            x_label=AXES[axis],
            y_label="share right, sequences never trained on",
            y_range=(0, 1),
            key="accuracy",
            empty="The first test is on its way.",
        )


def lines(groups: Groups, quantity: RaceQuantity, axis: RaceAxis) -> list[Line]:
    """The curves of one quantity, thinned to what a tick may send."""
    points = points_per_line(len(groups))
    bands = bands_of(engine.store(), groups, quantity, axis, points)
    return [
        Line(
            name,
            band.x,
            band.mean,
            groups[name][0].config.mixer,
            low=band.low if band.seeds > 1 else None,
            high=band.high if band.seeds > 1 else None,
        )
        for name, band in bands.items()
    ]
