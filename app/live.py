"""Runs while they train: the buttons that steer them, figures and curves."""

from collections.abc import Callable

import streamlit as st

from app import controls, engine, live_feed
from app.components import runs_view
from app.live_feed import Watched
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity
from paramixer_core.runs.run import Run, RunState

OVER = {
    RaceAxis.STEPS: "steps",
    RaceAxis.SECONDS: "seconds",
    RaceAxis.MULTIPLY_ADDS: "multiply-adds",
}
DRAWN = {
    RaceQuantity.LOSS: "loss",
    RaceQuantity.ACCURACY: "accuracy",
    RaceQuantity.GRAD_NORM: "gradient norm",
}

WATCHED = (
    "Somebody else started these runs: you may watch them, look at them and fork them, and start "
    "your own."
)
WATCHED_IN_PART = "{} of these {} runs are somebody else's: the buttons act on yours."


@st.fragment
def watch(runs: list[Run]) -> None:
    """Show runs and go on showing them for as long as the browser looks.

    The browser fetches figures and curves for itself; this part of the page runs again only when
    a run's state has changed, and with it what the buttons may do.
    """
    with st.container(horizontal=True, gap="medium"):
        over = controls.choice(
            "Compare over", "over", list(OVER), default=RaceAxis.STEPS, titles=OVER, row=True
        )
        curve = controls.choice(
            "Beside the test",
            "curve",
            list(DRAWN),
            default=RaceQuantity.LOSS,
            titles=DRAWN,
            row=True,
        )
    watched = Watched(tuple(run.id for run in runs), over, curve)
    now = [engine.executor().status(run.id) for run in runs]
    buttons(now)
    runs_view(live_feed.message_of(watched, now), key="runs-live")
    if any(run.state.active for run in runs) != any(run.state.active for run in now):
        st.rerun()


def buttons(runs: list[Run]) -> None:
    """Pause, continue, single step, stop, reset: they act on all shown runs together."""
    executor = engine.executor()
    shown, runs = len(runs), engine.mine(runs)
    training = ids_in(runs, RunState.QUEUED, RunState.RUNNING)
    held = ids_in(runs, RunState.PAUSED)
    left = ids_in(runs, RunState.STOPPED, RunState.INTERRUPTED)
    again = "Back to the same initial weights, held at step 0: press Continue."
    with st.container(horizontal=True, gap="small"):
        button("Pause", "pause", executor.pause, training)
        button("Continue", "play_arrow", executor.resume, held + left)
        button("One step", "skip_next", executor.single_step, held)
        button("Stop", "stop", executor.stop, training + held)
        st.button(
            "Reset",
            icon=":material/replay:",
            key="reset",
            help=again,
            disabled=not runs,
            on_click=engine.reset,
            args=(runs,),
        )
    if len(runs) < shown:
        st.caption(WATCHED if not runs else WATCHED_IN_PART.format(shown - len(runs), shown))


def ids_in(runs: list[Run], *states: RunState) -> list[str]:
    """The ids of the runs that are in one of these states."""
    return [run.id for run in runs if run.state in states]


def button(label: str, icon: str, act: Callable[[str], None], ids: list[str]) -> None:
    """A button that acts on every one of these runs; without any it is disabled."""

    def act_on_all() -> None:
        for run_id in ids:
            act(run_id)

    key = label.lower().replace(" ", "-")
    st.button(label, icon=f":material/{icon}:", key=key, disabled=not ids, on_click=act_on_all)
