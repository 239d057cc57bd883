"""The mixing operator as sums of rolled copies: plain differentiable PyTorch on any device.

Every protocol is circulant: link k of every row reaches the same distance ahead. So a factor is
K multiply-adds of whole arrays, out += w_k * roll(V, -offset_k), with no index buffer and nothing
of size (batch, N K, channels) at once. It is the path for devices that have no kernel of their
own, and, being plain PyTorch, the one that gives second derivatives to all the others.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def mix_rolled(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    residual: bool = True,
) -> Float[Tensor, "batch seq channels"]:
    """V_m = sum_k w_mk * roll(V_{m-1}, -offset_mk) (+ V_{m-1}); differentiable to any order."""
    for factor, row in zip(weights, offsets, strict=True):
        mixed = values if residual else torch.zeros_like(values)
        for link, offset in enumerate(row):
            mixed = torch.addcmul(mixed, factor[:, :, link, None], values.roll(-offset, 1))
        values = mixed
    return values


def forward(
    values: Tensor, weights: Tensor, offsets: Sequence[Sequence[int]], residual: bool
) -> Tensor:
    """All factors; nothing is recorded for autograd."""
    with torch.no_grad():
        return mix_rolled(values, weights, offsets, residual=residual)


def backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Sequence[Sequence[int]],
    residual: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights; the intermediate values are computed again."""
    with torch.no_grad():
        reached = [values]
        for m in range(len(offsets) - 1):
            reached.append(
                mix_rolled(reached[-1], weights[m : m + 1], offsets[m : m + 1], residual=residual)
            )
        grad_weights = torch.empty_like(weights, memory_format=torch.contiguous_format)
        for m in reversed(range(len(offsets))):
            back = grad if residual else torch.zeros_like(grad)
            for link, offset in enumerate(offsets[m]):
                grad_weights[m, :, :, link] = (grad * reached[m].roll(-offset, 1)).sum(-1)
                back = back + (weights[m, :, :, link, None] * grad).roll(offset, 1)
            grad = back
        return grad, grad_weights
