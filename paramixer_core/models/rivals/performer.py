"""Performer: random features whose dot products are, on average, the softmax kernel."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.rivals.linear_attention import LinearAttentionBlock, without_padding

FLOOR = 1e-4


class PerformerBlock(LinearAttentionBlock):
    """FAVOR+: phi(x) = exp(w_r . x' - |x'|^2 / 2) / sqrt(R), x' = x / d^(1/4), r = 1..R.

    The w_r are blocks of orthogonal Gaussian rows, drawn once and never learned. Queries are
    shifted by their own largest exponent and keys by their common one, which leaves A as it is
    (but for the floor 1e-4 that keeps it positive). Source: Choromanski et al. 2021, section 2.
    """

    matrix_weights = ("directions",)

    def __init__(
        self, *, channels: int, hidden: int, heads: int, features: int, generator: torch.Generator
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        self.directions: Tensor
        self.register_buffer(
            "directions", orthogonal_directions(features, channels // heads, generator)
        )

    def features(
        self, tokens: Float[Tensor, "batch heads seq head_channels"]
    ) -> Float[Tensor, "batch heads seq features"]:
        exponents = self.exponents(tokens)
        return self.positive(exponents - exponents.amax(-1, keepdim=True).detach())

    def key_features(
        self,
        tokens: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq features"]:
        exponents = self.exponents(tokens)
        if kept is not None:  # padding must not decide the shift, nor overflow under it
            lowest = torch.finfo(exponents.dtype).min / 4
            exponents = exponents.masked_fill(~kept[:, None, :, None], lowest)
        shifted = exponents - exponents.amax((-1, -2), keepdim=True).detach()
        return without_padding(self.positive(shifted), kept)

    def exponents(
        self, tokens: Float[Tensor, "batch heads seq head_channels"]
    ) -> Float[Tensor, "batch heads seq features"]:
        """w_r . x' - |x'|^2 / 2."""
        scaled = tokens / tokens.shape[-1] ** 0.25
        halved: Tensor = scaled.square().sum(-1, keepdim=True) / 2
        exponents: Tensor = scaled @ self.directions.mT - halved
        return exponents

    def positive(
        self, exponents: Float[Tensor, "batch heads seq features"]
    ) -> Float[Tensor, "batch heads seq features"]:
        """exp, averaged over the features, never quite zero."""
        return (exponents.exp() + FLOOR) / math.sqrt(len(self.directions))


def orthogonal_directions(
    features: int, channels: int, generator: torch.Generator
) -> Float[Tensor, "{features} {channels}"]:
    """Rows orthogonal within each block of `channels`, with the lengths of Gaussian vectors."""
    blocks = []
    for _ in range(-(-features // channels)):
        square = torch.randn(channels, channels, generator=generator)
        blocks.append(torch.linalg.qr(square).Q.mT)
    drawn = torch.randn(features, channels, generator=generator)
    lengths = drawn.square().sum(1, keepdim=True).sqrt()
    return torch.cat(blocks)[:features] * lengths
