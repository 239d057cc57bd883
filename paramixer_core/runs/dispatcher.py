"""Who trains and who waits: workers are given runs, heard and let go, and one run's fault stays
its own.
"""

import contextlib
import secrets
import threading
from abc import ABC, abstractmethod
from collections import Counter

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory, retention
from paramixer_core.runs.faults import LOG, Faults, sentence_of
from paramixer_core.runs.hosts import Host
from paramixer_core.runs.queueing import Order
from paramixer_core.runs.recovery import HOSTS, adopt_crashed, adopt_orphans, refuse, settle
from paramixer_core.runs.run import Command, Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError, UnreadableRunError
from paramixer_core.runs.worker_handle import Worker

DISPATCH, GONE, WAITS = "dispatch", "store-gone", "worker-waits"
SHORT_OF_RESOURCES = (OSError, MemoryError)


class NoWorkerError(ParamixerError):
    """No worker can be had at the moment; the run that needs one waits."""


class Dispatcher(ABC):
    """Gives runs to the workers that a subclass provides.

    The subclass calls `_heard` and `_ended`, and `_tick` about once a second, from a thread of its
    own, and `_dispatch` once it is ready.
    """

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self.faults = Faults()
        self._closing = False
        self._stuck = False
        self._lock = threading.RLock()
        self._training: dict[str, Worker] = {}
        self._host = Host(store.folder / HOSTS)
        self._order = Order(store.queue_generation, lambda: store.queued(self._host.name))
        adopt_orphans(store, self._host.name)

    @abstractmethod
    def resume(self, *run_ids: str) -> None:
        """See Executor.resume."""

    @abstractmethod
    def _obstacle(self, run: Run) -> str:
        """What keeps a run from starting now; empty if nothing does."""

    @abstractmethod
    def _take(self, run: Run) -> Worker:
        """A worker for the run. Raises OSError or MemoryError if none can be had."""

    def _give(self, worker: Worker) -> None:  # noqa: B027 nothing to do where each serves one run
        """A worker has become idle."""

    def _has_place(self) -> bool:
        """Whether some run might start now: asked before the queue is looked at."""
        return True

    def _worker(self, run: Run) -> Worker | None:
        """The process that holds the run; None once the run has ended, though it may linger."""
        worker = self._training.get(run.id)
        return worker if worker is not None and worker.lease == run.lease else None

    def _tell(self, run_id: str, command: Command, value: float | None = None) -> None:
        self.store.command(run_id, command, value)
        if worker := self._training.get(run_id):
            worker.wake()

    def _load(self) -> Counter[str]:
        """How many runs of each owner are at work."""
        return Counter(worker.owner for worker in self._busy())

    def _busy(self) -> list[Worker]:
        return [worker for worker in list(self._training.values()) if not worker.paused]

    def _dispatch(self) -> None:
        """Start what can start. What is wrong is reported, and tried again with the next tick."""
        if self._closing:
            return
        try:
            self._start_what_can()
        except Exception as error:  # noqa: BLE001 the border: the queue outlives every fault
            self._stuck = True
            sentence = f"Runs that wait cannot be started for now. {sentence_of(error)}"
            self.faults.report(DISPATCH, sentence, error)
        else:
            self._stuck = False
            self.faults.mended(DISPATCH)

    def _start_what_can(self) -> None:
        """Nobody overtakes a run that waits for memory; one that cannot start fails."""
        if not self._has_place():
            return
        for run_id in self._order.ids(self._load()):
            try:
                run = self.store.run(run_id)
                if self._obstacle(run):
                    return
                self._start(run)
            except (StoreError, NoWorkerError):
                raise  # no fault of this run
            except UnreadableRunError as error:
                refuse(self.store, run_id, str(error))
            except Exception as error:  # noqa: BLE001 the border: the next run has its turn
                LOG.warning("Run %s could not start.", run_id, exc_info=error)
                refuse(self.store, run_id, sentence_of(error))

    def _start(self, run: Run) -> Worker:
        worker = self._worker(run)
        if worker is not None:
            worker.paused = worker.wants_slot = False
            self.store.update(run.id, state=RunState.RUNNING, reason="")
            self._tell(run.id, Command.CONTINUE)
        else:
            needed = memory.estimate_memory(run.config)
            worker = self._new_worker(run)
            lease = secrets.token_hex(8)
            try:
                self.store.grant(run.id, lease, self._host.name)
            except BaseException:
                self._give(worker)
                raise
            worker.owner, worker.memory = run.owner, needed
            self._training[run.id] = worker
            worker.assign(run.id, lease)
        self._order.serve(run.owner)
        return worker

    def _new_worker(self, run: Run) -> Worker:
        try:
            return self._take(run)
        except SHORT_OF_RESOURCES as error:
            raise NoWorkerError(
                "to start a worker process",
                sentence_of(error).rstrip("."),
                "runs wait, and it is tried again every second",
            ) from error

    def _heard(self, worker: Worker, line: str) -> None:
        """A worker said what it did."""
        with self._lock:
            match line.split(maxsplit=1):
                case ["state", RunState.PAUSED] if worker.run_id:
                    worker.paused = True
                    if worker.wants_slot:  # continued before the pause had taken effect
                        self.store.update(worker.run_id, state=RunState.QUEUED)
                case ["state", RunState.RUNNING]:
                    worker.paused = False
                case ["trouble", sentence]:
                    worker.trouble = sentence
                    self.faults.report(WAITS, sentence)
                    return
                case ["well"]:
                    worker.trouble = ""
                    self.faults.mended(WAITS)
                    return
                case ["idle"]:
                    self._let_go(worker)
                    worker.dismiss()
                    self._give(worker)
            self._dispatch()

    def _ended(self, worker: Worker) -> None:
        """A worker has ended, as planned or not."""
        with self._lock:
            if worker.run_id:
                settle(
                    self.store,
                    worker.run_id,
                    worker.lease,
                    worker.farewell,
                    stopped=worker.stopping,
                )
                self._let_go(worker)
            self._dispatch()

    def _tick(self) -> None:
        """What is to be looked at now and then: the store, workers that are silent, other servers
        that died, the queue.
        """
        try:
            self.store.require_present()
        except StoreError as error:
            self.faults.report(GONE, str(error))
            return
        self.faults.mended(GONE)
        for worker in list(self._training.values()):
            self._look_after(worker)
        if adopt_crashed(self.store, self._host.name) or self._stuck:
            with self._lock:
                self._dispatch()

    def _look_after(self, worker: Worker) -> None:
        sentence = worker.frozen()
        if sentence:
            if worker.stopping:
                LOG.warning("Worker of run %s is killed: %s", worker.run_id, sentence)
                worker.kill()
            worker.was_frozen, worker.trouble = True, sentence
        elif worker.was_frozen:
            worker.was_frozen, worker.trouble = False, ""

    def _let_go(self, worker: Worker) -> None:
        """Its run is no longer trained; queue it anew if it was continued while it stopped."""
        run_id = worker.run_id
        if self._training.get(run_id) is worker:
            del self._training[run_id]
        if self._closing:
            return
        # It may have finished first, and a cap that cannot be met is told to who submits next.
        with contextlib.suppress(ParamixerError):
            if worker.stopping and worker.wants_slot:
                self.resume(run_id)
            retention.make_room(self.store)
