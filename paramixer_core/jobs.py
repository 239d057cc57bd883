"""Work that takes seconds, in a process of its own: its results come in while it goes on."""

import multiprocessing
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from typing import Any, Generic, TypeVar, cast

from paramixer_core.errors import ParamixerError

T = TypeVar("T")
AT_ONCE = 2
PATIENCE_SECONDS = 600.0
LOADED_AHEAD = ["paramixer_core.analysis.matrix_lab", "paramixer_core.analysis.rank_sweep"]
METHOD = "forkserver" if sys.platform != "win32" else "spawn"
"""A server process that has torch loaded forks each job, so that it starts at once."""

SLOTS = threading.BoundedSemaphore(AT_ONCE)


@dataclass(eq=False)
class Job(Generic[T]):
    """The results of a generator of the core that runs elsewhere.

    `results` grows while `running`; `failure` is a sentence once it has failed. A job that nobody
    has looked at for ten minutes is ended.
    """

    work: Callable[..., Iterator[T]]
    arguments: tuple[Any, ...]
    results: list[T] = field(default_factory=list)
    failure: str = ""
    cancelled: bool = False
    finished: bool = False
    forsaken: bool = False
    started: float = 0.0
    seen: float = field(default_factory=time.monotonic)
    _ended: threading.Event = field(default_factory=threading.Event)

    def start(self) -> "Job[T]":
        """Begin, as soon as no more than one other job of this server is at work."""
        threading.Thread(target=self._follow, name="job", daemon=True).start()
        return self

    @property
    def running(self) -> bool:
        """Whether more may come."""
        self.seen = time.monotonic()
        return not (self.finished or self.cancelled or self.failure)

    def cancel(self) -> None:
        """End it now; what has come stays."""
        self.cancelled = not self.finished
        self._ended.set()

    def _follow(self) -> None:
        while not SLOTS.acquire(timeout=0.2):
            if self._unwanted():
                self.cancel()
                return
        try:
            self._collect()
        finally:
            SLOTS.release()

    def _collect(self) -> None:
        context = cast(SpawnContext, multiprocessing.get_context(METHOD))
        context.set_forkserver_preload(LOADED_AHEAD)
        inbox, outbox = context.Pipe(duplex=False)
        process = context.Process(
            target=send_all, args=(outbox, self.work, self.arguments), daemon=True
        )
        self.started = time.monotonic()
        process.start()
        outbox.close()
        try:
            while not self._unwanted():
                if inbox.poll(0.1):
                    kind, value = inbox.recv()
                    if kind == "result":
                        self.results.append(value)
                    elif kind == "failure":
                        self.failure = value
                        return
                    else:
                        self.finished = True
                        return
            self.cancel()
        except (EOFError, ConnectionError):
            self.failure = "The computation ended without an answer, perhaps for want of memory."
        finally:
            process.terminate()
            process.join()
            inbox.close()

    def _unwanted(self) -> bool:
        self.forsaken = self.forsaken or time.monotonic() - self.seen > PATIENCE_SECONDS
        return self._ended.is_set() or self.forsaken


def send_all(
    outbox: Connection, work: Callable[..., Iterator[object]], arguments: tuple[Any, ...]
) -> None:
    """In the job's process: send every result, then how it ended."""
    try:
        for result in work(*arguments):
            outbox.send(("result", result))
        outbox.send(("end", None))
    except ParamixerError as error:
        outbox.send(("failure", str(error)))
    except MemoryError:
        outbox.send(("failure", "This machine has too little memory for it: choose a smaller N."))
    except (BrokenPipeError, ConnectionError):
        return
