"""The link MLPs as one operator whose hidden units never leave the cache."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from paramixer_core import native
from paramixer_core.big_memory import big_empty
from paramixer_core.mixing.table import path_for


def can_fuse(tokens: Tensor) -> bool:
    """Whether the native operator serves these tokens: its path is chosen and its dtype fits."""
    return (
        tokens.device.type == "cpu"
        and tokens.dtype in (torch.float32, torch.float64)
        and not torch.is_autocast_enabled("cpu")
        and path_for("cpu") == "native"
    )


def fused_link_mlps(
    tokens: Float[Tensor, "rows channels"],
    first_weight: Float[Tensor, "factors hidden channels"],
    first_bias: Float[Tensor, "factors hidden"],
    second_weight: Float[Tensor, "factors links hidden"],
    second_bias: Float[Tensor, "factors links"],
) -> Float[Tensor, "factors rows links"]:
    """Linear - GELU - Linear of every factor m: what `LinkMLPs` computes, in one native call.

    Why it is fast: 64 tokens at a time pass through both layers of all factors in the
    first-level cache; their hidden units, (tokens, factors x hidden) in all, are never written
    to memory. The backward pass computes them again, together with GELU's slope, which shares
    its exponential with GELU; nothing is kept but the inputs. GELU in float32 is within 5e-7 of
    the exact one. Gradients of the weights are summed per thread, then over threads in order:
    the same for the same number of threads. First derivatives only: a second one raises
    RuntimeError.
    """
    inputs = (tokens, first_weight, first_bias, second_weight, second_bias)
    if torch.compiler.is_compiling():
        weights: Tensor = torch.ops.paramixer.link_mlps(*inputs)
    elif torch.is_grad_enabled():
        weights = FusedLinkMLPs.apply(*inputs)  # type: ignore[no-untyped-call]
    else:
        weights = run_forward(*inputs)
    return weights


def apply_mlp(
    layers: nn.Sequential, tokens: Float[Tensor, "batch seq channels"]
) -> Float[Tensor, "batch seq outputs"]:
    """Apply a Linear - GELU - Linear: as one native operator where that serves these tokens."""
    if not can_fuse(tokens):
        plain: Tensor = layers(tokens)
        return plain
    parts = [parameter[None] for parameter in layers.parameters()]
    mapped = fused_link_mlps(tokens.flatten(0, 1), *parts)
    return mapped.view(*tokens.shape[:2], -1)


def sizes(tokens: Tensor, first_weight: Tensor, second_weight: Tensor) -> tuple[int, ...]:
    """M, tokens, D, H, K, as C reads them."""
    factors, hidden, channels = first_weight.shape
    return factors, tokens.shape[0], channels, hidden, second_weight.shape[1]


def run_forward(
    tokens: Tensor, first_weight: Tensor, first_bias: Tensor, second_weight: Tensor, bias: Tensor
) -> Tensor:
    """The link weights."""
    inputs = [t.contiguous() for t in (tokens, first_weight, first_bias, second_weight, bias)]
    shape = sizes(tokens, first_weight, second_weight)
    weights = big_empty((shape[0], shape[1], shape[4]), tokens)
    native.call("link_mlps_forward", inputs, shape, results=(weights,))
    return weights


def run_backward(
    grad: Tensor, tokens: Tensor, first_weight: Tensor, first_bias: Tensor, second_weight: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Gradients by tokens, weights and biases."""
    inputs = [t.contiguous() for t in (grad, tokens, first_weight, first_bias, second_weight)]
    shape = sizes(tokens, first_weight, second_weight)
    grads = fake_backward(grad, tokens, first_weight, first_bias, second_weight)
    native.call("link_mlps_backward", inputs, shape, results=grads)
    return grads


def fake_forward(
    tokens: Tensor, first_weight: Tensor, first_bias: Tensor, second_weight: Tensor, bias: Tensor
) -> Tensor:
    """The result's shape, for tracing."""
    return tokens.new_empty(first_weight.shape[0], tokens.shape[0], second_weight.shape[1])


def fake_backward(
    grad: Tensor, tokens: Tensor, first_weight: Tensor, first_bias: Tensor, second_weight: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients' shapes; also where they are written."""
    plain = torch.contiguous_format
    like = [
        torch.empty_like(tensor, memory_format=plain)
        for tensor in (tokens, first_weight, first_bias, second_weight)
    ]
    return like[0], like[1], like[2], like[3], tokens.new_empty(second_weight.shape[:2])


def keep(ctx: Any, inputs: tuple[Tensor, ...], output: Tensor) -> None:
    """Save the inputs, and nothing else."""
    ctx.save_for_backward(*inputs[:4])


def gradient(ctx: Any, grad: Tensor) -> tuple[Tensor, ...]:
    """The backward pass."""
    grads: tuple[Tensor, ...] = torch.ops.paramixer.link_mlps_backward(grad, *ctx.saved_tensors)
    return grads


class FusedLinkMLPs(torch.autograd.Function):
    """The same for calls that are not compiled: a registered operator costs 80 us more."""

    @staticmethod
    def forward(ctx: Any, *inputs: Tensor) -> Tensor:
        """The link weights."""
        keep(ctx, inputs, inputs[0])
        return run_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        """Gradients by all inputs."""
        run = run_backward
        if torch.is_grad_enabled():  # its gradients will be asked for theirs, and refuse
            run = torch.ops.paramixer.link_mlps_backward
        return run(grads[0], *ctx.saved_tensors)


def no_second_gradient(ctx: Any, *grads: Tensor) -> tuple[Tensor, ...]:
    """There is no second derivative: say so."""
    raise RuntimeError(
        "Expected one derivative of the fused link MLPs, got a second one: "
        'train under use_implementation("portable").'
    )


library: Any = torch.library.Library("paramixer", "FRAGMENT")  # type: ignore[no-untyped-call]
library.define(
    "link_mlps(Tensor tokens, Tensor first_weight, Tensor first_bias, Tensor second_weight, "
    "Tensor second_bias) -> Tensor"
)
library.define(
    "link_mlps_backward(Tensor grad, Tensor tokens, Tensor first_weight, Tensor first_bias, "
    "Tensor second_weight) -> (Tensor, Tensor, Tensor, Tensor, Tensor)"
)
library.impl("link_mlps", run_forward, "CPU")
library.impl("link_mlps_backward", run_backward, "CPU")
torch.library.register_fake("paramixer::link_mlps", fake_forward, lib=library)
torch.library.register_fake("paramixer::link_mlps_backward", fake_backward, lib=library)
torch.library.register_autograd("paramixer::link_mlps", gradient, setup_context=keep, lib=library)
torch.library.register_autograd("paramixer::link_mlps_backward", no_second_gradient, lib=library)
