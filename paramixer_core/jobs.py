"""Work that takes seconds, in a process of its own: its results come in while it goes on."""

import atexit
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Generic, TypeVar, cast

import paramixer_core
from paramixer_core.job_process import Message, read_message, write_message
from paramixer_core.runs.quotas import Demand, require_within

T = TypeVar("T")
AT_ONCE = 2
PATIENCE_SECONDS = 600.0
PACKAGE_ROOT = Path(paramixer_core.__path__[0]).parent
SLOTS = threading.BoundedSemaphore(AT_ONCE)


class JobWorker:
    """A process that works on one job at a time."""

    def __init__(self) -> None:
        paths = [str(PACKAGE_ROOT), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "paramixer_core.job_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            start_new_session=True,  # Ctrl-C in the server's terminal is the server's
        )
        self._input = cast(BinaryIO, self._process.stdin)
        self._output = cast(BinaryIO, self._process.stdout)

    def begin(self, work: Callable[..., Iterator[object]], arguments: tuple[Any, ...]) -> None:
        """Have it work."""
        try:
            write_message(self._input, (work, arguments))
        except BrokenPipeError:
            return  # it has ended, which `hear` tells

    def hear(self) -> Message | None:
        """What it says next; None once it has ended."""
        return cast(Message | None, read_message(self._output))

    def kill(self) -> None:
        """End it now; `hear` then tells None."""
        self._process.kill()

    def bury(self) -> None:
        """End it and free what it holds. Not while another thread hears it."""
        self._process.kill()
        self._process.wait()
        self._output.close()
        try:
            self._input.close()
        except BrokenPipeError:
            return


class IdleWorkers:
    """Processes that have loaded everything and wait for the next job, at most as many as work."""

    def __init__(self) -> None:
        self._waiting: list[JobWorker] = []
        self._lock = threading.Lock()

    def take(self) -> JobWorker:
        """One that waits, else a new one."""
        with self._lock:
            if self._waiting:
                return self._waiting.pop()
        return JobWorker()

    def give(self, worker: JobWorker) -> None:
        """It can take another job."""
        with self._lock:
            self._waiting.append(worker)

    def close(self) -> None:
        """End those that wait."""
        with self._lock:
            while self._waiting:
                self._waiting.pop().bury()


IDLE = IdleWorkers()
atexit.register(IDLE.close)


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


@dataclass(eq=False)
class Job(Generic[T]):
    """The results of a generator of the core that runs elsewhere.

    `results` grows while `running`; `failure` is a sentence once it has failed. A job that nobody
    has looked at for ten minutes is `forsaken` and ends. Work and arguments travel to another
    process, so they must be importable there. `owner` is who asked for it (a browser's id).
    """

    work: Callable[..., Iterator[T]]
    arguments: tuple[Any, ...]
    owner: str = ""
    results: list[T] = field(default_factory=list)
    failure: str = ""
    cancelled: bool = False
    finished: bool = False
    forsaken: bool = False
    started: float = 0.0
    seen: float = field(default_factory=time.monotonic)
    _worker: JobWorker | None = None

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

    def _work(self) -> None:
        with SLOTS:
            if self.cancelled:
                return
            self._worker = worker = IDLE.take()
            self.started = time.monotonic()
            worker.begin(self.work, self.arguments)
            while not self._unwanted() and (message := worker.hear()) is not None:
                match message:
                    case ("result", value):
                        self.results.append(value)
                        continue
                    case ("failure", sentence):
                        self.failure = sentence
                    case _:
                        self.finished = True
                self._worker = None
                IDLE.give(worker)
                return
            worker.bury()
            if not self.cancelled:
                self.failure = "The computation ended by itself, perhaps for want of memory."

    def _unwanted(self) -> bool:
        if time.monotonic() - self.seen > PATIENCE_SECONDS:
            self.forsaken = self.cancelled = True
        return self.cancelled
