"""Accuracy against rank over the stored runs, without more claim than they hold."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from app import controls, history, ranks, say
from app.figures.ranks import Points, points_figure
from app.navigation import link_to
from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName
from paramixer_core.analysis.rank_sweep import Association, association
from paramixer_core.runs.run import Run

FIGURES = {"effective_rank": "effective rank", "stable_rank": "stable rank"}
SHOWN = {MatrixKind.OPERATOR: "with the residual", MatrixKind.PRODUCT: "bare mixing matrix"}
LONGEST = 512
SURE = 0.05


@dataclass(frozen=True)
class Reached:
    """A run with its accuracy on the test set and the rank of its last block's matrix."""

    run: Run
    rank: float
    accuracy: float


def draw() -> None:
    """The whole part."""
    runs = [run for run in history.runs_with_snapshots() if run.config.seq_len <= LONGEST]
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(say.task(run), []).append(run)
    settings, view = st.columns([1, 3], gap="large")
    with settings:
        largest = max(groups, key=lambda name: len(groups[name]))
        name = controls.choice("Runs on", "among", list(groups), default=largest)
        kind = controls.choice(
            "Matrix", "of", list(SHOWN), default=MatrixKind.OPERATOR, titles=SHOWN
        )
        figure = controls.choice(
            "Rank", "rank", list(FIGURES), default="effective_rank", titles=FIGURES
        )
    found = [reached for run in groups[name] if (reached := reached_by(run, kind, figure))]
    with view:
        st.plotly_chart(
            points_figure(
                points(found),
                x_label=f"{FIGURES[figure]} of the last block's matrix, {SHOWN[kind]}",
                y_label="accuracy on the test set",
                title=f"{name}: accuracy against rank, one point a run",
                dark=controls.dark_theme(),
            ),
            key="decide",
            config={"displayModeBar": False},
        )
        st.markdown(verdict(found))
        with st.expander("The numbers"):
            st.dataframe(rows(found, FIGURES[figure]), hide_index=True)
        st.markdown(
            "More points say more: on the Train page start a race with several **seeds**, then "
            "again with other **channels**; every run appears here."
        )
        link_to("train.py")


def reached_by(run: Run, kind: MatrixKind, figure: str) -> Reached | None:
    """What a run reached; None without an evaluation."""
    where = history.shelf(run.id)
    accuracies = where.evaluations(run.id).accuracy
    if not len(accuracies):
        return None
    step = where.snapshots(run.id)[-1].step
    report = last_rank(run.id, step, kind)
    return Reached(run, float(getattr(report, figure)), float(accuracies[-1]))


def last_rank(run_id: str, step: int, kind: MatrixKind) -> object:
    """Rank of the last block's matrix for the first test example."""
    blocks = history.shelf(run_id).run(run_id).config.blocks
    return ranks.run_rank(run_id, step, blocks - 1, MatrixName(kind))


def points(found: Sequence[Reached]) -> list[Points]:
    """The runs, a kind of points per mixer."""
    by_mixer: dict[str, list[Reached]] = {}
    for reached in found:
        by_mixer.setdefault(reached.run.config.mixer, []).append(reached)
    return [
        Points(
            ranks.short_title(mixer),
            np.array([one.rank for one in group]),
            np.array([one.accuracy for one in group]),
            [note(one.run) for one in group],
            mixer,
        )
        for mixer, group in by_mixer.items()
    ]


def note(run: Run) -> str:
    """Which run it is."""
    config = run.config
    return (
        f"{ranks.short_title(config.mixer)}, D = {config.channels}, seed {config.seed}, "
        f"step {run.step:,}"
    )


def verdict(found: Sequence[Reached]) -> str:
    """What these runs do and do not say."""
    mixers = {one.run.config.mixer for one in found}
    text = f"**{len(found)} runs of {len(mixers)} mixers.** "
    overall = associated(found)
    if overall.correlation is None:
        return text + (
            "That is too few to say anything: with fewer than five points, or all equal, any "
            "pattern may be chance."
        )
    text += sentence("Over all of them", overall)
    for mixer in sorted(mixers):
        within = associated([one for one in found if one.run.config.mixer == mixer])
        if within.correlation is not None:
            text += " " + sentence(f"Within {ranks.short_title(mixer)}", within)
    if len(mixers) > 1:
        text += (
            " Mixers differ in far more than rank, so a difference between them says nothing about "
            "rank as the cause."
        )
    return text


def associated(found: Sequence[Reached]) -> Association:
    """How rank and accuracy go together."""
    return association(
        np.array([one.rank for one in found]), np.array([one.accuracy for one in found])
    )


def sentence(where: str, found: Association) -> str:
    """A correlation in words."""
    if found.correlation is None or found.chance is None:
        return ""
    text = f"{where} ({found.count}) Spearman's correlation is **{found.correlation:+.2f}**"
    if found.chance > SURE:
        return text + f", which random pairings reach in {found.chance:.0%}: no evidence."
    return text + f", which random pairings reach in {found.chance:.1%}."


def rows(found: Sequence[Reached], figure: str) -> list[dict[str, object]]:
    """The runs for people."""
    return [
        {
            "Run": note(one.run),
            figure.capitalize(): one.rank,
            "Accuracy": one.accuracy,
            "Parameters": one.run.parameters,
        }
        for one in found
    ]
