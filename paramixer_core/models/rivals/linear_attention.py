"""Linear attention: a feature map instead of the softmax, so keys and values add up first."""

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from paramixer_core.models.transformer import TransformerBlock


class LinearAttentionBlock(TransformerBlock):
    """A_ij = phi(q_i) . phi(k_j) / sum_l phi(q_i) . phi(k_l), phi(x) = elu(x) + 1.

    Read as phi(Q) (phi(K)^T V): O(N d^2), rank at most d. Source: Katharopoulos et al. 2020,
    equations 5 and 7.
    """

    def features(
        self, tokens: Float[Tensor, "batch heads seq head_channels"]
    ) -> Float[Tensor, "batch heads seq features"]:
        """phi, positive in every entry."""
        return F.elu(tokens) + 1

    def key_features(
        self, tokens: Float[Tensor, "batch heads seq head_channels"]
    ) -> Float[Tensor, "batch heads seq features"]:
        """phi of the keys, where it differs from that of the queries by a factor of its own."""
        return self.features(tokens)

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        asked, held = self.features(query), self.key_features(key)
        total = asked @ held.sum(2).unsqueeze(-1)
        return asked @ (held.mT @ value) / total

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq seq"]:
        scores = self.features(query) @ self.key_features(key).mT
        return scores / scores.sum(-1, keepdim=True)
