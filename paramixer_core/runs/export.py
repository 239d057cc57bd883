"""Runs and races for other programs: CSV, JSON, safetensors and TensorBoard event files."""

import csv
import io
import json
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import snapshots
from paramixer_core.runs.races import QUANTITIES, RaceTable, as_spread
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import explained
from paramixer_core.runs.tensorboard import write_events

WHOLE = 10**9  # more points than any run has records
RECORD_COLUMNS = ("step", "loss", "accuracy", "grad_norm", "steps_per_second", "seconds")
EVALUATION_COLUMNS = ("step", "loss", "accuracy", "seconds")
NETWORK = snapshots.STATE + "network."


def run_csv(store: RunStore, run_id: str) -> str:
    """Every training record, with the test figures in the rows of their steps."""
    curve, tests = store.records(run_id, max_points=WHOLE), store.evaluations(run_id)
    tested = {
        int(step): pair
        for step, *pair in zip(
            tests.step, tests.loss.tolist(), tests.accuracy.tolist(), strict=True
        )
    }
    columns = [getattr(curve, column).tolist() for column in RECORD_COLUMNS]
    return _csv(
        (*RECORD_COLUMNS, "test_loss", "test_accuracy"),
        ((*row, *tested.get(row[0], ("", ""))) for row in zip(*columns, strict=True)),
    )


def run_json(store: RunStore, run_id: str) -> str:
    """The full configuration, how the run ended, and all its figures. NaN becomes null."""
    curve, tests = store.records(run_id, max_points=WHOLE), store.evaluations(run_id)
    return _json(
        {
            **_described(store.run(run_id)),
            "records": {name: getattr(curve, name).tolist() for name in RECORD_COLUMNS},
            "evaluations": {name: getattr(tests, name).tolist() for name in EVALUATION_COLUMNS},
        }
    )


def run_weights(store: RunStore, run_id: str, step: int | None = None) -> bytes:
    """The network's weights at a snapshot (default: the last) as a safetensors file.

    Names are those of `Network.state_dict`; the file's metadata holds the configuration, the run,
    the step, the task's title and, where that step was tested, loss and accuracy (0..1).
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
    note = {"run": run_id, "step": str(chosen), "config": json.dumps(run.config.as_dict())}
    return save(weights, note | _tested(store, run_id, chosen) | _titled(run.config.task))


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


def write_tensorboard(store: RunStore, run_id: str, folder: Path) -> Path:
    """Write the run's curves as an event file into `folder`/<mixer>-<id> and return its path."""
    run = store.run(run_id)
    path = folder / f"{run.config.mixer}-{run_id}" / f"events.out.tfevents.{int(run.created)}.run"
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_events(path, _scalars(store, run))
    return path


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
    return _csv(header, rows)


def race_json(table: RaceTable) -> str:
    """Rows, verdicts, and every run with its full configuration."""
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
        runs = [_described(run) for run in row.runs]
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


def _csv(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


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
