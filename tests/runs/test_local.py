"""Worker processes: started, held, queued, refused and ended as asked."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Failure, RunState, RunStore, memory
from paramixer_core.runs.local import LocalExecutor
from tests.runs.conftest import TINY
from tests.runs.waiting import wait_for, wait_until

LONG = TINY.replace(steps=100_000)


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExecutor]:
    """One executor with a single worker slot for the tests of this file."""
    store = RunStore(tmp_path_factory.mktemp("runs"))
    made = LocalExecutor(store, workers=1, threads=1)
    yield made
    made.close()
    store.close()


@pytest.fixture(autouse=True)
def nothing_left(executor: LocalExecutor) -> Iterator[None]:
    """Stop what a test left, so that the next one finds a free worker."""
    yield
    for run in executor.store.runs(states=[state for state in RunState if state.active]):
        executor.stop(run.id)
        wait_until(lambda run_id=run.id: not executor.store.run(run_id).state.active)
    wait_until(lambda: not executor._training)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_runs_are_trained_in_another_process_that_serves_the_next_one_too(
    executor: LocalExecutor,
) -> None:
    store = executor.store
    pids = []
    for _ in range(2):
        run = executor.submit(TINY, owner="ann")
        assert run.state is RunState.RUNNING
        assert executor.queue_position(run.id) is None
        pids.append(executor._training[run.id].pid)  # type: ignore[attr-defined]
        assert wait_for(store, run.id, RunState.FINISHED).step == TINY.steps
        wait_until(lambda: not executor._training)
    assert pids[0] == pids[1] != os.getpid()
    with pytest.raises(ParamixerError, match="fork its last snapshot with more steps"):
        executor.resume(run.id)


def test_pause_single_step_continue_stop_and_continue(executor: LocalExecutor) -> None:
    store = executor.store
    run = executor.submit(LONG)
    wait_until(lambda: store.run(run.id).step > 3)
    executor.pause(run.id)
    held = wait_for(store, run.id, RunState.PAUSED)
    executor.single_step(run.id)
    executor.single_step(run.id)
    wait_until(lambda: store.run(run.id).step == held.step + 2)
    wait_until(lambda: store.resume_step(run.id) == held.step + 2)  # a pause is kept
    assert store.run(run.id).state is RunState.PAUSED
    executor.resume(run.id)
    wait_until(lambda: store.run(run.id).step > held.step + 20)
    executor.stop(run.id)
    stopped = wait_for(store, run.id, RunState.STOPPED)
    executor.stop(run.id)  # again: nothing to do
    executor.resume(run.id)
    wait_until(lambda: store.run(run.id).step > stopped.step)
    assert store.records(run.id).step[0] == 1
    assert (np.diff(store.records(run.id, max_points=10**6).step) == 1).all()


def test_a_pause_that_is_taken_back_at_once_is_taken_back(executor: LocalExecutor) -> None:
    store = executor.store
    run = executor.submit(LONG)
    for _ in range(5):
        executor.pause(run.id)
        executor.resume(run.id)
    step = store.run(run.id).step
    wait_until(lambda: store.run(run.id).step > step + 50)
    assert store.run(run.id).state is RunState.RUNNING


def test_a_pause_is_taken_back_though_the_worker_was_last_heard_running(
    executor: LocalExecutor,
) -> None:
    """What it says of an earlier continuing may arrive after the next pause was sent."""
    store = executor.store
    run = executor.submit(LONG)
    wait_for(store, run.id, RunState.RUNNING)
    with executor._lock:  # nothing else is heard in between
        executor.pause(run.id)
        executor._heard(executor._training[run.id], f"state {RunState.RUNNING}")
        executor.resume(run.id)
    time.sleep(0.5)  # by now it has seen both
    step = store.run(run.id).step
    wait_until(lambda: store.run(run.id).step > step + 50)
    assert store.run(run.id).state is RunState.RUNNING


def test_settings_change_while_it_runs(executor: LocalExecutor) -> None:
    store = executor.store
    run = executor.submit(LONG)
    executor.set_learning_rate(run.id, 0.002)
    executor.set_speed(run.id, 5.0)
    wait_until(lambda: store.run(run.id).learning_rate == 0.002)
    executor.pause(run.id)
    wait_for(store, run.id, RunState.PAUSED)
    executor.resume(run.id)
    start = store.run(run.id).step
    wait_until(lambda: store.run(run.id).step >= start + 3)
    assert store.run(run.id).step < start + 20
    for bad in (0.0, -1.0, 1e9, float("nan")):
        with pytest.raises(ParamixerError, match="learning_rate above 0 and up to 10"):
            executor.set_learning_rate(run.id, bad)
    with pytest.raises(ParamixerError, match="speed in steps per second above 0"):
        executor.set_speed(run.id, 0.0)


def test_waiting_runs_know_their_place_and_take_turns(executor: LocalExecutor) -> None:
    first = executor.submit(LONG, owner="ann")
    anns = executor.submit(LONG, owner="ann")
    bobs = executor.submit(LONG, owner="bob")
    assert [executor.queue_position(run.id) for run in (first, bobs, anns)] == [None, 1, 2]
    assert executor.status(bobs.id).reason == (
        "Waits for a free worker, 1 of 1 are at work; it is next."
    )
    assert executor.status(anns.id).reason.endswith("; 1 ahead of it.")
    executor.stop(anns.id)
    assert executor.status(anns.id).state is RunState.STOPPED
    executor.pause(bobs.id)
    assert executor.status(bobs.id).state is RunState.PAUSED
    executor.resume(bobs.id)
    executor.stop(first.id)
    wait_for(executor.store, bobs.id, RunState.RUNNING)


def test_a_paused_run_lends_its_worker_and_waits_to_have_it_back(executor: LocalExecutor) -> None:
    store = executor.store
    first, second = (executor.submit(LONG, owner=owner) for owner in ("ann", "bob"))
    wait_until(lambda: store.run(first.id).step > 3)
    executor.pause(first.id)
    wait_until(lambda: store.run(second.id).step > 3)
    executor.resume(first.id)
    assert executor.status(first.id).state is RunState.QUEUED
    assert executor.queue_position(first.id) == 1
    executor.stop(second.id)
    step = wait_for(store, first.id, RunState.RUNNING).step
    wait_until(lambda: store.run(first.id).step > step)


def test_a_fork_goes_on_from_its_parents_snapshot(executor: LocalExecutor) -> None:
    store = executor.store
    parent = executor.submit(TINY)
    wait_for(store, parent.id, RunState.FINISHED)
    same, changed = executor.fork(parent.id, 20), executor.fork(parent.id, 20, learning_rate=1e-4)
    for child in (same, changed):
        wait_for(store, child.id, RunState.FINISHED)
    expected = store.records(parent.id, after_step=20).loss
    np.testing.assert_array_equal(store.records(same.id).loss, expected)
    assert store.records(changed.id).step[0] == 21
    assert store.records(changed.id).loss[0] == expected[0]
    assert (store.records(changed.id).loss[1:] != expected[1:]).all()
    assert (store.run(changed.id).parent, store.run(changed.id).parent_step) == (parent.id, 20)
    with pytest.raises(ParamixerError, match=r"got \['channels'\]: start a new run"):
        executor.fork(parent.id, 20, channels=8)
    with pytest.raises(ParamixerError, match="a step with a snapshot"):
        executor.fork(parent.id, 21)
    again = executor.restart(parent.id)
    wait_for(store, again.id, RunState.FINISHED)
    np.testing.assert_array_equal(store.records(again.id).loss, store.records(parent.id).loss)


def test_a_run_too_large_is_refused_with_its_estimate(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_MEMORY", "2 GB")
    with pytest.raises(ParamixerError, match=r"fits in this machine's 2\.0 GB.*needs about .* GB"):
        executor.submit(RunConfig(seq_len=16_384, batch=400))


def test_running_out_of_memory_ends_that_run_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARAMIXER_MEMORY", "1.5 GB")  # the workers read it too
    monkeypatch.setattr(memory, "estimate_memory", lambda config: 0)
    store = RunStore(tmp_path)
    executor = LocalExecutor(store, workers=2, spares=0)
    small = executor.submit(LONG)
    large = executor.submit(RunConfig(seq_len=4096, batch=1000, device="cpu"))
    failed = wait_for(store, large.id, RunState.FAILED, seconds=60)
    step = store.run(small.id).step
    assert failed.failure is Failure.OUT_OF_MEMORY
    wait_until(lambda: store.run(small.id).step > step)
    executor.close()
    store.close()


def test_closing_leaves_no_process_and_no_untruth(tmp_path: Path) -> None:
    store = RunStore(tmp_path)
    executor = LocalExecutor(store, workers=2, spares=1)
    running, paused = executor.submit(LONG), executor.submit(LONG)
    for run in (running, paused):
        wait_until(lambda run_id=run.id: store.run(run_id).step > 3)
    queued = [executor.submit(LONG) for _ in range(2)]
    executor.pause(queued[1].id)
    executor.pause(paused.id)
    wait_for(store, paused.id, RunState.PAUSED)
    pids = [worker.pid for worker in executor._monitor._workers]
    executor.close()
    assert not any(alive(pid) for pid in pids)
    left = {run.id: run.state for run in store.runs()}
    assert left[paused.id] is left[queued[1].id] is RunState.PAUSED
    assert left[running.id] is RunState.INTERRUPTED
    for run_id in (running.id, paused.id):
        assert store.resume_step(run_id) == store.run(run_id).step
    store.close()
