"""Link patterns of other models as sparse factors, to compare with CHORD and CDIL in one frame."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from paramixer_core.analysis.reach import ReachReport, reach_report
from paramixer_core.analysis.supports import Factors, csr_from_links, edges, ring_supports
from paramixer_core.config import require_whole
from paramixer_core.protocols import Protocol, num_factors, protocol_offsets

WINDOW = 9  # tokens, the K of the authors' CDIL
BIGBIRD_WINDOW, BIGBIRD_GLOBAL, BIGBIRD_RANDOM = 3, 2, 3  # the shares of BigBird's base model
MAX_TOKENS = 1024
"""Largest N for a comparison: all N x N pairs of several patterns are followed."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A named chain of supports, the factor applied first at place 0; `source` is its paper."""

    name: str
    summary: str
    source: str
    factors: Factors


@dataclass(frozen=True, slots=True)
class PatternCost:
    """What a pattern reaches and costs, self links included (each factor is I + W).

    `reach.fill[m]` is the percentage of pairs reached in m steps. `nonzeros` counts the places of
    all factors, which is also the multiply-adds per channel of applying them once.
    """

    pattern: Pattern
    reach: ReachReport
    nonzeros: int
    full: int


def pattern_costs(seq_len: int, *, num_links: int = 9, seed: int = 0) -> tuple[PatternCost, ...]:
    """Every pattern with M = ceil(log2 N) factors, followed factor by factor."""
    require_whole("a length N to compare patterns at", seq_len, 2, MAX_TOKENS)
    return tuple(
        PatternCost(
            pattern=pattern,
            reach=reach_report(pattern.factors),
            nonzeros=sum(factor.nnz for factor in edges(pattern.factors, residual=True)),
            full=seq_len**2,
        )
        for pattern in all_patterns(seq_len, num_links=num_links, seed=seed)
    )


def all_patterns(seq_len: int, *, num_links: int = 9, seed: int = 0) -> tuple[Pattern, ...]:
    """CHORD, CDIL and the reference patterns, M factors each, all both ways (not causal)."""
    factors = num_factors(seq_len)
    paper = "Yu et al., CVPR 2022"
    return (
        Pattern(
            "CHORD",
            "1, 2, 4, ... ahead, the same in every factor",
            paper,
            ring_supports(protocol_offsets(Protocol.CHORD, seq_len), seq_len),
        ),
        Pattern(
            f"CDIL, K = {num_links}",
            "neighbours whose distance doubles from factor to factor",
            paper,
            ring_supports(protocol_offsets(Protocol.CDIL, seq_len, num_links), seq_len),
        ),
        Pattern(
            "Sliding window",
            f"the {WINDOW} nearest tokens, cut off at the ends, in every factor",
            "Beltagy et al., Longformer, 2020",
            (from_rule(seq_len, lambda i, j: abs(i - j) <= WINDOW // 2),) * factors,
        ),
        Pattern(
            "Strided",
            "the nearest sqrt N tokens and every sqrt N-th token, in turn",
            "Child et al., Sparse Transformer, 2019",
            strided(seq_len, factors),
        ),
        Pattern(
            "BigBird-like",
            f"window {BIGBIRD_WINDOW}, {BIGBIRD_GLOBAL} global and {BIGBIRD_RANDOM} random tokens",
            "Zaheer et al., BigBird, 2020 (single tokens instead of blocks)",
            bigbird(seq_len, factors, seed),
        ),
        Pattern(
            "Butterfly",
            "the token whose number differs in one bit, a bit a factor; full for N = 2^M",
            "Cooley and Tukey 1965; Dao et al., 2019",
            butterfly(seq_len, factors),
        ),
    )


def strided(seq_len: int, factors: int) -> Factors:
    """Odd factors: |i - j| < s; even factors: j = i mod s, with s = round(sqrt N)."""
    stride = round(math.sqrt(seq_len))
    near = from_rule(seq_len, lambda i, j: abs(i - j) < stride)
    far = from_rule(seq_len, lambda i, j: (i - j) % stride == 0)
    return tuple(far if m % 2 else near for m in range(factors))


def bigbird(seq_len: int, factors: int, seed: int) -> Factors:
    """Window, global rows and columns, and random columns drawn anew for every factor."""
    generator = np.random.default_rng(seed)
    drawn = min(BIGBIRD_RANDOM, seq_len)
    kept = from_rule(
        seq_len,
        lambda i, j: (
            (abs(i - j) <= BIGBIRD_WINDOW // 2) | (i < BIGBIRD_GLOBAL) | (j < BIGBIRD_GLOBAL)
        ),
    )
    rows = np.repeat(np.arange(seq_len), drawn)
    found = []
    for _ in range(factors):
        ranked = np.argsort(generator.random((seq_len, seq_len)), axis=1)[:, :drawn]
        found.append(kept + csr_from_links(rows, ranked.ravel(), seq_len))
    return tuple(found)


def butterfly(seq_len: int, factors: int) -> Factors:
    """Factor m: i and i xor 2^(m-1), where that token exists."""
    return tuple(one_bit_apart(seq_len, 1 << m) for m in range(factors))


def one_bit_apart(seq_len: int, bit: int) -> csr_array:
    """The support of i = j and i = j xor bit."""
    return from_rule(seq_len, lambda i, j: (i == j) | ((i ^ j) == bit))


def from_rule(seq_len: int, linked: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> csr_array:
    """The support of all (i, j) for which the rule holds."""
    rows, columns = np.nonzero(linked(*np.ogrid[:seq_len, :seq_len]))
    return csr_from_links(rows, columns, seq_len)
