"""Accuracy against rank over the stored runs, without more claim than they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import controls, history, ranks, say
from app.figures.ranks import Points, points_figure
from app.navigation import link_to
from app.prose import ASSETS
from app.quantities import fixed
from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName
from paramixer_core.analysis.rank_sweep import Association, association
from paramixer_core.config import RunConfig
from paramixer_core.rank_race import RankedRun, read_race
from paramixer_core.runs.run import Run
from paramixer_core.tasks import TASKS

FIGURES = {"effective_rank": "effective rank", "stable_rank": "stable rank"}
SHOWN = {MatrixKind.OPERATOR: "with the residual", MatrixKind.PRODUCT: "bare mixing matrix"}
LONGEST = 512
SHIPPED = "shipped"
RACE = ASSETS / "rank" / "race.json"
SURE = 0.05


@dataclass(frozen=True)
class Reached:
    """A run with its accuracy on the test set and the rank of its last block's matrix."""

    mixer: str
    channels: int
    seed: int
    step: int
    rank: float
    accuracy: float

    @property
    def note(self) -> str:
        """Which run it is."""
        name = ranks.short_title(self.mixer)
        return f"{name}, D = {self.channels}, seed {self.seed}, step {self.step:,}"


def draw() -> None:
    """The whole part."""
    groups: dict[str, list[Run]] = {}
    for run in history.runs_with_snapshots():
        if run.config.seq_len <= LONGEST:
            groups.setdefault(say.task(run), []).append(run)
    base, _ = shipped()
    task = f"{TASKS[base.task].title}, N = {base.seq_len}"
    titles = {SHIPPED: f"{task}: a race that ships with the lab"}
    titles |= {name: f"{name}: runs of this server and the gallery" for name in groups}
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        name = controls.choice("Runs on", "among", list(titles), default=SHIPPED, titles=titles)
        kind = controls.choice(
            "Matrix", "of", list(SHOWN), default=MatrixKind.OPERATOR, titles=SHOWN
        )
        figure = controls.choice(
            "Rank", "rank", list(FIGURES), default="effective_rank", titles=FIGURES
        )
    if name == SHIPPED:
        found = shipped_reached(kind, figure)
    else:
        found = [reached for run in groups[name] if (reached := reached_by(run, kind, figure))]
    with view:
        st.plotly_chart(
            points_figure(
                points(found),
                x_label=f"{FIGURES[figure]} of the last block's matrix, {SHOWN[kind]}",
                y_label="accuracy on the test set",
                title=f"{task if name == SHIPPED else name}: accuracy against rank",
                dark=controls.dark_theme(),
            ),
            key="decide",
            config={"displayModeBar": False},
        )
        st.caption("One point a run; the wider the network (channels D), the larger the point.")
        st.markdown(verdict(found))
        with st.expander("The numbers"):
            st.dataframe(rows(found, FIGURES[figure]), hide_index=True)
        st.markdown(
            "Add points of your own: on the Train page start a race with several **seeds**, then "
            "again with other **channels**; choose its task and N on the left."
        )
        link_to("train.py")


@st.cache_data(max_entries=1)
def shipped() -> tuple[RunConfig, list[RankedRun]]:
    """The race that ships: mixers, widths and seeds on one task."""
    return read_race(RACE)


def shipped_reached(kind: MatrixKind, figure: str) -> list[Reached]:
    """The runs of the race that ships."""
    return [
        Reached(
            run.mixer,
            run.channels,
            run.seed,
            run.steps,
            getattr(run, figure)[kind.value],
            run.accuracy,
        )
        for run in shipped()[1]
    ]


def reached_by(run: Run, kind: MatrixKind, figure: str) -> Reached | None:
    """What a run reached; None without an evaluation, or if it diverged."""
    where = history.shelf(run.id)
    accuracies = where.evaluations(run.id).accuracy
    if not len(accuracies):
        return None
    step = where.snapshots(run.id)[-1].step
    report = ranks.run_rank(run.id, step, run.config.blocks - 1, MatrixName(kind)).report
    if report is None:
        return None
    return Reached(
        run.config.mixer,
        run.config.channels,
        run.config.seed,
        step,
        float(getattr(report, figure)),
        float(accuracies[-1]),
    )


def points(found: Sequence[Reached]) -> list[Points]:
    """The runs, a kind of points per mixer."""
    by_mixer: dict[str, list[Reached]] = {}
    for reached in found:
        by_mixer.setdefault(reached.mixer, []).append(reached)
    return [
        Points(
            ranks.short_title(mixer),
            np.array([one.rank for one in group]),
            np.array([one.accuracy for one in group]),
            [one.note for one in group],
            mixer,
            np.array([one.channels for one in group]),
        )
        for mixer, group in by_mixer.items()
    ]


def verdict(found: Sequence[Reached]) -> str:
    """What these runs do and do not say."""
    mixers = {one.mixer for one in found}
    text = f"**{len(found)} runs of {len(mixers)} mixers.** "
    overall = associated(found)
    if overall.correlation is None:
        return text + (
            "That is too few to say anything: with fewer than five points, or all equal, any "
            "pattern may be chance."
        )
    lines = [sentence("Over all of them", overall)]
    for mixer in sorted(mixers):
        within = associated([one for one in found if one.mixer == mixer])
        if within.correlation is not None:
            lines.append(sentence(f"Within {ranks.short_title(mixer)}", within))
    text += "".join(f"\n- {line}" for line in lines) + "\n\n"
    if len(mixers) > 1:
        text += "Mixers differ in far more than rank. "
    if len({one.channels for one in found}) > 1:
        text += "Width moves both: wider networks answer better **and** mix with another rank. "
    return text + "A correlation here says nothing about rank as the **cause**."


def associated(found: Sequence[Reached]) -> Association:
    """How rank and accuracy go together."""
    return association(
        np.array([one.rank for one in found]), np.array([one.accuracy for one in found])
    )


def sentence(where: str, found: Association) -> str:
    """A correlation in words."""
    if found.correlation is None or found.chance is None:
        return ""
    correlation = fixed(found.correlation, 2, sign=True)
    text = f"{where} ({found.count}) Spearman's correlation is **{correlation}**"
    if found.chance > SURE:
        return text + f", which random pairings reach in {found.chance:.0%} of cases: no evidence."
    chance = f"in {found.chance:.1%}" if found.chance >= 0.001 else "in under 0.1%"
    return text + f", which random pairings reach {chance} of cases."


def rows(found: Sequence[Reached], figure: str) -> list[dict[str, object]]:
    """The runs for people."""
    return [
        {
            "Mixer": ranks.short_title(one.mixer),
            "Channels D": one.channels,
            "Seed": one.seed,
            "Step": one.step,
            figure.capitalize(): one.rank,
            "Accuracy": one.accuracy,
        }
        for one in found
    ]
