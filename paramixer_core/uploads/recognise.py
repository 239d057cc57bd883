"""Which network some weights belong to: ours by our names, the authors' by theirs."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors
from paramixer_core.tasks import TASKS, InputKind
from paramixer_core.uploads.authors import is_authors, renamed

OUR_PREFIXES = ("state.network.", "network.")
REMEDY = "upload weights of one of the networks that this lab trains, or of the authors' Paramixer"


@dataclass(frozen=True)
class Recognised:
    """What was found in a file of weights.

    `state` holds our names (`network.*`); `matched` pairs the file's names with ours; `unused` are
    tensors that nothing here reads; `notes` say in sentences what was assumed.
    """

    source: str
    config: RunConfig
    state: dict[str, Tensor]
    matched: list[tuple[str, str]]
    unused: list[str]
    notes: list[str] = field(default_factory=list)


def recognise(
    tensors: Mapping[str, Tensor],
    *,
    mixer: str | None = None,
    heads: int = 1,
    residual: Residual = Residual.PER_FACTOR,
    link_source: LinkSource = LinkSource.INPUT,
) -> Recognised:
    """Find the network that the tensors fit.

    What names and shapes can't tell is given: `mixer` ("chord" or "cdil") where K fits both,
    `heads` of attention, `residual` and `link_source`. Raises ParamixerError with what is missing.
    """
    notes: list[str] = []
    if is_authors(tensors):
        source, (ours, pairs) = "the authors' names", renamed(tensors, mixer, notes)
    else:
        source = "our names"
        ours, pairs = by_our_names(tensors)
    if not ours:
        raise ParamixerError(
            "weights named as ours (blocks.0...) or as the authors' (attention.0.fs.0...)",
            ", ".join(list(tensors)[:3]),
            REMEDY,
        )
    config = infer_config(ours, mixer, heads, residual, link_source)
    wanted = expected_names(config, ours)
    if missing := sorted(set(wanted) - set(ours)):
        raise ParamixerError(
            f"all {len(wanted)} weights of the network",
            f"{len(missing)} missing, {', '.join(missing[:3])} among them",
            REMEDY,
        )
    wrong = [name for name, shape in wanted.items() if tuple(ours[name].shape) != shape]
    if wrong:
        raise ParamixerError(
            f"{wrong[0]} of shape {wanted[wrong[0]]}", tuple(ours[wrong[0]].shape), REMEDY
        )
    used = {name: tensor.float().clone() for name, tensor in ours.items() if name in wanted}
    matched = [(theirs, name) for theirs, name in pairs if name in used]
    read = {theirs for theirs, _ in matched}
    unused = [name for name in tensors if name not in read]
    state = {f"network.{name}": tensor for name, tensor in used.items()}
    state["step"] = torch.tensor(0)
    state["learning_rate"] = torch.tensor(config.learning_rate, dtype=torch.float64)
    return Recognised(source, config, state, matched, unused, notes)


def by_our_names(
    tensors: Mapping[str, Tensor],
) -> tuple[dict[str, Tensor], list[tuple[str, str]]]:
    """Our weights without a prefix, and how each was called in the file."""
    pairs = []
    for name in tensors:
        bare = name
        for prefix in OUR_PREFIXES:
            if name.startswith(prefix):
                bare = name.removeprefix(prefix)
                break
        if bare.startswith(("embedding.", "blocks.", "head.")):
            pairs.append((name, bare))
    return {ours: tensors[theirs] for theirs, ours in pairs}, pairs


def infer_config(
    ours: Mapping[str, Tensor],
    mixer: str | None,
    heads: int,
    residual: Residual,
    link_source: LinkSource,
) -> RunConfig:
    """The configuration that fits the shapes."""
    tokens = matrix(ours, "embedding.tokens.weight")
    head = matrix(ours, "head.weight")
    real = "embedding.tokens.bias" in ours
    channels, size = (tokens.shape[0], tokens.shape[1]) if real else tokens.shape[::-1]
    if not channels or head.shape[1] % channels or head.shape[1] < 2 * channels:
        raise ParamixerError(
            f"a head over N x {channels} values", f"one over {head.shape[1]}", REMEDY
        )
    seq_len = head.shape[1] // channels
    kind = InputKind.REAL if real else InputKind.SYMBOLS
    blocks = 1 + max(
        (int(found[1]) for name in ours if (found := re.match(r"blocks\.(\d{1,2})\.", name))),
        default=-1,
    )
    if not blocks:
        raise ParamixerError("at least one block", "none", REMEDY)
    links = ours.get("blocks.0.link_mlps.0.2.weight")
    if links is None:
        mixer, num_links = "attention", 9
        hidden = matrix(ours, "blocks.0.mlp.0.weight").shape[0]
    else:
        num_links = links.shape[0]
        mixer = mixer or protocol_of(num_links, seq_len)
        hidden = matrix(ours, "blocks.0.link_mlps.0.0.weight").shape[0]
    return RunConfig(
        task=task_of(kind, size, head.shape[0], seq_len),
        seq_len=seq_len,
        mixer=mixer,
        channels=channels,
        hidden=hidden,
        blocks=blocks,
        num_links=num_links if mixer == "cdil" else 9,
        heads=heads,
        residual=residual,
        link_source=link_source,
        positions="embedding.positions.weight" in ours,
        device="cpu",
    )


def matrix(ours: Mapping[str, Tensor], name: str) -> Tensor:
    """A weight that has to be there with two axes."""
    if name not in ours or ours[name].ndim != 2:
        raise ParamixerError(f"a matrix {name}", "none in the file", REMEDY)
    return ours[name]


def protocol_of(num_links: int, seq_len: int) -> str:
    """Whose K this is; CHORD where both fit."""
    if num_links == num_factors(seq_len) + 1:
        return "chord"
    if num_links % 2 and num_links >= 3:
        return "cdil"
    raise ParamixerError(
        f"{num_factors(seq_len) + 1} links a row (CHORD) or an odd number (CDIL)",
        num_links,
        REMEDY,
    )


def task_of(kind: InputKind, size: int, outputs: int, seq_len: int) -> str:
    """The task with these inputs and outputs."""
    for name, task in TASKS.items():
        fits = (task.input_kind, task.input_size, task.output_size) == (kind, size, outputs)
        if fits and (task.seq_lens is None or seq_len in task.seq_lens):
            return name
    raise ParamixerError(
        "weights for one of the tasks "
        + ", ".join(f"{t.title} ({t.input_size} in, {t.output_size} out)" for t in TASKS.values()),
        f"{size} {'numbers' if kind is InputKind.REAL else 'symbols'} a token in, {outputs} out",
        "upload weights of one of these",
    )


def expected_names(config: RunConfig, ours: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Every weight of the network with its shape, without building the network."""
    d, h, n = config.channels, config.hidden, config.seq_len
    real = "embedding.tokens.bias" in ours
    inputs, outputs = ours["embedding.tokens.weight"].shape[1], ours["head.weight"].shape[0]
    names: dict[str, tuple[int, ...]] = {"head.weight": (outputs, n * d), "head.bias": (outputs,)}
    if real:
        names |= {"embedding.tokens.weight": (d, inputs), "embedding.tokens.bias": (d,)}
    else:
        names["embedding.tokens.weight"] = (ours["embedding.tokens.weight"].shape[0], d)
    if config.positions:
        names["embedding.positions.weight"] = (n, d)
    factors = num_factors(n)
    links = factors + 1 if config.mixer == "chord" else config.num_links
    for block in range(config.blocks):
        at = f"blocks.{block}."
        if config.mixer == "attention":
            for norm in ("norm_attention", "norm_mlp"):
                names |= {f"{at}{norm}.weight": (d,), f"{at}{norm}.bias": (d,)}
            names |= {f"{at}query_key_value.weight": (3 * d, d), f"{at}out.weight": (d, d)}
            names |= {f"{at}query_key_value.bias": (3 * d,), f"{at}out.bias": (d,)}
            names |= mlp_names(f"{at}mlp.", d, h, d)
            continue
        names |= mlp_names(f"{at}value_mlp.", d, h, d)
        for factor in range(factors):
            names |= mlp_names(f"{at}link_mlps.{factor}.", d, h, links)
    return names


def mlp_names(prefix: str, inputs: int, hidden: int, outputs: int) -> dict[str, tuple[int, ...]]:
    """The weights of one two-layer MLP."""
    return {
        f"{prefix}0.weight": (hidden, inputs),
        f"{prefix}0.bias": (hidden,),
        f"{prefix}2.weight": (outputs, hidden),
        f"{prefix}2.bias": (outputs,),
    }
