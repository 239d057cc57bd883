"""The mixing operator on a CPU with no compiler: machine code made by LLVM in this process.

Why it is fast. It is the native path's way (`native.py`) without its sources: a row's sum stays in
registers while its links run through, a link is a distance, dot products are summed sixteen at a
time, and a thread takes a whole sequence through all factors while its values are in cache. The
code is made for the number of channels at hand, so that a row is a fixed number of registers. That
takes a quarter of a second, once. Where links wrap around the ring, and in which order rows are
taken, is worked out here, into tables. Only values and weights are kept for the backward pass.

What limits it. As for the native path, the first-level cache: 0.9 ns a link of 32 channels forward
and 2.7 ns backward on one core at 2.8 GHz, where loading its operands alone takes 0.55 and 1.6.
Before this, the same sums were PyTorch calls (embedding bags and sampled matrix products): three
to four times slower. Measured and left: loops in numba (3.4 ns a link and 3.1 ns a dot product;
its vectoriser finds no way to keep a row in registers).
"""

import ctypes
import math
import threading
from functools import lru_cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from paramixer_core.large_pages import in_large_pages
from paramixer_core.mixing.portable_passes import TOLD, passes
from paramixer_core.mixing.team import run_in_threads
from paramixer_core.protocols import Offsets

ROWS_TO_SHARE = 1024
"""Rows for each thread from which it pays to share a sequence, and to wait for each other."""
BLOCK_ROWS = 256
"""Rows that are taken together where links span more than CACHED_BYTES."""
CACHED_BYTES = 1 << 20
"""What links may span before the order of rows matters."""


class Workspace(threading.local):
    """Memory that outlives a call, so that its pages are touched once; one block per thread."""

    def __init__(self) -> None:
        self.block = torch.empty(0)

    def take(self, size: int, like: Tensor) -> Tensor:
        """Uninitialised memory that the next call in this thread may overwrite."""
        if self.block.dtype != like.dtype or self.block.numel() < size:
            self.block = in_large_pages(like.new_empty(size))
        return self.block


workspace = Workspace()


def row_blocks(ahead: tuple[int, ...], seq: int, row_bytes: int) -> list[tuple[int, int]]:
    """Rows in the order in which their links find most in cache: first row, row after the last.

    While what the links span fits in cache, that is the order of the ring. When it does not, and
    all distances are multiples of some step (CDIL's are, of its dilation), rows a step apart share
    what they read: a block of rows, then the block one step on, all the way round, and only then
    the block beside the first.
    """
    distances = [min(each, seq - each) for each in ahead]
    step = math.gcd(*distances)
    if 2 * max(distances) * row_bytes < CACHED_BYTES or step < BLOCK_ROWS:
        return [(0, seq)]
    return [
        (base + beside, min(seq, base + step, base + beside + BLOCK_ROWS))
        for beside in range(0, step, BLOCK_ROWS)
        for base in range(0, seq - beside, step)
    ]


def table_of(
    ahead: tuple[int, ...], seq: int, channels: int, row_bytes: int, turned: bool
) -> list[int]:
    """How many stretches of rows there are in which no link wraps around the ring, and each one.

    A stretch is: first row, row after the last, and for each link the distance to its value and
    to its weight, in elements. `turned` links are the transposed factor's: they reach as far
    behind, and a weight lies at the row that is reached.
    """
    links = len(ahead)
    reach = [(seq - each) % seq for each in ahead] if turned else list(ahead)
    ends = sorted({seq - each for each in reach})
    table = [0]
    for first, last in row_blocks(tuple(reach), seq, row_bytes):
        bounds = [first, *(end for end in ends if first < end < last), last]
        for start, until in pairwise(bounds):
            rows = [each - seq if start + each >= seq else each for each in reach]
            table += [start, until, *(row * channels for row in rows)]
            table += [k + (row * links if turned else 0) for k, row in enumerate(rows)]
            table[0] += 1
    return table


@lru_cache(maxsize=128)
def tables_of(offsets: Offsets, seq: int, channels: int, row_bytes: int, turned: bool) -> Tensor:
    """Where each factor's table begins, then the tables."""
    tables = [table_of(ahead, seq, channels, row_bytes, turned) for ahead in offsets]
    starts = accumulate((len(table) for table in tables[:-1]), initial=len(tables))
    return torch.tensor([*starts, *(number for table in tables for number in table)])


