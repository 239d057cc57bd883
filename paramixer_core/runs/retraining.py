"""Training a run again as it was: from Python, from a script, or by command lines."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import torch

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.segments import RateChange, Segment
from paramixer_core.training import Record, Trainer

PROGRAM = "python -m paramixer_core.runs"
HISTORY = "history"
"""The key under which cards and exports hold the segments of a run."""

UNSTEERED: dict[str, Any] = {
    "learning_rate": 1e-3, "rate_changes": (), "steps": 1, "target_accuracy": None
}  # fmt: skip
"""Settings by which the segments of one training from a seed may differ."""


class Stage(NamedTuple):
    """A configuration to train: from its seed, or as a fork of the stage before at `begin`."""

    begin: int
    config: RunConfig


def segments_of(card: Mapping[str, Any]) -> list[Segment]:
    """The segments that a card or an exported run holds; raises ParamixerError without any."""
    try:
        found = [Segment.from_dict(values) for values in card[HISTORY]]
    except (KeyError, TypeError, ValueError) as error:
        raise ParamixerError(
            "a card or an exported run of this lab, with its history",
            f"{type(error).__name__}: {error}",
            "export the run again as JSON",
        ) from error
    require_retrainable(found)
    return found


def require_retrainable(segments: Sequence[Segment]) -> None:
    """Raise ParamixerError unless training can begin at a seed and go through all segments."""
    if not segments or segments[0].begin or segments[0].imported:
        raise ParamixerError(
            "a run whose first weights come from its seed",
            "one that began with weights of a file or of a run that is gone",
            "import the weights and go on from there",
        )


def plan(segments: Sequence[Segment]) -> list[Stage]:
    """Stages that train the same again, one after the other.

    Segments that differ only in learning rate and length become one with planned changes. Every
    stage ends where its segment ended, so it needs no target; one without steps makes one.
    """
    require_retrainable(segments)
    stages: list[Stage] = []
    for segment in segments:
        unmade = segment is segments[-1] and segment.end == segment.begin
        end = segment.config.steps if unmade else max(1, segment.end)
        config = segment.config.replace(
            rate_changes=segment.config.rate_changes if unmade else _before(end, segment.rates),
            steps=end,
            target_accuracy=None,
        )
        before = stages[-1].config if stages else None
        if before and segment.begin and before.replace(**UNSTEERED) == config.replace(**UNSTEERED):
            changes = dict(before.rate_changes) | {segment.begin: config.learning_rate}
            changes |= dict(config.rate_changes)
            rates = needed(before.learning_rate, sorted(changes.items()))
            stages[-1] = Stage(stages[-1].begin, before.replace(rate_changes=rates, steps=end))
        else:
            stages.append(Stage(segment.begin, config))
    return stages


def _before(end: int, rates: Sequence[RateChange]) -> tuple[RateChange, ...]:
    return tuple(change for change in rates if change[0] < end)


def needed(rate: float, changes: Sequence[RateChange]) -> tuple[RateChange, ...]:
    """The changes that change something, from a first rate on."""
    held = [(0, rate), *changes]
    return tuple(after for before, after in pairwise(held) if before[1] != after[1])


def retrain(segments: Sequence[Segment], device: torch.device | None = None) -> Iterator[Record]:
    """Train a run again from its seed, through every change of rate and every fork.

    Yields the record of every step. On the same mixing path, threads and versions the losses are
    those of the run, bit for bit.
    """
    require_retrainable(segments)
    state = None
    for segment in segments:
        config = segment.config.replace(rate_changes=_before(segment.end, segment.rates))
        trainer = Trainer(config, device)
        if state is not None:
            trainer.load_state(state)
            trainer.learning_rate = config.learning_rate
        while trainer.step_number < segment.end:
            yield trainer.step()
        state = trainer.state()


def commands(segments: Sequence[Segment]) -> list[str]:
    """Command lines that train the same again; RUN stands for what the one before has trained."""
    stages = plan(segments)
    lines = [f"{PROGRAM} train {options(stages[0].config, RunConfig())}".rstrip()]
    for (_, before), (begin, config) in pairwise(stages):
        lines.append(f"{PROGRAM} fork RUN --step {begin} {options(config, before)}".rstrip())
    return lines


def options(config: RunConfig, base: RunConfig) -> str:
    """What a command line must say to make `base` into `config`."""
    words: list[str] = []
    held = base.as_dict()
    for name, value in config.as_dict().items():
        if name == "rate_changes":
            for step, rate in config.rate_changes:
                words += ["--rate-at", f"{step}={rate!r}"]
        elif value != held[name]:
            words += ["--" + name.replace("_", "-"), option_text(value)]
    return shlex.join(words)


def option_text(value: Any) -> str:
    """A setting's value as a command line reads it."""
    match value:
        case bool():
            return "yes" if value else "no"
        case None:
            return "auto"
        case float():
            return repr(value)
        case _:
            return str(value)


def script(segments: Sequence[Segment]) -> str:
    """A Python script, or a notebook's cell, that trains the same again with this library."""
    require_retrainable(segments)
    held = json.dumps([segment.as_dict() for segment in segments], indent=1)
    return (
        f'"""Trains run {segments[-1].run} again.\n\n'
        "The losses are the same, bit for bit, on the same mixing path, number of threads, device\n"
        'and versions: see "conditions" below.\n"""\n\n'
        "import json\n\n"
        "from paramixer_core.runs.retraining import retrain\n"
        "from paramixer_core.runs.segments import Segment\n\n"
        f"HISTORY = json.loads(r'''{held}''')\n\n"
        "for record in retrain([Segment.from_dict(stretch) for stretch in HISTORY]):\n"
        "    print(record.step, record.loss, record.accuracy)\n"
    )
