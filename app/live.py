"""Runs while they train: figures, curves and the buttons that steer them."""

import streamlit as st

from app import engine, say
from app.components import Line, live_lines, points_per_line
from app.names import mixer_titles
from paramixer_core.runs.run import Run, RunState

TICK_SECONDS = 0.5
SMOOTHING = 0.9


def watch(runs: list[Run]) -> None:
    """Show runs and go on showing them, twice a second, for as long as one of them changes."""
    ticking = any(run.state.active for run in runs)
    ids = [run.id for run in runs]

    def tick() -> None:
        now = [engine.executor().status(run_id) for run_id in ids]
        buttons(now)
        figures(now)
        curves(now)
        if ticking and not any(run.state.active for run in now):
            st.rerun()

    st.fragment(tick, run_every=TICK_SECONDS if ticking else None, key="watch")()


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


def figures(runs: list[Run]) -> None:
    """The present figures of every run."""
    titles = names_of(runs)
    for column, run in zip(st.columns(min(3, len(runs))) * 2, runs, strict=False):
        tests = engine.store().evaluations(run.id)
        with column, st.container(border=True, key=f"figures-{run.config.mixer}-{run.id}"):
            st.markdown(f"**{titles[run.id]}** · {say.state(run)}")
            st.progress(run.progress, text=f"step {run.step:,} of {run.config.steps:,}")
            accuracy = f"{tests.accuracy[-1]:.1%}" if len(tests) else "-"
            first, second, third = st.columns(3)
            first.metric("Test accuracy", accuracy)
            second.metric("Steps/s", say.rate(run.steps_per_second))
            third.metric("Time left", say.duration(run.eta))
            st.caption(say.setting(run))


def curves(runs: list[Run]) -> None:
    """Training loss and test accuracy, one line a run."""
    store, titles = engine.store(), names_of(runs)
    losses, accuracies = [], []
    for run in runs:
        name = titles[run.id]
        records = store.records(run.id, max_points=points_per_line(len(runs)))
        tests = store.evaluations(run.id)
        losses.append(Line(name, records.step, records.loss, run.config.mixer))
        accuracies.append(Line(name, tests.step, 100 * tests.accuracy, run.config.mixer))
    left, right = st.columns(2, gap="medium")
    with left:
        live_lines(
            losses,
            title="Training loss",
            x_label="step",
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
            x_label="step",
            y_label="% right of sequences never trained on",
            y_range=(0, 100),
            key="accuracy",
            empty="The first test is on its way.",
        )


def names_of(runs: list[Run]) -> dict[str, str]:
    """A name for each run by its id: its mixer, and its id where two share a mixer."""
    mixers = [run.config.mixer for run in runs]
    titles = mixer_titles()
    return {
        run.id: titles[run.config.mixer]
        + (f" · {run.id[:4]}" if mixers.count(run.config.mixer) > 1 else "")
        for run in runs
    }
