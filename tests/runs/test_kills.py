"""Killed at random moments, a run loses nothing: not the worker's death nor the server's.

The suite makes few kills, for time; PARAMIXER_KILLS=1 makes them fifty and twenty.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from paramixer_core.runs import Failure, Run, RunState, RunStore
from paramixer_core.runs.local import LocalExecutor
from paramixer_core.training import Trainer
from tests.runs.conftest import TINY
from tests.runs.waiting import wait_for, wait_until

WORKER_KILLS, SERVER_KILLS = (20, 20) if os.environ.get("PARAMIXER_KILLS") else (6, 3)
# Wide enough that writing a snapshot takes a part of the time in which the kills fall.
SLOW = TINY.replace(channels=64, hidden=128, steps=300)
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def losses() -> np.ndarray:
    """What SLOW gives when nobody disturbs it."""
    trainer = Trainer(SLOW)
    return np.array([trainer.step().loss for _ in range(SLOW.steps)])


def workers_of(folder: Path) -> list[int]:
    """Ids of the worker processes that serve the store in `folder`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if b"paramixer_core.runs.worker" in words and os.fsencode(folder) in words:
                found.append(int(entry.parent.name))
    return found


def moments(count: int, folder: Path, run_id: str) -> Iterator[None]:
    """Wait for `count` moments: random ones, and every third in the middle of a snapshot."""
    draw = random.Random(count)
    for number in range(count):
        deadline = time.monotonic() + draw.uniform(0.0, 1.0)
        writing = number % 3 == 2
        while time.monotonic() < deadline or writing:
            parts = list((folder / "runs" / run_id).glob("*.part"))
            if writing and (parts or time.monotonic() > deadline + 2.0):
                break
            time.sleep(0 if writing else 0.005)
        yield


def require_sound(store: RunStore, run: Run, losses: np.ndarray) -> None:
    """The store is whole, and what it says of the run is so."""
    with store.reading() as database:
        assert database.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    curve = store.records(run.id, max_points=10**6)
    assert curve.step.tolist() == list(range(1, run.step + 1))
    np.testing.assert_array_equal(curve.loss, losses[: run.step])
    for snapshot in store.snapshots(run.id, scheduled=False):
        assert int(store.state(run.id, snapshot.step)["step"]) == snapshot.step
        assert snapshot.step <= run.step


def test_a_killed_worker_costs_its_run_nothing_and_the_others_no_step(
    tmp_path: Path, losses: np.ndarray
) -> None:
    store = RunStore(tmp_path)
    executor = LocalExecutor(store, workers=2, spares=1)
    other = executor.submit(TINY.replace(steps=10**6))
    run = executor.submit(SLOW)
    executor.set_speed(run.id, 30.0)
    kills = moments(WORKER_KILLS, tmp_path, run.id)
    for number in range(WORKER_KILLS):
        pid = executor._training[run.id].pid  # type: ignore[attr-defined]
        if number % 4:  # else perhaps before it has begun
            wait_until(lambda pid=pid: store.run(run.id).pid == pid)
        next(kills)
        os.kill(pid, signal.SIGKILL)
        failed = wait_for(store, run.id, RunState.FAILED)
        assert failed.failure is Failure.WORKER_DIED
        assert "killed by SIGKILL" in failed.reason
        require_sound(store, failed, losses)
        executor.resume(run.id)
    executor.set_speed(run.id, None)
    done = wait_for(store, run.id, RunState.FINISHED)
    require_sound(store, done, losses)
    assert done.step == SLOW.steps
    assert store.run(other.id).state is RunState.RUNNING
    executor.close()
    assert workers_of(tmp_path) == []
    store.close()


def test_a_killed_server_leaves_no_worker_and_its_run_goes_on_bit_for_bit(
    tmp_path: Path, losses: np.ndarray
) -> None:
    store = RunStore(tmp_path)
    run = store.create(SLOW)
    store.update(run.id, speed=SLOW.steps / (4 * SERVER_KILLS))  # a kill takes 3 s at most
    command = [sys.executable, "-m", "tests.runs.server_for_kills", str(tmp_path)]
    kills = moments(SERVER_KILLS, tmp_path, run.id)
    for _ in range(SERVER_KILLS):
        past = (None, store.run(run.id).pid)
        with subprocess.Popen(command, cwd=ROOT) as server:
            try:
                wait_until(lambda past=past: store.run(run.id).pid not in past)  # it is under way
                next(kills)
            finally:
                server.kill()
        wait_until(lambda: workers_of(tmp_path) == [], seconds=20)
        left = store.run(run.id)
        if left.state is RunState.FINISHED:
            break
        assert left.state is RunState.RUNNING  # until the next server finds it
        require_sound(store, left, losses)
    heir = LocalExecutor(store, workers=1, spares=0, threads=1)
    interrupted = store.run(run.id)
    assert interrupted.state is RunState.INTERRUPTED
    assert interrupted.reason.endswith("continue it when you like.")
    heir.resume(run.id)
    heir.set_speed(run.id, None)
    done = wait_for(store, run.id, RunState.FINISHED)
    require_sound(store, done, losses)
    assert done.step == SLOW.steps
    heir.close()
    assert workers_of(tmp_path) == []
    store.close()
