"""Reformer: tokens attend within buckets of a locality-sensitive hash."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64, Shaped
from torch import Tensor, nn

from paramixer_core.models.transformer import TransformerBlock

SELF_PENALTY = -1e5


class ReformerBlock(TransformerBlock):
    """LSH attention: shared queries and keys, sorted by bucket, read in chunks.

    Keys are the queries at unit length, so there is no key projection. In each of `rounds` hash
    rounds the bucket is argmax([x R; -x R]) for a random rotation R drawn once. Sorted by (bucket,
    place), tokens are cut into chunks; a token reads those of its own bucket in its chunk and the
    one before, itself only where nothing else is left. One softmax goes over what all rounds
    found, a token that several rounds found counting as often. Padding has a bucket of its own.
    O(N log N) for a sort, O(N c) to read, each round. Source: Kitaev et al. 2020, section 2.
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
        rounds: int = 1,
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        # Query and value rows alone; drawn with the keys', so that seeds mean what they meant.
        whole = self.query_key_value
        whole.weight = nn.Parameter(without_key_rows(whole.weight.detach()))
        whole.bias = nn.Parameter(without_key_rows(whole.bias.detach()))
        whole.out_features = 2 * channels
        self.chunk = min(chunk, seq_len)
        self.rounds = rounds
        half_buckets = max(1, -(-seq_len // self.chunk) // 2)
        self.rotation: Tensor
        self.register_buffer(
            "rotation", torch.randn(channels // heads, rounds * half_buckets, generator=generator)
        )

    def project(
        self, values: Float[Tensor, "batch seq channels"]
    ) -> tuple[
        Float[Tensor, "batch heads seq head_channels"],
        Float[Tensor, "batch heads seq head_channels"],
        Float[Tensor, "batch heads seq head_channels"],
    ]:
        batch, seq, channels = values.shape
        projected: Tensor = self.query_key_value(self.norm_attention(values))
        split = projected.view(batch, seq, 2, self.heads, channels // self.heads)
        query, value = split.permute(2, 0, 3, 1, 4)
        return query, query, value

    def _load_from_state_dict(
        self, state_dict: dict[str, Any], prefix: str, *rest: Any, **more: Any
    ) -> None:
        """Weights of early versions hold rows for keys, which were never read: they are dropped."""
        for suffix in ("weight", "bias"):
            name = f"{prefix}query_key_value.{suffix}"
            if name in state_dict and len(state_dict[name]) == 3 * self.out.in_features:
                state_dict[name] = without_key_rows(state_dict[name])
        super()._load_from_state_dict(state_dict, prefix, *rest, **more)

    def buckets(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Int64[Tensor, "rounds batch heads seq"]:
        """The bucket of every token in every round."""
        turned = (query @ self.rotation).view(*query.shape[:3], self.rounds, -1)
        bucket = torch.cat([turned, -turned], dim=-1).argmax(-1).permute(3, 0, 1, 2)
        return bucket if kept is None else bucket.masked_fill(~kept[:, None], 2 * turned.shape[-1])

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        if self.rounds == 1:
            (bucket,) = self.buckets(query, kept)
            asked, keys, values, mask, back = self.sorted_chunks(query, value, bucket)
            gathered = F.scaled_dot_product_attention(asked, keys, values, attn_mask=mask)
            return sort(gathered.flatten(2, 3)[:, :, : query.shape[2]], back)
        found: list[Tensor] = []
        weights: list[Tensor] = []
        for bucket in self.buckets(query, kept):
            asked, keys, values, mask, back = self.sorted_chunks(query, value, bucket)
            scores = asked @ keys.mT / math.sqrt(query.shape[-1]) + mask
            weight = scores.logsumexp(-1, keepdim=True)
            for held, kind in (((scores - weight).exp() @ values, found), (weight, weights)):
                kind.append(sort(held.flatten(2, 3)[:, :, : query.shape[2]], back))
        shares = torch.stack(weights).softmax(0)
        return (shares * torch.stack(found)).sum(0)

    def sorted_chunks(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        bucket: Int64[Tensor, "batch heads seq"],
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Int64[Tensor, "batch heads seq"]]:
        """Queries, keys, values and mask by chunk, in the order of the buckets; the way back."""
        order = bucket.argsort(dim=-1, stable=True)
        spare = -query.shape[2] % self.chunk
        place = F.pad(order, (0, spare), value=-1)
        asked = self.chunks(F.pad(sort(query, order), (0, 0, 0, spare)))
        values = with_previous(self.chunks(F.pad(sort(value, order), (0, 0, 0, spare))))
        keys = with_previous(F.normalize(asked, dim=-1))
        owner = F.pad(bucket.gather(2, order), (0, spare), value=-1)
        mask = pair_scores(self.chunks(place), self.chunks(owner), query.dtype)
        return asked, keys, values, mask, order.argsort(dim=-1)

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        times = torch.zeros_like(query @ query.mT)
        for bucket in self.buckets(query, kept):
            times = times + self.reached(bucket)
        scores = query @ F.normalize(query, dim=-1).mT / math.sqrt(query.shape[-1])
        itself = torch.eye(query.shape[2], dtype=torch.bool, device=query.device)
        return (scores + times.log() + SELF_PENALTY * itself).softmax(-1)

    def reached(
        self, bucket: Int64[Tensor, "batch heads seq"]
    ) -> Bool[Tensor, "batch heads seq seq"]:
        """Which token meets which in a round: of its bucket, in its chunk or the one before."""
        rank = bucket.argsort(dim=-1, stable=True).argsort(dim=-1) // self.chunk
        behind = rank[..., :, None] - rank[..., None, :]
        last = -(-bucket.shape[2] // self.chunk) - 1
        near = (behind == 0) | (behind == 1) | ((behind == -last) & (last > 0))
        return near & (bucket[..., :, None] == bucket[..., None, :])

    def chunks(
        self, tokens: Shaped[Tensor, "batch heads padded *features"]
    ) -> Shaped[Tensor, "batch heads chunks chunk *features"]:
        """The sorted tokens cut into chunks."""
        batch, heads, padded, *features = tokens.shape
        return tokens.reshape(batch, heads, padded // self.chunk, self.chunk, *features)


def without_key_rows(tensor: Tensor) -> Tensor:
    """Query and value rows of a projection to queries, keys and values."""
    query, _, value = tensor.chunk(3)
    return torch.cat([query, value])


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
