"""Which tokens can read which after the first m factors, by how many routes, at what cost."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from paramixer_core.analysis.supports import (
    Factors,
    edges,
    require_dense_size,
    residual_kind,
    ring_supports,
)
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError

NEVER = -1
"""In a table of steps: no number of factors lets this row read this column."""


@dataclass(frozen=True, slots=True, eq=False)
class ReachReport:
    """How the pattern of A_m ... A_1 fills up, m = 0..M.

    `steps[i, j]` is the least m after which row i reads column j (0 on the diagonal, NEVER if
    none); `fill[m]` the percentage of all N^2 pairs that are non-zero after m factors.
    `missing` marks the pairs that the whole product leaves empty, `unreached` counts them and
    `example` is the first of them, as (row, column).
    """

    seq_len: int
    steps: Int[np.ndarray, "seq seq"]
    fill: tuple[float, ...]
    missing: Bool[np.ndarray, "seq seq"]
    unreached: int
    example: tuple[int, int] | None

    @property
    def full_after(self) -> int | None:
        """The least number of factors after which every pair is reached, or None."""
        return next((m for m, percent in enumerate(self.fill) if percent == 100.0), None)

    def support(self, factors: int) -> Bool[np.ndarray, "seq seq"]:
        """Where A_m ... A_1 (residuals included, so that nothing is lost again) is non-zero."""
        filled: np.ndarray = (self.steps != NEVER) & (self.steps <= factors)
        return filled


def reach_report(supports: Factors, *, residual: Residual | bool = True) -> ReachReport:
    """Follow the boolean pattern of the product factor by factor, rows packed into bits.

    With a residual after every factor (True) each factor is I + W and nothing reached is lost.
    Without (False), `fill` and `unreached` speak of W_m ... W_1 itself, which may lose pairs
    again, and `steps` says when a pair was first reached (the diagonal still starts at 0). So it
    is where each factor adds V_0, or one residual the block's input: only the diagonal is then
    kept. Memory O(N^2): N up to 4,096.
    """
    kind = residual_kind(residual)
    seq_len = supports[0].shape[0]
    require_dense_size(seq_len)
    reached = np.eye(seq_len, dtype=bool)
    steps = np.where(reached, 0, NEVER).astype(np.int16)
    fill = [100.0 / seq_len]
    per_factor = kind is Residual.PER_FACTOR
    for step, factor in enumerate(edges(supports, residual=per_factor), start=1):
        packed = np.packbits(reached, axis=1)
        joined = np.zeros_like(packed)
        filled = np.flatnonzero(np.diff(factor.indptr))
        if len(filled):
            starts = factor.indptr[:-1][filled]
            joined[filled] = np.bitwise_or.reduceat(packed[factor.indices], starts, axis=0)
        reached = np.unpackbits(joined, axis=1, count=seq_len).astype(bool)
        last = step == len(supports)
        if kind is Residual.FIRST or (kind is Residual.AROUND_BLOCK and last):
            np.fill_diagonal(reached, True)
        steps[reached & (steps == NEVER)] = step
        fill.append(100.0 * float(reached.mean()))
    empty = np.argwhere(~reached)
    return ReachReport(
        seq_len=seq_len,
        steps=steps,
        fill=tuple(fill),
        missing=~reached,
        unreached=len(empty),
        example=(int(empty[0, 0]), int(empty[0, 1])) if len(empty) else None,
    )


def ring_steps(offsets: Sequence[Sequence[int]], seq_len: int) -> Int[np.ndarray, " seq"]:
    """The least number of factors after which row i reads column (i + d) mod N, for each d.

    Every row of a ring pattern is the row above it shifted by one (the factors are circulant,
    and so is their product), so this one row says it all: O(N) memory, any N. Residuals are in.
    """
    steps = np.full(seq_len, NEVER, dtype=np.int16)
    steps[0] = 0
    reached = steps == 0
    for step, row in enumerate(offsets, start=1):
        joined = reached.copy()
        for offset in {offset % seq_len for offset in row}:
            joined |= np.roll(reached, offset)
        steps[joined & (steps == NEVER)] = step
        reached = joined
    return steps


def ring_fill(offsets: Sequence[Sequence[int]], seq_len: int) -> tuple[float, ...]:
    """The percentage of all N^2 pairs that the first m factors reach, m = 0..M; O(N) memory."""
    steps = ring_steps(offsets, seq_len)
    return tuple(
        100.0 * float(np.mean((steps != NEVER) & (steps <= m))) for m in range(len(offsets) + 1)
    )


@dataclass(frozen=True, slots=True)
class LinkCounts:
    """Exact sizes: links as listed, places they fill where some coincide, and the full matrix."""

    listed: int
    distinct: int
    full: int
    per_factor: tuple[int, ...]

    @property
    def share(self) -> float:
        """Listed links as a percentage of N^2."""
        return 100.0 * self.listed / self.full


def link_counts(offsets: Sequence[Sequence[int]], seq_len: int) -> LinkCounts:
    """N M K listed links (for CHORD N M (M+1)), the distinct ones, and N^2, as whole numbers.

    >>> link_counts(((0, 1, 2, 4),) * 3, 8)
    LinkCounts(listed=96, distinct=96, full=64, per_factor=(32, 32, 32))
    """
    per_factor = tuple(seq_len * len({offset % seq_len for offset in row}) for row in offsets)
    return LinkCounts(
        listed=seq_len * sum(len(row) for row in offsets),
        distinct=sum(per_factor),
        full=seq_len**2,
        per_factor=per_factor,
    )


def count_paths(
    supports: Factors, *, residual: Residual | bool = True
) -> Int[np.ndarray, "seq seq"]:
    """How many routes make each entry of the operator: the product of the 0/1 patterns, exact.

    Coinciding links are one edge; with a residual after every factor (True), so are a self link
    and the identity. Where each factor adds V_0, a route may enter after any of them. Raises
    ParamixerError for N above 4,096 or counts that 63 bits may not hold.
    """
    kind = residual_kind(residual)
    seq_len = supports[0].shape[0]
    require_dense_size(seq_len)
    ones = edges(supports, residual=kind is Residual.PER_FACTOR)
    first = kind is Residual.FIRST
    most = math.prod(int(np.diff(factor.indptr).max()) + first for factor in ones)
    if most >= 2**63:
        raise ParamixerError(
            "at most 2^63 routes per row", f"up to {most:.3g}", "use fewer factors or links"
        )
    identity = np.eye(seq_len, dtype=np.int64)
    counts = identity
    for factor in ones:
        counts = factor @ counts + identity if first else factor @ counts
    return counts + identity if kind is Residual.AROUND_BLOCK else counts


def ring_paths(
    offsets: Sequence[Sequence[int]], seq_len: int, *, residual: bool = True
) -> Shaped[np.ndarray, " seq"]:
    """Routes from row i to column (i + d) mod N for each d: one row of a circulant product.

    Exact at any size: int64 where that holds them, Python's whole numbers (dtype object) beyond.
    """
    rows = [{offset % seq_len for offset in row} | ({0} if residual else set()) for row in offsets]
    exact = math.prod(len(row) for row in rows) < 2**63
    counts = np.zeros(seq_len, dtype=np.int64 if exact else object)
    counts[0] = 1
    for row in rows:
        shifted = [np.roll(counts, offset) for offset in row]
        counts = sum(shifted, start=np.zeros_like(counts))
    return counts


def path_lengths(report: ReachReport) -> Float[np.ndarray, " tokens"]:
    """Mean number of factors that each token needs to be read by the others; inf if it never is."""
    steps = np.where(report.steps == NEVER, np.inf, report.steps.astype(np.float64))
    np.fill_diagonal(steps, 0.0)
    mean: np.ndarray = steps.sum(axis=0) / (report.seq_len - 1)
    return mean


def protocol_reach(offsets: Sequence[Sequence[int]], seq_len: int) -> ReachReport:
    """`reach_report` of a ring pattern with its residuals."""
    return reach_report(ring_supports(offsets, seq_len))
