"""What the store knows about one run, as frozen values."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import numpy as np

from paramixer_core.config import RunConfig
from paramixer_core.runs.segments import Conditions, Segment


class RunState(StrEnum):
    """Where a run is in its life. The last four are ends; all but FINISHED can be continued."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    INTERRUPTED = "interrupted"

    @property
    def active(self) -> bool:
        """True while the run waits, trains or is paused: its state can change by itself."""
        return self in (RunState.QUEUED, RunState.RUNNING, RunState.PAUSED)


class Failure(StrEnum):
    """Why a run failed; the sentence for people is in `Run.reason`."""

    DIVERGED = "diverged"
    OUT_OF_MEMORY = "out_of_memory"
    WORKER_DIED = "worker_died"
    ERROR = "error"


class Command(StrEnum):
    """What a worker can be told while it trains."""

    PAUSE = "pause"
    CONTINUE = "continue"
    SINGLE_STEP = "single_step"
    STOP = "stop"
    LEARNING_RATE = "learning_rate"
    SPEED = "speed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One row of the store at the moment of reading.

    `reason` says in a sentence why a run waits, failed or was interrupted. Times are Unix seconds;
    `seconds` is time spent in training steps alone. `speed` is the limit in steps per second, None
    for full speed. `memory` is the worker's peak in bytes. `host` names the server that holds it.
    `conditions` are those of its start and of every continuation; `ancestry` are the stretches of
    training before a fork, from the root on.
    """

    id: str
    config: RunConfig
    state: RunState
    reason: str
    failure: Failure | None
    owner: str
    race: str | None
    parent: str | None
    parent_step: int | None
    created: float
    started: float | None
    ended: float | None
    step: int
    seconds: float
    steps_per_second: float
    learning_rate: float
    speed: float | None
    device: str
    memory: int
    parameters: int
    pid: int | None
    host: str
    lease: str | None
    pinned: bool
    conditions: tuple[Conditions, ...] = ()
    ancestry: tuple[Segment, ...] = ()

    @property
    def imported(self) -> bool:
        """Whether its first weights came from a file."""
        return self.parent is None and self.parent_step is not None

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0..1."""
        return min(1.0, self.step / self.config.steps)

    @property
    def pace(self) -> float:
        """Steps per second: as fast as it trains, or as its speed limit lets it; 0 if untimed."""
        return min(self.steps_per_second, self.speed or self.steps_per_second)

    @property
    def whole_pace(self) -> float:
        """Steps per second over all steps that this run itself has made; 0 if it has made none."""
        made = self.step - (self.parent_step or 0)
        return made / self.seconds if self.seconds else 0.0

    @property
    def eta(self) -> float | None:
        """Seconds to the step limit at the present pace; None unless running and timed."""
        if self.state is not RunState.RUNNING or self.pace <= 0:
            return None
        return max(0, self.config.steps - self.step) / self.pace


@dataclass(frozen=True, slots=True)
class Curve:
    """Training records as columns of equal length, in order of step.

    `loss`, `accuracy` (0..1) and `grad_norm` are of the training batch; `seconds` is training time
    since the start.
    """

    step: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    grad_norm: np.ndarray
    steps_per_second: np.ndarray
    seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, slots=True)
class TestCurve:
    """Figures on the fixed test set as columns of equal length, in order of step."""

    __test__ = False  # not a test class, whatever its name says to pytest

    step: np.ndarray
    loss: np.ndarray
    accuracy: np.ndarray
    seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.step)


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A stored snapshot. `scheduled` ones hold probe figures; the others only allow continuing."""

    step: int
    scheduled: bool
    file: Path
    size: int
    created: float
