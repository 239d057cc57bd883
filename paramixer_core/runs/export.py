"""Runs and races for other programs: CSV, JSON, safetensors and TensorBoard event files."""

import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from paramixer_core.cards import card_rows, steering
from paramixer_core.csv_text import csv_text
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import snapshots
from paramixer_core.runs.lineage import lineage
from paramixer_core.runs.races import QUANTITIES, RaceTable, as_spread
from paramixer_core.runs.reports import described
from paramixer_core.runs.run import Run
from paramixer_core.runs.segments import Segment, Steered
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import explained
from paramixer_core.runs.tensorboard import HParam, write_events

WHOLE = 10**9  # more points than any run has records
RECORD_COLUMNS = ("step", "loss", "accuracy", "grad_norm", "steps_per_second", "seconds")
EVALUATION_COLUMNS = ("step", "loss", "accuracy", "seconds")
NETWORK = snapshots.STATE + "network."


def run_csv(store: RunStore, run_id: str) -> str:
    """Every training record, with the test figures in the rows of their steps, the learning rate
    and the conditions that each step was made under, and the snapshots that it was forked from.
    """
    curve, tests = store.records(run_id, max_points=WHOLE), store.evaluations(run_id)
    tested = {
        int(step): pair
        for step, *pair in zip(
            tests.step, tests.loss.tolist(), tests.accuracy.tolist(), strict=True
        )
    }
    columns = [getattr(curve, column).tolist() for column in RECORD_COLUMNS]
    steered = Steered(lineage(store, run_id))
    return csv_text(
        (*RECORD_COLUMNS, "test_loss", "test_accuracy", *Steered.COLUMNS),
        (
            (*row, *tested.get(row[0], ("", "")), *steered.at(row[0]))
            for row in zip(*columns, strict=True)
        ),
    )


def run_json(store: RunStore, run_id: str) -> str:
    """The full configuration, how the run was steered and ended, and all its figures, those of its
    answers on the test set among them.

    NaN becomes null. `retraining.segments_of` reads it back.
    """
    curve, tests = store.records(run_id, max_points=WHOLE), store.evaluations(run_id)
    run = store.run(run_id)
    return _json(
        {
            **_described(run),
            **steering(run, lineage(store, run_id)),
            "test_set": described(store, run_id),
            "records": {name: getattr(curve, name).tolist() for name in RECORD_COLUMNS},
            "evaluations": {name: getattr(tests, name).tolist() for name in EVALUATION_COLUMNS},
        }
    )


def run_weights(store: RunStore, run_id: str, step: int | None = None) -> bytes:
    """The network's weights at a snapshot (default: the last) as a safetensors file.

    Names are those of `Network.state_dict`; the file's metadata holds the configuration, how the
    run was steered up to that step, the run, the step, the task's title and, where that step was
    tested, loss and accuracy (0..1).
    """
    from safetensors.numpy import save

    run = store.run(run_id)
    chosen = store.resume_step(run_id) if step is None else step
    if chosen is None:
        raise ParamixerError("a run with a snapshot", "one that left none", "train it first")
    arrays = snapshots.read_arrays(snapshots.snapshot_file(store.run_folder(run_id), chosen))
    weights = {
        name.removeprefix(NETWORK): array
        for name, array in arrays.items()
        if name.startswith(NETWORK)
    }
    segments = lineage(store, run_id)
    steered = steering(run, [*segments[:-1], segments[-1].until(chosen)])
    told = {"steering": json.dumps(steered)}
    note = {"run": run_id, "step": str(chosen), "config": json.dumps(run.config.as_dict())}
    return save(weights, note | told | _tested(store, run_id, chosen) | _titled(run.config.task))


def _tested(store: RunStore, run_id: str, step: int) -> dict[str, str]:
    """Loss and accuracy on the test set after that step, if it was tested then."""
    tests = store.evaluations(run_id)
    at = [place for place, tested in enumerate(tests.step.tolist()) if tested == step]
    if not at:
        return {}
    return {
        "loss": repr(float(tests.loss[at[-1]])),
        "accuracy": repr(float(tests.accuracy[at[-1]])),
    }


def _titled(task: str) -> dict[str, str]:
    """The task's title; nothing where the task, or its data, are no longer here."""
    from paramixer_core.tasks import known_task  # it imports PyTorch, which a list does without

    try:
        return {"task_title": known_task(task).title}
    except ParamixerError:
        return {}


