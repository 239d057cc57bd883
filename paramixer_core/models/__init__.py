"""Networks to train, and the registry of mixers: a new mixer is one file and one line here."""

import torch

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import WIRING, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models.layers import linear
from paramixer_core.models.mixer import BlockOperators, Mixer, MixerKind
from paramixer_core.models.network import Network, TokenEmbedding
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.models.rivals import RIVALS
from paramixer_core.protocols import Offsets, Protocol, protocol_offsets
from paramixer_core.tasks import Task

__all__ = [
    "MIXERS",
    "WIRED",
    "BlockOperators",
    "Mixer",
    "MixerKind",
    "Network",
    "build_network",
    "mixer_kind",
]


def build_chord(config: RunConfig, generator: torch.Generator) -> Mixer:
    """One Paramixer block with CHORD links."""
    offsets = protocol_offsets(Protocol.CHORD, config.seq_len, factors=config.num_factors)
    return build_paramixer(offsets, config, generator)


def build_cdil(config: RunConfig, generator: torch.Generator) -> Mixer:
    """One Paramixer block with CDIL links."""
    offsets = protocol_offsets(Protocol.CDIL, config.seq_len, config.num_links, config.num_factors)
    return build_paramixer(offsets, config, generator)


def build_paramixer(
    offsets: Offsets, config: RunConfig, generator: torch.Generator
) -> ParamixerBlock:
    """One Paramixer block with these links."""
    return ParamixerBlock(
        channels=config.channels,
        hidden=config.hidden,
        offsets=offsets,
        residual=config.residual,
        link_source=config.link_source,
        generator=generator,
    )


def build_wiring(config: RunConfig, generator: torch.Generator) -> Mixer:
    """One Paramixer block with a wiring of one's own: links that are off keep the weight 0."""
    wiring = Wiring.parse(config.wiring)
    return ParamixerBlock(
        channels=config.channels,
        hidden=config.hidden,
        offsets=wiring.padded_offsets(),
        residual=config.residual,
        link_source=config.link_source,
        generator=generator,
        mask=torch.from_numpy(wiring.mask()),
    )


MIXERS: dict[str, MixerKind] = {
    kind.name: kind
    for kind in (
        MixerKind(
            "chord",
            "Paramixer, CHORD links",
            "Each token reads those 1, 2, 4, 8 ... ahead, in each of log2 N factors.",
            build_chord,
        ),
        MixerKind(
            "cdil",
            "Paramixer, CDIL links",
            "Each token reads its neighbours; their distance doubles from factor to factor.",
            build_cdil,
        ),
        *RIVALS,
    )
}


WIRED = MixerKind(
    WIRING,
    "Paramixer, your wiring",
    "Each token reads the links that you left on.",
    build_wiring,
)
"""Not among MIXERS: it needs a wiring, which no other mixer reads."""


def mixer_kind(name: str) -> MixerKind:
    """The mixer of that name, a wiring of one's own included; ParamixerError if there is none."""
    if name == WIRED.name:
        return WIRED
    if name not in MIXERS:
        raise ParamixerError(f"a mixer among {list(MIXERS)}", name, "choose one of them")
    return MIXERS[name]


def build_network(config: RunConfig, task: Task, generator: torch.Generator) -> Network:
    """The network of a run on the CPU, its initial weights drawn from `generator`.

    Embedding and head are drawn first, so runs that differ only in their mixer share both.
    Raises ParamixerError for an unknown mixer or a task of another length.
    """
    build_block = mixer_kind(config.mixer).build
    if task.seq_len != config.seq_len:
        raise ParamixerError(
            f"a task of the run's length {config.seq_len}", task.seq_len, "make them equal"
        )
    embed = TokenEmbedding(
        input_kind=task.input_kind,
        input_size=task.input_size,
        seq_len=config.seq_len,
        channels=config.channels,
        positions=task.positions if config.positions is None else config.positions,
        generator=generator,
    )
    head = linear(config.seq_len * config.channels, task.output_size, generator)
    blocks = [build_block(config, generator) for _ in range(config.blocks)]
    return Network(embed=embed, blocks=blocks, head=head, seq_len=config.seq_len)
