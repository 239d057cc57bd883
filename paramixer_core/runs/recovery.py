"""What becomes of a run whose worker or server is gone."""

import os
import shutil
import time
from collections.abc import Sequence
from typing import Any

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.hosts import closed_hosts, dead_hosts
from paramixer_core.runs.run import Failure, Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError, UnreadableRunError

ACTIVE = tuple(state for state in RunState if state.active)

SERVER_ENDED = "The server ended while this run was training; continue it when you like."


HOSTS = "hosts"
"""The folder of a store in which its servers say that they are alive."""


def adopt_orphans(store: RunStore, host: str) -> None:
    """Take over the runs of servers that are gone.

    Queued ones, and those that nobody ever held, queue here; paused ones stay paused if their
    last step is kept; the others are interrupted. One that cannot be read fails with its reason.
    """
    known = {name for _, name in _held(store, ACTIVE)} - {host}
    for name in closed_hosts(store.folder / HOSTS, known):
        _take_over(store, name, host, ACTIVE)
    adopt_crashed(store, host)


def adopt_crashed(store: RunStore, host: str) -> bool:
    """The same with servers whose process died alone; whether there was one.

    One that closes in good order settles its own runs: taken over, they would begin under its
    hands.
    """
    found = False
    for name in dead_hosts(store.folder / HOSTS):
        _take_over(store, name, host, ACTIVE)
        found = True
    return found


def settle_crashed(store: RunStore) -> None:
    """Have no run of a process that died count as trained; those that wait go on to wait.

    In a store that may only be read all stays as it is.
    """
    if not os.access(store.folder / HOSTS, os.W_OK):
        return

    def nothing_waits(name: str) -> bool:
        return all(of != name for _, of in _held(store, (RunState.QUEUED,)))

    for name in dead_hosts(store.folder / HOSTS, forget=nothing_waits):
        _take_over(store, name, "", (RunState.RUNNING, RunState.PAUSED))


def _take_over(store: RunStore, name: str, host: str, states: Sequence[RunState]) -> None:
    for run_id in [held for held, of in _held(store, states) if of == name]:
        try:
            _adopt(store, store.run(run_id), host)
        except UnreadableRunError as error:
            refuse(store, run_id, str(error))


def _held(store: RunStore, states: Sequence[RunState]) -> list[tuple[str, str]]:
    """Id and host of every run in one of the states, read or not."""
    marks = ", ".join("?" * len(states))
    with store.reading() as database:
        rows = database.execute(f"SELECT id, host FROM runs WHERE state IN ({marks})", states)
        return [(row["id"], row["host"]) for row in rows]


def _adopt(store: RunStore, run: Run, host: str) -> None:
    values: dict[str, Any] = {"host": host, "lease": None, "pid": None}
    if run.state is RunState.RUNNING or not _complete(store, run):
        values |= {"state": RunState.INTERRUPTED, "reason": SERVER_ENDED, "ended": time.time()}
    store.update(run.id, **values)


def refuse(store: RunStore, run_id: str, reason: str) -> None:
    """Have a run that waits fail, because it cannot start."""
    store.update(
        run_id,
        state=RunState.FAILED,
        failure=Failure.ERROR,
        reason=f"It could not start. {reason}",
        ended=time.time(),
        lease=None,
        pid=None,
    )


def settle(
    store: RunStore, run_id: str, lease: str, farewell: str, *, stopped: bool = False
) -> None:
    """Say truthfully what became of a run whose worker has ended without giving it back.

    `stopped`: it was asked to stop, did not answer and was ended.
    """
    try:
        run = store.run(run_id)
    except StoreError:
        raise
    except ParamixerError:  # removed while it was trained
        shutil.rmtree(store.run_folder(run_id), ignore_errors=True)
        return
    if run.lease != lease:
        return
    values: dict[str, Any] = {"lease": None, "pid": None}
    kept = store.resume_step(run_id)
    remedy = "start it anew" if kept is None else f"continue it from step {kept}"
    if stopped:
        values |= {
            "state": RunState.STOPPED,
            "reason": f"Its worker did not answer and was ended; {remedy}.",
            "ended": time.time(),
        }
    elif run.state is RunState.RUNNING or not _complete(store, run):
        values |= {
            "state": RunState.FAILED,
            "failure": Failure.WORKER_DIED,
            "reason": f"The worker died, {farewell}; {remedy}.",
            "ended": time.time(),
        }
    store.update(run_id, held_by=lease, **values)


def cut_off(store: RunStore, run_id: str, lease: str, reason: str) -> None:
    """Take a run from a worker that is out of reach: interrupted, unless all of it is here."""
    run = store.run(run_id)
    values: dict[str, Any] = {"lease": None, "pid": None}
    if run.state is RunState.RUNNING or not _complete(store, run):
        values |= {"state": RunState.INTERRUPTED, "reason": reason, "ended": time.time()}
    store.update(run_id, held_by=lease, **values)


def _complete(store: RunStore, run: Run) -> bool:
    """Whether nothing that was seen of a run is lost with its worker."""
    return run.step == 0 or store.resume_step(run.id) == run.step
