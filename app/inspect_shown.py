"""The matrices that the Inspect page shows side by side at a step, ready to draw or to save."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app import history, inspect_compute, tokens
from app.components import Cell, TokenForm
from app.components.tokens import Lines
from app.history import Views
from app.inspect_choice import Looked
from app.names import run_title
from paramixer_core.config import WIRING, Residual
from paramixer_core.protocols import Protocol
from paramixer_core.runs.run import Run

GROUP = "inspect"
ROWS_SUM_TO_ONE = (
    *("attention", "plain_attention", "performer", "reformer", "linear_attention"),
    "local_window",
)
"""Mixers that divide each row by its sum; those of Linformer and Nystromformer do not sum to 1."""
EXACT_SIDE = 256
"""Up to this N every number is in the browser; above, rows and columns are sent on demand."""


@dataclass(frozen=True)
class ShownMatrix:
    """One mixing matrix with its key, title, the end of its colours and what they mean."""

    key: str
    title: str
    matrix: NDArray[np.floating]
    limit: float
    caption: str


@dataclass(frozen=True)
class Shown:
    """An example at a step: its tokens, what the network did with it, its matrices."""

    form: TokenForm
    seen: Views
    matrices: list[ShownMatrix]

    @property
    def sources(self) -> dict[str, str]:
        """Titles of the matrices by key."""
        return {one.key: one.title for one in self.matrices}

    def lines(self, cell: Cell) -> Lines:
        """Exact rows and columns of the cell, where the browser needs them."""
        if len(self.matrices[0].matrix) <= EXACT_SIDE:
            return {}
        return {
            one.key: (one.matrix[cell.row], one.matrix[:, cell.column]) for one in self.matrices
        }


def shown_at(looked: Looked, step: int) -> Shown:
    """The run's matrix and, at its nearest snapshot, the rival's."""
    seen = history.views(looked.run.id, step, looked.example)
    matrix = seen.blocks[looked.block][looked.kind]
    found = [described("mixing", looked.title, matrix, looked, looked.run)]
    if looked.rival is not None:
        rival = looked.rival
        steps = history.steps_with(rival, looked.example)
        nearest = min(steps, key=lambda other: abs(other - step))
        blocks = history.views(rival.id, nearest, looked.example).blocks
        title = run_title(rival)
        if title == looked.title:
            title += f" · {rival.id}"
        if nearest != step:
            title += f" (step {nearest:,})"
        block = min(looked.block, rival.config.blocks - 1)
        matrix = blocks[block][looked.kind]
        found.append(described("beside", title, matrix, looked, rival))
    return Shown(tokens.mixed_form(looked.run.config, seen.inputs), seen, found)


def described(
    key: str, title: str, matrix: NDArray[np.float32], looked: Looked, run: Run
) -> ShownMatrix:
    """The matrix with what its colours say."""
    limit, legend = inspect_compute.limit_of(looked, run, matrix)
    if matrix.min() < 0:
        base = "Row i: what output token i reads. Orange adds the input token, purple subtracts it."
    elif looked.kind == "product":
        base = "Row i: what output token i reads. No weight is negative"
        base += ", each row sums to one." if run.config.mixer in ROWS_SUM_TO_ONE else "."
    else:
        base = "Row i: what output token i reads. No weight is negative"
        base += ", each row sums to one" if run.config.mixer in ROWS_SUM_TO_ONE else ""
        base += "." if unmoved(run) else ", and the diagonal also holds the residual's 1."
    return ShownMatrix(key, title, matrix, limit, f"{base} {legend}")


def unmoved(run: Run) -> bool:
    """Whether the block adds no residual, so that its operator is the bare product."""
    sparse = run.config.mixer in (*Protocol, WIRING)
    return sparse and run.config.residual is Residual.NONE
