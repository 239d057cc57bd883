"""Reformer: tokens attend within buckets of a locality-sensitive hash."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from paramixer_core.models.transformer import TransformerBlock

SELF_PENALTY = -1e5


class ReformerBlock(TransformerBlock):
    """LSH attention, one hash round: shared queries and keys, sorted by bucket, read in chunks.

    Keys are the queries at unit length; the bucket is argmax([x R; -x R]) for a random rotation R
    drawn once. Sorted by (bucket, place), tokens are cut into chunks; a token reads those of its
    own bucket in its chunk and the one before, itself only where nothing else is left. O(N log N)
    for the sort, O(N c) to read. Source: Kitaev et al. 2020, section 2.
    """

    matrix_weights = ("rotation",)

    def __init__(
        self,
        *,
        channels: int,
        hidden: int,
        heads: int,
        seq_len: int,
        chunk: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        self.chunk = min(chunk, seq_len)
        half_buckets = max(1, -(-seq_len // self.chunk) // 2)
        self.rotation: Tensor
        self.register_buffer(
            "rotation", torch.randn(channels // heads, half_buckets, generator=generator)
        )

    def buckets(
        self, query: Float[Tensor, "batch heads seq head_channels"]
    ) -> Int64[Tensor, "batch heads seq"]:
        """The bucket of every token."""
        turned = query @ self.rotation
        return torch.cat([turned, -turned], dim=-1).argmax(-1)

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        seq = query.shape[2]
        bucket = self.buckets(query)
        order = bucket.argsort(dim=-1, stable=True)
        spare = -seq % self.chunk
        place = F.pad(order, (0, spare), value=-1)
        asked = self.chunks(F.pad(sort(query, order), (0, 0, 0, spare)))
        values = with_previous(self.chunks(F.pad(sort(value, order), (0, 0, 0, spare))))
        keys = with_previous(F.normalize(asked, dim=-1))
        owner = F.pad(bucket.gather(2, order), (0, spare), value=-1)
        mask = pair_scores(self.chunks(place), self.chunks(owner), query.dtype)
        gathered = F.scaled_dot_product_attention(asked, keys, values, attn_mask=mask)
        back = order.argsort(dim=-1)
        return sort(gathered.flatten(2, 3)[:, :, :seq], back)

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
    ) -> Float[Tensor, "batch heads seq seq"]:
        bucket = self.buckets(query)
        rank = bucket.argsort(dim=-1, stable=True).argsort(dim=-1) // self.chunk
        behind = rank[..., :, None] - rank[..., None, :]
        last = -(-query.shape[2] // self.chunk) - 1
        reached = (behind == 0) | (behind == 1) | ((behind == -last) & (last > 0))
        open_ = reached & (bucket[..., :, None] == bucket[..., None, :])
        scores = query @ F.normalize(query, dim=-1).mT / math.sqrt(query.shape[-1])
        itself = torch.eye(query.shape[2], dtype=torch.bool, device=query.device)
        scores = scores.masked_fill(~open_, -math.inf) + SELF_PENALTY * itself
        return scores.softmax(-1)

    def chunks(
        self, tokens: Shaped[Tensor, "batch heads padded *features"]
    ) -> Shaped[Tensor, "batch heads chunks chunk *features"]:
        """The sorted tokens cut into chunks."""
        batch, heads, padded, *features = tokens.shape
        return tokens.reshape(batch, heads, padded // self.chunk, self.chunk, *features)


def sort(
    tokens: Float[Tensor, "batch heads seq head_channels"], order: Int64[Tensor, "batch heads seq"]
) -> Float[Tensor, "batch heads seq head_channels"]:
    """The tokens in another order."""
    return tokens.gather(2, order.unsqueeze(-1).expand_as(tokens))


def with_previous(chunks: Tensor) -> Tensor:
    """Each chunk after the one before it; the first follows the last, as the paper's does."""
    return torch.cat([chunks.roll(1, dims=2), chunks], dim=3)


def pair_scores(
    place: Int64[Tensor, "batch heads chunks chunk"],
    bucket: Int64[Tensor, "batch heads chunks chunk"],
    dtype: torch.dtype,
) -> Float[Tensor, "batch heads chunks chunk twice"]:
    """What is added to a score: -inf for another bucket, a large penalty for oneself."""
    placed, owned = with_previous(place), with_previous(bucket)
    same = bucket[..., :, None] == owned[..., None, :]
    scores = torch.zeros(same.shape, dtype=dtype, device=place.device)
    scores = scores.masked_fill(~same, -math.inf)
    itself = place[..., :, None] == placed[..., None, :]
    return scores + SELF_PENALTY * itself
