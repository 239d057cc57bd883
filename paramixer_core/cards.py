"""A run's card: what was trained, from which seed, with which versions, and how well it does."""

import platform
from importlib.metadata import version
from typing import Any

from paramixer_core.runs.run import Run, TestCurve

READERS = ("torch", "numpy", "streamlit")


def run_card(run: Run, tests: TestCurve, made_with: dict[str, str] | None = None) -> dict[str, Any]:
    """Plain values, ready for JSON. `made_with` are the versions that trained it, where known."""
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
    if made_with:
        card["made_with"] = made_with
    if len(tests):
        card["test"] = {
            "step": int(tests.step[-1]),
            "loss": float(tests.loss[-1]),
            "accuracy": float(tests.accuracy[-1]),
        }
    return card


def card_rows(card: dict[str, Any]) -> dict[str, object]:
    """The card as flat rows, nested names joined by a dot."""
    rows: dict[str, object] = {}
    for name, value in card.items():
        if isinstance(value, dict):
            rows |= {f"{name}.{inner}": held for inner, held in card_rows(value).items()}
        else:
            rows[name] = value
    return rows


def card_markdown(card: dict[str, Any]) -> str:
    """The card as a Markdown table."""
    rows = [f"| {name} | {value} |" for name, value in card_rows(card).items()]
    return "\n".join([f"# Run {card['run']}", "", "| what | value |", "|---|---|", *rows, ""])
