"""The rival: dot-product attention, by PyTorch's fused kernel and written out."""

import math

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.transformer import TransformerBlock, padding_scores


class AttentionBlock(TransformerBlock):
    """softmax(Q K^T / sqrt(d)) V per head, d = D / heads, by scaled_dot_product_attention.

    Source: Vaswani et al. 2017, equation 1.
    """

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        mask = None if kept is None else padding_scores(kept, query.dtype)
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    def logits(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq seq"]:
        return query @ key.mT / math.sqrt(query.shape[-1])

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        scores = self.logits(query, key)
        if kept is not None:
            scores = scores + padding_scores(kept, scores.dtype)
        return scores.softmax(-1)


class PlainAttentionBlock(AttentionBlock):
    """The same attention written out, for teaching: the N x N matrix is made and kept."""

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        return self.matrix(query, key, kept) @ value
