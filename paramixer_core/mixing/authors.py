"""The mixing operator as the paper's authors compute it: the baseline of every benchmark.

Per factor, gather the row of V that each link reads into a buffer of (batch, N K, channels),
multiply by the link weights, and scatter-add the products into their rows. Written from the
description of their published code, in PyTorch; whichever of `scatter_add` and `index_add` runs
faster at the size is used, each as fast as it goes (contiguous operands, indices made once).
"""

from collections.abc import Sequence
from functools import lru_cache

import torch
from jaxtyping import Float
from torch import Tensor

SCATTER_UP_TO = 512
"""Sequence length up to which scatter_add was measured faster than index_add on a CPU."""


@lru_cache(maxsize=64)
def entries(offsets: tuple[int, ...], seq: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of every non-zero of one factor, row by row."""
    rows = torch.arange(seq, device=device)
    columns = (rows[:, None] + torch.tensor(offsets, device=device)) % seq
    return rows.repeat_interleave(len(offsets)), columns.flatten()


def mix_authors(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    residual: bool = True,
) -> Float[Tensor, "batch seq channels"]:
    """Gather, multiply, scatter-add, once per factor; gradients by autograd."""
    batch, seq, channels = values.shape
    for factor, ahead in zip(weights, offsets, strict=True):
        rows, columns = entries(tuple(ahead), seq, values.device)
        gathered = values.index_select(1, columns)
        products = gathered * factor.reshape(batch, -1, 1)
        empty = torch.zeros_like(values)
        if seq <= SCATTER_UP_TO:
            places = rows[None, :, None].expand(batch, -1, channels)
            mixed = empty.scatter_add(1, places, products)
        else:
            mixed = empty.index_add(1, rows, products)
        values = mixed + values if residual else mixed
    return values