def forward(values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> Tensor:
    """All factors. Shapes as in `mix`; CPU, float32 and float64."""
    values, weights = values.detach().contiguous(), weights.detach().contiguous()
    call = Call(values, weights, offsets, residual)
    result = in_large_pages(torch.empty_like(values))
    if not call.shares_rows:
        scratch = call.scratch(planes=2)
        call.run("forward", values=values, weights=weights, result=result, scratch=scratch)
        return result
    for m, factor in enumerate(weights):
        write = result if m + 1 == len(weights) else torch.empty_like(values)
        call.run("sum_rows_of_all", m, values=values, weights=factor, result=write)
        values = write
    return result


def backward(
    grad: Tensor, values: Tensor, weights: Tensor, offsets: Offsets, residual: bool
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights."""
    values, weights = values.detach().contiguous(), weights.detach().contiguous()
    grad = grad.detach().contiguous()
    call = Call(values, weights, offsets, residual)
    grad_weights = in_large_pages(torch.empty_like(weights))
    if not call.shares_rows:
        grad_values = in_large_pages(torch.empty_like(values))
        call.run(
            "backward",
            values=values,
            weights=weights,
            grad=grad,
            scratch=call.scratch(planes=len(offsets) + 1),
            grad_values=grad_values,
            grad_weights=grad_weights,
        )
        return grad_values, grad_weights
    reached = [values]
    for m, factor in enumerate(weights[:-1]):
        reached.append(torch.empty_like(values))
        call.run("sum_rows_of_all", m, values=reached[m], weights=factor, result=reached[-1])
    for m in reversed(range(len(offsets))):
        call.run(
            "dot_products_of_all", m, values=reached.pop(), grad=grad, grad_weights=grad_weights[m]
        )
        write = torch.empty_like(values)
        call.run("sum_rows_of_all", m, turned=True, values=grad, weights=weights[m], result=write)
        grad = write
    return grad, grad_weights


class Call:
    """One call of the operator: its sizes, its tables, its team of threads.

    Each thread takes whole sequences. When there are fewer of them than threads, and they are
    long, the threads share the rows of all, a factor at a time.
    """

    def __init__(self, values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> None:
        self.values, self.offsets = values, offsets
        batch, seq, channels = values.shape
        self.threads = torch.get_num_threads()
        self.shares_rows = batch < self.threads and seq >= ROWS_TO_SHARE * self.threads
        self.plane = -(-seq * channels // 64) * 64 + 64  # 64 more: they must not share cache sets
        self.sizes = {
            "batch": batch,
            "seq": seq,
            "factors": len(offsets),
            "links": weights.shape[3],
            "residual": int(residual),
            "plane": self.plane,
        }

    def scratch(self, planes: int) -> Tensor:
        """A room of so many planes for each thread."""
        self.sizes["room"] = planes * self.plane
        rooms = max(1, min(self.threads, self.sizes["batch"]))
        return workspace.take(rooms * planes * self.plane, self.values)

    def tables(self, factor: int | None, turned: bool) -> Tensor:
        """The tables of one factor, or of all."""
        _, seq, channels = self.values.shape
        offsets = self.offsets if factor is None else self.offsets[factor : factor + 1]
        return tables_of(offsets, seq, channels, channels * self.values.element_size(), turned)

    def run(
        self, name: str, factor: int | None = None, turned: bool = False, **tensors: Tensor
    ) -> None:
        """Have the team do a pass, of one factor or of all."""
        tables = {"tables": self.tables(factor, turned), "turned": self.tables(factor, True)}
        places = {key: tensor.data_ptr() for key, tensor in (tables | tensors).items()}
        numbers = self.sizes | places
        told = (ctypes.c_int64 * len(TOLD))(*(numbers.get(each, 0) for each in TOLD))
        library = passes(self.values.shape[2], self.values.dtype == torch.float64)
        work = self.threads if self.shares_rows else min(self.threads, self.sizes["batch"])
        run_in_threads(library.addresses[name], told, max(1, work))
