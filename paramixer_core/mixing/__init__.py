"""The mixing operation: every sparse factor of a block applied in turn, one public function."""

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor

from paramixer_core.mixing.checks import as_rows, flat_offsets, require_mixable
from paramixer_core.mixing.operators import run
from paramixer_core.mixing.table import (
    PLAIN,
    Implementation,
    choose,
    path_for,
    prepare,
    use_implementation,
)

__all__ = ["Implementation", "choose", "mix", "mix_first", "prepare", "use_implementation"]


def mix(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    residual: bool = True,
    implementation: str | None = None,
) -> Float[Tensor, "batch seq channels"]:
    """Apply all factors to the values: V_m = W_m V_{m-1} (+ V_{m-1} with `residual`).

    W_m[i, (i + offsets[m][k]) mod N] = weights[m, :, i, k]; coinciding links add up. Any N >= 2,
    any strides; values and weights share a device and one dtype of float64, float32 and bfloat16
    (on a CPU, bfloat16 is computed in float32 and rounded once). The result is contiguous.

    `implementation` forces one path; without it `use_implementation`, then the environment
    variable PARAMIXER_MIXING, then the fastest for the device decide. Gradients reach values and
    weights, to any order; between the passes only these two tensors are kept. NaN and infinities
    propagate. Safe under `torch.compile`. Raises ParamixerError when shapes, dtypes or devices do
    not fit. Source: Paramixer, section 3.1; the plain equation is in `reference.py`.
    """
    rows = as_rows(offsets)
    require_mixable(values, weights, len(rows), len(rows[0]) if rows else 0)
    flat = flat_offsets(rows, values.shape[1])
    path = path_for(values.device.type, implementation)
    if path in PLAIN:
        return PLAIN[path](values, weights, rows, residual=residual)
    return run(values, weights, flat, residual, path)


def mix_first(
    values: Float[Tensor, "batch seq channels"],
    weights: Float[Tensor, "factors batch seq links"],
    offsets: Sequence[Sequence[int]],
    *,
    implementation: str | None = None,
) -> Float[Tensor, "batch seq channels"]:
    """V_m = W_m V_{m-1} + V_0 for m = 1..M, V_0 the values that come in.

    Each factor is one call of `mix` without its residual, along whichever path that takes, and one
    addition. What goes between the factors is kept for the backward pass: M tensors of the
    values' size. Everything else, errors included, is as for `mix`.
    """
    rows = as_rows(offsets)
    require_mixable(values, weights, len(rows), len(rows[0]) if rows else 0)
    flat_offsets(rows, values.shape[1])
    mixed = values
    for m in range(len(rows)):
        one = slice(m, m + 1)
        mixed = values + mix(
            mixed, weights[one], rows[one], residual=False, implementation=implementation
        )
    return mixed
