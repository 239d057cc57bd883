"""The mixing operator on a CPU with no compiler: PyTorch's own sparse kernels, well fed.

Why it is fast. A row of a factor is a short weighted sum of rows of V, which is exactly an
embedding bag: FBGEMM's generated kernel reads each row once from cache, multiplies and sums in
registers and writes one row, so the (batch, N K, channels) buffer of gather-and-scatter never
exists. The gradient by the values is an embedding bag too: the pattern is circulant, so token j
is read by rows j - offset_k, known in advance, and no scatter is needed. The gradient by the
weights is K dot products a row, a sampled matrix product on the same pattern. Index tables are
32-bit, made once, and cover a few sequences at a time, so that these and their values stay in
cache while all factors are applied. Only values and weights are kept for the backward pass; the
intermediate values of those few sequences are computed again, into memory that is reused from call
to call: to be handed fresh pages for them took longer than the sums themselves.

What limits it. At N = 128 it is some sixty PyTorch calls of 10 to 30 us each, of which the sums
are half. Three ways around were measured and are no faster there: dense N x N factors with `bmm`
(27 us a factor each way, and as much again to fill them), one call for the weights and one for the
gradients of all factors, and CSR products (26 us a factor, as now).
"""

import math
import threading
import warnings
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from paramixer_core.protocols import Offsets

ROWS_AT_ONCE = 8192
"""Rows (sequences x tokens) per call: enough to share out, few enough to stay in cache."""


class Pattern(NamedTuple):
    """Index tables of one factor for some sequences laid end to end, a row per token."""

    reads: Tensor  # (rows * links,) int32: the token each link reads
    readers: Tensor  # (rows * links,) int32: the token whose link k reads this one
    reader_links: Tensor  # (rows * links,) int32: where that link's weight lies
    row_starts: Tensor  # (rows + 1,) int32


@lru_cache(maxsize=64)
def pattern(offsets: tuple[int, ...], seq: int, sequences: int) -> Pattern:
    """The tables of one factor."""
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


class Workspace(threading.local):
    """Memory that outlives a call, so that its pages are touched once; one block per thread."""

    def __init__(self) -> None:
        self.block = torch.empty(0)

    def take(self, shape: tuple[int, ...], like: Tensor) -> Tensor:
        """An uninitialised tensor in memory that the next call in this thread may overwrite."""
        size = math.prod(shape)
        if self.block.dtype != like.dtype or self.block.numel() < size:
            self.block = like.new_empty(size)
        return self.block[:size].view(shape)


workspace = Workspace()


def forward(values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> Tensor:
    """All factors, a few sequences at a time. Shapes as in `mix`; CPU only."""
    seq = values.shape[1]
    rows, links = rows_of(values), links_of(weights)
    mixed = []
    for first, last in parts(values):
        reached = rows[first:last]
        for factor, row in zip(links[:, first:last], offsets, strict=True):
            tables = pattern(row, seq, (last - first) // seq)
            reached = apply_factor(reached, factor, tables.reads, tables, residual)
        mixed.append(reached)
    return (mixed[0] if len(mixed) == 1 else torch.cat(mixed)).view(values.shape)


def backward(
    grad: Tensor, values: Tensor, weights: Tensor, offsets: Offsets, residual: bool
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights, a few sequences at a time."""
    seq = values.shape[1]
    rows, backs, links = rows_of(values), rows_of(grad), links_of(weights)
    grad_weights = torch.zeros_like(weights, memory_format=torch.contiguous_format)
    products = links_of(grad_weights)
    passed = []
    for first, last in parts(values):
        patterns = [pattern(row, seq, (last - first) // seq) for row in offsets]
        factors = links[:, first:last].unbind()
        shape = (len(offsets) - 1, last - first, rows.shape[1])
        reached = [rows[first:last]]
        for m, place in enumerate(workspace.take(shape, rows)):
            tables = patterns[m]
            apply_factor(reached[m], factors[m], tables.reads, tables, residual, place)
            reached.append(place)
        back = backs[first:last]
        for m in reversed(range(len(offsets))):
            tables = patterns[m]
            link_products(back, reached[m], tables, products[m, first:last])
            turned = factors[m].flatten().index_select(0, tables.reader_links)
            back = apply_factor(back, turned, tables.readers, tables, residual)
        passed.append(back)
    grad_values = passed[0] if len(passed) == 1 else torch.cat(passed)
    return grad_values.view(values.shape), grad_weights


def rows_of(tokens: Tensor) -> Tensor:
    """All sequences end to end: (batch * seq, channels)."""
    return tokens.detach().reshape(-1, tokens.shape[2])


def links_of(weights: Tensor) -> Tensor:
    """All sequences' weights end to end: (factors, batch * seq, links)."""
    return weights.detach().reshape(weights.shape[0], -1, weights.shape[3])


def parts(values: Tensor) -> list[tuple[int, int]]:
    """Rows from..to of whole sequences, at most ROWS_AT_ONCE or one sequence at a time."""
    batch, seq, _ = values.shape
    step, end = seq * max(1, ROWS_AT_ONCE // seq), batch * seq
    return [(first, min(end, first + step)) for first in range(0, end, step)]


def apply_factor(
    rows: Tensor,
    weights: Tensor,
    columns: Tensor,
    tables: Pattern,
    residual: bool,
    out: Tensor | None = None,
) -> Tensor:
    """One weighted sum per row: row r of the result is sum_k weights[r, k] rows[columns[r, k]]."""
    mixed: Tensor = torch.embedding_bag(
        rows, columns, tables.row_starts, False, 0, False, weights.flatten(), True
    )[0]
    if residual:
        return torch.add(mixed, rows, out=mixed if out is None else out)
    return mixed if out is None else out.copy_(mixed)


def link_products(grad: Tensor, rows: Tensor, tables: Pattern, products: Tensor) -> None:
    """Set products[r, k], zero before, to grad[r] . rows[reads[r, k]]: that weight's gradient."""
    count, links = products.shape
    if links > count:  # a CSR tensor holds no more entries than its matrix
        products.copy_((grad[:, None] * rows[tables.reads].view(count, links, -1)).sum(-1))
        return
    sampled = torch.sparse_csr_tensor(
        tables.row_starts,
        tables.reads,
        products.view(-1),
        size=(count, count),
        check_invariants=False,
    )
    torch.sparse.sampled_addmm(sampled, grad, rows.t(), beta=0.0, out=sampled)
