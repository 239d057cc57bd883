"""An executor's actions, whoever its workers are: what people ask for, and what they are told."""

import dataclasses
import time
from abc import ABC
from collections.abc import Callable, Sequence
from typing import Any

from paramixer_core.config import RunConfig, require_positive
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory, retention
from paramixer_core.runs.dispatcher import Dispatcher
from paramixer_core.runs.executor import (
    Executor,
    require_active,
    require_continuable,
    require_speed,
)
from paramixer_core.runs.forks import fork, renew
from paramixer_core.runs.run import Command, Run, RunState


class Pool(Dispatcher, Executor, ABC):
    """Implements Executor on top of workers that a subclass provides to Dispatcher."""

    def _require_fits(self, config: RunConfig) -> None:
        """Refuse a run that can never be trained here."""
        memory.require_fits(config)

    def submit(self, config: RunConfig, *, owner: str = "", race: str | None = None) -> Run:
        return self.submit_all([config], owner=owner, race=race)[0]

    def submit_all(
        self, configs: Sequence[RunConfig], *, owner: str = "", race: str | None = None
    ) -> list[Run]:
        for config in configs:
            self._require_fits(config)
        retention.make_room(self.store)
        with self._lock:
            ids = self.store.create_race(configs, owner=owner, race=race, host=self._host.name)
            self._dispatch()
        return [self.store.run(run_id) for run_id in ids]

    def fork(self, run_id: str, step: int, *, owner: str = "", **changes: Any) -> Run:
        retention.make_room(self.store)
        with self._lock:
            run = fork(self.store, run_id, step, changes, owner=owner, host=self._host.name)
            self._dispatch()
        return self.status(run.id)

    def restart(
        self, run_id: str, *, owner: str = "", race: str | None = None, held: bool = False
    ) -> Run:
        self._require_fits(self.store.run(run_id).config)
        retention.make_room(self.store)
        with self._lock:
            renewed = renew(self.store, run_id, owner, self._host.name, race, held=held)
            self._dispatch()
        return self.status(renewed.id)

    def pause(self, *run_ids: str) -> None:
        with self._lock:
            self._each(self._pause, run_ids)
            self._dispatch()

    def _pause(self, run_id: str) -> None:
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

    def resume(self, *run_ids: str) -> None:
        with self._lock:
            self._each(self._resume, run_ids)
            self._dispatch()

    def _resume(self, run_id: str) -> None:
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

    def stop(self, *run_ids: str) -> None:
        with self._lock:
            waiting = self.store.withdraw(run_ids)
            self._each(self._stop, [run_id for run_id in run_ids if run_id not in set(waiting)])

    def _stop(self, run_id: str) -> None:
        run = self.store.run(run_id)
        if worker := self._worker(run):
            worker.stopping, worker.wants_slot = True, False
        if worker or run.state is RunState.RUNNING:  # maybe in another server on this store
            self._tell(run_id, Command.STOP)
        elif run.state.active:
            self.store.update(run_id, state=RunState.STOPPED, reason="", ended=time.time())

    def remove(self, *run_ids: str) -> None:
        with self._lock:
            held = [run_id for run_id in run_ids if self.store.holds(run_id)]
            if pinned := self.store.pinned(held):
                raise ParamixerError(
                    "runs that are not pinned", ", ".join(pinned), "unpin them first"
                )
            self.store.delete_all(held, active=True)
            for run_id in held:
                if worker := self._training.get(run_id):
                    worker.kill()
            self._dispatch()

    def _each(self, act: Callable[[str], None], run_ids: Sequence[str]) -> None:
        """Act on every run, those that wait first so that none of them gets a place in between.

        What cannot be done to one keeps the others from nothing; the first such error is raised.
        """
        errors = []
        waiting = {run_id for run_id in run_ids if self._training.get(run_id) is None}
        for run_id in sorted(run_ids, key=lambda run_id: run_id not in waiting):
            try:
                act(run_id)
            except ParamixerError as error:
                errors.append(error)
        if errors:
            raise errors[0]

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
        return self.statuses([run_id])[0]

    def statuses(self, run_ids: Sequence[str]) -> list[Run]:
        runs = self.store.several(run_ids)
        waiting = any(run.state is RunState.QUEUED for run in runs)
        places = self._order.places(self._load()) if waiting else {}
        return [self._explained(run, places.get(run.id)) for run in runs]

    def _explained(self, run: Run, position: int | None) -> Run:
        """The run with what is to be said of it now; `position` is its place in the queue."""
        worker = self._worker(run)
        if worker is not None and worker.trouble and run.state.active:
            return dataclasses.replace(run, reason=worker.trouble)
        if run.state is not RunState.QUEUED or position is None:
            return run
        obstacle = self._obstacle(run) or "the runs before it"
        ahead = f"{position - 1:,} ahead of it" if position > 1 else "it is next"
        return dataclasses.replace(run, reason=f"Waits for {obstacle}; {ahead}.")

    def queue_position(self, run_id: str) -> int | None:
        return self._order.places(self._load()).get(run_id)

    def troubles(self) -> list[str]:
        return self.faults.current()
