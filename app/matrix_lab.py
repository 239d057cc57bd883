"""What the Matrix lab approximates: a made target, a run's matrix or an upload; and its budget."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, history, matrix_file, ranks
from app.names import run_title
from app.quantities import numeral
from paramixer_core.analysis.block_matrices import MatrixName, block_matrix, matrix_names
from paramixer_core.analysis.contest import entrants, first_rank, hadamard_error, ranks_offered
from paramixer_core.analysis.matrix_lab import Budget, best_low_rank, low_rank_errors
from paramixer_core.analysis.matrix_upload import LEAST_SIDE, Squared, squared
from paramixer_core.analysis.targets import MAX_SIDE, TARGETS, make_target
from paramixer_core.inspection import compacts_of
from paramixer_core.protocols import Protocol, num_factors

SIDES = (16, 24, 32, 48, 64, 100, 128, 200, 256, 384, 512)
RUN, UPLOAD = "run", "upload"
FAMILIES = {Protocol.CHORD: "CHORD", Protocol.CDIL: "CDIL"}
STEPS = (50, 100, 200, 400, 800, 1600)
UNSEEDED = ("shift", "circulant", "hadamard", "fourier")
UPLOADED_KNOWN = "Nobody knows beforehand who wins here: look."


@dataclass(frozen=True, eq=False)
class Aim:
    """The matrix to approximate; `digest` stands for its numbers; `known` says what theory says."""

    title: str
    known: str
    matrix: NDArray[np.float64]
    digest: str

    @property
    def side(self) -> int:
        """N."""
        return len(self.matrix)


@dataclass(frozen=True)
class Setting:
    """How it is approximated. `budgets` maps each family to its chain of 2 N `rank` numbers."""

    num_links: int
    rank: int
    steps: int
    seed: int
    budgets: Mapping[Protocol, Budget]

    @property
    def key(self) -> tuple[object, ...]:
        """What a fit depends on besides its target."""
        return (self.num_links, self.rank, self.steps, self.seed)


def choose_aim() -> Aim | None:
    """The target; None while there is none, with a sentence on the page that says why."""
    titles = {name: target.title for name, target in TARGETS.items()}
    titles |= {RUN: "A matrix of a trained run", UPLOAD: "Your own: picture, array or table"}
    name = controls.choice("Target", "target", list(titles), default="shift", titles=titles)
    if name == RUN:
        return run_aim()
    if name == UPLOAD:
        return uploaded_aim()
    return made_aim(name)


def made_aim(name: str, most: int = MAX_SIDE) -> Aim:
    """A target that the lab makes, at the chosen N of at most `most`."""
    sides = [side for side in SIDES if side <= most]
    if name == "hadamard":
        sides = [side for side in sides if side & (side - 1) == 0]
    side = controls.stop("Rows and columns N", "side", sides, default=64)
    seed = 0
    if name not in UNSEEDED:
        seed = controls.whole_number("Seed of the target", "draw", low=0, high=2**31 - 1, default=0)
    known = TARGETS[name].known
    if name == "hadamard":
        known += (
            f" Their weights are those of the fast transform, {num_factors(side)} factors: error "
            f"{numeral(hadamard_error(side), 1)}. Gradient descent rarely finds them from a random "
            "start, because the problem is not convex."
        )
    return as_aim(TARGETS[name].title, known, make_target(name, side, seed))


def run_aim() -> Aim:
    """A block's matrix of a trained run, at its newest snapshot."""
    runs = [run for run in history.runs_with_snapshots() if run.config.seq_len <= MAX_SIDE]
    attention = next((run for run in runs if run.config.mixer == "attention"), runs[0])
    run = history.pick_run("Run", "source", runs, attention)
    names = {f"{name.kind}-{name.place}": name for name in matrix_names(run.config)}
    titles = {key: ranks.matrix_title(run.config, name) for key, name in names.items()}
    default = "product-0"
    picked = controls.choice("Matrix", "which", list(names), default=default, titles=titles)
    step = history.shelf(run.id).snapshots(run.id)[-1].step
    matrix = run_matrix(run.id, step, names[picked])
    if len(matrix) < LEAST_SIDE:
        matrix = squared(matrix, Squared.PAD)
    title = f"{run_title(run)}: {titles[picked]}"
    return as_aim(title, UPLOADED_KNOWN, matrix)


@st.cache_data(max_entries=8, show_spinner=False)
def run_matrix(run_id: str, step: int, name: MatrixName) -> NDArray[np.float64]:
    """A matrix of the last block for the first test example."""
    where = history.shelf(run_id)
    config = where.run(run_id).config
    compact = compacts_of(config, where.probe(run_id, step), 0)[-1]
    return block_matrix(config, compact, name)


def uploaded_aim() -> Aim | None:
    """What the reader brings, made square."""
    file = matrix_file.choose()
    if file is None:
        return None
    square, (rows, columns) = file.read.square, file.read.shape
    if square.shape != file.read.shape:
        st.caption(f"Made {len(square):,} x {len(square):,} from {rows:,} x {columns:,}.")
    known = UPLOADED_KNOWN
    if np.ptp(square) == 0:
        known = "A constant matrix has rank 1 (or 0): **low rank wins**, with any budget."
    return as_aim(file.name, known, square)


def as_aim(title: str, known: str, matrix: NDArray[np.float64]) -> Aim:
    """A target with its digest."""
    digest = hashlib.sha256(np.ascontiguousarray(matrix).tobytes()).hexdigest()[:16]
    return Aim(title, known, matrix, digest)


def choose_setting(side: int) -> Setting:
    """The budget and how long the fit goes on."""
    top, more = st.container(), st.expander("How it is fitted")
    with more:
        num_links = controls.stop(
            "CDIL links K", "k", (3, 5, 7, 9), default=3, tip="CHORD's number follows from N."
        )
        steps = controls.stop("Steps of the fit", "fit", STEPS, default=400)
        seed = controls.whole_number("Seed of the fit", "start", low=0, high=2**31 - 1, default=0)
    with top:
        rank = controls.stop(
            "Budget: rank r, 2 N r numbers",
            "budget",
            ranks_offered(side, num_links),
            default=first_rank(side, num_links),
            tip="Low rank spends 2 N r numbers on rank r. Each sparse family takes its factors in "
            "turn until they hold exactly as many; where that is no whole number of factors, the "
            "last one gets the first few of its links.",
        )
    return Setting(num_links, rank, steps, seed, entrants(side, rank, num_links))


@st.cache_data(max_entries=16, show_spinner=False)
def low_rank(digest: str, _target: NDArray[np.float64], rank: int) -> NDArray[np.float64]:
    """The best approximation of that rank."""
    return best_low_rank(_target, rank).matrix


@st.cache_data(max_entries=16, show_spinner=False)
def low_rank_curve(digest: str, _target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The relative error of the best rank 0, 1, ..., N."""
    return low_rank_errors(_target)
