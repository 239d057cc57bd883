"""Watches the worker processes: hears what they say, notices their end, keeps spares ready."""

import os
import selectors
import threading
import time
from collections.abc import Callable
from functools import partial

from paramixer_core.runs.process import WorkerProcess
from paramixer_core.runs.store_errors import StoreError

SPARE_DELAY = 2.0  # seconds before a used spare is replaced: the run that took it comes first
RETRY_DELAY = 1.0  # seconds between attempts to record something in a store that is full
MAX_FAILED_SPARES = 3  # in a row, before no more are tried


class Monitor:
    """One thread over all workers of an executor.

    `heard(worker, line)` and `ended(worker)` are called from that thread, for workers that were
    taken with `take`. No spare is started unless `useful()`: where every place is taken, the next
    run gets the worker of the run that makes room.
    """

    def __init__(
        self,
        spawn: Callable[[], WorkerProcess],
        heard: Callable[[WorkerProcess, str], None],
        ended: Callable[[WorkerProcess], None],
        spares: int,
        useful: Callable[[], bool],
    ) -> None:
        self.closing = False
        self._useful = useful
        self._spawn, self._heard, self._ended, self._wanted = spawn, heard, ended, spares
        self._lock = threading.Lock()
        self._spares: list[WorkerProcess] = []
        self._workers: list[WorkerProcess] = []
        self._failed_spares = 0
        self._next_spare = 0.0
        self._retry: list[Callable[[], None]] = []
        self._selector = selectors.DefaultSelector()
        self._bell_in, self._bell_out = os.pipe()
        os.set_blocking(self._bell_in, False)
        os.set_blocking(self._bell_out, False)
        self._selector.register(self._bell_in, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._watch, name="run-monitor", daemon=True)
        self._thread.start()

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
        self._thread.join(patience)
        with self._lock:
            stubborn = list(self._workers)
        for worker in stubborn:
            worker.end(timeout=0)
        self._ring()
        self._thread.join()
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
            self._keep_spares()
            pause = max(0.0, self._next_spare - time.monotonic()) if self._short_of_spares() else 60
            if self._retry:
                pause = min(pause, RETRY_DELAY)
            for key, _ in self._selector.select(pause):
                if key.fileobj == self._bell_in:
                    os.read(self._bell_in, 4096)
                else:
                    self._listen(key.data)
            waiting, self._retry = self._retry, []
            for call in waiting:
                self._attempt(call)

    def _short_of_spares(self) -> bool:
        return (
            not self.closing
            and self._useful()
            and len(self._spares) < self._wanted
            and self._failed_spares < MAX_FAILED_SPARES
        )

    def _keep_spares(self) -> None:
        with self._lock:
            while self._short_of_spares() and time.monotonic() >= self._next_spare:
                try:
                    worker = self._spawn()
                except OSError:  # no more processes now; a run that needs one says so
                    self._failed_spares += 1
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
            else:
                self._attempt(partial(self._heard, worker, line))

    def _bury(self, worker: WorkerProcess) -> None:
        with self._lock:
            self._selector.unregister(worker)
            self._workers.remove(worker)
            if worker in self._spares:
                self._spares.remove(worker)
                self._failed_spares += 1
        worker.end(timeout=5.0)
        self._attempt(partial(self._ended, worker))

    def _attempt(self, call: Callable[[], None]) -> None:
        """Do it now, or again later if the store cannot be written at the moment."""
        try:
            call()
        except StoreError:
            self._retry.append(call)
