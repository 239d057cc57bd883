"""Parts of an N x N operator without the matrix: rows, columns, blocks and sums."""

import dataclasses
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.analysis.arrays import float64_array
from paramixer_core.analysis.supports import Factors, ring_factors
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError

STRIP = 64
"""Vectors applied at once, so that memory stays at a few STRIP x N numbers."""

MAX_PART = 2**24
"""Most numbers that one call returns (128 MiB in float64)."""


class Operator(ABC):
    """An N x N matrix A that is applied, not held. Row i is what token i reads; all float64."""

    seq_len: int

    @abstractmethod
    def apply(self, vectors: Float[np.ndarray, "seq count"]) -> Float[np.ndarray, "seq count"]:
        """A times each column."""

    @abstractmethod
    def apply_transposed(
        self, vectors: Float[np.ndarray, "count seq"]
    ) -> Float[np.ndarray, "count seq"]:
        """Each row times A."""

    def rows(self, tokens: Sequence[int]) -> Float[np.ndarray, "rows seq"]:
        """The rows of these tokens, from A^T applied to unit vectors."""
        chosen = self._require_tokens(tokens, self.seq_len)
        found = [self.apply_transposed(self._units(part)) for part in strips(chosen)]
        return np.concatenate(found) if found else np.empty((0, self.seq_len))

    def columns(self, tokens: Sequence[int]) -> Float[np.ndarray, "seq columns"]:
        """The columns of these tokens, from A applied to unit vectors."""
        chosen = self._require_tokens(tokens, self.seq_len)
        found = [self.apply(self._units(part).T) for part in strips(chosen)]
        return np.concatenate(found, axis=1) if found else np.empty((self.seq_len, 0))

    def block(
        self, rows: Sequence[int], columns: Sequence[int]
    ) -> Float[np.ndarray, "rows columns"]:
        """The entries of these rows and columns, through whichever are fewer."""
        down = self._require_tokens(rows, len(columns))
        across = self._require_tokens(columns, len(rows))
        if len(down) <= len(across):
            parts = [self.apply_transposed(self._units(p))[:, across] for p in strips(down)]
            return np.concatenate(parts) if parts else np.empty((0, len(across)))
        parts = [self.apply(self._units(part).T)[down] for part in strips(across)]
        return np.concatenate(parts, axis=1) if parts else np.empty((len(down), 0))

    def entry(self, row: int, column: int) -> float:
        """One entry."""
        return float(self.block([row], [column])[0, 0])

    def row_sums(self) -> Float[np.ndarray, " seq"]:
        """A 1: how much each token reads in all, signs counted; 1 everywhere for attention."""
        sums: np.ndarray = self.apply(np.ones((self.seq_len, 1)))[:, 0]
        return sums

    def column_sums(self) -> Float[np.ndarray, " seq"]:
        """1^T A: how much each token is read in all, signs counted."""
        sums: np.ndarray = self.apply_transposed(np.ones((1, self.seq_len)))[0]
        return sums

    def _units(self, tokens: np.ndarray) -> np.ndarray:
        units = np.zeros((len(tokens), self.seq_len))
        units[np.arange(len(tokens)), tokens] = 1
        return units

    def _require_tokens(self, tokens: Sequence[int], across: int) -> np.ndarray:
        chosen = np.asarray(tokens, dtype=np.int64).reshape(-1)
        wrong = chosen[(chosen < 0) | (chosen >= self.seq_len)]
        if len(wrong):
            raise ParamixerError(
                f"tokens from 0 to {self.seq_len - 1}", int(wrong[0]), "choose one of them"
            )
        if len(chosen) * across > MAX_PART:
            raise ParamixerError(
                f"at most {MAX_PART:,} entries at once",
                f"{len(chosen) * across:,}",
                "ask for fewer rows or columns, or for the overview",
            )
        return chosen


