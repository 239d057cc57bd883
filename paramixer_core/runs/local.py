"""The default executor: worker processes on this machine, as many at once as it has cores."""

import atexit
from functools import partial

from paramixer_core.runs import capacity, memory
from paramixer_core.runs.monitor import Listener, Monitor
from paramixer_core.runs.pool import Pool
from paramixer_core.runs.process import WorkerProcess
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.worker_handle import Worker

LEAVE_PATIENCE = 10.0  # seconds that workers get to write a last snapshot


class LocalExecutor(Pool):
    """Implements Executor with worker processes.

    `workers`: how many train at once (default PARAMIXER_WORKERS, else the CPU cores); a paused
    run keeps its process but takes no part in this. `spares`: processes started in advance, so
    that a run starts within milliseconds (default PARAMIXER_SPARES, else 1). `threads` per
    worker: default cores // workers.
    """

    def __init__(
        self,
        store: RunStore,
        *,
        workers: int | None = None,
        spares: int | None = None,
        threads: int | None = None,
    ) -> None:
        super().__init__(store)
        self.workers = workers or capacity.setting("PARAMIXER_WORKERS", capacity.cores(), 1)
        spawn = partial(
            WorkerProcess,
            store.folder,
            threads=threads or max(1, capacity.cores() // self.workers),
        )
        if spares is None:
            spares = capacity.setting("PARAMIXER_SPARES", 1, 0)
        self._monitor = Monitor(
            spawn,
            Listener(self._heard, self._ended, self._tick, self._has_place, self.faults),
            spares,
        )
        atexit.register(self.close)
        with self._lock:
            self._dispatch()

    def close(self) -> None:
        atexit.unregister(self.close)
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._monitor.close(LEAVE_PATIENCE)
        self._host.close()

    def _has_place(self) -> bool:
        return len(self._busy()) < self.workers

    def _obstacle(self, run: Run) -> str:
        """What keeps a run from starting now; empty if nothing does."""
        if not self._has_place():
            return f"a free worker, {len(self._busy())} of {self.workers} are at work"
        held = [worker.memory for worker in list(self._training.values())]
        fits = run.id in self._training or memory.has_room(run.config, held)
        return "" if fits else "memory that other runs hold"

    def _take(self, run: Run) -> Worker:
        return self._monitor.take()

    def _give(self, worker: Worker) -> None:
        if isinstance(worker, WorkerProcess):
            self._monitor.give(worker)
