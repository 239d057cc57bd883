"""A run's card: what was trained, how it was steered, with which versions, how well it does."""

import platform
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.lineage import is_complete
from paramixer_core.runs.run import Run, TestCurve
from paramixer_core.runs.segments import Segment, conditions_of, differences

READERS = ("torch", "numpy", "streamlit")


def run_card(
    run: Run,
    tests: TestCurve,
    segments: Sequence[Segment] = (),
    made_with: dict[str, str] | None = None,
) -> dict[str, Any]:
    """Plain values, ready for JSON. `segments` are the run's `lineage`; `made_with` are the
    versions that trained it, where they are known without it.
    """
    card: dict[str, Any] = {
        "run": run.id,
        "state": run.state.value,
        "step": run.step,
        "parameters": run.parameters,
        "training_seconds": run.seconds,
        "device": run.device,
        "configuration": run.config.as_dict(),
        "read_with": {"python": platform.python_version()}
        | {name: version(name) for name in READERS},
    }
    if segments:
        card |= steering(run, segments)
    if made_with:
        card["made_with"] = made_with
    if len(tests):
        card["test"] = {
            "step": int(tests.step[-1]),
            "loss": float(tests.loss[-1]),
            "accuracy": float(tests.accuracy[-1]),
        }
    return card


def steering(run: Run, segments: Sequence[Segment]) -> dict[str, Any]:
    """What a run was besides its configuration, and what trains the same again."""
    from paramixer_core.runs.retraining import HISTORY, commands

    held: dict[str, Any] = {
        "learning_rate_at_the_end": segments[-1].rate,
        "parent": run.parent,
        "parent_step": run.parent_step,
        HISTORY: [segment.as_dict() for segment in segments],
        "warnings": differences(conditions_of(segments)),
    }
    if not is_complete(run, segments):
        held["warnings"].append(
            "The runs that it was forked from are gone; they are not told here."
        )
    try:
        held["retrain"] = commands(segments)
    except ParamixerError as error:
        held["warnings"].append(f"It cannot be trained again from a seed: {error}")
    return held


def told(segment: Segment) -> str:
    """One stretch of training in words.

    >>> from paramixer_core.config import RunConfig
    >>> told(Segment(run="a", config=RunConfig(), begin=0, end=90, rates=((50, 1e-4),)))
    'run a, steps 0 to 90, learning rate 0.001, after step 50: 0.0001'
    """
    words = [f"run {segment.run}", f"steps {segment.begin:,} to {segment.end:,}"]
    if segment.imported:
        words.append("from weights of a file")
    words.append(f"learning rate {segment.config.learning_rate!r}")
    words += [f"after step {step:,}: {rate!r}" for step, rate in segment.rates]
    for start in segment.conditions:
        words.append(f"from step {start.step:,} with {', '.join(start.facts.values())}")
    return ", ".join(words)


def card_rows(card: dict[str, Any]) -> dict[str, object]:
    """The card as flat rows, nested names joined by a dot, entries of a list numbered."""
    rows: dict[str, object] = {}
    for name, value in card.items():
        if name == "history":
            value = [told(Segment.from_dict(segment)) for segment in value]
        if isinstance(value, list) and name != "rate_changes":
            value = {str(place): entry for place, entry in enumerate(value, start=1)}
        if isinstance(value, dict):
            rows |= {f"{name}.{inner}": held for inner, held in card_rows(value).items()}
        else:
            rows[name] = value
    return rows


def card_markdown(card: dict[str, Any]) -> str:
    """The card as a Markdown table."""
    rows = [f"| {name} | {value} |" for name, value in card_rows(card).items()]
    return "\n".join([f"# Run {card['run']}", "", "| what | value |", "|---|---|", *rows, ""])
