"""The mixing operator on CUDA in Triton: one launch per factor, forward and backward.

Why it is fast. A program takes some rows of one sequence, holds their sums in registers, and
streams the rows that their links reach: each is a contiguous read a fixed distance ahead, shared
through the cache with the programs beside it, so a factor moves little more than one read and one
write of V and one read of its weights. The residual is where the sums begin. The backward pass
needs no atomics, because the pattern is circulant: token j gathers from the rows j - offset_k that
read it, and its own row of weight gradients is K dot products; both come from one launch. Sums
are in float32 (float64 for float64). Only values and weights are kept; the values between the
factors are computed again. Without a GPU the same kernels run in Triton's interpreter
(TRITON_INTERPRET=1), for tests.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor

ELEMENTS_AT_ONCE = 2048
"""Rows x channels that one program holds."""


def factor_program(  # type: ignore[no-untyped-def]
    values,
    weights,
    ahead,
    out,
    seq,
    channels,
    links: tl.constexpr,
    residual: tl.constexpr,
    wide: tl.constexpr,
    rows_at_once: tl.constexpr,
    columns_at_once: tl.constexpr,
) -> None:
    """out[i] = sum_k weights[i, k] values[i + ahead_k] (+ values[i]), for some rows i."""
    sequence = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * rows_at_once + tl.arange(0, rows_at_once)
    column = tl.arange(0, columns_at_once)
    held = row < seq
    inside = held[:, None] & (column < channels)[None, :]
    values += sequence * seq * channels
    weights += sequence * seq * links
    own = row[:, None] * channels + column[None, :]
    if residual:
        total = tl.load(values + own, mask=inside, other=0.0).to(wide)
    else:
        total = tl.zeros([rows_at_once, columns_at_once], dtype=wide)
    for k in tl.static_range(links):
        read = row + tl.load(ahead + k)
        read = tl.where(read >= seq, read - seq, read)
        place = read[:, None] * channels + column[None, :]
        value = tl.load(values + place, mask=inside, other=0.0).to(wide)
        weight = tl.load(weights + row * links + k, mask=held, other=0.0).to(wide)
        total += weight[:, None] * value
    tl.store(out + sequence * seq * channels + own, total.to(out.dtype.element_ty), mask=inside)


def gradient_program(  # type: ignore[no-untyped-def]
    grad,
    values,
    weights,
    ahead,
    grad_values,
    grad_weights,
    seq,
    channels,
    links: tl.constexpr,
    residual: tl.constexpr,
    wide: tl.constexpr,
    rows_at_once: tl.constexpr,
    columns_at_once: tl.constexpr,
) -> None:
    """Gradients of one factor by the values and by the weights of some rows."""
    sequence = tl.program_id(1).to(tl.int64)
    row = tl.program_id(0) * rows_at_once + tl.arange(0, rows_at_once)
    column = tl.arange(0, columns_at_once)
    held = row < seq
    inside = held[:, None] & (column < channels)[None, :]
    values += sequence * seq * channels
    grad += sequence * seq * channels
    weights += sequence * seq * links
    own = row[:, None] * channels + column[None, :]
    own_grad = tl.load(grad + own, mask=inside, other=0.0).to(wide)
    total = own_grad if residual else tl.zeros([rows_at_once, columns_at_once], dtype=wide)
    for k in tl.static_range(links):
        distance = tl.load(ahead + k)
        read = row + distance
        read = tl.where(read >= seq, read - seq, read)
        place = read[:, None] * channels + column[None, :]
        value = tl.load(values + place, mask=inside, other=0.0).to(wide)
        product = tl.sum(own_grad * value, axis=1)
        here = grad_weights + sequence * seq * links + row * links + k
        tl.store(here, product.to(grad_weights.dtype.element_ty), mask=held)
        reader = row - distance
        reader = tl.where(reader < 0, reader + seq, reader)
        weight = tl.load(weights + reader * links + k, mask=held, other=0.0).to(wide)
        place = reader[:, None] * channels + column[None, :]
        total += weight[:, None] * tl.load(grad + place, mask=inside, other=0.0).to(wide)
    target = grad_values + sequence * seq * channels + own
    tl.store(target, total.to(grad_values.dtype.element_ty), mask=inside)


factor_kernel: Any = triton.jit(factor_program)
gradient_kernel: Any = triton.jit(gradient_program)


@lru_cache(maxsize=256)
def distances(offsets: tuple[int, ...], device: torch.device) -> Tensor:
    """The offsets of one factor where the kernels read them."""
    return torch.tensor(offsets, dtype=torch.int32, device=device)


def launch(
    kernel: Any, tensors: Sequence[Tensor], shape: torch.Size, links: int, flag: bool
) -> None:
    """Run a kernel over all rows of all sequences of a (batch, seq, channels) tensor."""
    batch, seq, channels = shape
    columns = triton.next_power_of_2(channels)
    rows = max(1, ELEMENTS_AT_ONCE // columns)
    wide = tl.float64 if tensors[0].dtype == torch.float64 else tl.float32
    grid = (triton.cdiv(seq, rows), batch)
    kernel[grid](
        *tensors,
        seq,
        channels,
        links=links,
        residual=flag,
        wide=wide,
        rows_at_once=rows,
        columns_at_once=columns,
        enable_fp_fusion=True,
    )


def forward(
    values: Tensor, weights: Tensor, offsets: Sequence[Sequence[int]], residual: bool
) -> Tensor:
    """All factors, one launch each. Shapes as in `mix`."""
    values, weights = values.contiguous(), weights.contiguous()
    with torch.cuda.device_of(values):  # type: ignore[no-untyped-call]
        for factor, row in zip(weights, offsets, strict=True):
            mixed = torch.empty_like(values)
            ahead = distances(tuple(row), values.device)
            launch(factor_kernel, (values, factor, ahead, mixed), values.shape, len(row), residual)
            values = mixed
    return values


def backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Sequence[Sequence[int]],
    residual: bool,
) -> tuple[Tensor, Tensor]:
    """Gradients by values and weights, one launch per factor after the values came again."""
    grad, values, weights = grad.contiguous(), values.contiguous(), weights.contiguous()
    grad_weights = torch.empty_like(weights)
    reached = [values]
    for m in range(len(offsets) - 1):
        reached.append(forward(reached[-1], weights[m : m + 1], offsets[m : m + 1], residual))
    with torch.cuda.device_of(values):  # type: ignore[no-untyped-call]
        for m in reversed(range(len(offsets))):
            passed = torch.empty_like(grad)
            ahead = distances(tuple(offsets[m]), values.device)
            tensors = (grad, reached.pop(), weights[m], ahead, passed, grad_weights[m])
            launch(gradient_kernel, tensors, values.shape, len(offsets[m]), residual)
            grad = passed
    return grad, grad_weights
