"""Paramixer's rivals in its own frame: attention, and the efficient attentions of its paper.

Each is written here from its own paper and tested against its own dense matrix. Their published
packages are unmaintained, seed themselves globally and cannot show their matrix.
"""

import math
from collections.abc import Callable

import torch

from paramixer_core.config import RunConfig
from paramixer_core.models.attention import AttentionBlock, PlainAttentionBlock
from paramixer_core.models.mixer import Mixer, MixerKind, no_sizes
from paramixer_core.models.rivals.linear_attention import LinearAttentionBlock
from paramixer_core.models.rivals.linformer import LinformerBlock
from paramixer_core.models.rivals.local_window import LocalWindowBlock
from paramixer_core.models.rivals.nystromformer import NystromformerBlock
from paramixer_core.models.rivals.performer import PerformerBlock
from paramixer_core.models.rivals.reformer import ReformerBlock
from paramixer_core.models.transformer import TransformerBlock


def rival(
    name: str,
    title: str,
    summary: str,
    block: type[TransformerBlock],
    origin: str,
    paper_sizes: Callable[[RunConfig], dict[str, int]] = no_sizes,
    **own: str,
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

    sizes = tuple(field for field in own.values() if field != "mixed_len")
    return MixerKind(name, title, summary, build, ("heads", *sizes), origin, paper_sizes)


def size_256(_config: RunConfig) -> dict[str, int]:
    """What Paramixer's paper compares with: k = 256, or 256 landmarks."""
    return {"rival_size": 256}


def features_by_width(config: RunConfig) -> dict[str, int]:
    """d ln d features for heads of width d, the default of Performer's package."""
    width = config.channels // config.heads
    return {"rival_size": max(2, int(width * math.log(width)))}


def reformer_defaults(_config: RunConfig) -> dict[str, int]:
    """8 hash rounds and buckets of 64 tokens, the defaults of Reformer's package."""
    return {"rival_size": 64, "hash_rounds": 8}


RIVALS: tuple[MixerKind, ...] = (
    rival(
        "attention",
        "Dot-product attention",
        "Each token weighs all N tokens by a softmax over dot products, in PyTorch's fused kernel.",
        AttentionBlock,
        "PyTorch's own attention kernel in our pre-norm block, after Vaswani et al. 2017, "
        "equation 1; heads: {heads}. It lacks nothing of its paper but dropout.",
    ),
    rival(
        "plain_attention",
        "Attention, written out",
        "The same softmax, with its N x N matrix made and kept, as textbooks write it.",
        PlainAttentionBlock,
        "Our own code after Vaswani et al. 2017, equation 1; heads: {heads}. It lacks nothing of "
        "its paper but dropout.",
    ),
    rival(
        "linformer",
        "Linformer",
        "Keys and values are projected from N tokens to a few, then attended to.",
        LinformerBlock,
        "Our own code after Wang et al. 2020, equation 7; N tokens are projected to "
        "k = {rival_size} (Paramixer's paper: 256), by projections that the heads share.",
        size_256,
        seq_len="mixed_len",
        projected="rival_size",
    ),
    rival(
        "performer",
        "Performer",
        "Random features whose dot products are the softmax kernel on average.",
        PerformerBlock,
        "Our own code after Choromanski et al. 2021, section 2; {rival_size} random features (its "
        "package: d ln d for heads of width d). It lacks redrawing them while it trains. The "
        "paper's ran causal, this one reads both ways.",
        features_by_width,
        features="rival_size",
    ),
    rival(
        "nystromformer",
        "Nystromformer",
        "Attention through a few landmark tokens, by the Nystrom method.",
        NystromformerBlock,
        "Our own code after Xiong et al. 2021, equations 13 and 15; {rival_size} landmarks "
        "(Paramixer's paper: 256). It lacks the convolution beside the attention.",
        size_256,
        landmarks="rival_size",
    ),
    rival(
        "reformer",
        "Reformer",
        "Tokens attend within buckets of a locality-sensitive hash.",
        ReformerBlock,
        "Our own code after Kitaev et al. 2020, section 2; chunks of {rival_size} tokens, hash "
        "rounds: {hash_rounds} (its package: 64 and 8). It lacks reversible layers. The paper's "
        "ran causal, this one reads both ways.",
        reformer_defaults,
        seq_len="mixed_len",
        chunk="rival_size",
        rounds="hash_rounds",
    ),
    rival(
        "linear_attention",
        "Linear attention",
        "A positive feature map instead of the softmax: keys and values add up first.",
        LinearAttentionBlock,
        "Our own code after Katharopoulos et al. 2020, equations 5 and 7; heads: {heads}. It "
        "reads both ways: their causal form is left out.",
    ),
    rival(
        "local_window",
        "Local windows",
        "Each token attends to its neighbours alone, as most heads of Longformer do.",
        LocalWindowBlock,
        "Our own code after Beltagy et al. 2020, section 3.1; {rival_size} tokens to each side. "
        "It lacks Longformer's global tokens and dilated windows.",
        window="rival_size",
    ),
)
