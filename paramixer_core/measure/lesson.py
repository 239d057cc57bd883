"""What training will cost, said before it starts; and what it cost in the end, set beside it."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.measure.calibration import Calibration
from paramixer_core.measure.record import report_of
from paramixer_core.measure.roofline import training_bytes
from paramixer_core.runs.memory import BASE
from paramixer_core.runs.run import Run, RunState
from paramixer_core.tasks import make_task
from paramixer_core.training import EVALUATE_EVERY

WATTS_A_CORE = 10.0
"""Assumed for one busy core with its share of memory and board."""
CLASSES = (("A", 0.1), ("B", 1.0), ("C", 10.0), ("D", 100.0), ("E", float("inf")))
"""Energy classes and the watt hours below which they end."""
FORWARD_SHARE = 1 / 3
LEAST_STEPS = 20
REMEMBERED = 20
LARGEST_CORRECTION = 50.0


@dataclass(frozen=True, slots=True)
class RunEstimate:
    """Of one run: seconds of a training step as the model says, and bytes of its process."""

    step_seconds: float
    steps: int
    evaluations: float  # seconds spent on the test set, in training steps per step
    memory: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """Of all runs of a lesson: seconds until the last one is done, bytes at once, energy."""

    seconds: float
    memory: int
    watt_hours: float

    @property
    def energy_class(self) -> str:
        """A (under 0.1 Wh), B (1), C (10), D (100) or E."""
        return next(name for name, limit in CLASSES if self.watt_hours < limit)


def estimate_run(config: RunConfig, calibration: Calibration) -> RunEstimate:
    """One run, before it starts; ParamixerError where its mixer was never measured."""
    tests = make_task(config.task, config.seq_len).num_tests
    return RunEstimate(
        calibration.seconds(config),
        config.steps,
        FORWARD_SHARE * tests / config.batch / EVALUATE_EVERY,
        BASE + training_bytes(report_of(config)),
    )


@dataclass(frozen=True, slots=True)
class Correction:
    """What real runs taught: the model's time is multiplied, its bytes are added to."""

    time: float = 1.0
    memory: int = 0


NO_CORRECTION = Correction()


def estimate_lesson(
    runs: Sequence[RunEstimate], workers: int, correction: Correction = NO_CORRECTION
) -> Estimate:
    """All runs, `workers` at a time."""
    seconds = [
        correction.time * run.step_seconds * run.steps * (1 + run.evaluations) for run in runs
    ]
    sizes = [run.memory + correction.memory for run in runs]
    return Estimate(
        max(max(seconds), sum(seconds) / workers),
        sum(sorted(sizes, reverse=True)[:workers]),
        sum(seconds) * WATTS_A_CORE / 3600,
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """What was said of a run before its start: `model` seconds a step by the model alone, `said`
    with the correction of that time; bytes likewise."""

    run: str
    model: float
    said: float
    model_memory: int
    memory: int
    made: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that was estimated and then trained: seconds a step and bytes, said and real."""

    noted: Noted
    mixer: str
    seconds: float
    memory: int

    @property
    def error(self) -> float:
        """Said over real, less 1."""
        return self.noted.said / self.seconds - 1


class Notebook:
    """The estimates of one run store: a line each in a file beside the runs."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "estimates.jsonl"

    def note(self, run_id: str, estimate: RunEstimate, correction: "Correction") -> None:
        """Write down what is said of a run."""
        noted = Noted(
            run_id,
            estimate.step_seconds,
            correction.time * estimate.step_seconds,
            estimate.memory,
            estimate.memory + correction.memory,
            time.time(),
        )
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(noted)) + "\n")

    def noted(self) -> dict[str, Noted]:
        """All notes by run; a line that cannot be read is passed over."""
        if not self.path.exists():
            return {}
        found = {}
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                noted = Noted(**json.loads(line))
            except (ValueError, TypeError):
                continue
            if noted.model > 0 and noted.said > 0:
                found[noted.run] = noted
        return found


def outcomes(noted: Mapping[str, Noted], runs: Sequence[Run]) -> list[Outcome]:
    """The latest runs that ended after enough steps to tell, newest first."""
    found = [
        Outcome(noted[run.id], run.config.mixer, run.seconds / run.step, run.memory)
        for run in runs
        if run.id in noted
        and run.state in (RunState.FINISHED, RunState.STOPPED)
        and run.step >= LEAST_STEPS
        and run.seconds > 0
    ]
    return found[:REMEMBERED]


def learned(found: Sequence[Outcome]) -> Correction:
    """Medians over real runs: of real over modelled time, and of the bytes beyond the model."""
    if not found:
        return NO_CORRECTION
    ratio = statistics.median(one.seconds / one.noted.model for one in found)
    extra = [one.memory - one.noted.model_memory for one in found if one.memory]
    return Correction(
        min(LARGEST_CORRECTION, max(1 / LARGEST_CORRECTION, ratio)),
        max(0, round(statistics.median(extra))) if extra else 0,
    )


def typical_error(found: Sequence[Outcome]) -> float | None:
    """The median size of the errors of what was said; None without any."""
    return statistics.median(abs(one.error) for one in found) if found else None
