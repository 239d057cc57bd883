"""Sparse factors as the analysis reads them: one CSR matrix a factor, coinciding links merged."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int
from scipy.sparse import csr_array, eye_array

from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError

MAX_DENSE_TOKENS = 4096
"""Largest N for which an analysis may hold N x N numbers."""

Factors = tuple[csr_array, ...]
"""Factor m at place m - 1; row i holds what token i reads."""


def ring_supports(offsets: Sequence[Sequence[int]], seq_len: int) -> Factors:
    """Each factor's pattern on the ring: entry (i, (i + offset) mod N) counts the links there.

    A value above 1 says that several listed links land on one column. Factors may have different
    numbers of links.
    """
    rows = np.arange(seq_len)
    return tuple(
        csr_from_links(
            np.tile(rows, len(row)),
            np.concatenate([(rows + offset) % seq_len for offset in row])
            if row
            else np.empty(0, dtype=np.int64),
            seq_len,
        )
        for row in offsets
    )


def csr_from_links(
    rows: Int[np.ndarray, " links"], columns: Int[np.ndarray, " links"], seq_len: int
) -> csr_array:
    """An N x N CSR matrix of int64 that counts the links on each place."""
    ones = np.ones(len(rows), dtype=np.int64)
    matrix = csr_array((ones, (rows, columns)), shape=(seq_len, seq_len))
    matrix.sum_duplicates()
    return matrix


def ring_factors(
    weights: np.ndarray, offsets: Sequence[Sequence[int]], *, residual: bool = True
) -> Factors:
    """The factors A_m as float64 CSR matrices from link weights (M, N, K).

    A_m = I + W_m with `residual`, else W_m. Links that land on one column are one edge with the
    summed weight, and so are a self link and the identity.
    """
    if weights.ndim != 3 or weights.shape[0] != len(offsets) or weights.shape[2] != len(offsets[0]):
        raise ParamixerError(
            f"link weights of shape ({len(offsets)}, N, {len(offsets[0])})",
            weights.shape,
            "pass those of one example and the offsets that they belong to",
        )
    seq_len, links = weights.shape[1:]
    rows = np.repeat(np.arange(seq_len), links)
    factors = []
    for factor, ahead in zip(weights, offsets, strict=True):
        columns = (np.arange(seq_len)[:, None] + np.asarray(ahead)) % seq_len
        places = (rows, columns.ravel())
        matrix = csr_array((factor.astype(np.float64).ravel(), places), shape=(seq_len, seq_len))
        factors.append(with_identity(matrix) if residual else merged(matrix))
    return tuple(factors)


def merged(matrix: csr_array) -> csr_array:
    """The matrix with one stored number per place, zeros that were stored kept."""
    held = csr_array(matrix)
    held.sum_duplicates()
    return held


def with_identity(matrix: csr_array) -> csr_array:
    """I + W that keeps every stored place, even one whose weight cancels to 0."""
    held, identity = matrix.tocoo(), eye_array(matrix.shape[0]).tocoo()
    data = np.concatenate([held.data, identity.data])
    rows = np.concatenate([held.coords[0], identity.coords[0]])
    columns = np.concatenate([held.coords[1], identity.coords[1]])
    return merged(csr_array((data, (rows, columns)), shape=matrix.shape))


def edges(supports: Factors, *, residual: bool) -> Factors:
    """The same places, each worth 1: coinciding links count once.

    With `residual` the factor is I + W, so every token also has an edge to itself; a self link
    of the protocol merges with it into one edge.
    """
    identity = eye_array(supports[0].shape[0], dtype=np.int64, format="csr") if supports else None
    return tuple(ones_at(factor + identity if residual else factor) for factor in supports)


def residual_kind(residual: Residual | bool) -> Residual:
    """A residual by its name; True is one after every factor, False is none."""
    if isinstance(residual, bool):
        return Residual.PER_FACTOR if residual else Residual.NONE
    return Residual(residual)


def ones_at(matrix: csr_array) -> csr_array:
    """The matrix's stored places, all worth 1."""
    held = csr_array(matrix)
    return csr_array(
        (np.ones(held.nnz, dtype=np.int64), held.indices, held.indptr), shape=held.shape
    )


def require_dense_size(seq_len: int) -> None:
    """Raise ParamixerError if N x N numbers would be too many to hold."""
    if seq_len > MAX_DENSE_TOKENS:
        raise ParamixerError(
            f"at most {MAX_DENSE_TOKENS:,} tokens where all N x N pairs are looked at",
            f"{seq_len:,}",
            "choose a shorter sequence",
        )
