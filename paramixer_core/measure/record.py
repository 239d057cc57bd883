"""What a sweep was asked, what it found and on which machine: frozen values, checked."""

import statistics
from dataclasses import dataclass

from paramixer_core.choices import Choice
from paramixer_core.config import MAX_SEQ_LEN, DeviceChoice, Precision, RunConfig, require_whole
from paramixer_core.cost import CostReport, CostShape, cost_report
from paramixer_core.cost.shape import COSTED_MIXERS
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import make_task

LONGEST_SECONDS = 24 * 3600.0
MOST_THREADS = 4096


class Work(Choice):
    """What is timed: a forward pass alone, or a whole training step."""

    FORWARD = "forward"
    TRAINING = "training"


class Clock(Choice):
    """Wall time; or, on a CPU that others keep busy, the time one thread really computes."""

    WALL = "wall"
    CPU = "cpu"


class Outcome(Choice):
    """How a point ended: timed, beyond the memory, or left out for want of time."""

    MEASURED = "measured"
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_TIME = "out_of_time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure: every mixer at every N, the Adding task, all else equal.

    `seconds` is the whole time it may take and `memory` the bytes beyond what the process holds
    at its start (0: what is free); `threads` of the CPU, 0 for as many as PyTorch takes. A bad
    value raises ParamixerError.
    """

    mixers: tuple[str, ...] = ("chord", "cdil", "attention")
    lengths: tuple[int, ...] = tuple(2**power for power in range(5, 14))
    work: Work = Work.TRAINING
    precision: Precision = Precision.FLOAT32
    clock: Clock = Clock.WALL
    device: str = "auto"
    threads: int = 0
    batch: int = 8
    channels: int = 32
    hidden: int = 32
    blocks: int = 1
    num_links: int = 9
    heads: int = 1
    rival_size: int = 32
    seconds: float = 50.0
    memory: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "mixers", tuple(self.mixers))
        object.__setattr__(self, "lengths", tuple(self.lengths))
        object.__setattr__(self, "work", Work(self.work))
        object.__setattr__(self, "precision", Precision(self.precision))
        object.__setattr__(self, "clock", Clock(self.clock))
        if DeviceChoice(self.device) != DeviceChoice.CPU and self.clock is Clock.CPU:
            raise ParamixerError(
                "the device cpu, for a clock of CPU time", self.device, "choose the clock wall"
            )
        if not self.mixers or not set(self.mixers) <= set(COSTED_MIXERS):
            raise ParamixerError(
                f"mixers among {list(COSTED_MIXERS)}", list(self.mixers), "choose at least one"
            )
        if not self.lengths or list(self.lengths) != sorted(set(self.lengths)):
            raise ParamixerError("lengths N, each once, rising", self.lengths, "order them")
        for length in self.lengths:
            require_whole("a length N", length, 2, MAX_SEQ_LEN)
        if not is_number(self.seconds) or not 1 <= self.seconds <= LONGEST_SECONDS:
            raise ParamixerError(
                "a time budget from 1 second to a day", self.seconds, "choose one in that range"
            )
        require_whole("a memory budget in bytes", self.memory, 0, 2**50)
        require_whole("a number of threads", self.threads, 0, MOST_THREADS)
        if self.clock is Clock.CPU and self.threads > 1:
            raise ParamixerError(
                "one thread, for a clock of CPU time", self.threads, "choose the clock wall"
            )
        self.config(self.mixers[0], self.lengths[0])

    def config(self, mixer: str, seq_len: int) -> RunConfig:
        """The run whose steps are timed at one point."""
        return RunConfig(
            mixer=mixer,
            seq_len=seq_len,
            device=self.device,
            precision=self.precision,
            **{name: getattr(self, name) for name in SHAPE_FIELDS},
        )

    def same(self) -> tuple[object, ...]:
        """What two plans must share for their points to be comparable."""
        return (
            self.work, self.precision, self.clock, self.device, self.threads,
            *(getattr(self, name) for name in SHAPE_FIELDS),
        )  # fmt: skip

    def multiply_adds(self, mixer: str, seq_len: int) -> int:
        """What the closed forms count for the work that is timed."""
        report = self.report(mixer, seq_len)
        return report.training if self.work is Work.TRAINING else report.forward

    def report(self, mixer: str, seq_len: int) -> CostReport:
        """The closed forms at one point."""
        return report_of(self.config(mixer, seq_len))


SHAPE_FIELDS = ("batch", "channels", "hidden", "blocks", "num_links", "heads", "rival_size")


def report_of(config: RunConfig) -> CostReport:
    """The closed forms of one run."""
    return cost_report(CostShape.of(config, make_task(config.task, config.seq_len)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Where it was measured. Rates are this machine's best: bytes copied (read and write counted)
    and float32 operations of a matrix product, a second."""

    date: str
    processor: str
    cores: int
    threads: int
    device: str
    system: str
    python: str
    torch: str
    copy_bytes: float
    matmul_flops: float

    @property
    def name(self) -> str:
        """Machine, versions and date in one line."""
        what = self.processor if self.device == "cpu" else self.device
        threads = f", {self.threads} thread{'s' * (self.threads > 1)}"
        return f"{what}{threads}, torch {self.torch}, Python {self.python}, {self.date[:10]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One mixer at one N. `times` are seconds per call; `memory` the peak bytes beyond those held
    before the call, None where the system does not tell; `needed` those that the closed forms
    asked for."""

    mixer: str
    seq_len: int
    outcome: Outcome = Outcome.MEASURED
    times: tuple[float, ...] = ()
    memory: int | None = None
    needed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "outcome", Outcome(self.outcome))
        object.__setattr__(self, "times", tuple(self.times))
        fits = all(is_number(time) and 0 < time <= LONGEST_SECONDS for time in self.times)
        if not fits or bool(self.times) != (self.outcome is Outcome.MEASURED):
            raise ParamixerError(
                "times above 0 for a measured point and none for another",
                f"{self.times} for {self.outcome}",
                "measure it again",
            )

    @property
    def median(self) -> float:
        """Seconds per call."""
        return statistics.median(self.times)

    @property
    def quartiles(self) -> tuple[float, float]:
        """Between these lies the middle half of the calls."""
        if len(self.times) < 2:
            return self.median, self.median
        first, _, third = statistics.quantiles(self.times, n=4, method="inclusive")
        return first, third

    @property
    def spread(self) -> float:
        """Distance of the quartiles over the median."""
        low, high = self.quartiles
        return (high - low) / self.median


@dataclass(frozen=True, slots=True)
class Sweep:
    """A plan and what was found of it."""

    plan: Plan
    points: tuple[Point, ...]

    def measured(self, mixer: str) -> list[Point]:
        """The timed points of a mixer, by N."""
        own = (point for point in self.points if point.mixer == mixer)
        found = [point for point in own if point.outcome is Outcome.MEASURED]
        return sorted(found, key=lambda point: point.seq_len)


def is_number(value: object) -> bool:
    """Whether it is an int or a float, and no bool."""
    return isinstance(value, int | float) and not isinstance(value, bool)
