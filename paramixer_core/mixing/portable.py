"""The mixing operator on a CPU with no compiler: PyTorch's own sparse kernels, well fed.

Why it is fast. A row of a factor is a short weighted sum of rows of V, which is exactly an
embedding bag: FBGEMM's generated kernel reads each row once from cache, multiplies and sums in
registers and writes one row, so the (batch, N K, channels) buffer of gather-and-scatter never
exists. The gradient by the values is an embedding bag too: the pattern is circulant, so token j
is read by rows j - offset_k, known in advance, and no scatter is needed. The gradient by the
weights is K dot products a row, a sampled matrix product on the same pattern. Index tables are
32-bit, made once, and cover a few sequences at a time, so that these and their values stay in
cache while all factors are applied. Only values and weights are kept for the backward pass; the
intermediate values of those few sequences are computed again.
"""

import warnings
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

ROWS_AT_ONCE = 4096
"""Rows (sequences x tokens) per call: enough to share out, few enough to stay in cache."""


class Pattern(NamedTuple):
    """Index tables of one factor for some sequences laid end to end, a row per token."""

    reads: Tensor  # (rows * links,) int32: the token each link reads
    readers: Tensor  # (rows * links,) int32: the token whose link k reads this one
    reader_links: Tensor  # (rows * links,) int32: where that link's weight lies
    row_starts: Tensor  # (rows + 1,) int32


@lru_cache(maxsize=64)
def pattern(offsets: tuple[int, ...], seq: int, sequences: int) -> Pattern:
    """The tables of one factor; the first rows of them serve fewer sequences as well."""
    links = len(offsets)
    start = seq * torch.arange(sequences)[:, None, None]
    tokens = torch.arange(seq)[:, None]
    ahead = torch.tensor(offsets)
    reads = (start + (tokens + ahead) % seq).flatten()
    readers = start + (tokens - ahead) % seq
    reader_links = (readers * links + torch.arange(links)).flatten()
    row_starts = links * torch.arange(sequences * seq + 1)
    tables = Pattern(reads, readers.flatten(), reader_links, row_starts)
    announce_sparse_tensors()
    return Pattern(*(table.to(torch.int32) for table in tables))


@lru_cache(maxsize=1)
def announce_sparse_tensors() -> None:
    """Use up PyTorch's once-per-process notices on CSR tensors: in beta, and (2.11) unchecked."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.sparse_csr_tensor([0, 1], [0], [1.0], size=(1, 1), check_invariants=False)


def forward(
    values: Tensor, weights: Tensor, offsets: Sequence[Sequence[int]], residual: bool
) -> Tensor:
    """All factors, a few sequences at a time. Shapes as in `mix`; CPU only."""
    batch, seq, channels = values.shape
    result = torch.empty_like(values, memory_format=torch.contiguous_format)
    for part, patterns in parts(batch, seq, offsets):
        reached = values[part].reshape(-1, channels)
        for factor, tables in zip(weights, patterns, strict=True):
            reached = apply_factor(reached, factor[part], tables.reads, tables, residual)
        result[part] = reached.view(-1, seq, channels)
    return result


def backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Sequence[Sequence[int]],
    residual: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights, a few sequences at a time."""
    batch, seq, channels = values.shape
    grad_values = torch.empty_like(values, memory_format=torch.contiguous_format)
    grad_weights = torch.zeros_like(weights, memory_format=torch.contiguous_format)
    for part, patterns in parts(batch, seq, offsets):
        reached = [values[part].reshape(-1, channels)]
        for factor, tables in zip(weights[:-1], patterns[:-1], strict=True):
            last = reached[-1]
            reached.append(apply_factor(last, factor[part], tables.reads, tables, residual))
        back = grad[part].reshape(-1, channels)
        for m, tables in reversed(list(enumerate(patterns))):
            link_products(back, reached.pop(), tables, grad_weights[m, part].flatten(0, 1))
            used = tables.reader_links[: back.shape[0] * len(offsets[m])]
            turned = weights[m, part].reshape(-1).index_select(0, used)
            back = apply_factor(back, turned, tables.readers, tables, residual)
        grad_values[part] = back.view(-1, seq, channels)
    return grad_values, grad_weights


def parts(
    batch: int, seq: int, offsets: Sequence[Sequence[int]]
) -> Iterator[tuple[slice, list[Pattern]]]:
    """Slices of the batch that fit ROWS_AT_ONCE, each with the patterns of all factors."""
    at_once = min(batch, max(1, ROWS_AT_ONCE // seq))
    patterns = [pattern(tuple(row), seq, at_once) for row in offsets]
    for first in range(0, batch, at_once):
        yield slice(first, min(batch, first + at_once)), patterns


def apply_factor(
    rows: Tensor, weights: Tensor, columns: Tensor, tables: Pattern, residual: bool
) -> Tensor:
    """One weighted sum per row: row r of the result is sum_k weights[r, k] rows[columns[r, k]]."""
    weights = weights.reshape(-1)
    starts = tables.row_starts[: rows.shape[0] + 1]
    columns = columns[: weights.numel()]
    mixed: Tensor = torch.embedding_bag(rows, columns, starts, False, 0, False, weights, True)[0]
    return mixed.add_(rows) if residual else mixed


def link_products(grad: Tensor, rows: Tensor, tables: Pattern, products: Tensor) -> None:
    """Set products[r, k], zero before, to grad[r] . rows[reads[r, k]]: that weight's gradient."""
    count, links = products.shape
    columns = tables.reads[: count * links]
    if links > count:  # a CSR tensor holds no more entries than its matrix
        products.copy_((grad[:, None] * rows[columns].view(count, links, -1)).sum(-1))
        return
    starts = tables.row_starts[: count + 1]
    sampled = torch.sparse_csr_tensor(
        starts, columns, products.view(-1), size=(count, count), check_invariants=False
    )
    torch.sparse.sampled_addmm(sampled, grad, rows.t(), beta=0.0, out=sampled)
