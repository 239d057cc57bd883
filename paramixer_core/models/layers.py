"""Layers whose initial weights come from a passed generator, never from global state."""

import math

import torch
from torch import nn


def uniform_parameter(*shape: int, fan_in: int, generator: torch.Generator) -> nn.Parameter:
    """A parameter drawn from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), as PyTorch's Linear does."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


def linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    """A Linear layer initialised from `generator`."""
    layer = nn.Linear(inputs, outputs, device="meta")
    layer.weight = uniform_parameter(outputs, inputs, fan_in=inputs, generator=generator)
    layer.bias = uniform_parameter(outputs, fan_in=inputs, generator=generator)
    return layer


def embedding(rows: int, channels: int, generator: torch.Generator) -> nn.Embedding:
    """An Embedding table of standard normal rows, initialised from `generator`."""
    table = torch.randn(rows, channels, generator=generator)
    return nn.Embedding.from_pretrained(table, freeze=False)  # type: ignore[no-untyped-call, no-any-return]


def mlp(inputs: int, hidden: int, outputs: int, generator: torch.Generator) -> nn.Sequential:
    """Linear(inputs, hidden) - GELU - Linear(hidden, outputs)."""
    return nn.Sequential(
        linear(inputs, hidden, generator), nn.GELU(), linear(hidden, outputs, generator)
    )
