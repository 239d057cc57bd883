"""The Paramixer block: token mixing by a product of sparse, parameterised factors."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.config import LinkSource, Residual
from paramixer_core.mixing import mix, mix_first
from paramixer_core.mixing.reference import dense_factors
from paramixer_core.models.fused_link_mlps import apply_mlp
from paramixer_core.models.layers import mlp
from paramixer_core.models.link_mlps import LinkMLPs
from paramixer_core.models.mixer import BlockOperators, Compact, Mixer, add_identity, zero_padding
from paramixer_core.protocols import Offsets


class ParamixerBlock(Mixer):
    """V_0 = g(V_in); V_m = W_m V_{m-1} + V_{m-1}; row i of W_m holds f^(m)(x_i).

    The operator is (I + W_M) ... (I + W_1) with the residual after every factor (the default),
    W_M (... (W_2 (W_1 + I) + I) ...) + I where every factor adds V_0 instead, W_M ... W_1 + I with
    one residual around the block, W_M ... W_1 with none. Weights are signed; there is no softmax.
    `mask` switches links off: their weights are 0 and stay it. Source: Paramixer, section 3.
    """

    mask: Tensor | None

    def __init__(
        self,
        *,
        channels: int,
        hidden: int,
        offsets: Offsets,
        residual: Residual,
        link_source: LinkSource,
        generator: torch.Generator,
        mask: Bool[Tensor, "factors seq links"] | None = None,
    ) -> None:
        super().__init__()
        self.register_buffer("mask", mask, persistent=False)
        self.offsets, self.residual, self.link_source = offsets, residual, link_source
        self.link_mlps = LinkMLPs(
            factors=len(offsets),
            channels=channels,
            hidden=hidden,
            links=len(offsets[0]),
            generator=generator,
        )
        self.value_mlp = mlp(channels, hidden, channels, generator)

    def link_weights(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "factors batch seq links"]:
        """The non-zeros of every factor; links from and to padding are 0."""
        weights: Tensor = self.link_mlps(source if self.link_source is LinkSource.INPUT else values)
        weights = weights if self.mask is None else weights * self.mask[:, None]
        return weights if kept is None else weights * kept_links(kept, self.offsets)

    def forward(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq channels"]:
        weights = self.link_weights(values, source, kept)
        start = zero_padding(apply_mlp(self.value_mlp, values), kept)
        match self.residual:
            case Residual.PER_FACTOR:
                return mix(start, weights, self.offsets)
            case Residual.FIRST:
                return mix_first(start, weights, self.offsets)
            case Residual.AROUND_BLOCK:
                return mix(start, weights, self.offsets, residual=False) + start
            case Residual.NONE:
                return mix(start, weights, self.offsets, residual=False)

    def compact(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Compact:
        return {
            "link_weights": self.link_weights(values, source, kept).transpose(0, 1).contiguous()
        }

    def operators(self, compact: Compact) -> BlockOperators:
        factors = dense_factors(compact["link_weights"].transpose(0, 1), self.offsets)
        product = chain(factors)
        match self.residual:
            case Residual.PER_FACTOR:
                operator = chain(add_identity(factors))
            case Residual.FIRST:
                operator = chain_first(factors)
            case Residual.AROUND_BLOCK:
                operator = add_identity(product)
            case Residual.NONE:
                operator = product
        return BlockOperators(product=product, operator=operator, factors=factors)


def kept_links(
    kept: Bool[Tensor, "batch seq"], offsets: Offsets
) -> Bool[Tensor, "factors batch seq links"]:
    """Which links join two tokens that are no padding."""
    of_row = {
        row: torch.stack([kept & kept.roll(-ahead, dims=1) for ahead in row], dim=-1)
        for row in dict.fromkeys(offsets)
    }
    return torch.stack([of_row[row] for row in offsets])


def chain(factors: Float[Tensor, "factors batch seq seq"]) -> Float[Tensor, "batch seq seq"]:
    """F_M ... F_1, the first factor applied first."""
    product = factors[0]
    for factor in factors[1:]:
        product = factor @ product
    return product


def chain_first(factors: Float[Tensor, "factors batch seq seq"]) -> Float[Tensor, "batch seq seq"]:
    """F_M (... (F_2 (F_1 + I) + I) ...) + I: every factor adds what came in first."""
    product = add_identity(factors[0])
    for factor in factors[1:]:
        product = add_identity(factor @ product)
    return product
