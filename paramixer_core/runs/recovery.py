"""What becomes of a run whose worker or server is gone."""

import time
from pathlib import Path
from typing import Any

from paramixer_core.runs.hosts import dead_hosts
from paramixer_core.runs.run import Failure, Run, RunState
from paramixer_core.runs.store import RunStore

ACTIVE = tuple(state for state in RunState if state.active)
MANY = 1_000_000

SERVER_ENDED = "The server ended while this run was training; continue it when you like."


def adopt_orphans(store: RunStore, hosts: Path, host: str) -> None:
    """Take over the runs of servers that are gone.

    Queued ones, and those that nobody ever held, queue here; paused ones stay paused if their
    last step is kept; the others are interrupted.
    """
    known = {run.host for run in store.runs(states=ACTIVE, limit=MANY)} - {host}
    for name in dead_hosts(hosts, known):
        for run in store.runs(states=ACTIVE, host=name, limit=MANY):
            values: dict[str, Any] = {"host": host, "lease": None, "pid": None}
            if run.state is RunState.RUNNING or not _complete(store, run):
                values |= {
                    "state": RunState.INTERRUPTED,
                    "reason": SERVER_ENDED,
                    "ended": time.time(),
                }
            store.update(run.id, **values)


def settle(store: RunStore, run_id: str, lease: str, farewell: str) -> None:
    """Say truthfully what became of a run whose worker has ended without giving it back."""
    run = store.run(run_id)
    if run.lease != lease:
        return
    values: dict[str, Any] = {"lease": None, "pid": None}
    if run.state is RunState.RUNNING or not _complete(store, run):
        kept = store.resume_step(run_id)
        remedy = "start it anew" if kept is None else f"continue it from step {kept}"
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
