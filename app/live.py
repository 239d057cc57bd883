"""Runs while they train: the buttons that steer them, figures and curves."""

from collections.abc import Callable

import streamlit as st

from app import controls, engine, live_feed
from app.components import runs_view
from app.guarded import fragment, said
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


@fragment
def watch(runs: list[Run]) -> None:
    """Show runs and go on showing them for as long as the browser looks.

    The browser fetches figures and curves for itself; this part of the page runs again only when
    a run's state has changed, and with it what the buttons may do.
    """
    if engine.changed(runs):
        st.rerun()
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
    now = engine.executor().statuses([run.id for run in runs])
    buttons(now)
    troubles()
    runs_view(live_feed.message_of(watched, now), key="runs-live")
    if any(run.state.active for run in runs) != any(run.state.active for run in now):
        st.rerun()


def troubles() -> None:
    """Say what is wrong with the server, if anything is."""
    for sentence in engine.executor().troubles():
        st.warning(sentence, icon=":material/warning:")


def buttons(drawn: list[Run]) -> None:
    """Pause, continue, single step, stop, reset, remove: for all runs of the shown races."""
    executor = engine.executor()
    shown = engine.mine(drawn)
    runs = engine.mine(engine.whole_races(shown))
    training = ids_in(runs, RunState.QUEUED, RunState.RUNNING)
    held = ids_in(runs, RunState.PAUSED)
    left = ids_in(runs, RunState.STOPPED, RunState.INTERRUPTED)
    again = (
        "Back to the same initial weights (a fork: to its snapshot), held there: press Continue."
    )
    with st.container(horizontal=True, gap="small"):
        button("Pause", "pause", executor.pause, training)
        button("Continue", "play_arrow", executor.resume, held + left)
        button("One step", "skip_next", each(executor.single_step), ids_in(shown, RunState.PAUSED))
        button("Stop", "stop", executor.stop, training + held)
        icon = ":material/replay:"
        if st.button("Reset", icon=icon, key="reset", help=again, disabled=not shown):
            engine.reset(shown)
            st.rerun()  # the whole page: what is watched are other runs from now on
        if runs:
            removal(runs)
    if len(runs) > len(shown):
        some = f"{len(shown):,} of {len(runs):,} runs of this race are drawn"
        st.caption(f"{some}; the buttons act on all of them.")
    if len(shown) < len(drawn):
        others = len(drawn) - len(shown)
        st.caption(WATCHED_IN_PART.format(others, len(drawn)) if shown else WATCHED)


def removal(runs: list[Run]) -> None:
    """A button that removes runs; it asks first if something of them has been trained, which may
    be so from the moment that one has begun.
    """
    many = "this run" if len(runs) == 1 else f"all {len(runs):,} runs"
    trained = sum(run.started is not None for run in runs)
    icon = ":material/delete:"
    if not trained:
        st.button("Remove", icon=icon, key="remove", on_click=said(engine.remove), args=(runs,))
        return
    with st.popover("Remove", icon=icon, key="remove-asked"):
        begun = "It" if len(runs) == 1 else f"{trained:,} of them"
        st.markdown(
            f"Remove {many} with curves and snapshots? {begun} "
            f"{'has' if trained == 1 else 'have'} begun to train. **This is final.**"
        )
        st.button(
            "Remove for good",
            type="primary",
            key="remove",
            on_click=said(engine.remove),
            args=(runs,),
        )


def ids_in(runs: list[Run], *states: RunState) -> list[str]:
    """The ids of the runs that are in one of these states."""
    return [run.id for run in runs if run.state in states]


def each(act: Callable[[str], None]) -> Callable[..., None]:
    """An action on one run as one on several."""

    def act_on_all(*run_ids: str) -> None:
        for run_id in run_ids:
            act(run_id)

    return act_on_all


def button(label: str, icon: str, act: Callable[..., None], ids: list[str]) -> None:
    """A button that acts on all of these runs together; without any it is disabled."""
    key = label.lower().replace(" ", "-")
    st.button(
        label,
        icon=f":material/{icon}:",
        key=key,
        disabled=not ids,
        on_click=said(act),
        args=tuple(ids),
    )
