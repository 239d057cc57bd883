"""Matrices worth approximating, each with what is known about its rank and its sparse factors."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import hadamard

from paramixer_core.config import require_whole
from paramixer_core.errors import ParamixerError

MAX_SIDE = 512
NOISE_RANK = 4


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of N x N matrix; `known` is a sentence on what theory says of approximating it."""

    name: str
    title: str
    known: str
    make: Callable[[int, np.random.Generator], Float[np.ndarray, "side side"]]


def permutation(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random permutation matrix."""
    return np.eye(side)[generator.permutation(side)]


def shift(side: int, generator: np.random.Generator) -> np.ndarray:
    """Row i reads column i + s, s = about N / 3."""
    return np.roll(np.eye(side), max(side // 3, 1), axis=1)


def circulant(side: int, generator: np.random.Generator) -> np.ndarray:
    """a_ij = exp(-d / 8), d the distance of i and j on the ring."""
    ahead = np.subtract.outer(np.arange(side), np.arange(side)) % side
    matrix: np.ndarray = np.exp(-np.minimum(ahead, side - ahead) / 8)
    return matrix


def toeplitz(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random value on each diagonal."""
    values = generator.normal(size=2 * side - 1)
    matrix: np.ndarray = values[np.subtract.outer(np.arange(side), np.arange(side)) + side - 1]
    return matrix


def hadamard_matrix(side: int, generator: np.random.Generator) -> np.ndarray:
    """Sylvester's Hadamard matrix over sqrt N; N a power of two."""
    if side & (side - 1):
        raise ParamixerError(
            "a power of two for a Hadamard matrix", side, "choose 16, 32, 64, 128 or 256"
        )
    matrix: np.ndarray = hadamard(side) / np.sqrt(side)
    return matrix


def fourier(side: int, generator: np.random.Generator) -> np.ndarray:
    """The discrete Fourier transform in its real form, (cos + sin)(2 pi i j / N) / sqrt N."""
    turns = 2 * np.pi * np.outer(np.arange(side), np.arange(side)) / side
    matrix: np.ndarray = (np.cos(turns) + np.sin(turns)) / np.sqrt(side)
    return matrix


def blocks(side: int, generator: np.random.Generator) -> np.ndarray:
    """Four random blocks on the diagonal, 0 elsewhere."""
    group = np.arange(side) * 4 // side
    same = group[:, None] == group[None, :]
    matrix: np.ndarray = generator.normal(size=(side, side)) * same
    return matrix


def low_rank_and_noise(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random matrix of rank 4 plus 1 % of noise."""
    rank = min(NOISE_RANK, side)
    thin = generator.normal(size=(2, side, rank))
    noise = generator.normal(size=(side, side))
    matrix: np.ndarray = thin[0] @ thin[1].T / np.sqrt(rank) + 0.01 * noise
    return matrix


def orthogonal(side: int, generator: np.random.Generator) -> np.ndarray:
    """A random orthogonal matrix."""
    matrix: np.ndarray = np.linalg.qr(generator.normal(size=(side, side)))[0]
    return matrix


FLAT = "All singular values are equal, so rank r leaves an error of sqrt(1 - r/N), the worst case."

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("permutation", "Permutation", FLAT, permutation),
        Target(
            "shift",
            "Cyclic shift",
            FLAT + " CHORD holds it exactly: it adds up the powers of two in the shift.",
            shift,
        ),
        Target("circulant", "Circulant", "Smooth, so its spectrum falls fast.", circulant),
        Target("toeplitz", "Toeplitz", "Random diagonals: a nearly flat spectrum.", toeplitz),
        Target(
            "hadamard",
            "Hadamard",
            FLAT + " CDIL's M factors hold it exactly, one bit of the index each.",
            hadamard_matrix,
        ),
        Target(
            "fourier",
            "Fourier, real form",
            FLAT + " Its fast algorithm also reorders its inputs, which no factor here does in "
            "one step, so no exact fit is promised.",
            fourier,
        ),
        Target("blocks", "Four blocks", "A random block is full-rank, and local.", blocks),
        Target(
            "low_rank",
            "Rank 4 plus noise",
            "Low rank wins here: rank 4 is all there is.",
            low_rank_and_noise,
        ),
        Target("orthogonal", "Random orthogonal", FLAT + " Nor is it sparse.", orthogonal),
    )
}


def make_target(name: str, side: int, seed: int = 0) -> Float[np.ndarray, "side side"]:
    """The named matrix at N = `side`, 2 to 512; the same seed gives the same matrix."""
    if name not in TARGETS:
        raise ParamixerError(f"a target among {list(TARGETS)}", name, "choose one of them")
    require_whole("the side of a target", side, 2, MAX_SIDE)
    return TARGETS[name].make(side, np.random.default_rng(seed))
