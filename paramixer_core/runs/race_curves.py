"""The curves of a race: one per mixer, with a band over seeds, against steps, time or work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from paramixer_core.cost import CostShape, cost_report
from paramixer_core.runs.races import race_runs
from paramixer_core.runs.run import Curve, Run, TestCurve
from paramixer_core.runs.store import RunStore
from paramixer_core.tasks import make_task


class RaceAxis(StrEnum):
    """What the x-axis counts."""

    STEPS = "steps"
    SECONDS = "seconds"
    MULTIPLY_ADDS = "multiply_adds"


class RaceQuantity(StrEnum):
    """What the y-axis shows: of the training batch, or of the test set."""

    LOSS = "loss"
    ACCURACY = "accuracy"
    GRAD_NORM = "grad_norm"
    TEST_LOSS = "test_loss"
    TEST_ACCURACY = "test_accuracy"


@dataclass(frozen=True, slots=True)
class Band:
    """One mixer's curve: mean over seeds, and mean -+ one standard deviation.

    With one seed the three are equal. `seeds` is how many have reached the curve's points: it ends
    where the first of them ends, `longest` is where the last one does.
    """

    x: np.ndarray
    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    seeds: int
    longest: float = 0.0


def race_curves(
    store: RunStore,
    race: str,
    quantity: RaceQuantity = RaceQuantity.TEST_ACCURACY,
    axis: RaceAxis = RaceAxis.STEPS,
    max_points: int = 400,
) -> dict[str, Band]:
    """Mixer -> band of all runs of a race; see `bands_of`."""
    by_mixer: dict[str, list[Run]] = {}
    for run in race_runs(store, race):
        by_mixer.setdefault(run.config.mixer, []).append(run)
    return bands_of(store, by_mixer, quantity, axis, max_points)


def bands_of(
    store: RunStore,
    groups: Mapping[str, Sequence[Run]],
    quantity: RaceQuantity = RaceQuantity.TEST_ACCURACY,
    axis: RaceAxis = RaceAxis.STEPS,
    max_points: int = 400,
) -> dict[str, Band]:
    """Name -> band. Several seeds are averaged over the stretch that all of them have run.

    Multiply-adds are those of training, forward and backward, all steps so far.
    """
    bands = {}
    for name, runs in groups.items():
        lines = [_line(store, run, quantity, axis, max_points) for run in runs]
        begun = [line for line in lines if len(line[0])]
        if begun:
            bands[name] = _band(begun, max_points)
    return bands


def _line(
    store: RunStore, run: Run, quantity: RaceQuantity, axis: RaceAxis, max_points: int
) -> tuple[np.ndarray, np.ndarray]:
    curve: Curve | TestCurve
    match quantity:
        case RaceQuantity.TEST_LOSS | RaceQuantity.TEST_ACCURACY:
            curve = store.evaluations(run.id)
        case _:
            curve = store.records(run.id, max_points=max_points)
    values = getattr(curve, quantity.removeprefix("test_"))
    match axis:
        case RaceAxis.STEPS:
            return curve.step, values
        case RaceAxis.SECONDS:
            return curve.seconds, values
        case RaceAxis.MULTIPLY_ADDS:
            task = make_task(run.config.task, run.config.seq_len)
            return curve.step * float(cost_report(CostShape.of(run.config, task)).training), values


def _band(lines: list[tuple[np.ndarray, np.ndarray]], max_points: int) -> Band:
    first = max(x[0] for x, _ in lines)
    last = min(x[-1] for x, _ in lines)
    if len(lines) == 1 or first > last:  # no stretch in common yet: the longest one alone
        x, values = max(lines, key=lambda line: float(line[0][-1]))
        return Band(x, values, values, values, 1)
    grid = np.unique(np.concatenate([x for x, _ in lines]))
    grid = grid[(grid >= first) & (grid <= last)]
    if len(grid) > max_points:
        grid = np.linspace(first, last, max_points)
    table = np.array([np.interp(grid, x, values) for x, values in lines])
    mean, deviation = table.mean(0), table.std(0, ddof=1)
    longest = max(float(x[-1]) for x, _ in lines)
    return Band(grid, mean, mean - deviation, mean + deviation, len(lines), longest)
