"""The Rank page: its parts, its shared settings, and what the core measures, cached."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, history
from app.names import mixer_titles
from app.theme import in_a_row
from paramixer_core.analysis.block_matrices import (
    Attempt,
    MatrixKind,
    MatrixName,
    attempt,
    matrix_names,
    rank_bound,
)
from paramixer_core.analysis.rank import RankReport, spectrum_report
from paramixer_core.config import Residual, RunConfig
from paramixer_core.inspection import compacts_of
from paramixer_core.protocols import Protocol

PARTS = {
    "trained": "Trained networks",
    "fresh": "Before training",
    "singular": "When is it not full-rank?",
    "decide": "Does rank decide?",
    "predict": "Predict",
}
KINDS = {
    MatrixKind.LOGITS: "logits",
    MatrixKind.HEAD: "each head's softmax",
    MatrixKind.FACTOR: "each factor",
    MatrixKind.FACTOR_RESIDUAL: "each I + factor",
    MatrixKind.PRODUCT: "bare mixing matrix",
    MatrixKind.OPERATOR: "with the residual",
}
FIRST_KINDS = (MatrixKind.LOGITS, MatrixKind.PRODUCT, MatrixKind.OPERATOR)
RULES = {
    "float32": "N ε of float32",
    "float64": "N ε of float64",
    "own": "10⁻ᵏ, k below",
}
SPARE = (
    "positive", "negative", "selection", "nystromformer", "reformer", "performer", "chord", "cdil",
    "attention",
)  # fmt: skip
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


@dataclass(frozen=True)
class Shown:
    """One measured matrix: whose it is, its title, its ink, its report, and its bound, if any."""

    owner: str
    title: str
    meaning: str
    name: MatrixName
    report: RankReport
    bound: int | None


@dataclass(frozen=True)
class Entry:
    """A measured matrix and whose it is."""

    owner: str
    config: RunConfig
    name: MatrixName
    report: RankReport | None
    odd: int = 0


@dataclass(frozen=True)
class Lens:
    """How spectra are read: the tolerance's rule, the k of the energy, and the axis."""

    rule: str
    exponent: int
    top: int
    axis: str

    def told(self, report: RankReport) -> RankReport:
        """The same spectrum under this tolerance."""
        values, shape = report.singular_values, report.shape
        if self.rule == "own":
            tolerance = float(values[0]) * 10.0**-self.exponent
            return spectrum_report(values, shape, tolerance=tolerance, dtype=report.dtype)
        return spectrum_report(values, shape, dtype=self.rule)


def choose_part() -> str:
    """Which part of the lesson is shown."""
    return controls.choice("Parts", "sheet", list(PARTS), default="trained", titles=PARTS, row=True)


def choose_kinds(configs: Sequence[RunConfig]) -> tuple[MatrixKind, ...]:
    """Which of the matrices that these blocks have are shown."""
    there = {name.kind for config in configs for name in matrix_names(config)}
    options = [kind for kind in MatrixKind if kind in there]
    picked = controls.several(
        "Matrices",
        "mats",
        [str(kind) for kind in options],
        default=[str(kind) for kind in FIRST_KINDS if kind in there],
        titles={str(kind): KINDS[kind] for kind in options},
        tip="The bare mixing matrix is WM ... W1, or attention after its softmax. With the "
        "residual it is (I + WM) ... (I + W1), or whatever else the run's residual makes of the "
        "factors, or I + attention: what the block does.",
    )
    return tuple(MatrixKind(name) for name in picked)


def choose_lens(seq_len: int) -> Lens:
    """How the spectra are read."""
    rule = controls.choice(
        "Tolerance / largest",
        "tol",
        list(RULES),
        default="float32",
        titles=RULES,
        tip="Numerical rank counts the singular values above it. The networks compute in float32: "
        "below N ε(float32) they can't tell a singular value from zero themselves.",
    )
    exponent = 6
    if rule == "own":
        exponent = controls.slider("k", "tolk", low=1, high=16, default=6)
    top = controls.whole_number(
        "Energy in the top k", "top", low=1, high=seq_len, default=min(8, seq_len)
    )
    axis = controls.choice(
        "Draw",
        "axis",
        ("log", "linear", "energy"),
        default="log",
        titles={"log": "log", "linear": "linear", "energy": "energy"},
        row=True,
    )
    return Lens(rule, exponent, top, axis)


