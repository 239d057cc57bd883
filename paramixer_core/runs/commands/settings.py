"""Settings of runs as options of a command line: one value each, or several for a sweep."""

import argparse
import dataclasses
import itertools
import types
import typing
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError

RATES = "rate_changes"
RACED = ("mixer", "seed")
"""What a race varies by itself: one race holds all its mixers on all its seeds."""


def add_settings(parser: argparse.ArgumentParser, names: Iterable[str], *, lists: bool) -> None:
    """An option for each of these settings; one that is not given leaves no attribute.

    With `lists` each takes one value or more.
    """
    kinds = typing.get_type_hints(RunConfig)
    group = parser.add_argument_group("settings")
    for field in dataclasses.fields(RunConfig):
        if field.name not in names:
            continue
        if field.name == RATES:
            group.add_argument(
                "--rate-at", dest=RATES, action="append", type=read_rate_change,
                default=argparse.SUPPRESS, metavar="STEP=RATE",
                help="change the learning rate after a step; may be given again",
            )  # fmt: skip
            continue
        many: dict[str, Any] = {"nargs": "+"} if lists else {}
        group.add_argument(
            "--" + field.name.replace("_", "-"),
            type=reader(kinds[field.name]),
            default=argparse.SUPPRESS,
            metavar="VALUE",
            help=explained(kinds[field.name], field.default),
            **many,
        )


def explained(kind: Any, default: object) -> str:
    """What an option takes, where the choice is closed, and what holds without it."""
    choices = ", ".join(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else ""
    return f"{choices} (default: {told(default)})".lstrip()


def told(value: object) -> str:
    """A default in words."""
    match value:
        case None:
            return "auto"
        case "":
            return "none"
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def reader(kind: Any) -> Callable[[str], Any]:
    """How to read a setting of this type; "auto" and "none" are None where it may be None."""
    parts = typing.get_args(kind) if isinstance(kind, types.UnionType) else (kind,)
    chosen = next(part for part in parts if part is not type(None))
    if issubclass(chosen, StrEnum):
        chosen = str  # RunConfig refuses what is not among its choices, and names them
    read: Callable[[str], Any] = read_switch if chosen is bool else chosen
    if type(None) not in parts:
        return read

    def optional(text: str) -> Any:
        return None if text in ("auto", "none") else read(text)

    optional.__name__ = getattr(read, "__name__", "value")
    return optional


def read_switch(text: str) -> bool:
    """yes or no."""
    try:
        return {"yes": True, "no": False}[text]
    except KeyError:
        raise argparse.ArgumentTypeError(f"expected yes or no, got {text!r}") from None


def read_rate_change(text: str) -> tuple[int, float]:
    """A pair like 500=1e-4."""
    step, _, rate = text.partition("=")
    try:
        return int(step), float(rate)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"expected STEP=RATE like 500=1e-4, got {text!r}"
        ) from None


def given(options: argparse.Namespace) -> dict[str, Any]:
    """The settings that were given, by name; values are lists where the command takes lists."""
    names = [field.name for field in dataclasses.fields(RunConfig)]
    found = {name: getattr(options, name) for name in names if hasattr(options, name)}
    if RATES in found:
        found[RATES] = tuple(sorted(found[RATES]))
    return found


def grid(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """Every combination of the settings that were given several values, mixers and seeds apart.

    >>> grid({"learning_rate": [1e-3, 3e-3], "mixer": ["chord", "cdil"], "batch": [8]})
    [{'learning_rate': 0.001, 'batch': 8}, {'learning_rate': 0.003, 'batch': 8}]
    """
    lists = {name: values for name, values in settings.items() if name not in (*RACED, RATES)}
    fixed = {RATES: settings[RATES]} if RATES in settings else {}
    return [
        dict(zip(lists, values, strict=True)) | fixed
        for values in itertools.product(*(dict.fromkeys(values) for values in lists.values()))
    ]


def varied(settings: dict[str, Any]) -> list[str]:
    """Which settings a grid varies."""
    return [
        name
        for name, values in settings.items()
        if name not in (*RACED, RATES) and len(set(values)) > 1
    ]


def require_among(settings: Iterable[str], allowed: Iterable[str], remedy: str) -> None:
    """Raise ParamixerError if a setting was given that may not be changed here."""
    if misfits := sorted(set(settings) - set(allowed)):
        raise ParamixerError(f"changes among {sorted(allowed)}", misfits, remedy)
