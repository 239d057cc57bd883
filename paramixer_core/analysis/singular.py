"""When a factor is not full-rank: equal weights around the ring, and what a nudge does to them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Complex, Float

from paramixer_core.analysis.rank import RankReport, rank_report
from paramixer_core.analysis.supports import ring_factors
from paramixer_core.config import require_whole

MAX_TOKENS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class SingularCase:
    """A factor whose every row has the same weights, before and after a random nudge.

    `eigenvalues` are those of W (index j: the wave with j turns around the ring); `factor`,
    `with_residual` and `nudged` report on W, I + W, and W with noise on its links.
    """

    eigenvalues: Complex[np.ndarray, " seq"]
    factor: RankReport
    with_residual: RankReport
    nudged: RankReport

    @property
    def sizes(self) -> Float[np.ndarray, " seq"]:
        """|lambda_j|: W is singular exactly where one of them is 0."""
        found: np.ndarray = np.abs(self.eigenvalues)
        return found

    @property
    def sizes_with_residual(self) -> Float[np.ndarray, " seq"]:
        """|1 + lambda_j|, the same of I + W."""
        found: np.ndarray = np.abs(1 + self.eigenvalues)
        return found


def ring_eigenvalues(
    weights: Sequence[float], offsets: Sequence[int], seq_len: int
) -> Complex[np.ndarray, " seq"]:
    """lambda_j = sum_k w_k exp(2 pi i j o_k / N): the eigenvalues of a circulant matrix."""
    turns = np.outer(np.arange(seq_len), np.asarray(offsets)) / seq_len
    found: np.ndarray = np.exp(2j * np.pi * turns) @ np.asarray(weights, dtype=np.float64)
    return found


def singular_case(
    weights: Sequence[float],
    offsets: Sequence[int],
    seq_len: int,
    *,
    nudge: float = 1e-3,
    seed: int = 0,
) -> SingularCase:
    """Every row of W holds `weights` at `offsets`; the nudge adds noise of that deviation.

    W is singular exactly when some eigenvalue is 0: weights (1, 1) at offsets (0, 1) for even N,
    CDIL's first factor with three equal weights for N a multiple of 3. I + W can be singular too,
    at other weights. Either happens only on a set of weights of measure zero.
    """
    require_whole("the length N of a factor to decompose", seq_len, 2, MAX_TOKENS)
    rows: Float[np.ndarray, "1 seq links"] = np.tile(np.asarray(weights, float), (1, seq_len, 1))
    noise = np.random.default_rng(seed).normal(size=rows.shape)

    def report(links: np.ndarray, residual: bool) -> RankReport:
        return rank_report(ring_factors(links, [offsets], residual=residual)[0].toarray())

    return SingularCase(
        eigenvalues=ring_eigenvalues(weights, offsets, seq_len),
        factor=report(rows, False),
        with_residual=report(rows, True),
        nudged=report(rows + nudge * noise, False),
    )
