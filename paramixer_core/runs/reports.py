"""Reports on the test set of the runs in a store, from the weights of their last snapshots."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from paramixer_core.csv_text import csv_text
from paramixer_core.errors import ParamixerError
from paramixer_core.evaluation import ClassificationReport, Report, report_of
from paramixer_core.runs.store import RunStore


@dataclass(frozen=True)
class RunReport:
    """A run's report at one of its snapshots."""

    run: str
    step: int
    report: Report


def run_report(store: RunStore, run_id: str) -> RunReport | None:
    """The report of a run's newest snapshot; None while it has none.

    Raises ParamixerError for weights whose answers are not finite, or a task that is gone.
    """
    step = store.resume_step(run_id)
    if step is None:
        return None
    config = store.run(run_id).config
    return RunReport(run_id, step, report_of(config, store.state(run_id, step)))


def report_runs(folder: Path, run_ids: Sequence[str]) -> Iterator[RunReport]:
    """The reports of runs in the store at `folder`, one after the other: work for a job."""
    store = RunStore(folder)
    try:
        for run_id in run_ids:
            found = run_report(store, run_id)
            if found is not None:
                yield found
    finally:
        store.close()


def described(store: RunStore, run_id: str) -> dict[str, Any]:
    """A run's report as plain values, ready for JSON, or a sentence on why there is none."""
    try:
        found = run_report(store, run_id)
    except ParamixerError as error:
        return {"unavailable": str(error)}
    if found is None:
        return {"unavailable": "It has no snapshot yet."}
    return {"step": found.step, **found.report.as_dict()}


def report_csv(store: RunStore, run_ids: Sequence[str]) -> str:
    """The answers of runs on their test sets: a row per cell of the confusion matrix, or, where
    they are numbers, per example. Raises ParamixerError as `run_report`.
    """
    tables: dict[tuple[str, ...], list[list[Any]]] = {}
    for found in filter(None, (run_report(store, run_id) for run_id in run_ids)):
        config = store.run(found.run).config
        head = ["run", "mixer", "seed", "step"]
        own = [found.run, config.mixer, config.seed, found.step]
        match found.report:
            case ClassificationReport() as report:
                header = (*head, "true_class", "answered", "count", "share_of_true_class")
                rows = [
                    [*own, true, answered, int(report.confusion[i, j]), report.row_shares[i, j]]
                    for i, true in enumerate(report.classes)
                    for j, answered in enumerate(report.classes)
                ]
            case report:
                header = (*head, "example", "error", "error_of_the_mean", "tolerance")
                pairs = zip(report.errors.tolist(), report.mean_errors.tolist(), strict=True)
                rows = [[*own, i, *pair, report.tolerance] for i, pair in enumerate(pairs)]
        tables.setdefault(header, []).extend(rows)
    return "".join(csv_text(header, rows) for header, rows in tables.items())