def run_script(store: RunStore, run_id: str) -> str:
    """A Python script, or a notebook's cell, that trains the same again with this library."""
    from paramixer_core.runs.retraining import script  # it needs PyTorch

    return script(lineage(store, run_id))


def write_tensorboard(store: RunStore, run_id: str, folder: Path) -> Path:
    """Write curves and settings as an event file into `folder`/<mixer>-<id>; returns its path."""
    run = store.run(run_id)
    path = folder / f"{run.config.mixer}-{run_id}" / f"events.out.tfevents.{int(run.created)}.run"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_events(path, _scalars(store, run), hparams_of(run, lineage(store, run_id)))
    return path


def hparams_of(run: Run, segments: Sequence[Segment]) -> dict[str, HParam]:
    """A run's settings and how it was steered, each as one value that TensorBoard can show."""
    rows = card_rows({"configuration": run.config.as_dict()} | steering(run, segments))
    return {
        name.removeprefix("configuration."): value
        if isinstance(value, bool | int | float | str)
        else str(value)
        for name, value in rows.items()
    }


def _scalars(store: RunStore, run: Run) -> Iterator[tuple[float, int, str, float]]:
    begin = run.started or run.created
    curve, tests = store.records(run.id, max_points=WHOLE), store.evaluations(run.id)
    tags = (
        ("train/loss", "loss"),
        ("train/accuracy", "accuracy"),
        ("train/grad_norm", "grad_norm"),
    )
    for tag, name in (*tags, ("steps_per_second", "steps_per_second")):
        columns = (curve.seconds, curve.step, getattr(curve, name))
        for second, step, value in zip(*(column.tolist() for column in columns), strict=True):
            yield begin + second, step, tag, value
    steered = Steered(lineage(store, run.id))
    for second, step in zip(curve.seconds.tolist(), curve.step.tolist(), strict=True):
        yield begin + second, step, "train/learning_rate", steered.rate(step)
    for tag, values in (("test/loss", tests.loss), ("test/accuracy", tests.accuracy)):
        columns = (tests.seconds, tests.step, values)
        for second, step, value in zip(*(column.tolist() for column in columns), strict=True):
            yield begin + second, step, tag, value


def race_csv(table: RaceTable) -> str:
    """A row per mixer: mean, standard deviation and count of every quantity."""
    header = ["mixer"]
    for title in QUANTITIES:
        header += [title, f"{title} deviation", f"{title} seeds"]
    rows = []
    for row in table.rows:
        cells: list[Any] = [row.mixer]
        for attribute, _ in QUANTITIES.values():
            figure = as_spread(getattr(row, attribute))
            cells += (
                ["", "", 0] if figure is None else [figure.mean, figure.deviation, figure.count]
            )
        rows.append(cells)
    return csv_text(header, rows)


def race_json(store: RunStore, table: RaceTable) -> str:
    """Rows, verdicts, and every run with its full configuration and how it was steered."""
    rows = []
    for row in table.rows:
        figures: dict[str, Any] = {}
        for title, (attribute, _) in QUANTITIES.items():
            figure = as_spread(getattr(row, attribute))
            figures[title] = figure and {
                "mean": figure.mean,
                "deviation": figure.deviation,
                "seeds": figure.count,
            }
        runs = [
            _described(run)
            | steering(run, lineage(store, run.id))
            | {"test_set": described(store, run.id)}
            for run in row.runs
        ]
        rows.append({"mixer": row.mixer, "figures": figures, "runs": runs})
    winners = {
        verdict.quantity: {"winner": verdict.winner, "clear": verdict.clear}
        for verdict in table.verdicts
    }
    return _json({"race": table.race, "winners": winners, "mixers": rows})


def _described(run: Run) -> dict[str, Any]:
    names = ("id", "state", "reason", "failure", "race", "parent", "parent_step", "created")
    more = ("started", "ended", "step", "seconds", "steps_per_second", "learning_rate", "device")
    figures = {name: getattr(run, name) for name in (*names, *more, "memory", "parameters")}
    return {**figures, "config": run.config.as_dict()}


def _json(value: Any) -> str:
    return json.dumps(_finite(value), indent=2, allow_nan=False)


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case dict():
            return {key: _finite(held) for key, held in value.items()}
        case list() | tuple():
            return [_finite(held) for held in value]
        case _:
            return value


def write(path: Path, content: bytes) -> Path:
    """Write a file and return its path; errors name it."""
    with explained(path):
        path.write_bytes(content)
    return path
