"""Who may change what: the one place where every change of a run passes its owner's check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.run import Command, Run, RunState
from paramixer_core.runs.store import RunStore


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a browser by its name, or the operator, who may do everything.

    A run without an owner (from the command line) or with one that no browser has any more is the
    operator's.
    """

    name: str
    operator: bool = False

    def owns(self, owner: str) -> bool:
        """Whether what has this owner may be changed by this actor."""
        return self.operator or (bool(self.name) and owner == self.name)


NOBODY = Actor("")
"""Who may look, and change nothing."""


class NotYoursError(ParamixerError):
    """Somebody tried to change what belongs to somebody else; nothing was changed."""

    def __reduce__(self) -> tuple[type, tuple[str, object, str]]:
        """Survive the way from another process."""
        return type(self), (self.expected, self.got, self.remedy)


def require_owner(actor: Actor, run: Run) -> None:
    """Raise NotYoursError unless the actor may change this run."""
    if not actor.owns(run.owner):
        raise NotYoursError(
            "a run that this browser started",
            f"{run.id}, which is another's",
            "watch it, or press Start for one of your own",
        )


class OwnedStore(RunStore):
    """A run store as one actor may use it: everything can be read, only one's own changed."""

    def __init__(self, store: RunStore, actor: Actor) -> None:
        self.__dict__.update(store.__dict__)  # the same folder and the same idle connections
        self.actor = actor

    def create(self, config: RunConfig, *, owner: str = "", **values: Any) -> Run:
        return super().create(config, owner=self.actor.name, **values)

    def _require(self, run_id: str) -> None:
        require_owner(self.actor, self.run(run_id))

    def enqueue(self, run_id: str, host: str) -> None:
        self._require(run_id)
        super().enqueue(run_id, host)

    def update(self, run_id: str, *, held_by: str | None = None, **values: Any) -> bool:
        self._require(run_id)
        return super().update(run_id, held_by=held_by, **values)

    def pin(self, run_id: str, pinned: bool = True) -> None:
        self._require(run_id)
        super().pin(run_id, pinned)

    def delete_all(self, run_ids: Sequence[str], *, active: bool = False) -> None:
        for run_id in run_ids:
            self._require(run_id)
        super().delete_all(run_ids, active=active)

    def create_race(
        self, configs: Sequence[RunConfig], *, owner: str, race: str | None, host: str
    ) -> list[str]:
        return super().create_race(configs, owner=self.actor.name, race=race, host=host)

    def withdraw(self, run_ids: Sequence[str]) -> list[str]:
        for run_id in run_ids:
            self._require(run_id)
        return super().withdraw(run_ids)

    def grant(self, run_id: str, lease: str, host: str) -> None:
        self._require(run_id)
        super().grant(run_id, lease, host)

    def command(self, run_id: str, name: Command, value: float | None = None) -> None:
        self._require(run_id)
        super().command(run_id, name, value)

    def adjust(self, run_id: str, step: int, learning_rate: float) -> None:
        self._require(run_id)
        super().adjust(run_id, step, learning_rate)

    def in_sight(self, *, states: list[RunState] | None = None, limit: int = 200) -> list[Run]:
        """The runs that the actor's lists show, newest first: its own; the operator's show all.

        Another's run is shown to who has its id.
        """
        if self.actor.operator:
            return self.runs(states=states, limit=limit)
        if not self.actor.name:
            return []
        return self.runs(states=states, owner=self.actor.name, limit=limit)


class OwnedExecutor(Executor):
    """An executor as one actor may use it. New runs are the actor's, whatever `owner` says."""

    store: OwnedStore

    def __init__(self, executor: Executor, actor: Actor) -> None:
        self.actor = actor
        self.store = OwnedStore(executor.store, actor)
        self._executor = executor

    def _require(self, *run_ids: str) -> None:
        for run_id in run_ids:
            require_owner(self.actor, self._executor.store.run(run_id))

    def submit(self, config: RunConfig, *, owner: str = "", race: str | None = None) -> Run:
        return self._executor.submit(config, owner=self.actor.name, race=race)

    def submit_all(
        self, configs: Sequence[RunConfig], *, owner: str = "", race: str | None = None
    ) -> list[Run]:
        return self._executor.submit_all(configs, owner=self.actor.name, race=race)

    def fork(self, run_id: str, step: int, *, owner: str = "", **changes: Any) -> Run:
        return self._executor.fork(run_id, step, owner=self.actor.name, **changes)

    def restart(
        self, run_id: str, *, owner: str = "", race: str | None = None, held: bool = False
    ) -> Run:
        return self._executor.restart(run_id, owner=self.actor.name, race=race, held=held)

    def pause(self, *run_ids: str) -> None:
        self._require(*run_ids)
        self._executor.pause(*run_ids)

    def resume(self, *run_ids: str) -> None:
        self._require(*run_ids)
        self._executor.resume(*run_ids)

    def single_step(self, run_id: str) -> None:
        self._require(run_id)
        self._executor.single_step(run_id)

    def stop(self, *run_ids: str) -> None:
        self._require(*run_ids)
        self._executor.stop(*run_ids)

    def set_learning_rate(self, run_id: str, rate: float) -> None:
        self._require(run_id)
        self._executor.set_learning_rate(run_id, rate)

    def set_speed(self, run_id: str, steps_per_second: float | None) -> None:
        self._require(run_id)
        self._executor.set_speed(run_id, steps_per_second)

    def remove(self, *run_ids: str) -> None:
        self._require(*(run_id for run_id in run_ids if self._executor.store.holds(run_id)))
        self._executor.remove(*run_ids)

    def troubles(self) -> list[str]:
        return self._executor.troubles()

    def status(self, run_id: str) -> Run:
        return self._executor.status(run_id)

    def statuses(self, run_ids: Sequence[str]) -> list[Run]:
        return self._executor.statuses(run_ids)

    def queue_position(self, run_id: str) -> int | None:
        return self._executor.queue_position(run_id)

    def close(self) -> None:
        raise NotYoursError("the server to close its workers", "a page", "stop single runs")
