"""Networks to train, and the registry of mixers: a new mixer is one file and one line here."""

import torch

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import WIRING, Pooling, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models.layers import linear, mlp
from paramixer_core.models.mixer import BlockOperators, Mixer, MixerKind
from paramixer_core.models.network import Network, TokenEmbedding
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.models.rivals import RIVALS
from paramixer_core.protocols import Offsets, Protocol, protocol_offsets
from paramixer_core.tasks import Task, TaskShape

__all__ = [
    "MIXERS",
    "WIRED",
    "BlockOperators",
    "Mixer",
    "MixerKind",
    "Network",
    "build_network",
    "config_for",
    "mixer_kind",
]


def build_chord(config: RunConfig, generator: torch.Generator) -> Mixer:
    """One Paramixer block with CHORD links."""
    offsets = protocol_offsets(Protocol.CHORD, config.mixed_len, factors=config.num_factors)
    return build_paramixer(offsets, config, generator)


def build_cdil(config: RunConfig, generator: torch.Generator) -> Mixer:
    """One Paramixer block with CDIL links."""
    offsets = protocol_offsets(
        Protocol.CDIL, config.mixed_len, config.num_links, config.num_factors
    )
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


PARAMIXER_FIELDS = ("residual", "link_source")
OURS = "Our own code after the paper, section 3.1, equal to its equation by test."

MIXERS: dict[str, MixerKind] = {
    kind.name: kind
    for kind in (
        MixerKind(
            "chord",
            "Paramixer, CHORD links",
            "Each token reads those 1, 2, 4, 8 ... ahead, in each of log2 N factors.",
            build_chord,
            reads=(*PARAMIXER_FIELDS, "num_factors"),
            origin=f"{OURS} It lacks nothing of the paper's block but dropout.",
        ),
        MixerKind(
            "cdil",
            "Paramixer, CDIL links",
            "Each token reads its neighbours; their distance doubles from factor to factor.",
            build_cdil,
            reads=(*PARAMIXER_FIELDS, "num_factors", "num_links"),
            origin=f"{OURS} K = {{num_links}} links a token; the paper's figure draws 3, its "
            "published settings have 9. It lacks nothing of the paper's block but dropout.",
        ),
        *RIVALS,
    )
}


WIRED = MixerKind(
    WIRING,
    "Paramixer, your wiring",
    "Each token reads the links that you left on.",
    build_wiring,
    reads=(*PARAMIXER_FIELDS, "wiring"),
    origin=f"{OURS} The links are your own: the paper does not have them.",
)
"""Not among MIXERS: it needs a wiring, which no other mixer reads."""


def mixer_kind(name: str) -> MixerKind:
    """The mixer of that name, a wiring of one's own included; ParamixerError if there is none."""
    if name == WIRED.name:
        return WIRED
    if name not in MIXERS:
        raise ParamixerError(f"a mixer among {list(MIXERS)}", name, "choose one of them")
    return MIXERS[name]


OWN_FIELDS = tuple(
    dict.fromkeys(field for kind in (*MIXERS.values(), WIRED) for field in kind.reads)
)
"""The fields of a run that some mixers read and others do not."""


def config_for(base: RunConfig, mixer: str) -> RunConfig:
    """The configuration with another mixer: what that mixer does not read has its default."""
    kind, defaults = mixer_kind(mixer), RunConfig()
    unread = {name: getattr(defaults, name) for name in OWN_FIELDS if name not in kind.reads}
    return base.replace(mixer=mixer, **unread)


def build_network(config: RunConfig, task: Task | TaskShape, generator: torch.Generator) -> Network:
    """The network of a run on the CPU, its initial weights drawn from `generator`.

    `task` is that of the run, or the shape of one that is not here (weights of foreign data).

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
        class_token=config.pooling is Pooling.CLASS_TOKEN,
        missing=task.padded,
    )
    flat = config.pooling is Pooling.FLATTEN
    read = config.channels * (config.seq_len if flat else 1)
    head = (
        mlp(read, config.head_hidden, task.output_size, generator)
        if config.head_hidden
        else linear(read, task.output_size, generator)
    )
    blocks = [build_block(config, generator) for _ in range(config.blocks)]
    return Network(
        embed=embed,
        blocks=blocks,
        head=head,
        seq_len=config.seq_len,
        padding=task.padding if config.mask_padding else None,
    )
