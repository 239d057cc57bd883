"""The rival: a Transformer block with dot-product attention."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from paramixer_core.models.layers import linear, mlp
from paramixer_core.models.mixer import BlockOperators, Compact, Mixer, add_identity


class AttentionBlock(Mixer):
    """Pre-norm Transformer encoder block: x + MHA(LN x), then x + MLP(LN x).

    MHA = softmax(Q K^T / sqrt(d)) V per head, d = D / heads, computed by PyTorch's
    scaled_dot_product_attention. Sources: Vaswani et al. 2017, equation 1; Xiong et al. 2020.
    """

    def __init__(
        self, *, channels: int, hidden: int, heads: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.heads = heads
        self.norm_attention = nn.LayerNorm(channels)
        self.query_key_value = linear(channels, 3 * channels, generator)
        self.out = linear(channels, channels, generator)
        self.norm_mlp = nn.LayerNorm(channels)
        self.mlp = mlp(channels, hidden, channels, generator)

    def project(
        self, values: Float[Tensor, "batch seq channels"]
    ) -> Float[Tensor, "3 batch heads seq head_channels"]:
        """Queries, keys and values of every head."""
        batch, seq, channels = values.shape
        projected: Tensor = self.query_key_value(self.norm_attention(values))
        split = projected.view(batch, seq, 3, self.heads, channels // self.heads)
        return split.permute(2, 0, 3, 1, 4)

    def forward(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
    ) -> Float[Tensor, "batch seq channels"]:
        query, key, value = self.project(values)
        read = F.scaled_dot_product_attention(query, key, value)
        values = values + self.out(read.transpose(1, 2).flatten(2))
        added: Tensor = values + self.mlp(self.norm_mlp(values))
        return added

    def compact(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
    ) -> Compact:
        query, key, _ = self.project(values)
        return {"queries": query.contiguous(), "keys": key.contiguous()}

    def operators(self, compact: Compact) -> BlockOperators:
        query, key = compact["queries"], compact["keys"]
        logits = query @ key.mT / math.sqrt(query.shape[-1])
        attention = logits.softmax(-1)
        mean = attention.mean(1)
        return BlockOperators(
            product=mean, operator=add_identity(mean), attention=attention, logits=logits
        )