@dataclass(frozen=True, eq=False)
class SparseOperator(Operator):
    """A_M ... A_1 (+ I times `direct`) by its sparse factors, the one applied first at place 0.

    With `first` every factor adds what came in: A = A_M (... (A_1 + I) ...) + I.
    """

    factors: Factors
    direct: float = 0.0
    first: bool = False

    @classmethod
    def of_weights(
        cls,
        weights: Tensor | np.ndarray,
        offsets: Sequence[Sequence[int]],
        residual: Residual = Residual.PER_FACTOR,
    ) -> Self:
        """A Paramixer block's operator from the link weights (M, N, K) of one example."""
        kind = Residual(residual)
        return cls(
            ring_factors(float64_array(weights), offsets, residual=kind is Residual.PER_FACTOR),
            float(kind is Residual.AROUND_BLOCK),
            kind is Residual.FIRST,
        )

    @property
    def seq_len(self) -> int:  # type: ignore[override]
        """N."""
        return int(self.factors[0].shape[0])

    def bare(self) -> Self:
        """The same factors with nothing added from outside of them."""
        return dataclasses.replace(self, direct=0.0, first=False)

    def apply(self, vectors: Float[np.ndarray, "seq count"]) -> Float[np.ndarray, "seq count"]:
        mixed = vectors
        for factor in self.factors:
            mixed = factor @ mixed + vectors if self.first else factor @ mixed
        return mixed + self.direct * vectors if self.direct else mixed

    def apply_transposed(
        self, vectors: Float[np.ndarray, "count seq"]
    ) -> Float[np.ndarray, "count seq"]:
        mixed = np.ascontiguousarray(vectors.T)
        entering = np.zeros_like(mixed)  # each factor's part that V_0 brings
        for factor in reversed(self.factors):
            if self.first:
                entering += mixed
            mixed = factor.T @ mixed
        back: np.ndarray = (mixed + entering).T if self.first else mixed.T
        return back + self.direct * vectors if self.direct else back


@dataclass(frozen=True, eq=False)
class AttentionOperator(Operator):
    """Mean over heads of softmax(Q K^T / sqrt d) (+ I times `direct`), from queries and keys of
    one example. `kept` marks the tokens that are no padding; None: all are.

    Rows are made a strip at a time, so a product with A costs O(heads N^2 d) time and O(STRIP N)
    memory.
    """

    queries: Float[np.ndarray, "heads seq head_channels"]
    keys: Float[np.ndarray, "heads seq head_channels"]
    direct: float = 0.0
    kept: Bool[np.ndarray, " seq"] | None = None

    @property
    def seq_len(self) -> int:  # type: ignore[override]
        """N."""
        return int(self.queries.shape[1])

    def rows(self, tokens: Sequence[int]) -> Float[np.ndarray, "rows seq"]:
        chosen = self._require_tokens(tokens, self.seq_len)
        found = [self._softmax_rows(part) for part in strips(chosen)]
        return np.concatenate(found) if found else np.empty((0, self.seq_len))

    def block(
        self, rows: Sequence[int], columns: Sequence[int]
    ) -> Float[np.ndarray, "rows columns"]:
        down = self._require_tokens(rows, len(columns))
        across = self._require_tokens(columns, len(rows))
        found = [self._softmax_rows(part)[:, across] for part in strips(down)]
        return np.concatenate(found) if found else np.empty((0, len(across)))

    def apply(self, vectors: Float[np.ndarray, "seq count"]) -> Float[np.ndarray, "seq count"]:
        tokens = strips(np.arange(self.seq_len))
        return np.concatenate([self._softmax_rows(part) @ vectors for part in tokens])

    def apply_transposed(
        self, vectors: Float[np.ndarray, "count seq"]
    ) -> Float[np.ndarray, "count seq"]:
        mixed = np.zeros_like(vectors)
        for part in strips(np.arange(self.seq_len)):
            mixed += vectors[:, part] @ self._softmax_rows(part)
        return mixed

    def _softmax_rows(self, tokens: np.ndarray) -> np.ndarray:
        logits = self.queries[:, tokens] @ self.keys.swapaxes(1, 2)
        logits /= math.sqrt(self.queries.shape[-1])
        if self.kept is not None:
            logits[..., ~self.kept] = np.finfo(logits.dtype).min
        logits -= logits.max(axis=-1, keepdims=True)
        np.exp(logits, out=logits)
        logits /= logits.sum(axis=-1, keepdims=True)
        mean: np.ndarray = logits.mean(axis=0)
        if self.kept is not None:
            mean[~self.kept[tokens]] = 0.0
        mean[np.arange(len(tokens)), tokens] += self.direct
        return mean


def strips(tokens: np.ndarray) -> Iterable[np.ndarray]:
    """The tokens, at most STRIP at a time."""
    return (tokens[start : start + STRIP] for start in range(0, len(tokens), STRIP))
