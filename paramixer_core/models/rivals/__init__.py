"""Paramixer's rivals in its own frame: attention, and the efficient attentions of its paper.

Each is written here from its own paper and tested against its own dense matrix. Their published
packages are unmaintained, seed themselves globally and cannot show their matrix.
"""

import torch

from paramixer_core.config import RunConfig
from paramixer_core.models.attention import AttentionBlock, PlainAttentionBlock
from paramixer_core.models.mixer import Mixer, MixerKind
from paramixer_core.models.rivals.linear_attention import LinearAttentionBlock
from paramixer_core.models.rivals.linformer import LinformerBlock
from paramixer_core.models.rivals.local_window import LocalWindowBlock
from paramixer_core.models.rivals.nystromformer import NystromformerBlock
from paramixer_core.models.rivals.performer import PerformerBlock
from paramixer_core.models.rivals.reformer import ReformerBlock
from paramixer_core.models.transformer import TransformerBlock


def rival(
    name: str, title: str, summary: str, block: type[TransformerBlock], **own: str
) -> MixerKind:
    """A Transformer block by name; `own` says which field of a run each extra argument reads."""

    def build(config: RunConfig, generator: torch.Generator) -> Mixer:
        return block(
            channels=config.channels,
            hidden=config.hidden,
            heads=config.heads,
            generator=generator,
            **{argument: getattr(config, field) for argument, field in own.items()},
        )

    return MixerKind(name, title, summary, build)


RIVALS: tuple[MixerKind, ...] = (
    rival(
        "attention",
        "Dot-product attention",
        "Each token weighs all N tokens by a softmax over dot products, in PyTorch's fused kernel.",
        AttentionBlock,
    ),
    rival(
        "plain_attention",
        "Attention, written out",
        "The same softmax, with its N x N matrix made and kept, as textbooks write it.",
        PlainAttentionBlock,
    ),
    rival(
        "linformer",
        "Linformer",
        "Keys and values are projected from N tokens to a few, then attended to.",
        LinformerBlock,
        seq_len="seq_len",
        projected="rival_size",
    ),
    rival(
        "performer",
        "Performer",
        "Random features whose dot products are the softmax kernel on average.",
        PerformerBlock,
        features="rival_size",
    ),
    rival(
        "nystromformer",
        "Nystromformer",
        "Attention through a few landmark tokens, by the Nystrom method.",
        NystromformerBlock,
        landmarks="rival_size",
    ),
    rival(
        "reformer",
        "Reformer",
        "Tokens attend within buckets of a locality-sensitive hash.",
        ReformerBlock,
        seq_len="seq_len",
        chunk="rival_size",
    ),
    rival(
        "linear_attention",
        "Linear attention",
        "A positive feature map instead of the softmax: keys and values add up first.",
        LinearAttentionBlock,
    ),
    rival(
        "local_window",
        "Local windows",
        "Each token attends to its neighbours alone, as most heads of Longformer do.",
        LocalWindowBlock,
        window="rival_size",
    ),
)
