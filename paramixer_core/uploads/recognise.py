"""Which network a file of weights holds: what it says of itself first, then names and shapes."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

from paramixer_core.config import DeviceChoice, RunConfig
from paramixer_core.device import available_devices
from paramixer_core.errors import ParamixerError
from paramixer_core.models import Mixer, build_network
from paramixer_core.models.paramixer import ParamixerBlock
from paramixer_core.protocols import tokens_reached
from paramixer_core.tasks import Task, is_uploaded, make_task
from paramixer_core.uploads.block_shapes import Shapes, build_meta, shapes_of
from paramixer_core.uploads.exported import BY_SHAPES, Declared, declared
from paramixer_core.uploads.formats import REMEDY
from paramixer_core.uploads.frame_shapes import read_frame, why_factors
from paramixer_core.uploads.infer import infer
from paramixer_core.uploads.named import Named, find_network
from paramixer_core.uploads.weight_questions import (
    RecognisedWeights,
    Stated,
    WeightChoices,
)
from paramixer_core.uploads.weights import WeightFile, read_file

NO_CHOICES = WeightChoices()


def read_weights_file(
    content: bytes, name: str = "", choices: WeightChoices = NO_CHOICES
) -> RecognisedWeights:
    """The network in a file of weights.

    Raises ParamixerError, in one sentence, for a file that is no whole safetensors file, and for
    weights that fit no network of this lab or contradict what the file says about itself.
    """
    return recognise(read_file(content, name), choices)


def recognise(file: WeightFile, choices: WeightChoices = NO_CHOICES) -> RecognisedWeights:
    """The network in a file whose header was read; errors as for `read_weights_file`."""
    named = find_network(file, choices)
    said = None if choices.by_metadata is False else declared(file.metadata)
    if said is None:
        found = infer(named.shapes, choices, named.theirs)
        config, questions = found.config, [*named.questions, *found.questions]
        overridden: list[str] = []
    else:
        config, overridden = with_choices(said, choices)
        questions = list(named.questions)
    config, task, missing = with_task(config, named.shapes)
    config = on_this_machine(config)
    network = build_meta(lambda: build_network(config, task, torch.Generator()))
    wanted = shapes_of(network)
    require_all(wanted, named.shapes, said)
    weights = named.weights(file, config, set(wanted))
    unsure = overridden or (said is not None and said.unknown)
    source = "the authors' names" if named.theirs is not None else "our names"
    return RecognisedWeights(
        source=source if said is None else "its own configuration",
        config=config,
        certain=not unsure and all(question.answered for question in questions),
        questions=questions,
        notes=[
            *named.notes,
            *said_notes(said, missing),
            *dtype_notes(file, named, set(wanted)),
            *factor_notes(config, network.mixers[0]),
        ],
        warnings=[*overridden, *unknown_fields(said), *not_finite(weights)],
        state=as_state(weights, config, said),
        matched=named.matched(set(wanted)),
        unused=named.unused(file, set(wanted)),
        num_links=links_of(wanted),
        stated=Stated() if said is None else said.stated,
        task_missing=missing,
        from_metadata=said is not None,
    )


def with_choices(said: Declared, choices: WeightChoices) -> tuple[RunConfig, list[str]]:
    """What the file says with what a person says instead, and a sentence for each difference."""
    changes = choices.settings() | ({"task": choices.task} if choices.task else {})
    differing = {
        name: value for name, value in changes.items() if getattr(said.config, name) != value
    }
    sentences = [
        f"The file says {name} = {getattr(said.config, name)}; you chose {value}."
        for name, value in sorted(differing.items())
    ]
    return said.config.replace(**differing), sentences


def with_task(config: RunConfig, shapes: Shapes) -> tuple[RunConfig, Task, str]:
    """The run with its task; where its data set is not here, one of the same sizes in its place.

    The text is the name of the data set that is missing.
    """
    try:
        return config, make_task(config.task, config.seq_len), ""
    except ParamixerError:
        if not is_uploaded(config.task):
            raise
    frame = read_frame(shapes)
    shaped = config.replace(task=frame.shape_task, positions=frame.positions)
    return shaped, make_task(shaped.task, shaped.seq_len), config.task


def on_this_machine(config: RunConfig) -> RunConfig:
    """The same run on a device that this machine has."""
    here = (DeviceChoice.AUTO, *available_devices())
    return config if config.device in here else config.replace(device=DeviceChoice.AUTO.value)


def require_all(wanted: Shapes, held: Shapes, said: Declared | None) -> None:
    """Raise ParamixerError unless the file has every weight of the network, in its shape."""
    remedy = REMEDY if said is None else BY_SHAPES
    whose = "of the network" if said is None else "of the network that the file says it holds"
    if missing := sorted(set(wanted) - set(held)):
        raise ParamixerError(
            f"all {len(wanted)} weights {whose}",
            f"{len(missing)} missing, {', '.join(missing[:3])} among them",
            remedy,
        )
    for name, shape in wanted.items():
        if held[name] != shape:
            raise ParamixerError(
                f"{name} of shape {shape}, as one {whose}", f"{held[name]}", remedy
            )


def as_state(
    weights: Mapping[str, Tensor], config: RunConfig, said: Declared | None
) -> dict[str, Tensor]:
    """The weights as `Trainer.state` gives them, without an optimiser."""
    state = {f"network.{name}": tensor for name, tensor in weights.items()}
    state["step"] = torch.tensor(0 if said is None else said.stated.step)
    state["learning_rate"] = torch.tensor(config.learning_rate, dtype=torch.float64)
    return state


def links_of(wanted: Shapes) -> int | None:
    """K of a Paramixer; None for a mixer without links."""
    shape = wanted.get("blocks.0.link_mlps.0.2.weight")
    return None if shape is None else shape[0]


def said_notes(said: Declared | None, missing: str) -> list[str]:
    """What the file says about itself, and whether its data are here."""
    if said is None:
        return []
    notes = []
    stated = said.stated
    if stated.run:
        notes.append(f"Weights of step {stated.step:,} of run {stated.run}.")
    if missing:
        title = f" ({stated.task_title})" if stated.task_title else ""
        notes.append(
            f"It was trained on the data set {missing}{title}, which is not on this server: upload "
            "it to test the weights on it. They can be looked at on sequences that you paste."
        )
    return notes


def unknown_fields(said: Declared | None) -> list[str]:
    """A sentence on settings that another version of this lab wrote."""
    if said is None or not said.unknown:
        return []
    names = ", ".join(said.unknown)[:80]
    return [f"Its configuration holds settings that this version does not know: {names}."]


def dtype_notes(file: WeightFile, named: Named, wanted: Collection[str]) -> list[str]:
    """A sentence on weights that were not float32."""
    dtypes = {file.entries[name].dtype for name, _ in named.matched(wanted)} - {"F32"}
    return [f"Read from {' and '.join(sorted(dtypes))} into float32."] if dtypes else []


def factor_notes(config: RunConfig, block: Mixer) -> list[str]:
    """A sentence on factors that are not ceil(log2 N): how many tokens are reached."""
    if config.num_factors is None or not isinstance(block, ParamixerBlock):
        return []
    length = config.mixed_len
    reached = tokens_reached(block.offsets, length)
    return [
        f"{why_factors(config.num_factors, length)}: each token reads {reached:,} of {length:,} "
        "tokens."
    ]


def not_finite(weights: Mapping[str, Tensor]) -> list[str]:
    """A sentence on NaN and infinity among the weights that the network reads."""
    counts = {
        name: count
        for name, tensor in weights.items()
        if (count := int((~torch.isfinite(tensor)).sum()))
    }
    if not counts:
        return []
    names = ", ".join(list(counts)[:3])
    return [
        f"{sum(counts.values()):,} weights are not a number or infinite ({names}): the network's "
        "answers may not be numbers either."
    ]
