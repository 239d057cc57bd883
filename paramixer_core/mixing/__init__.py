"""The mixing operation: every sparse factor of a block applied in turn, one public function."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from paramixer_core.mixing.reference import mix_reference

__all__ = ["mix"]


def mix(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    residual: bool = True,
) -> Float[Tensor, "batch seq channels"]:
    """Apply all factors to the values: V_m = W_m V_{m-1} (+ V_{m-1} with `residual`).

    W_m[i, (i + offsets[m][k]) mod N] = weights[m, :, i, k]; coinciding links add up.
    """
    return mix_reference(values, weights, offsets, residual=residual)
