"""What a file of weights says about itself: the configuration that our exports carry."""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.weight_questions import Stated

BY_SHAPES = "read the file by its shapes alone, or export the weights again"
"""What to do about a file that contradicts what it says about itself."""
LONGEST_TITLE = 60


@dataclass(frozen=True)
class Declared:
    """The configuration in a file's metadata, and the fields in it that this version lacks."""

    config: RunConfig
    stated: Stated
    unknown: list[str]


def declared(metadata: Mapping[str, str]) -> Declared | None:
    """What the file says about itself; None if it says nothing.

    Raises ParamixerError, in one sentence, for a configuration that is none.
    """
    if "config" not in metadata:
        return None
    try:
        values = json.loads(metadata["config"])
    except (ValueError, RecursionError) as error:
        raise ParamixerError("a configuration as JSON in the metadata", error, BY_SHAPES) from error
    if not isinstance(values, dict):
        raise ParamixerError(
            "a configuration as a JSON object in the metadata", type(values).__name__, BY_SHAPES
        )
    known = {field.name for field in dataclasses.fields(RunConfig)}
    try:
        config = RunConfig(**{name: value for name, value in values.items() if name in known})
    except ParamixerError as error:
        raise ParamixerError(
            f"a configuration that can be, with {error.expected}", error.got, BY_SHAPES
        ) from error
    except (TypeError, ValueError, RecursionError, OverflowError) as error:
        raise ParamixerError("a configuration that can be", error, BY_SHAPES) from error
    return Declared(config, stated(metadata), sorted(set(values) - known))


def stated(metadata: Mapping[str, str]) -> Stated:
    """Run, step and figures; what is no such thing is left out."""
    step = number(metadata.get("step"))
    accuracy, loss = number(metadata.get("accuracy")), number(metadata.get("loss"))
    return Stated(
        run=metadata.get("run", "")[:LONGEST_TITLE],
        step=int(step) if step is not None and 0 <= step <= 10_000_000 else 0,
        accuracy=accuracy if accuracy is not None and 0 <= accuracy <= 1 else None,
        loss=loss,
        task_title=" ".join(metadata.get("task_title", "").split())[:LONGEST_TITLE],
    )


def number(text: Any) -> float | None:
    """A finite number in a short text; None for anything else."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
