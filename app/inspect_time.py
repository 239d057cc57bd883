"""Loss, spectrum and ranks at the scrubbed step."""

import streamlit as st

from app import history, inspect_ranks
from app.components import Cell, Line, live_lines, points_per_line
from app.inspect_choice import Looked
from paramixer_core.runs.run import Run

SMOOTHING = 0.9


def draw(looked: Looked, step: int, _cell: Cell) -> None:
    """Loss curve with the step marked, spectrum and rank figures of the shown matrix."""
    loss, spectrum, ranks = st.columns(3, gap="medium")
    with loss:
        loss_curve(looked, step)
    with spectrum:
        spectrum_curve(looked, step)
    with ranks:
        if len(history.steps_with(looked.run, looked.example)) > 1:
            rank_curves(looked, step)


def without_loss(run: Run) -> str:
    """Why a run has no loss to draw: a file of weights has no training, others have not begun."""
    if run.imported:
        return "These weights came without their training: there is no loss to draw."
    return f"No step has been made since step {run.step:,}: there is no loss to draw yet."


def loss_curve(looked: Looked, step: int) -> None:
    """Training and test loss over the steps."""
    shelf = history.shelf(looked.run.id)
    records = shelf.records(looked.run.id, max_points=points_per_line(2))
    if not len(records):
        st.caption(without_loss(looked.run))
        return
    tests = shelf.evaluations(looked.run.id)
    live_lines(
        [
            Line("training", records.step, records.loss, looked.run.config.mixer),
            Line("test", tests.step, tests.loss, "neutral"),
        ],
        title="Loss",
        x_label="training step (log scale)",
        y_label="loss (log scale)",
        log_x=True,
        log_y=True,
        smoothing=SMOOTHING,
        mark=float(step),
        height=220,
        key="film_loss",
        caption="The line marks the step that all views show.",
    )


def spectrum_curve(looked: Looked, step: int) -> None:
    """Singular values of the shown matrix, with those before training."""
    report = inspect_ranks.rank_at(looked.run.id, step, looked.example, looked.block, looked.kind)
    lines = [Line("now", report.index, report.relative, looked.run.config.mixer)]
    steps = history.steps_with(looked.run, looked.example)
    if step != steps[0]:
        first = inspect_ranks.rank_at(
            looked.run.id, steps[0], looked.example, looked.block, looked.kind
        )
        lines.append(Line(f"step {steps[0]}", first.index, first.relative, "neutral"))
    live_lines(
        lines,
        title="Spectrum of the shown matrix",
        x_label="index of the singular value",
        y_label="over the largest (log scale)",
        log_y=True,
        height=220,
        key="film_spectrum",
        caption=f"Numerical rank {report.numerical_rank} of {looked.seq_len}, effective "
        f"{report.effective_rank:.4g}, stable {report.stable_rank:.4g}.",
    )


def rank_curves(looked: Looked, step: int) -> None:
    """Effective and stable rank at every snapshot."""
    steps = history.steps_with(looked.run, looked.example)
    curves = inspect_ranks.ranks_over(looked.run.id, looked.example, looked.block, looked.kind)
    live_lines(
        [
            Line("effective rank", curves.steps, curves.effective, looked.run.config.mixer),
            Line("stable rank", curves.steps, curves.stable, "neutral"),
        ],
        title="Rank at every snapshot",
        x_label="training step (log scale)",
        y_label="rank",
        log_x=True,
        mark=float(step),
        height=220,
        key="film_ranks",
        caption=f"Of {len(steps)} snapshots; N = {looked.seq_len}.",
    )
