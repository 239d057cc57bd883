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
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import lru_cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from paramixer_core.large_pages import in_large_pages
from paramixer_core.mixing.portable_passes import NUMBERS, SHARE, passes
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
sharing = threading.Lock()  # callers that wait for each other all need a thread at the same time


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
    result = in_large_pages(torch.empty_like(values))
    tables = [tables_for(values, offsets, turned=False)]
    run("forward", [*tables, values, weights], [result], planes=2, residual=residual)
    return result


def backward(
    grad: Tensor, values: Tensor, weights: Tensor, offsets: Offsets, residual: bool
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights."""
    values, weights = values.detach().contiguous(), weights.detach().contiguous()
    grads = (
        in_large_pages(torch.empty_like(values)),
        in_large_pages(torch.empty_like(weights)),
    )
    tables = [tables_for(values, offsets, turned) for turned in (False, True)]
    inputs = [*tables, grad.detach().contiguous(), values, weights]
    run("backward", inputs, grads, planes=len(offsets) + 1, residual=residual)
    return grads


def tables_for(values: Tensor, offsets: Offsets, turned: bool) -> Tensor:
    """The tables for values of this shape and dtype."""
    _, seq, channels = values.shape
    return tables_of(offsets, seq, channels, channels * values.element_size(), turned)


def run(
    name: str, inputs: list[Tensor], results: Sequence[Tensor], planes: int, residual: bool
) -> None:
    """Call `forward` or `backward` of the compiled loops in as many threads as PyTorch uses.

    Each takes whole sequences; when there are fewer sequences than threads and they are long, the
    threads share the rows of one and meet after each factor.
    """
    values, weights = inputs[-2:]
    batch, seq, channels = values.shape
    threads = torch.get_num_threads()
    by_rows = batch < threads and seq >= ROWS_TO_SHARE * threads
    count = threads if by_rows else max(1, min(threads, batch))
    plane = -(-seq * channels // 64) * 64 + 64  # 64 more: planes must not share cache sets
    scratch = workspace.take((1 if by_rows else count) * planes * plane, values)
    function = getattr(passes(channels, values.dtype == torch.float64), name)
    meeting = ctypes.c_int64(0)
    numbers = (batch, seq, weights.shape[0], weights.shape[3], int(residual), plane)

    def call(member: int) -> None:
        mine = (seq if by_rows else batch) * member // count
        next_one = (seq if by_rows else batch) * (member + 1) // count
        share = (0, batch, mine, next_one, count) if by_rows else (mine, next_one, 0, seq, 1)
        room = 0 if by_rows else member * planes * plane * scratch.element_size()
        told = (ctypes.c_int64 * (len(NUMBERS) + len(SHARE)))(*numbers, *share)
        function(
            ctypes.addressof(told),
            ctypes.addressof(meeting),
            *(tensor.data_ptr() for tensor in inputs),
            scratch.data_ptr() + room,
            *(tensor.data_ptr() for tensor in results),
        )

    with sharing if by_rows else nullcontext():
        others = [pool(count).submit(call, member) for member in range(1, count)]
        call(0)
        for other in others:
            other.result()


@lru_cache(maxsize=4)
def pool(threads: int) -> ThreadPoolExecutor:
    """All but one of a number of threads: the caller is the other."""
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="mixing")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=pool.cache_clear)  # threads do not live on in a child
