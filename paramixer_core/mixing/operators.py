"""The mixing operator as PyTorch operators with a gradient: what autograd and compilers see."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from paramixer_core.mixing.rolled import mix_rolled
from paramixer_core.mixing.table import kernels_of
from paramixer_core.protocols import Offsets

SIGNATURES = (
    "mix(Tensor values, Tensor weights, int[] offsets, bool residual, str implementation) "
    "-> Tensor",
    "mix_backward(Tensor grad, Tensor values, Tensor weights, int[] offsets, bool residual, "
    "str implementation) -> (Tensor, Tensor)",
)


def rows_of(offsets: Sequence[int], links: int) -> Offsets:
    """Undo the flattening that the operators' signature asks for."""
    return cut(tuple(offsets), links)


@lru_cache(maxsize=256)
def cut(flat: tuple[int, ...], links: int) -> Offsets:
    """What `rows_of` gives, worked out once per pattern."""
    return tuple(flat[first : first + links] for first in range(0, len(flat), links))


def run_forward(
    values: Tensor, weights: Tensor, offsets: Sequence[int], residual: bool, implementation: str
) -> Tensor:
    """V_M from V_0. bfloat16 on a CPU is computed in float32 and rounded once, at the end."""
    kernels = kernels_of(implementation)
    rows = rows_of(offsets, weights.shape[3])
    if is_narrow(values):
        return kernels.forward(values.float(), weights.float(), rows, residual).to(values.dtype)
    return kernels.forward(values, weights, rows, residual)


def run_backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Sequence[int],
    residual: bool,
    implementation: str,
) -> tuple[Tensor, Tensor]:
    """Gradients by V_0 and by every link weight."""
    kernels = kernels_of(implementation)
    rows = rows_of(offsets, weights.shape[3])
    if is_narrow(values):
        tensors = (grad.float(), values.float(), weights.float())
        grad_values, grad_weights = kernels.backward(*tensors, rows, residual)
        return grad_values.to(values.dtype), grad_weights.to(values.dtype)
    return kernels.backward(grad, values, weights, rows, residual)


def is_narrow(values: Tensor) -> bool:
    """Whether to compute in float32 instead: CPUs' sparse kernels know no bfloat16."""
    return values.dtype == torch.bfloat16 and values.device.type == "cpu"


def fake_forward(
    values: Tensor, weights: Tensor, offsets: Sequence[int], residual: bool, implementation: str
) -> Tensor:
    """The result's shape, for tracing."""
    return torch.empty_like(values, memory_format=torch.contiguous_format)


def fake_backward(
    grad: Tensor,
    values: Tensor,
    weights: Tensor,
    offsets: Sequence[int],
    residual: bool,
    implementation: str,
) -> tuple[Tensor, Tensor]:
    """The gradients' shapes, for tracing."""
    contiguous = torch.contiguous_format
    return (
        torch.empty_like(values, memory_format=contiguous),
        torch.empty_like(weights, memory_format=contiguous),
    )


def keep(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    """Save values and weights, and nothing else."""
    values, weights, offsets, residual, implementation = inputs
    ctx.save_for_backward(values, weights)
    ctx.offsets, ctx.residual, ctx.implementation = offsets, residual, implementation


def gradient(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    """The registered operator's backward pass."""
    return gradient_by(torch.ops.paramixer.mix_backward, ctx, grad)


def gradient_by(
    run: Callable[..., tuple[Tensor, Tensor]], ctx: Any, grad: Tensor
) -> tuple[Tensor | None, ...]:
    """The backward pass by `run`; when it is to be differentiated in turn, in plain PyTorch."""
    values, weights = ctx.saved_tensors
    if torch.is_grad_enabled() and any(t.requires_grad for t in (grad, values, weights)):
        rows = rows_of(ctx.offsets, weights.shape[3])
        mixed = mix_rolled(values, weights, rows, residual=ctx.residual)
        wanted = [tensor for tensor in (values, weights) if tensor.requires_grad]
        found = iter(torch.autograd.grad(mixed, wanted, grad, create_graph=True))
        slopes = [next(found) if t.requires_grad else None for t in (values, weights)]
        return (*slopes, None, None, None)
    grads = run(grad, values, weights, ctx.offsets, ctx.residual, ctx.implementation)
    return (*grads, None, None, None)


class Mix(torch.autograd.Function):
    """The same for calls that are not compiled: a registered operator costs 80 us more."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        """V_M from V_0."""
        keep(ctx, inputs, inputs[0])
        return run_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients by values and weights."""
        return gradient_by(run_backward, ctx, grads[0])


def run(
    values: Tensor, weights: Tensor, offsets: Sequence[int], residual: bool, implementation: str
) -> Tensor:
    """The mixing operator by the shortest way there is to it."""
    inputs = (values, weights, offsets, residual, implementation)
    if torch.compiler.is_compiling():
        mixed: Tensor = torch.ops.paramixer.mix(*inputs)
    elif torch.is_grad_enabled() and (values.requires_grad or weights.requires_grad):
        mixed = Mix.apply(*inputs)  # type: ignore[no-untyped-call]
    else:
        mixed = run_forward(*inputs)
    return mixed


library: Any = torch.library.Library("paramixer", "DEF")  # type: ignore[no-untyped-call]
for signature in SIGNATURES:
    library.define(signature)
library.impl("mix", run_forward, "CompositeExplicitAutograd")
library.impl("mix_backward", run_backward, "CompositeExplicitAutograd")
torch.library.register_fake("paramixer::mix", fake_forward, lib=library)
torch.library.register_fake("paramixer::mix_backward", fake_backward, lib=library)
torch.library.register_autograd("paramixer::mix", gradient, setup_context=keep, lib=library)
