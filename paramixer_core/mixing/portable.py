"""The mixing operator on a CPU with no compiler: machine code made by LLVM in this process.

Why it is fast. It is the native path's way (`native.py`) without its sources: a row's sum stays in
registers while its links run through, a link is a distance, dot products are summed sixteen at a
time, and a thread takes a whole sequence through all factors while its values are in cache. The
code is made for the number of channels at hand, so that a row is a fixed number of registers. That
takes a third of a second, once. Only values and weights are kept for the backward pass.

What limits it is what limits the native path, whose times it has: loading what a link reads. It
stands in for PyTorch calls on sparse data (embedding bags and sampled products), which were three
to four times slower: they read each operand for themselves, and at N = 128 calling them took half
of the time. Measured and left: the same loops in numba (3.4 ns a link and 3.1 ns a dot product on
one core, where these take 0.9 and 1.0), whose vectoriser does not keep a row in registers.
"""

import ctypes
import threading

import torch
from torch import Tensor

from paramixer_core.big_memory import big_empty, in_large_pages
from paramixer_core.mixing.portable_passes import TOLD, passes
from paramixer_core.mixing.tables import tables_for
from paramixer_core.mixing.team import run_in_threads
from paramixer_core.protocols import Offsets

ROWS_TO_SHARE = 1024
"""Rows for each thread from which it pays to share a sequence, and to wait for each other."""


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


def forward(values: Tensor, weights: Tensor, offsets: Offsets, residual: bool) -> Tensor:
    """All factors. Shapes as in `mix`; CPU, float32 and float64."""
    values, weights = values.detach().contiguous(), weights.detach().contiguous()
    call = Call(values, weights, offsets, residual)
    result = big_empty(values.shape, values)
    if not call.shares_rows:
        call.run(
            "forward",
            tables=call.tables(),
            values=values,
            weights=weights,
            result=result,
            scratch=call.scratch(planes=2),
        )
        return result
    between = call.planes(2)
    for m, factor in enumerate(weights):
        write = result if m + 1 == len(weights) else between[m % 2]
        call.sum_rows(m, values, factor, write)
        values = write
    return result


def backward(
    grad: Tensor, values: Tensor, weights: Tensor, offsets: Offsets, residual: bool
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights."""
    values, weights = values.detach().contiguous(), weights.detach().contiguous()
    grad = grad.detach().contiguous()
    call = Call(values, weights, offsets, residual)
    grad_values = big_empty(values.shape, values)
    grad_weights = big_empty(weights.shape, weights)
    factors = len(offsets)
    if not call.shares_rows:
        call.run(
            "backward",
            tables=call.tables(),
            turned=call.tables(turned=True),
            values=values,
            weights=weights,
            grad=grad,
            scratch=call.scratch(planes=factors + 1),
            grad_values=grad_values,
            grad_weights=grad_weights,
        )
        return grad_values, grad_weights
    *reached, even, odd = (values, *call.planes(factors + 1))
    for m in range(factors - 1):
        call.sum_rows(m, reached[m], weights[m], reached[m + 1])
    for m in reversed(range(factors)):
        call.run(
            "dot_products_of_all",
            tables=call.tables(m),
            values=reached[m],
            grad=grad,
            grad_weights=grad_weights[m],
        )
        write = grad_values if m == 0 else (even, odd)[m % 2]
        call.sum_rows(m, grad, weights[m], write, turned=True)
        grad = write
    return grad_values, grad_weights


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
            "rows_a_ticket": -(-seq // self.threads),
        }

    def scratch(self, planes: int) -> Tensor:
        """A room of so many planes for each thread."""
        self.sizes["room"] = planes * self.plane
        rooms = max(1, min(self.threads, self.sizes["batch"]))
        return workspace.take(rooms * planes * self.plane, self.values)

    def planes(self, count: int) -> Tensor:
        """Memory for so many tensors like the values."""
        size = count * self.values.numel()
        return workspace.take(size, self.values)[:size].view(count, *self.values.shape)

    def tables(self, factor: int | None = None, *, turned: bool = False) -> Tensor:
        """The tables of one factor, or of all."""
        offsets = self.offsets if factor is None else self.offsets[factor : factor + 1]
        return tables_for(self.values, offsets, turned=turned)

    def sum_rows(
        self, factor: int, values: Tensor, weights: Tensor, result: Tensor, *, turned: bool = False
    ) -> None:
        """Apply one factor, or the transposed one, to all sequences."""
        tables = self.tables(factor, turned=turned)
        self.run("sum_rows_of_all", tables=tables, values=values, weights=weights, result=result)

    def run(self, name: str, **tensors: Tensor) -> None:
        """Have the team do a pass."""
        numbers = self.sizes | {key: tensor.data_ptr() for key, tensor in tensors.items()}
        told = (ctypes.c_int64 * len(TOLD))(*(numbers.get(each, 0) for each in TOLD))
        library = passes(self.values.shape[2], self.values.dtype == torch.float64)
        work = self.threads if self.shares_rows else min(self.threads, self.sizes["batch"])
        run_in_threads(library.addresses[name], told, max(1, work))
