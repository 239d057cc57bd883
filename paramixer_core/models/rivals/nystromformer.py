"""Nystromformer: attention through a few landmarks, by the Nystrom method."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.rivals.linear_attention import without_padding
from paramixer_core.models.transformer import TransformerBlock, padding_scores

PSEUDO_INVERSE_STEPS = 6


class NystromformerBlock(TransformerBlock):
    """A = S(Q K~^T) S(Q~ K~^T)^+ S(Q~ K^T), S = softmax(. / sqrt(d)), ~ the landmarks.

    Landmarks are means over equal stretches of the sequence; ^+ is the pseudo-inverse by six steps
    of the paper's iteration. O(N m). The paper's optional convolution beside A is left out, so
    that A is all the mixing there is. Of padding, landmarks are means without it, and one over
    nothing but padding is left out. Source: Xiong et al. 2021, equations 13 and 15.
    """

    def __init__(
        self, *, channels: int, hidden: int, heads: int, landmarks: int, generator: torch.Generator
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        self.landmarks = landmarks

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        left, middle, right = self.kernels(query, key, kept)
        return left @ (middle @ (right @ value))

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        left, middle, right = self.kernels(query, key, kept)
        return left @ middle @ right

    def kernels(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> tuple[
        Float[Tensor, "batch heads seq landmarks"],
        Float[Tensor, "batch heads landmarks landmarks"],
        Float[Tensor, "batch heads landmarks seq"],
    ]:
        """The three factors of A."""
        count = min(self.landmarks, query.shape[2])
        query = query / math.sqrt(query.shape[-1])
        if kept is not None:
            return masked_kernels(query, key, kept, count)
        few_queries, few_keys = landmark_means(query, count), landmark_means(key, count)
        left = (query @ few_keys.mT).softmax(-1)
        middle = pseudo_inverse((few_queries @ few_keys.mT).softmax(-1))
        right = (few_queries @ key.mT).softmax(-1)
        return left, middle, right


def landmark_means(
    tokens: Float[Tensor, "batch heads seq head_channels"], count: int
) -> Float[Tensor, "batch heads {count} head_channels"]:
    """Means over `count` stretches of the sequence, as equal as N allows."""
    batch, heads, _, channels = tokens.shape
    means = F.adaptive_avg_pool1d(tokens.mT.flatten(0, 1), count)
    return means.view(batch, heads, channels, count).mT


def masked_kernels(
    query: Float[Tensor, "batch heads seq head_channels"],
    key: Float[Tensor, "batch heads seq head_channels"],
    kept: Bool[Tensor, "batch seq"],
    count: int,
) -> tuple[
    Float[Tensor, "batch heads seq {count}"],
    Float[Tensor, "batch heads {count} {count}"],
    Float[Tensor, "batch heads {count} seq"],
]:
    """The three factors of A where some tokens are padding; queries come scaled."""
    share = F.adaptive_avg_pool1d(kept.to(query.dtype), count)[:, None, :, None]
    some = share > 0
    share = share.where(some, torch.ones_like(share))
    few_queries, few_keys = (
        landmark_means(without_padding(tokens, kept), count) / share for tokens in (query, key)
    )
    open_marks = padding_scores(some[:, 0, :, 0], query.dtype)
    left = (query @ few_keys.mT + open_marks).softmax(-1) * some.mT
    middle = (few_queries @ few_keys.mT + open_marks).softmax(-1) * some * some.mT
    # Of padding alone nothing is left: any kernel that has an inverse will do.
    identity = torch.eye(count, dtype=query.dtype, device=query.device)
    middle = middle + identity * ~some.any(2, keepdim=True)
    right = (few_queries @ key.mT + padding_scores(kept, query.dtype)).softmax(-1)
    right = right.masked_fill(~kept[:, None, None], 0.0)
    return left, pseudo_inverse(middle), right


def pseudo_inverse(
    kernel: Float[Tensor, "batch heads landmarks landmarks"],
) -> Float[Tensor, "batch heads landmarks landmarks"]:
    """Z <- Z (13 I - AZ (15 I - AZ (7 I - AZ))) / 4, from Z = A^T / (|A|_1 |A|_inf)."""
    identity = torch.eye(kernel.shape[-1], dtype=kernel.dtype, device=kernel.device)
    inverse = kernel.mT / (
        kernel.sum(-2).amax(-1)[..., None, None] * kernel.sum(-1).amax(-1)[..., None, None]
    )
    for _ in range(PSEUDO_INVERSE_STEPS):
        product = kernel @ inverse
        inner = 15 * identity - product @ (7 * identity - product)
        inverse = inverse @ (13 * identity - product @ inner) / 4
    return inverse
