"""Inputs of the mixing operator for tests, and gradients of its results."""

import torch
from torch import Tensor

from paramixer_core.protocols import Offsets


def case(
    offsets: Offsets,
    seq: int,
    batch: int = 2,
    channels: int = 3,
    dtype: torch.dtype = torch.float64,
) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seq)
    values = torch.randn(batch, seq, channels, generator=generator, dtype=dtype)
    weights = torch.randn(
        len(offsets), batch, seq, len(offsets[0]), generator=generator, dtype=dtype
    )
    weights = weights / len(offsets[0])
    return values.requires_grad_(), weights.requires_grad_()


def gradients(result: Tensor, *inputs: Tensor) -> tuple[Tensor, ...]:
    direction = torch.linspace(-1, 1, result.numel(), dtype=result.dtype).view_as(result)
    return torch.autograd.grad(result, inputs, direction)
