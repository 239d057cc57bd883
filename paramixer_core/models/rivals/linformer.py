"""Linformer: keys and values are first projected from N tokens to a few."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.layers import uniform_parameter
from paramixer_core.models.rivals.linear_attention import without_padding
from paramixer_core.models.transformer import TransformerBlock


class LinformerBlock(TransformerBlock):
    """A = softmax(Q (E K)^T / sqrt(d)) F with learned E, F of shape (k, N), shared by the heads.

    O(N k); rank at most k; rows of A need not sum to one. Padding has
    keys and values of 0, so the projections leave it out. Source: Wang et al. 2020, equation 7.
    """

    matrix_weights = ("project_keys", "project_values")

    def __init__(
        self,
        *,
        channels: int,
        hidden: int,
        heads: int,
        seq_len: int,
        projected: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        kept = min(projected, seq_len)
        self.project_keys = uniform_parameter(kept, seq_len, fan_in=seq_len, generator=generator)
        self.project_values = uniform_parameter(kept, seq_len, fan_in=seq_len, generator=generator)

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        key, value = without_padding(key, kept), without_padding(value, kept)
        return F.scaled_dot_product_attention(
            query, self.project_keys @ key, self.project_values @ value
        )

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        key = without_padding(key, kept)
        scores = query @ (self.project_keys @ key).mT / math.sqrt(query.shape[-1])
        matrix = scores.softmax(-1) @ self.project_values
        return matrix if kept is None else matrix.masked_fill(~kept[:, None, None], 0.0)
