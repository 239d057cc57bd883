"""What becomes of a run whose worker or server is gone."""

import shutil
import time
from pathlib import Path
from typing import Any

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.hosts import dead_hosts
from paramixer_core.runs.run import Failure, Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError, UnreadableRunError

ACTIVE = tuple(state for state in RunState if state.active)

SERVER_ENDED = "The server ended while this run was training; continue it when you like."


def adopt_orphans(store: RunStore, hosts: Path, host: str) -> None:
    """Take over the runs of servers that are gone.

    Queued ones, and those that nobody ever held, queue here; paused ones stay paused if their
    last step is kept; the others are interrupted. One that cannot be read fails with its reason.
    """
    known = {name for _, name in _active(store)} - {host}
    for name in dead_hosts(hosts, known):
        for run_id in [held for held, of in _active(store) if of == name]:
            try:
                _adopt(store, store.run(run_id), host)
            except UnreadableRunError as error:
                refuse(store, run_id, str(error))


def _active(store: RunStore) -> list[tuple[str, str]]:
    """Id and host of every run under way, read or not."""
    marks = ", ".join("?" * len(ACTIVE))
    with store.reading() as database:
        rows = database.execute(f"SELECT id, host FROM runs WHERE state IN ({marks})", ACTIVE)
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


def _complete(store: RunStore, run: Run) -> bool:
    """Whether nothing that was seen of a run is lost with its worker."""
    return run.step == 0 or store.resume_step(run.id) == run.step
