"""The Ray executor keeps the promises of the local one, on a cluster of two nodes."""

import os
import signal
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Executor, Failure, Run, RunState, RunStore, open_executor
from paramixer_core.training import Trainer
from tests.runs.conftest import TINY
from tests.runs.ray_nodes import RayNodes, drivers
from tests.runs.waiting import wait_for, wait_until

LONG = TINY.replace(steps=100_000)


def test_without_ray_the_choice_of_ray_says_what_to_do(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setenv("PARAMIXER_EXECUTOR", "ray")
    with pytest.raises(ParamixerError, match="pip install ray, or set PARAMIXER_EXECUTOR=local"):
        open_executor(store)
    with pytest.raises(ParamixerError, match="local or ray, got slurm"):
        open_executor(store, "slurm")


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    """A cluster of two nodes with one CPU each."""
    made = RayNodes()
    made.start(2)
    yield made
    made.close()


@pytest.fixture(scope="module")
def executor(nodes: RayNodes, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor on the two nodes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in nodes.environment.items():
            patch.setenv(name, value)
        store = RunStore(tmp_path_factory.mktemp("ray"))
        made = open_executor(store, "ray")
        yield made
        made.close()
        store.close()


def assert_bit_equal(executor: Executor, run: Run) -> None:
    """The losses are those of an undisturbed training."""
    trainer = Trainer(run.config)
    expected = [trainer.step().loss for _ in range(run.config.steps)]
    np.testing.assert_array_equal(executor.store.records(run.id).loss, expected)


def test_runs_train_on_both_nodes_and_a_third_waits(executor: Executor) -> None:
    store = executor.store
    runs = [executor.submit(LONG, owner=name) for name in ("ann", "bob", "cem")]
    wait_until(lambda: "2 of 2 are taken" in executor.status(runs[2].id).reason)
    assert executor.queue_position(runs[2].id) == 1
    for run in runs[:2]:
        wait_until(lambda run_id=run.id: store.run(run_id).step > 5)
    # Each takes a whole CPU and no node has two: they are on different nodes.
    executor.stop(runs[0].id)
    wait_for(store, runs[0].id, RunState.STOPPED)
    wait_until(lambda: store.run(runs[2].id).step > 0)
    for run in runs[1:]:
        executor.stop(run.id)
        wait_for(store, run.id, RunState.STOPPED)


def test_pause_single_step_and_continue(executor: Executor) -> None:
    store = executor.store
    run = executor.submit(LONG)
    wait_until(lambda: store.run(run.id).step > 3)
    executor.pause(run.id)
    held = wait_for(store, run.id, RunState.PAUSED)
    executor.single_step(run.id)
    wait_until(lambda: store.run(run.id).step == held.step + 1)
    executor.resume(run.id)
    wait_until(lambda: store.run(run.id).step > held.step + 10)
    executor.stop(run.id)
    wait_for(store, run.id, RunState.STOPPED)


def test_a_worker_killed_in_mid_run_fails_it_and_it_goes_on_bit_for_bit(
    executor: Executor,
) -> None:
    store = executor.store
    run = executor.submit(TINY.replace(steps=200))
    executor.set_speed(run.id, 50.0)
    wait_until(lambda: store.run(run.id).step > 30)
    os.kill(store.run(run.id).pid or 0, signal.SIGKILL)
    failed = wait_for(store, run.id, RunState.FAILED)
    assert failed.failure is Failure.WORKER_DIED
    assert "continue it from step" in failed.reason
    executor.resume(run.id)
    executor.set_speed(run.id, None)
    wait_for(store, run.id, RunState.FINISHED)
    assert_bit_equal(executor, run)


def test_when_the_driver_dies_its_runs_go_on_bit_for_bit_with_the_next(
    executor: Executor,
) -> None:
    store = executor.store
    run = executor.submit(TINY.replace(steps=200))
    executor.set_speed(run.id, 50.0)
    wait_until(lambda: store.run(run.id).step > 30)
    pid, *_ = drivers()
    os.kill(pid, signal.SIGKILL)
    cut_off = wait_for(store, run.id, RunState.INTERRUPTED, seconds=10)
    assert "the process that held it has ended" in cut_off.reason
    executor.set_speed(run.id, None)
    wait_for(store, run.id, RunState.FINISHED)
    assert pid not in drivers()
    assert_bit_equal(executor, run)


def test_when_the_cluster_ends_its_runs_wait_and_go_on_bit_for_bit_when_it_is_back(
    executor: Executor, nodes: RayNodes
) -> None:
    store = executor.store
    run = executor.submit(TINY.replace(steps=200))
    executor.set_speed(run.id, 50.0)
    wait_until(lambda: store.run(run.id).step > 30)
    nodes.kill_head()
    cut_off = wait_for(store, run.id, RunState.INTERRUPTED, seconds=10)
    assert "does not answer any more. The run goes on when it is back." in cut_off.reason
    later = executor.submit(TINY.replace(steps=5))
    wait_until(lambda: "none answers at" in executor.status(later.id).reason)
    assert any("ray start --head" in sentence for sentence in executor.troubles())
    nodes.start(1)
    executor.set_speed(run.id, None)
    wait_for(store, run.id, RunState.FINISHED)
    wait_for(store, later.id, RunState.FINISHED)
    assert executor.troubles() == []
    assert_bit_equal(executor, run)
