"""What `mix` accepts, checked once for every implementation, and how offsets are written down."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from paramixer_core.errors import ParamixerError
from paramixer_core.mixing.compiling import constant_when_compiled

DTYPES = (torch.float32, torch.float64, torch.bfloat16)


def require_mixable(values: Tensor, weights: Tensor, factors: int, links: int) -> None:
    """Raise ParamixerError unless the tensors fit one another and M x K offsets.

    The checks look at shapes, dtypes and devices alone, never at data: NaN and infinities are
    values like any other and propagate.
    """
    if values.dim() != 3:
        raise ParamixerError(
            "values of shape (batch, seq, channels)", shape_of(values), "add or drop dimensions"
        )
    batch, seq, channels = values.shape
    if batch < 1 or seq < 2 or channels < 1:
        raise ParamixerError(
            "values with batch >= 1, seq >= 2 and channels >= 1",
            shape_of(values),
            "pass at least one sequence of two tokens",
        )
    expected = (factors, batch, seq, links)
    if tuple(weights.shape) != expected:
        raise ParamixerError(
            f"weights of shape (factors, batch, seq, links) = {expected}, which the values and "
            "the offsets ask for",
            shape_of(weights),
            "make the weights for the same sequence length, batch and protocol",
        )
    if values.dtype not in DTYPES or weights.dtype != values.dtype:
        raise ParamixerError(
            "values and weights both float32, both float64 or both bfloat16",
            f"{values.dtype} and {weights.dtype}",
            "convert one of them",
        )
    if values.device != weights.device:
        raise ParamixerError(
            "values and weights on one device",
            f"{values.device} and {weights.device}",
            "move one of them",
        )


def shape_of(tensor: Tensor) -> str:
    """A shape as an error message shows it."""
    return f"shape {tuple(tensor.shape)}"


@constant_when_compiled
def flat_offsets(offsets: tuple[tuple[int, ...], ...], seq: int) -> tuple[int, ...]:
    """All offsets in one row, each in 0..seq-1, factor after factor; raises if rows differ."""
    return flattened(offsets, seq)


@lru_cache(maxsize=256)
def flattened(offsets: tuple[tuple[int, ...], ...], seq: int) -> tuple[int, ...]:
    """What `flat_offsets` gives, worked out once per pattern."""
    lengths = {len(row) for row in offsets}
    if len(lengths) != 1 or 0 in lengths:
        raise ParamixerError(
            "offsets with at least one factor and the same number of links in each",
            f"{[len(row) for row in offsets]} links",
            "take them from protocol_offsets",
        )
    flat = [offset for row in offsets for offset in row]
    if not all(isinstance(offset, int) for offset in flat):
        raise ParamixerError("offsets that are whole numbers", offsets, "round them")
    return tuple(offset % seq for offset in flat)


def as_rows(offsets: Sequence[Sequence[int]]) -> tuple[tuple[int, ...], ...]:
    """Nested tuples, so that patterns can be cached by them; tuples pass through untouched."""
    if type(offsets) is tuple and all(type(row) is tuple for row in offsets):
        return offsets
    try:
        return tuple(tuple(row) for row in offsets)
    except TypeError as error:
        raise ParamixerError(
            "offsets as one sequence of whole numbers per factor", offsets, "nest them"
        ) from error
