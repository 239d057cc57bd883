"""A product of sparse factors to trace routes in: of random weights, or of a trained run."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from paramixer_core.analysis.routes import RouteReport, trace_factors
from paramixer_core.analysis.supports import Factors, with_identity
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import WIRING, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol

MAX_DENSE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """The factors A_m of a block's operator, m = 1 at place 0: I + W_m with a residual per factor.

    With any other `residual` they are the bare W_m, and the operator follows from it.
    """

    factors: Factors
    residual: Residual

    @classmethod
    def of_weights(
        cls,
        wiring: Wiring,
        weights: Float[np.ndarray, "factors seq links"],
        residual: Residual = Residual.PER_FACTOR,
    ) -> Self:
        """From the link weights of one example, for `wiring.padded_offsets()`."""
        bare = wiring.factors(weights.astype(np.float64))
        kind = Residual(residual)
        if kind is Residual.PER_FACTOR:
            return cls(tuple(with_identity(factor) for factor in bare), kind)
        return cls(bare, kind)

    @classmethod
    def random(
        cls, wiring: Wiring, residual: Residual = Residual.PER_FACTOR, seed: int = 0
    ) -> Self:
        """Normal weights of variance 1 / K, so that products neither vanish nor explode."""
        offsets = wiring.padded_offsets()
        shape = (len(offsets), wiring.seq_len, len(offsets[0]))
        drawn = np.random.default_rng(seed).normal(size=shape) / np.sqrt(shape[-1])
        return cls.of_weights(wiring, drawn, residual)

    @property
    def seq_len(self) -> int:
        """N."""
        return int(self.factors[0].shape[0])

    def trace(self, row: int, column: int, strongest: int = 10) -> RouteReport:
        """Entry (row, column) taken apart (see `trace_factors`)."""
        return trace_factors(self.factors, row, column, strongest=strongest, residual=self.residual)

    def dense(self) -> Float[np.ndarray, "seq seq"]:
        """The operator as one matrix, float64; N up to 1,024."""
        if self.seq_len > MAX_DENSE:
            raise ParamixerError(
                f"at most {MAX_DENSE:,} tokens to show the whole product",
                f"{self.seq_len:,}",
                "choose a shorter sequence",
            )
        identity = np.eye(self.seq_len)
        added = self.residual is Residual.FIRST
        product: np.ndarray = identity
        for factor in self.factors:
            product = factor @ product + identity if added else factor @ product
        return product + identity if self.residual is Residual.AROUND_BLOCK else product


def run_wiring(config: RunConfig) -> Wiring:
    """Where the links of a Paramixer run are; ParamixerError for a mixer without links."""
    if config.mixer == WIRING:
        return Wiring.parse(config.wiring)
    if config.mixer not in list(Protocol):
        raise ParamixerError(
            "a run with sparse factors", config.mixer, "choose a Paramixer: attention has no routes"
        )
    return Wiring.of_protocol(
        Protocol(config.mixer), config.mixed_len, config.num_links, config.num_factors
    )


def strongest_entry(matrix: Float[np.ndarray, "seq seq"]) -> tuple[int, int]:
    """Row and column of the entry of largest size off the diagonal."""
    sizes = np.abs(matrix)
    np.fill_diagonal(sizes, -1)
    row, column = np.unravel_index(int(sizes.argmax()), sizes.shape)
    return int(row), int(column)
