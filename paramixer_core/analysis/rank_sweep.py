"""How rank changes with a setting and a seed: untrained blocks, and trained runs."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import rankdata

from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName, measure_fresh
from paramixer_core.config import RunConfig

FEWEST_FOR_CORRELATION = 5
PERMUTATIONS = 2000


@dataclass(frozen=True, slots=True)
class SweepPoint:
    """The ranks of one matrix of an untrained block at one value of the swept setting."""

    mixer: str
    kind: MatrixKind
    value: int
    seed: int
    numerical_rank: int
    effective_rank: float
    stable_rank: float


def sweep_fresh(
    base: RunConfig,
    mixers: Sequence[str],
    setting: str,
    values: Sequence[int],
    seeds: int,
    random_tokens: bool = True,
) -> Iterator[list[SweepPoint]]:
    """Vary `setting` ("channels" or "seq_len") and the seed (0 .. seeds - 1), else as in `base`.

    Yields the points of one network at a time: the bare product and the operator with the
    residual, and of attention the logits of the first head too.
    """
    for value, seed, mixer in itertools.product(values, range(seeds), mixers):
        config = base.replace(mixer=mixer, seed=seed, **{setting: value})
        names = [MatrixName(MatrixKind.PRODUCT), MatrixName(MatrixKind.OPERATOR)]
        if mixer == "attention":
            names.insert(0, MatrixName(MatrixKind.LOGITS, 1))
        yield [
            SweepPoint(
                mixer,
                found.name.kind,
                value,
                seed,
                found.report.numerical_rank,
                found.report.effective_rank,
                found.report.stable_rank,
            )
            for found in measure_fresh(config, names, random_tokens=random_tokens)
        ]


@dataclass(frozen=True, slots=True)
class Association:
    """Spearman's rank correlation of `count` pairs, -1 .. 1, and how often chance alone is as far
    from 0 (share of 2,000 random pairings). Both None for fewer than five pairs or a constant."""

    count: int
    correlation: float | None
    chance: float | None


def association(x: Float[np.ndarray, " pairs"], y: Float[np.ndarray, " pairs"]) -> Association:
    """Whether larger x goes with larger y. It says nothing about causes.

    >>> round(association(np.arange(6.0), np.arange(6.0) ** 3).correlation, 9)
    1.0
    """
    count = len(x)
    if count < FEWEST_FOR_CORRELATION or len(set(x)) < 2 or len(set(y)) < 2:
        return Association(count, None, None)

    first, second = standardised(rankdata(x)), standardised(rankdata(y))
    correlation = float(first @ second)
    shuffled = np.tile(second, (PERMUTATIONS, 1))
    by_chance = np.random.default_rng(0).permuted(shuffled, axis=1) @ first
    as_far = np.count_nonzero(np.abs(by_chance) >= abs(correlation) - 1e-12)
    return Association(count, correlation, (1 + int(as_far)) / (1 + PERMUTATIONS))


def standardised(values: Float[np.ndarray, " pairs"]) -> Float[np.ndarray, " pairs"]:
    """Mean 0 and sum of squares 1, so that a dot product is a correlation."""
    centred = values - values.mean()
    found: np.ndarray = centred / np.linalg.norm(centred)
    return found
