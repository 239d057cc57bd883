"""The mixing operator as the equation writes it: dense matrices, multiplied one after another."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor


def dense_factors(
    weights: Float[Tensor, "factors batch seq links"], offsets: Sequence[Sequence[int]]
) -> Float[Tensor, "factors batch seq seq"]:
    """Write each sparse factor as a dense matrix: W[i, (i + offset_k) mod N] += weights[i, k].

    Links that land on one column add up. Memory is O(factors batch N^2).
    """
    factors, batch, seq, links = weights.shape
    ahead = torch.tensor(offsets, device=weights.device)
    columns = (torch.arange(seq, device=weights.device)[:, None] + ahead[:, None, :]) % seq
    dense = weights.new_zeros(factors, batch, seq, seq)
    return dense.scatter_add(3, columns[:, None].expand(factors, batch, seq, links), weights)


def mix_reference(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    residual: bool = True,
) -> Float[Tensor, "batch seq channels"]:
    """V_m = W_m V_{m-1} + V_{m-1} for m = 1..M; without `residual`, V_m = W_m V_{m-1}."""
    for factor in dense_factors(weights, offsets):
        values = factor @ values + values if residual else factor @ values
    return values


def mix_first_reference(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
) -> Float[Tensor, "batch seq channels"]:
    """V_m = W_m V_{m-1} + V_0 for m = 1..M, V_0 the values that come in."""
    first = values
    for factor in dense_factors(weights, offsets):
        values = factor @ values + first
    return values