def short_title(mixer: str) -> str:
    """A mixer's name in a legend."""
    short = {"chord": "CHORD", "cdil": "CDIL", "attention": "Attention", "wiring": "Your wiring"}
    return short.get(mixer) or mixer_titles()[mixer]


def matrix_title(config: RunConfig, name: MatrixName) -> str:
    """A matrix by its formula."""
    place = str(name.place).translate(SUBSCRIPTS)
    sparse = config.mixer in (*Protocol, "wiring")
    head = f", head {name.place}" if config.heads > 1 else ""
    match name.kind:
        case MatrixKind.LOGITS:
            return f"logits QKᵀ/√d{head}"
        case MatrixKind.HEAD:
            return f"softmax{head}"
        case MatrixKind.FACTOR:
            return f"factor W{place}"
        case MatrixKind.FACTOR_RESIDUAL:
            return f"I + W{place}"
        case MatrixKind.PRODUCT if sparse:
            return "bare product"
        case MatrixKind.PRODUCT:
            return "mean of the heads" if config.heads > 1 else "softmax"
        case MatrixKind.OPERATOR:
            if sparse and config.residual is Residual.NONE:
                return "operator (no residual)"
            return "with residual"


def inks(entries: Sequence[Entry]) -> list[str]:
    """The operator in its mixer's ink, factors and heads in the inks of a row, everything else in
    inks that are still free, in order."""
    used = {one.config.mixer for one in entries if one.name.kind is MatrixKind.OPERATOR}
    spare = [ink for ink in SPARE if ink not in used]
    found, handed, owned = [], 0, set[str]()
    rows = [(one.owner, one.name.kind) for one in entries]
    groups = [row for row in dict.fromkeys(rows) if rows.count(row) > 1]
    for one, row in zip(entries, rows, strict=True):
        mixer = one.config.mixer
        if row in groups:
            found.append(in_a_row(one.name.place, groups.index(row)))
        elif one.name.kind is MatrixKind.OPERATOR and mixer not in owned:
            found.append(mixer)
            owned.add(mixer)
        else:
            found.append(spare[handed % len(spare)])
            handed += 1
    return found


def shown_of(entries: Sequence[Entry], lens: Lens) -> list[Shown]:
    """Measured matrices, ready to draw, but for those whose numbers are not all finite."""
    return [
        Shown(
            one.owner,
            f"{one.owner}: {matrix_title(one.config, one.name)}",
            meaning,
            one.name,
            lens.told(one.report),
            rank_bound(one.config, one.name),
        )
        for one, meaning in zip(entries, inks(entries), strict=True)
        if one.report is not None
    ]


@st.cache_data(max_entries=512, show_spinner=False)
def run_rank(run_id: str, step: int, block: int, name: MatrixName) -> Attempt:
    """Rank of a matrix of the first test example at a snapshot, in float64."""
    config = history.shelf(run_id).run(run_id).config
    return next(attempt(config, compact_of(run_id, step, block), [name]))


def compact_of(run_id: str, step: int, block: int) -> dict[str, NDArray[Any]]:
    """What a snapshot holds of the first test example, from which its matrices follow."""
    where = history.shelf(run_id)
    config = where.run(run_id).config
    compact = compacts_of(config, where.probe(run_id, step), 0)[block]
    return {name: value.numpy() for name, value in compact.items()}


@st.cache_data(max_entries=64, show_spinner=False)
def ranks_over_time(
    run_id: str, steps: tuple[int, ...], block: int, name: MatrixName
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Steps, and the effective rank of a matrix at each, from the spectra that snapshots hold; NaN
    where it has numbers that are not finite.
    """
    where = history.shelf(run_id)
    stored = f"block.{block}.spectrum.{name.kind}"
    found = []
    for step in steps:
        values = where.probe(run_id, step, [stored]).get(stored)
        if values is None or not np.isfinite(values).all():
            report = run_rank(run_id, step, block, name).report
        else:
            report = spectrum_report(values, (len(values), len(values)), dtype="float32")
        found.append(np.nan if report is None else report.effective_rank)
    return np.array(steps), np.array(found)


def wanted_names(config: RunConfig, kinds: Sequence[MatrixKind]) -> list[MatrixName]:
    """The matrices of a block that are of these kinds."""
    return [name for name in matrix_names(config) if name.kind in kinds]
