"""An executor's decisions, whoever its workers are: who trains, who waits, who is told what."""

import contextlib
import dataclasses
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any

from paramixer_core.config import RunConfig, require_positive
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory, retention
from paramixer_core.runs.executor import (
    Executor,
    require_active,
    require_continuable,
    require_speed,
)
from paramixer_core.runs.forks import fork
from paramixer_core.runs.hosts import Host
from paramixer_core.runs.queueing import fair_order
from paramixer_core.runs.recovery import adopt_orphans, settle
from paramixer_core.runs.run import Command, Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.worker_handle import Worker


class Pool(Executor, ABC):
    """Implements Executor on top of workers that a subclass provides.

    The subclass calls `_heard` and `_ended` (from a thread of its own), and `_dispatch` once it
    is ready.
    """

    def __init__(self, store: RunStore) -> None:
        self.store = store
        self._closing = False
        self._lock = threading.RLock()
        self._training: dict[str, Worker] = {}
        self._served: dict[str, float] = {}
        hosts = store.folder / "hosts"
        self._host = Host(hosts)
        adopt_orphans(store, hosts, self._host.name)

    @property
    def trouble(self) -> str:
        return ""

    def _require_fits(self, config: RunConfig) -> None:
        """Refuse a run that can never be trained here."""
        memory.require_fits(config)

    @abstractmethod
    def _obstacle(self, run: Run) -> str:
        """What keeps a run from starting now; empty if nothing does."""

    @abstractmethod
    def _take(self, run: Run) -> Worker:
        """A worker for the run."""

    def _give(self, worker: Worker) -> None:
        """A worker has become idle."""

    def submit(self, config: RunConfig, *, owner: str = "", race: str | None = None) -> Run:
        self._require_fits(config)
        retention.make_room(self.store)
        with self._lock:
            run = self.store.create(config, owner=owner, race=race, host=self._host.name)
            self._dispatch()
        return self.status(run.id)

    def fork(self, run_id: str, step: int, *, owner: str = "", **changes: Any) -> Run:
        retention.make_room(self.store)
        with self._lock:
            run = fork(self.store, run_id, step, changes, owner=owner, host=self._host.name)
            self._dispatch()
        return self.status(run.id)

    def restart(self, run_id: str, *, owner: str = "") -> Run:
        return self.submit(self.store.run(run_id).config, owner=owner)

    def pause(self, run_id: str) -> None:
        with self._lock:
            run = self.store.run(run_id)
            require_active(run)
            worker = self._worker(run)
            if run.state is RunState.QUEUED:
                if worker is not None:
                    worker.wants_slot = False
                self.store.update(run_id, state=RunState.PAUSED, reason="")
            else:
                self._tell(run_id, Command.PAUSE)
                if worker is not None:
                    worker.paused = True
            self._dispatch()

    def resume(self, run_id: str) -> None:
        with self._lock:
            run = self.store.run(run_id)
            require_continuable(run)
            worker = self._worker(run)
            if worker is None and run.state in (RunState.QUEUED, RunState.RUNNING):
                self._tell(run_id, Command.CONTINUE)
                return
            if worker is not None:
                worker.wants_slot = worker.paused or worker.stopping
                if worker.stopping:
                    return
                if not worker.paused:  # as last heard: a pause may be on its way to it
                    self._tell(run_id, Command.CONTINUE)
                    return
            self.store.enqueue(run_id, self._host.name)
            self._dispatch()

    def single_step(self, run_id: str) -> None:
        with self._lock:
            run = self.store.run(run_id)
            require_continuable(run)
            worker = self._worker(run)
            if worker is None and run.state is not RunState.RUNNING:
                worker = self._start(run)
                self._tell(run_id, Command.PAUSE)
            self._tell(run_id, Command.SINGLE_STEP)
            if worker is not None:
                worker.paused = True

    def stop(self, run_id: str) -> None:
        with self._lock:
            run = self.store.run(run_id)
            if worker := self._worker(run):
                worker.stopping, worker.wants_slot = True, False
            if worker or run.state is RunState.RUNNING:  # maybe in another server on this store
                self._tell(run_id, Command.STOP)
            elif run.state.active:
                self.store.update(run_id, state=RunState.STOPPED, reason="", ended=time.time())

    def set_learning_rate(self, run_id: str, rate: float) -> None:
        require_positive("learning_rate", rate, 10.0)
        with self._lock:
            run = self.store.run(run_id)
            if self._worker(run) or run.state is RunState.RUNNING:
                self._tell(run_id, Command.LEARNING_RATE, rate)
            else:
                self.store.adjust(run_id, run.step, rate)

    def set_speed(self, run_id: str, steps_per_second: float | None) -> None:
        require_speed(steps_per_second)
        with self._lock:
            if not self.store.update(run_id, speed=steps_per_second):
                self.store.run(run_id)
            self._tell(run_id, Command.SPEED, steps_per_second)

    def status(self, run_id: str) -> Run:
        run = self.store.run(run_id)
        if run.state is not RunState.QUEUED or (position := self.queue_position(run_id)) is None:
            return run
        with self._lock:
            obstacle = self._obstacle(run) or "the runs before it"
        ahead = f"{position - 1} ahead of it" if position > 1 else "it is next"
        return dataclasses.replace(run, reason=f"Waits for {obstacle}; {ahead}.")

    def queue_position(self, run_id: str) -> int | None:
        with self._lock:
            order = [run.id for run in self._waiting()]
        return order.index(run_id) + 1 if run_id in order else None

    def _worker(self, run: Run) -> Worker | None:
        """The process that holds the run; None once the run has ended, though it may linger."""
        worker = self._training.get(run.id)
        return worker if worker is not None and worker.lease == run.lease else None

    def _tell(self, run_id: str, command: Command, value: float | None = None) -> None:
        self.store.command(run_id, command, value)
        if worker := self._training.get(run_id):
            worker.wake()

    def _waiting(self) -> list[Run]:
        """Queued runs, the next one first."""
        busy = Counter(worker.owner for worker in self._busy())
        return fair_order(self.store.queued(self._host.name), busy, self._served)

    def _busy(self) -> list[Worker]:
        return [worker for worker in list(self._training.values()) if not worker.paused]

    def _dispatch(self) -> None:
        """Start what can start. Nobody overtakes a run that waits for memory."""
        if self._closing:
            return
        for run in self._waiting():
            if self._obstacle(run):
                return
            self._start(run)

    def _start(self, run: Run) -> Worker:
        worker = self._worker(run)
        if worker is not None:
            worker.paused = worker.wants_slot = False
            self.store.update(run.id, state=RunState.RUNNING, reason="")
            self._tell(run.id, Command.CONTINUE)
        else:
            worker = self._take(run)
            worker.owner, worker.memory = run.owner, memory.estimate_memory(run.config)
            lease = secrets.token_hex(8)
            self.store.grant(run.id, lease, self._host.name)
            self._training[run.id] = worker
            worker.assign(run.id, lease)
        self._served[run.owner] = time.time()
        return worker

    def _heard(self, worker: Worker, line: str) -> None:
        """A worker said what it did."""
        with self._lock:
            match line.split():
                case ["state", RunState.PAUSED] if worker.run_id:
                    worker.paused = True
                    if worker.wants_slot:  # continued before the pause had taken effect
                        self.store.update(worker.run_id, state=RunState.QUEUED)
                case ["state", RunState.RUNNING]:
                    worker.paused = False
                case ["idle"]:
                    self._let_go(worker)
                    worker.dismiss()
                    self._give(worker)
            self._dispatch()

    def _ended(self, worker: Worker) -> None:
        """A worker has ended, as planned or not."""
        with self._lock:
            if worker.run_id:
                settle(self.store, worker.run_id, worker.lease, worker.farewell)
                self._let_go(worker)
            self._dispatch()

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
