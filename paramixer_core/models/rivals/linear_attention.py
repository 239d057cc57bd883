"""Linear attention: a feature map instead of the softmax, so keys and values add up first."""

import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.transformer import TransformerBlock


class LinearAttentionBlock(TransformerBlock):
    """A_ij = phi(q_i) . phi(k_j) / sum_l phi(q_i) . phi(k_l), phi(x) = elu(x) + 1.

    Read as phi(Q) (phi(K)^T V): O(N d^2), rank at most d. Source: Katharopoulos et al. 2020,
    equations 5 and 7. Padding has phi(k) = 0.
    """

    def features(
        self, tokens: Float[Tensor, "batch heads seq head_channels"]
    ) -> Float[Tensor, "batch heads seq features"]:
        """phi, positive in every entry."""
        return F.elu(tokens) + 1

    def key_features(
        self,
        tokens: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq features"]:
        """phi of the keys, where it differs from that of the queries by a factor of its own."""
        return without_padding(self.features(tokens), kept)

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        asked, held = self.features(query), self.key_features(key, kept)
        total = asked @ held.sum(2).unsqueeze(-1)
        if kept is not None:
            total = total + (total == 0)  # nothing to read: padding alone
        return asked @ (held.mT @ value) / total

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        scores = self.features(query) @ self.key_features(key, kept).mT
        total = scores.sum(-1, keepdim=True)
        return scores / (total if kept is None else total + (total == 0))


def without_padding(
    tokens: Float[Tensor, "batch heads seq features"], kept: Bool[Tensor, "batch seq"] | None
) -> Float[Tensor, "batch heads seq features"]:
    """What every head holds of the tokens, with zeros where they are padding."""
    return tokens if kept is None else tokens.masked_fill(~kept[:, None, :, None], 0.0)
