"""The Transformer block that dot-product attention and its rivals share."""

from abc import abstractmethod
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from paramixer_core.models.layers import linear, mlp
from paramixer_core.models.mixer import BlockOperators, Compact, Mixer, add_identity, zero_padding


class TransformerBlock(Mixer):
    """Pre-norm encoder block: x + MHA(LN x), then x + MLP(LN x).

    A subclass says how a head reads: `read` computes it at its own cost, `matrix` writes the same
    out as an N x N matrix A, so that read(Q, K, V) = A(Q, K) V. Both get the queries and keys of
    all heads, and which tokens are no padding: no other token is read. Sources: Vaswani et al.
    2017; Xiong et al. 2020.
    """

    matrix_weights: ClassVar[tuple[str, ...]] = ()
    """Parameters and buffers that A depends on beside queries and keys; `compact` holds them."""

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

    @abstractmethod
    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        """What every token gathers."""

    @abstractmethod
    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        """A, dense: row i holds the weights with which token i reads."""

    def logits(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq seq"] | None:
        """What a softmax over all N tokens is taken of, where there is such a thing.

        Padding is not masked here: these are the bare products, of rank at most d.
        """
        return None

    def project(
        self, values: Float[Tensor, "batch seq channels"]
    ) -> tuple[
        Float[Tensor, "batch heads seq head_channels"],
        Float[Tensor, "batch heads seq head_channels"],
        Float[Tensor, "batch heads seq head_channels"],
    ]:
        """Queries, keys and values of every head."""
        batch, seq, channels = values.shape
        projected: Tensor = self.query_key_value(self.norm_attention(values))
        split = projected.view(batch, seq, 3, self.heads, channels // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        return query, key, value

    def forward(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch seq channels"]:
        query, key, value = self.project(values)
        gathered = self.read(query, key, value, kept)
        values = values + self.out(gathered.transpose(1, 2).flatten(2))
        added: Tensor = values + self.mlp(self.norm_mlp(values))
        return zero_padding(added, kept)

    def compact(
        self,
        values: Float[Tensor, "batch seq channels"],
        source: Float[Tensor, "batch seq channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Compact:
        query, key, _ = self.project(values)
        own = {name: getattr(self, name) for name in self.matrix_weights}
        found = {"queries": query.contiguous(), "keys": key.contiguous()}
        if kept is not None:
            found["kept"] = kept
        return found | {
            name: weight.expand(len(values), *weight.shape).contiguous()
            for name, weight in own.items()
        }

    def operators(self, compact: Compact) -> BlockOperators:
        query, key, kept = compact["queries"], compact["keys"], compact.get("kept")
        attention = self.matrix(query, key, kept)
        if kept is not None:
            attention = attention.masked_fill(~kept[:, None, :, None], 0.0)
        mean = attention.mean(1)
        return BlockOperators(
            product=mean,
            operator=add_identity(mean),
            attention=attention,
            logits=self.logits(query, key),
        )


def padding_scores(
    kept: Bool[Tensor, "batch seq"], dtype: torch.dtype
) -> Float[Tensor, "batch 1 1 seq"]:
    """What is added to scores so that a softmax gives padding the weight 0.

    The lowest finite number, not -inf: a sequence of padding alone must not become NaN.
    """
    scores = torch.zeros(kept.shape, dtype=dtype, device=kept.device)
    return scores.masked_fill(~kept, torch.finfo(dtype).min)[:, None, None]
