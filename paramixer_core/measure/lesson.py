"""What training will cost, said before it starts; and what it cost in the end, set beside it."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.measure.calibration import Calibration
from paramixer_core.runs.memory import estimate_memory
from paramixer_core.runs.run import Run, RunState
from paramixer_core.schedule import evaluations_due
from paramixer_core.tasks import make_task

WATTS_A_CORE = 10.0
"""Assumed for one busy core with its share of memory and board."""
CLASSES = (("A", 0.1), ("B", 1.0), ("C", 10.0), ("D", 100.0), ("E", float("inf")))
"""Energy classes and the watt hours below which they end."""
FORWARD_SHARE = 0.4
"""Of a training step: a forward pass over as many sequences, in batches larger than the run's."""

FIRST_START, LATER_START = 0.5, 2.5
"""Seconds until a run begins: with a process that stands ready, and with one that must load
PyTorch first; measured on two cores, with snapshots and records written."""

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

    def seconds(self, correction: "Correction") -> float:
        """All steps and evaluations."""
        return correction.time * self.step_seconds * self.steps * (1 + self.evaluations)


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
    return RunEstimate(
        calibration.seconds(config),
        config.steps,
        evaluation_share(config, config.steps),
        estimate_memory(config),
    )


def evaluation_share(config: RunConfig, steps: int) -> float:
    """What the evaluations of so many steps take, over what the steps take."""
    tests = make_task(config.task, config.seq_len).num_tests
    return FORWARD_SHARE * tests / config.batch * evaluations_due(steps) / steps


@dataclass(frozen=True, slots=True)
class Correction:
    """What real runs taught: the model's time is multiplied, its bytes are added to; `start` are
    the seconds of a run besides its steps and evaluations, None where no run has told them."""

    time: float = 1.0
    memory: int = 0
    start: float | None = None


NO_CORRECTION = Correction()


def estimate_lesson(
    runs: Sequence[RunEstimate], workers: int, correction: Correction = NO_CORRECTION
) -> Estimate:
    """All runs, `workers` at a time, from the start of their processes on."""
    seconds = [run.seconds(correction) for run in runs]
    start = correction.start
    if start is None:
        start = FIRST_START if len(runs) == 1 else LATER_START
    sizes = [run.memory + correction.memory for run in runs]
    return Estimate(
        start + max(max(seconds), sum(seconds) / workers),
        sum(sorted(sizes, reverse=True)[:workers]),
        sum(seconds) * WATTS_A_CORE / 3600,
    )


@dataclass(frozen=True, slots=True)
class Noted:
    """What was said of a run before its start: `model` seconds a step by the model alone, `said`
    with the correction of that time; bytes likewise; `whole` seconds from its start to its end."""

    run: str
    model: float
    said: float
    model_memory: int
    memory: int
    made: float
    whole: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """A run that was estimated and then trained: seconds a step and bytes, said and real.

    `whole` seconds it took from its start to its end if it was finished, `start` those of them
    that were no steps and no evaluations; None for a run that was stopped or slowed down.
    """

    noted: Noted
    mixer: str
    seconds: float
    memory: int
    whole: float | None = None
    start: float | None = None

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
            estimate_lesson([estimate], 1, correction).seconds,
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
        outcome(noted[run.id], run)
        for run in runs
        if run.id in noted
        and run.state in (RunState.FINISHED, RunState.STOPPED)
        and run.step >= LEAST_STEPS
        and run.seconds > 0
    ]
    return found[:REMEMBERED]


def outcome(noted: Noted, run: Run) -> Outcome:
    """What became of one run that has ended."""
    whole = start = None
    timed = run.state is RunState.FINISHED and run.speed is None
    if timed and run.started is not None and run.ended is not None:
        whole = run.ended - run.started
        start = max(0.0, whole - run.seconds * (1 + evaluation_share(run.config, run.step)))
    return Outcome(
        noted, run.config.mixer, run.seconds / run.step, run.memory, whole=whole, start=start
    )


def learned(found: Sequence[Outcome]) -> Correction:
    """Medians over real runs: of real over modelled time, of the bytes beyond the model, and of
    the seconds that were no steps."""
    if not found:
        return NO_CORRECTION
    ratio = statistics.median(one.seconds / one.noted.model for one in found)
    extra = [one.memory - one.noted.model_memory for one in found if one.memory]
    starts = [one.start for one in found if one.start is not None]
    return Correction(
        min(LARGEST_CORRECTION, max(1 / LARGEST_CORRECTION, ratio)),
        max(0, round(statistics.median(extra))) if extra else 0,
        statistics.median(starts) if starts else None,
    )


def typical_error(found: Sequence[Outcome]) -> float | None:
    """The median size of the errors of what was said; None without any."""
    return statistics.median(abs(one.error) for one in found) if found else None
