"""Runs while they train: figures, curves and the buttons that steer them."""

from collections.abc import Callable
from dataclasses import dataclass

import streamlit as st

from app import controls, engine, say
from app.components import Line, live_lines, points_per_line
from app.names import mixer_titles
from paramixer_core.runs.race_curves import RaceAxis, RaceQuantity, bands_of
from paramixer_core.runs.races import Spread, spread
from paramixer_core.runs.run import Run, RunState

TICK_SECONDS = 0.5
SHARED_SECONDS = 0.35
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
    ids = tuple(run.id for run in runs)
    axis = controls.choice(
        "Compare over", "over", list(RaceAxis), default=RaceAxis.STEPS, titles=AXES, row=True
    )

    def tick() -> None:
        now = present(ids, axis)
        buttons([run for group in now.groups.values() for run in group])
        cards(now)
        curves(now, axis)
        if ticking != now.active:
            st.rerun()

    st.fragment(tick, run_every=TICK_SECONDS if ticking else None, key="watch")()


@dataclass(frozen=True)
class Present:
    """What a tick shows: the runs as they are, their accuracies and curves."""

    groups: Groups
    accuracies: dict[str, Spread | None]
    loss: list[Line]
    accuracy: list[Line]

    @property
    def active(self) -> bool:
        """Whether any of the runs can still change."""
        return any(run.state.active for group in self.groups.values() for run in group)


@st.cache_data(ttl=SHARED_SECONDS, max_entries=64, show_spinner=False)
def present(ids: tuple[str, ...], axis: RaceAxis) -> Present:
    """Read the store once for all browsers that watch the same runs at about the same time."""
    store = engine.store()
    groups = grouped([engine.executor().status(run_id) for run_id in ids])
    accuracies = {}
    for name, runs in groups.items():
        newest = [store.evaluations(run.id).accuracy[-1:] for run in runs]
        accuracies[name] = spread([float(last[0]) for last in newest if len(last)])
    return Present(
        groups,
        accuracies,
        lines(groups, RaceQuantity.LOSS, axis),
        lines(groups, RaceQuantity.TEST_ACCURACY, axis),
    )


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
            on_click=engine.reset,
            args=(runs,),
        )


def ids_in(runs: list[Run], *states: RunState) -> list[str]:
    """The ids of the runs that are in one of these states."""
    return [run.id for run in runs if run.state in states]


def button(label: str, icon: str, act: Callable[[str], None], ids: list[str]) -> None:
    """A button that acts on every one of these runs; without any it is disabled."""

    def act_on_all() -> None:
        for run_id in ids:
            act(run_id)
        present.clear()

    key = label.lower().replace(" ", "-")
    st.button(label, icon=f":material/{icon}:", key=key, disabled=not ids, on_click=act_on_all)


def cards(now: Present) -> None:
    """The present figures of every group."""
    columns = st.columns(min(CARDS_A_ROW, len(now.groups)))
    for place, (name, runs) in enumerate(now.groups.items()):
        shown = max(runs, key=lambda run: (run.state.active, -run.step))
        with (
            columns[place % CARDS_A_ROW],
            st.container(border=True, key=f"figures-{shown.config.mixer}-{runs[0].id}"),
        ):
            st.markdown(f"**{name}** · {say.states(runs)}")
            st.progress(shown.progress, text=f"step {shown.step:,} of {shown.config.steps:,}")
            with st.container(horizontal=True, gap="medium"):
                st.metric("Test accuracy", say.share(now.accuracies[name]), width="content")
                st.metric("Steps/s", say.rate(shown.steps_per_second), width="content")
                st.metric("Left", say.duration(shown.eta), width="content")
            st.caption(say.setting(runs))


def curves(now: Present, axis: RaceAxis) -> None:
    """Training loss and test accuracy, one line a group, with a band where it has many seeds."""
    left, right = st.columns(2, gap="medium")
    with left:
        live_lines(
            now.loss,
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
            now.accuracy,
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
