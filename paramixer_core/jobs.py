"""Work that takes seconds, in a process of its own: its results come in while it goes on."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from paramixer_core.job_workers import IDLE, JobWorker
from paramixer_core.runs.quotas import Demand, require_within

T = TypeVar("T")
AT_ONCE = 2
PATIENCE_SECONDS = 600.0
SLOTS = threading.BoundedSemaphore(AT_ONCE)


class OpenJobs:
    """The jobs that are at work or wait, within the quotas."""

    def __init__(self) -> None:
        self._open: set[Job[Any]] = set()
        self._lock = threading.Lock()

    def add(self, job: "Job[Any]") -> None:
        """One more; raises QuotaError if that is one too many."""
        with self._lock:
            of_owner = sum(other.owner == job.owner for other in self._open)
            require_within(
                "computations that are at work or wait",
                Demand(of_owner + 1, len(self._open) + 1),
                "jobs",
                owned=bool(job.owner),
                remedy="stop one of them first",
            )
            self._open.add(job)

    def discard(self, job: "Job[Any]") -> None:
        """It is done."""
        with self._lock:
            self._open.discard(job)


OPEN = OpenJobs()


@dataclass(frozen=True)
class Limits:
    """What a job may take: bytes and seconds (0: any number), and the sentences of one that takes
    more."""

    memory: int = 0
    seconds: float = 0.0
    too_large: str = "This machine has too little memory for it: choose a smaller N."
    too_long: str = ""


ANY = Limits()


@dataclass(eq=False)
class Job(Generic[T]):
    """The results of a generator of the core that runs elsewhere.

    `results` grows while `running`; `failure` is a sentence once it has failed. A job that nobody
    has looked at for ten minutes is `forsaken` and ends. Work and arguments travel to another
    process, so they must be importable there. `owner` is who asked for it (a browser's id). At
    most as many work at once as `slots` has (None: as SLOTS, which most jobs share).
    """

    work: Callable[..., Iterator[T]]
    arguments: tuple[Any, ...]
    owner: str = ""
    limits: Limits = ANY
    slots: threading.BoundedSemaphore | None = None
    results: list[T] = field(default_factory=list)
    failure: str = ""
    cancelled: bool = False
    finished: bool = False
    forsaken: bool = False
    started: float = 0.0
    seen: float = field(default_factory=time.monotonic)
    _worker: JobWorker | None = None
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Job[T]":
        """Begin, as soon as no more than one other job of this server is at work.

        Raises QuotaError if this owner, or the server, has too many that are not done.
        """
        OPEN.add(self)
        threading.Thread(target=self._follow, name="job", daemon=True).start()
        return self

    @property
    def running(self) -> bool:
        """Whether more may come."""
        self.seen = time.monotonic()
        return not (self.finished or self.cancelled or self.failure)

    def wait(self, seconds: float) -> bool:
        """Wait for its end, but no longer than so; whether it has ended."""
        return self._ended.wait(seconds)

    def cancel(self) -> None:
        """End it now; what has come stays."""
        self.cancelled = not (self.finished or self.failure)
        if self.cancelled and self._worker is not None:
            self._worker.kill()
        elif self.cancelled:
            OPEN.discard(self)  # it waits, and will not begin

    def _follow(self) -> None:
        try:
            self._work()
        finally:
            OPEN.discard(self)
            self.arguments = ()  # they may be large, and nobody needs them any more
            self._ended.set()

    def _work(self) -> None:
        with self.slots or SLOTS:
            if self.cancelled:
                return
            self._worker = worker = IDLE.take()
            self.started = time.monotonic()
            clock = threading.Timer(self.limits.seconds, self._end_late)
            if self.limits.seconds:
                clock.start()
            try:
                self._hear(worker)
            finally:
                clock.cancel()

    def _end_late(self) -> None:
        worker = self._worker
        if worker is not None:
            self.failure = self.limits.too_long
            worker.kill()

    def _hear(self, worker: JobWorker) -> None:
        worker.begin(self.work, self.arguments, self.limits.memory)
        while not self._unwanted() and (message := worker.hear()) is not None:
            match message:
                case ("result", value):
                    self.results.append(value)
                    continue
                case ("failure", sentence):
                    self.failure = self.failure or sentence
                case ("memory", _):
                    self.failure = self.failure or self.limits.too_large
                    break
                case _:
                    self.finished = not self.failure
            self._worker = None
            IDLE.give(worker)
            return
        worker.bury()
        self._worker = None
        if not (self.cancelled or self.failure):
            self.failure = "The computation ended by itself, perhaps for want of memory."

    def _unwanted(self) -> bool:
        if time.monotonic() - self.seen > PATIENCE_SECONDS:
            self.forsaken = self.cancelled = True
        return self.cancelled
