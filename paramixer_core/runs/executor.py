"""What trains runs: one small interface, and the choice of who stands behind it."""

import os
from collections.abc import Sequence
from typing import Any, Protocol

from paramixer_core.config import RunConfig, require_positive
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.run import Failure, Run, RunState
from paramixer_core.runs.store import RunStore


class Executor(Protocol):
    """Trains runs in processes of their own and answers at once; safe to use from any thread.

    An id that does not exist raises ParamixerError; so does an action that the run's state does
    not allow, with what to do instead. An action that has already had its effect does nothing.
    """

    store: RunStore

    def submit(self, config: RunConfig, *, owner: str = "", race: str | None = None) -> Run:
        """Start a run, or queue it if no worker is free. Refuses what can never fit in memory."""

    def submit_all(
        self, configs: Sequence[RunConfig], *, owner: str = "", race: str | None = None
    ) -> list[Run]:
        """Start or queue several runs: all of them, or none if one is refused."""

    def fork(self, run_id: str, step: int, *, owner: str = "", **changes: Any) -> Run:
        """A new run that goes on from a snapshot of `run_id` with changed settings."""

    def restart(
        self, run_id: str, *, owner: str = "", race: str | None = None, held: bool = False
    ) -> Run:
        """The same run anew, from the same initial weights, a fork from the same snapshot, and with
        the same batches. With `held` it is paused before its first step.
        """

    def pause(self, *run_ids: str) -> None:
        """Hold runs between two steps; a queued run leaves the queue.

        Here and below: of several runs each has its action, and what is wrong with one is raised
        after the others had theirs.
        """

    def resume(self, *run_ids: str) -> None:
        """Continue runs that are paused, stopped, interrupted, or failed through no fault of their
        own, from where they are or from their last snapshot; queue them if no worker is free.
        """

    def single_step(self, run_id: str) -> None:
        """Make one step and stay paused."""

    def stop(self, *run_ids: str) -> None:
        """End runs; the last state of each is kept as a snapshot. A worker that has given no sign
        of life for long is ended; its run goes on from its last snapshot.
        """

    def remove(self, *run_ids: str) -> None:
        """Delete runs with all that they left, whatever they are doing: all or, if one is pinned,
        none. Those that are gone already are passed over.
        """

    def set_learning_rate(self, run_id: str, rate: float) -> None:
        """Change the learning rate from the next step on."""

    def set_speed(self, run_id: str, steps_per_second: float | None) -> None:
        """Slow the run down for watching; None for full speed."""

    def status(self, run_id: str) -> Run:
        """The run as it stands; while it waits, its `reason` says what for."""

    def statuses(self, run_ids: Sequence[str]) -> list[Run]:
        """`status` of several runs at one moment, at the price of one."""

    def queue_position(self, run_id: str) -> int | None:
        """1 for the run that starts next; None for one that does not wait."""

    def troubles(self) -> list[str]:
        """What is wrong with this server now, in sentences for everybody who uses it."""

    def close(self) -> None:
        """End all workers; what trains is kept as interrupted, what is paused stays paused."""


def open_executor(store: RunStore, name: str | None = None) -> Executor:
    """The executor called `name`, else the one PARAMIXER_EXECUTOR names, else "local"."""
    match name or os.environ.get("PARAMIXER_EXECUTOR") or "local":
        case "local":
            from paramixer_core.runs.local import LocalExecutor

            return LocalExecutor(store)
        case "ray":
            from paramixer_core.runs.ray_executor import RayExecutor

            return RayExecutor(store)
        case other:
            raise ParamixerError("PARAMIXER_EXECUTOR as local or ray", other, "set it to local")


def require_continuable(run: Run) -> None:
    """Raise ParamixerError, with what to do instead, unless the run can go on."""
    if run.state is RunState.FINISHED:
        raise ParamixerError(
            "a run with steps left", "a finished one", "fork its last snapshot with more steps"
        )
    if run.failure is Failure.DIVERGED:
        raise ParamixerError(
            "a run that can go on",
            "one that diverged and would do so again",
            "fork a snapshot before that with a smaller learning rate",
        )


def require_active(run: Run) -> None:
    """Raise ParamixerError unless the run waits, trains or is paused."""
    if not run.state.active:
        raise ParamixerError("a run that is under way", f"a {run.state} one", "continue it first")


def require_speed(steps_per_second: float | None) -> None:
    """Raise ParamixerError unless it is None or positive."""
    if steps_per_second is not None:
        require_positive("speed in steps per second", steps_per_second, 1e6)
