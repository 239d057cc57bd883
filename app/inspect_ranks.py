"""Spectra and ranks of the matrices that the Inspect page shows, at one or at all snapshots."""

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import history
from paramixer_core.analysis.rank import rank_report, spectrum_report
from paramixer_core.inspection import Example


@dataclass(frozen=True)
class Rank:
    """Spectrum over its largest value, against the index from 1, and its rank figures."""

    index: NDArray[np.int64]
    relative: NDArray[np.float64]
    numerical_rank: int
    effective_rank: float
    stable_rank: float
    condition_number: float


@st.cache_data(max_entries=256, show_spinner=False)
def rank_at(run_id: str, step: int, example: Example, block: int, kind: str) -> Rank:
    """Rank of a block's operator or product: from the stored spectrum where there is one."""
    name = f"block.{block}.spectrum.{kind}"
    stored = history.shelf(run_id).probe(run_id, step, [name]) if example == 0 else {}
    if name in stored:
        size = len(stored[name])
        report = spectrum_report(stored[name], (size, size), dtype="float32")
    else:
        report = rank_report(history.views(run_id, step, example).blocks[block][kind])
    return Rank(
        np.arange(1, len(report.relative) + 1),
        report.relative,
        report.numerical_rank,
        report.effective_rank,
        report.stable_rank,
        report.condition_number,
    )


@dataclass(frozen=True)
class RankCurves:
    """Ranks of one matrix at every snapshot."""

    steps: NDArray[np.int64]
    effective: NDArray[np.float64]
    stable: NDArray[np.float64]


@st.cache_data(max_entries=64, show_spinner=False)
def ranks_over(run_id: str, example: Example, block: int, kind: str) -> RankCurves:
    """Effective and stable rank at the snapshots that hold the example."""
    steps = history.steps_with(history.shelf(run_id).run(run_id), example)
    ranks = [rank_at(run_id, step, example, block, kind) for step in steps]
    return RankCurves(
        np.array(steps),
        np.array([rank.effective_rank for rank in ranks]),
        np.array([rank.stable_rank for rank in ranks]),
    )
