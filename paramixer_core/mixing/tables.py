"""Where the links of each factor lead, and in which order its rows are best taken.

The machine code of both fast CPU paths reads these tables, so that neither has to work out, row by
row, which links wrap around the ring.
"""

import math
from functools import lru_cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from paramixer_core.protocols import Offsets

CACHED_BYTES = 1 << 15
"""Bytes of values that stay in the first-level cache while the rows that read them are taken."""
BLOCK_ROWS = 32
"""Rows that are taken together where links span more than that."""


def tables_for(values: Tensor, offsets: Offsets, *, turned: bool) -> Tensor:
    """Where the links lead, for values of this shape and dtype: see `tables_of`."""
    _, seq, channels = values.shape
    return tables_of(offsets, seq, channels * values.element_size(), turned)


@lru_cache(maxsize=64)
def tables_of(offsets: Offsets, seq: int, row_bytes: int, turned: bool) -> Tensor:
    """Where each factor's table begins, then the tables: (numbers,) int64."""
    tables = [table_of(ahead, seq, row_bytes, turned) for ahead in offsets]
    starts = accumulate((len(table) for table in tables[:-1]), initial=len(tables))
    return torch.tensor([*starts, *(number for table in tables for number in table)])


def table_of(ahead: tuple[int, ...], seq: int, row_bytes: int, turned: bool) -> list[int]:
    """How many stretches of rows there are in which no link wraps around the ring, and each one.

    A stretch is: first row, row after the last, for each link how many rows ahead its value lies,
    and for each how many numbers ahead of the row's first weight its own lies. `turned` links are
    the transposed factor's: they reach as far behind, and a weight lies at the row that is reached.
    """
    links = len(ahead)
    reach = [(-each if turned else each) % seq for each in ahead]
    ends = sorted({seq - each for each in reach})
    table = [0]
    for first, last in row_blocks(reach, seq, row_bytes):
        bounds = [first, *(end for end in ends if first < end < last), last]
        for start, until in pairwise(bounds):
            rows = [each - seq if start + each >= seq else each for each in reach]
            table += [start, until, *rows]
            table += [k + (row * links if turned else 0) for k, row in enumerate(rows)]
            table[0] += 1
    return table


def row_blocks(reach: list[int], seq: int, row_bytes: int) -> list[tuple[int, int]]:
    """Rows in the order in which their links find most in cache: first row, row after the last.

    While what the links span fits in cache, that is the order of the ring. When it does not, and
    all distances are multiples of some step (CDIL's are, of its dilation), rows a step apart share
    what they read: a block of rows, then the block one step on, all the way round, and only then
    the block beside the first.
    """
    distances = [min(each, seq - each) for each in reach]
    step = math.gcd(*distances)
    if 2 * max(distances) * row_bytes < CACHED_BYTES or step < BLOCK_ROWS:
        return [(0, seq)]
    return [
        (base + beside, min(seq, base + step, base + beside + BLOCK_ROWS))
        for beside in range(0, step, BLOCK_ROWS)
        for base in range(0, seq - beside, step)
    ]
