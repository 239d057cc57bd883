"""Local windows: every token attends to its neighbours alone, as most of Longformer's heads do."""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor

from paramixer_core.models.transformer import TransformerBlock


class LocalWindowBlock(TransformerBlock):
    """softmax over the tokens at most w away; O(N w). No token is global.

    The sequence is cut into stretches of w tokens; each reads itself and its two neighbours, and
    what lies further than w is masked. Source: Beltagy et al. 2020, section 3.1.
    """

    def __init__(
        self, *, channels: int, hidden: int, heads: int, window: int, generator: torch.Generator
    ) -> None:
        super().__init__(channels=channels, hidden=hidden, heads=heads, generator=generator)
        self.window = window

    def read(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        value: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq head_channels"]:
        seq, window = query.shape[2], min(self.window, query.shape[2])
        stretches = -(-seq // window)
        spare = stretches * window - seq
        batch, heads, _, channels = query.shape
        asked = F.pad(query, (0, 0, 0, spare)).view(batch, heads, stretches, window, channels)
        keys = around(F.pad(key, (0, 0, window, window + spare)), window)
        values = around(F.pad(value, (0, 0, window, window + spare)), window)
        near = near_mask(seq, window, stretches, query.device)
        if kept is not None:
            room = F.pad(kept, (window, window + spare)).unfold(1, 3 * window, window)
            near = near & room[:, None, :, None]
            near = near | ~near.any(-1, keepdim=True)  # its answer is thrown away
        gathered = F.scaled_dot_product_attention(asked, keys, values, attn_mask=near)
        return gathered.flatten(2, 3)[:, :, :seq]

    def matrix(
        self,
        query: Float[Tensor, "batch heads seq head_channels"],
        key: Float[Tensor, "batch heads seq head_channels"],
        kept: Bool[Tensor, "batch seq"] | None = None,
    ) -> Float[Tensor, "batch heads seq seq"]:
        place = torch.arange(query.shape[2], device=query.device)
        far = (place[:, None] - place).abs() > min(self.window, query.shape[2])
        scores = query @ key.mT / math.sqrt(query.shape[-1])
        if kept is None:
            return scores.masked_fill(far, -math.inf).softmax(-1)
        closed = far | ~kept[:, None, None]
        return scores.masked_fill(closed, torch.finfo(scores.dtype).min).softmax(-1)


def around(
    padded: Float[Tensor, "batch heads padded head_channels"], window: int
) -> Float[Tensor, "batch heads stretches around head_channels"]:
    """For every stretch of `window` tokens, those tokens with the stretch before and after."""
    return padded.unfold(2, 3 * window, window).mT


def near_mask(
    seq: int, window: int, stretches: int, device: torch.device
) -> Bool[Tensor, "stretches window around"]:
    """Which of the tokens around may be read: inside of the sequence, at most `window` away."""
    asked = torch.arange(stretches * window, device=device).view(stretches, window, 1)
    read = torch.arange(stretches, device=device).view(-1, 1, 1) * window - window
    read = read + torch.arange(3 * window, device=device)
    inside = (read >= 0) & (read < seq)
    # A token that only fills up the last stretch may read anything: its answer is thrown away.
    return (inside & ((asked - read).abs() <= window)) | (asked >= seq)
