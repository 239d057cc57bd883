"""Watches the worker processes: hears what they say, notices their end, keeps spares ready."""

import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from paramixer_core.runs.faults import Faults, sentence_of
from paramixer_core.runs.process import WorkerProcess
from paramixer_core.runs.store_errors import StoreError

SPARE_DELAY = 2.0  # seconds before a used spare is replaced: the run that took it comes first
RETRY_DELAY = 1.0  # seconds between attempts to record something in a store that is full
TICK_DELAY = 1.0  # seconds between two looks at what nobody tells
RESTART_DELAY = 0.5  # seconds before the loop goes on after a fault of its own
MAX_FAILED_SPARES = 3  # in a row, before no more are tried


@dataclass(frozen=True)
class Listener:
    """Whom a monitor tells, from its thread.

    `heard(worker, line)` and `ended(worker)` are for workers that were taken with `take`; `tick()`
    comes about once a second. No spare is started unless `useful()`: where every place is taken,
    the next run gets the worker of the run that makes room.
    """

    heard: Callable[[WorkerProcess, str], None]
    ended: Callable[[WorkerProcess], None]
    tick: Callable[[], None]
    useful: Callable[[], bool]
    faults: Faults


class Monitor:
    """One thread over all workers of an executor, and a second that starts it anew if it dies.

    Whatever a call of the listener raises, the loop goes on and the fault is reported once.
    """

    def __init__(self, spawn: Callable[[], WorkerProcess], listener: Listener, spares: int) -> None:
        self.closing = False
        self._listener = listener
        self._spawn, self._wanted = spawn, spares
        self._lock = threading.Lock()
        self._spares: list[WorkerProcess] = []
        self._workers: list[WorkerProcess] = []
        self._failed_spares = 0
        self._next_spare = 0.0
        self._retry: deque[Callable[[], None]] = deque()
        self._selector = selectors.DefaultSelector()
        self._bell_in, self._bell_out = os.pipe()
        os.set_blocking(self._bell_in, False)
        os.set_blocking(self._bell_out, False)
        self._selector.register(self._bell_in, selectors.EVENT_READ)
        self._next_tick = 0.0
        self._ended = threading.Event()
        self._thread = self._started()
        self._guard = threading.Thread(target=self._watch_over, name="monitor-guard", daemon=True)
        self._guard.start()

    def _started(self) -> threading.Thread:
        thread = threading.Thread(target=self._watch, name="run-monitor", daemon=True)
        thread.start()
        return thread

    def _watch_over(self) -> None:
        """Start the loop's thread anew if it ends before it should."""
        while True:
            self._thread.join()
            if self._ended.is_set():
                return
            self._listener.faults.report(
                "monitor",
                "The thread that watches over training had died and was started anew; "
                "see the server's log.",
            )
            time.sleep(RESTART_DELAY)
            self._thread = self._started()

    def take(self) -> WorkerProcess:
        """A spare worker, the one that is furthest with its start; else a new one."""
        with self._lock:
            ready = [worker for worker in self._spares if worker.ready]
            waiting = ready or self._spares
            if waiting:
                worker = waiting[0]
                self._spares.remove(worker)
                self._next_spare = time.monotonic() + SPARE_DELAY
            else:
                worker = self._spawn()
                self._workers.append(worker)
                self._selector.register(worker, selectors.EVENT_READ, worker)
        self._ring()
        return worker

    def give(self, worker: WorkerProcess) -> None:
        """Take back a worker that can train another run: as a spare, if one is short."""
        with self._lock:
            if self.closing or len(self._spares) >= self._wanted:
                worker.leave()
            else:
                self._spares.append(worker)

    def close(self, patience: float) -> None:
        """Ask every worker to leave, wait up to `patience` seconds in all, then end the rest."""
        self.closing = True
        with self._lock:
            workers = list(self._workers)
        for worker in workers:
            worker.leave()
        self._ring()
        self._guard.join(patience)
        with self._lock:
            stubborn = list(self._workers)
        for worker in stubborn:
            worker.kill()  # the loop hears its end and closes its pipes: nobody else may
        self._ring()
        self._guard.join()
        self._selector.close()
        os.close(self._bell_in)
        os.close(self._bell_out)

    def _ring(self) -> None:
        try:
            os.write(self._bell_out, b"!")
        except BlockingIOError:  # it rings already
            return

    def _watch(self) -> None:
        while self._workers or not self.closing:
            try:
                self._turn()
            except Exception as error:  # noqa: BLE001 the border: training outlives every fault
                self._report("loop", error)
                time.sleep(RESTART_DELAY)
        self._ended.set()

    def _turn(self) -> None:
        """Wait for what comes next, at most until the next tick."""
        self._keep_spares()
        for key, _ in self._selector.select(self._pause()):
            if key.fileobj == self._bell_in:
                os.read(self._bell_in, 4096)
            else:
                self._listen(key.data)
        for _ in range(len(self._retry)):
            self._attempt(self._retry.popleft())
        if time.monotonic() >= self._next_tick:
            self._next_tick = time.monotonic() + TICK_DELAY
            if not self.closing:
                self._attempt(self._listener.tick, again=False)

    def _pause(self) -> float:
        now = time.monotonic()
        times = [RETRY_DELAY, self._next_tick - now]
        if self._short_of_spares():
            times.append(self._next_spare - now)
        return max(0.0, min(times))

    def _short_of_spares(self) -> bool:
        return (
            not self.closing
            and self._listener.useful()
            and len(self._spares) < self._wanted
            and self._failed_spares < MAX_FAILED_SPARES
        )

    def _keep_spares(self) -> None:
        with self._lock:
            while self._short_of_spares() and time.monotonic() >= self._next_spare:
                try:
                    worker = self._spawn()
                except (OSError, MemoryError):  # a run that needs a process says so
                    self._failed_spares += 1
                    self._next_spare = time.monotonic() + SPARE_DELAY
                    return
                self._spares.append(worker)
                self._workers.append(worker)
                self._selector.register(worker, selectors.EVENT_READ, worker)

    def _listen(self, worker: WorkerProcess) -> None:
        lines = worker.hear()
        if lines is None:
            self._bury(worker)
            return
        for line in lines:
            if line == "ready":
                worker.ready = True
                self._failed_spares = 0
            elif line != "beat":
                self._attempt(partial(self._listener.heard, worker, line))

    def _bury(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._selector.unregister(worker)
            self._workers.remove(worker)
            if worker in self._spares:
                self._spares.remove(worker)
                self._failed_spares += 1
        worker.end(timeout=5.0)
        self._attempt(partial(self._listener.ended, worker))

    def _attempt(self, call: Callable[[], None], *, again: bool = True) -> None:
        """Do it now, or `again` later if the store cannot be written at the moment."""
        try:
            call()
        except StoreError as error:
            self._listener.faults.report("store", sentence_of(error))
            if again:
                self._retry.append(call)
        except Exception as error:  # noqa: BLE001 the border: one run's fault ends no other
            self._report("call", error)
        else:
            if again:
                self._listener.faults.mended("store")

    def _report(self, kind: str, error: Exception) -> None:
        sentence = f"Something went wrong while runs were watched over. {sentence_of(error)}"
        self._listener.faults.report(f"monitor-{kind}", sentence, error)
