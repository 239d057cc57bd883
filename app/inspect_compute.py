"""The cached border between the Inspect panels and the core."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import history
from app.inspect_choice import Looked
from app.quantities import numeral
from paramixer_core.analysis.entries import colour_limit
from paramixer_core.analysis.lens import Lens, signed_summary, through_lens
from paramixer_core.averages import MatrixKind, examples_of_class, max_examples, mean_matrix
from paramixer_core.inspection import Example, inputs_of
from paramixer_core.occlusion import occlude, rank_correlation, read_weight
from paramixer_core.runs.run import Run

FILM_STEPS = 16
FILM_ENTRIES = 2**16
"""Steps, and entries of each, that the colour scale of a film is fitted to at most."""


@dataclass(frozen=True)
class Signs:
    """A matrix through a lens and how its signs share it; row sums in ascending order."""

    shown: NDArray[np.float32]
    negative_entries: float
    negative_mass: float
    row_sums: NDArray[np.float64]
    absolute_row_sums: NDArray[np.float64]
    share: NDArray[np.float64]


def matrix_of(run: Run, step: int, example: Example, block: int, kind: str) -> NDArray[np.float32]:
    """One block's matrix of a test example, at the nearest snapshot that the run has."""
    steps = history.steps_with(run, example)
    nearest = min(steps, key=lambda other: abs(other - step))
    block = min(block, run.config.blocks - 1)
    found: NDArray[np.float32] = history.views(run.id, nearest, example).blocks[block][kind]
    return found


@st.cache_data(max_entries=64, show_spinner="Fitting one colour scale to all steps")
def film_limit(run_id: str, example: Example, block: int, kind: str) -> float:
    """Where colours end that mean the same at every step; of a long film every k-th step counts."""
    run = history.shelf(run_id).run(run_id)
    steps = history.steps_with(run, example)
    some = steps[:: -(-len(steps) // FILM_STEPS)]
    dice = np.random.default_rng(0)
    parts = []
    for step in some if some[-1] == steps[-1] else [*some, steps[-1]]:
        entries = matrix_of(run, step, example, block, kind).reshape(-1)
        if len(entries) > FILM_ENTRIES:
            entries = entries[dice.integers(len(entries), size=FILM_ENTRIES)]
        parts.append(entries[None])
    return colour_limit(*parts)


def limit_of(looked: Looked, run: Run, matrix: NDArray[np.float32]) -> tuple[float, str]:
    """Where the colours of a run's matrix end, and a sentence that says so."""
    if looked.one_scale and len(history.steps_with(run, looked.example)) > 1:
        block = min(looked.block, run.config.blocks - 1)
        limit = film_limit(run.id, looked.example, block, looked.kind)
        return limit, (
            f"The colours end at {numeral(limit)} at every step, which 99 % of the entries of all "
            "steps stay below."
        )
    limit = colour_limit(matrix)
    return limit, (
        f"The colours end at {numeral(limit)}, fitted to this step: 99 % of its entries stay below."
    )


def signs(run: Run, step: int, looked: Looked, lens: Lens) -> Signs:
    """The run's matrix through the lens."""
    matrix = matrix_of(run, step, looked.example, looked.block, looked.kind)
    summary = signed_summary(matrix)
    return Signs(
        through_lens(matrix, lens),
        summary.negative_entries,
        summary.negative_mass,
        np.sort(summary.row_sums),
        np.sort(summary.absolute_row_sums),
        np.linspace(0, 100, len(matrix)),
    )


@st.cache_data(max_entries=16, show_spinner="Mixing all these examples")
def mean(
    run_id: str, step: int, label: int | None, count: int, block: int, kind: str
) -> tuple[NDArray[np.float64], int]:
    """The mean matrix over the first `count` test examples (of a class), and of how many."""
    shelf = history.shelf(run_id)
    config = shelf.run(run_id).config
    count = min(count, max_examples(config))
    chosen = list(range(count)) if label is None else examples_of_class(config, label, count)
    matrix = mean_matrix(config, shelf.state(run_id, step), chosen, block, MatrixKind(kind))
    return matrix, len(chosen)


def most_examples(run: Run) -> int:
    """How many examples a mean may take."""
    return max_examples(run.config)


@dataclass(frozen=True)
class Masked:
    """Effect of masking each token, how strongly each is read, and how the two rank alike."""

    effects: NDArray[np.float64]
    weights: NDArray[np.float64]
    correlation: float


@st.cache_data(max_entries=16, show_spinner="Masking every token in turn")
def masked(run_id: str, step: int, example: Example, block: int, kind: str) -> Masked:
    """Occlusion of a test example beside its mixing weights."""
    shelf = history.shelf(run_id)
    config = shelf.run(run_id).config
    inputs = inputs_of(config, example)[0]
    effects = occlude(config, shelf.state(run_id, step), inputs).effects
    weights = read_weight(history.views(run_id, step, example).blocks[block][kind])
    weights = weights[-config.seq_len :]  # all but a class token, which is not masked
    return Masked(effects, weights, rank_correlation(effects, weights))


def has_weights(run: Run, step: int) -> bool:
    """Whether the network itself can run at this snapshot, not its probe alone."""
    gallery = history.gallery()
    return not gallery.holds(run.id) or gallery.has_state(run.id, step)
