"""The Ray executor keeps the promises of the local one, on a cluster of two nodes."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Executor, Failure, RunState, RunStore, open_executor
from paramixer_core.training import Trainer
from tests.runs.conftest import TINY
from tests.runs.waiting import wait_for, wait_until

LONG = TINY.replace(steps=100_000)
ROOT = Path(__file__).parents[2]


def test_without_ray_the_choice_of_ray_says_what_to_do(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "paramixer_core.runs.ray_executor", raising=False)
    monkeypatch.setenv("PARAMIXER_EXECUTOR", "ray")
    with pytest.raises(ParamixerError, match="pip install ray, or set PARAMIXER_EXECUTOR=local"):
        open_executor(store)
    with pytest.raises(ParamixerError, match="local or ray, got slurm"):
        open_executor(store, "slurm")


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Executor]:
    """An executor on a cluster of two nodes with one CPU each."""
    ray = pytest.importorskip("ray", reason="the optional package ray is not installed")
    from ray.cluster_utils import Cluster

    from paramixer_core.runs.ray_executor import RayExecutor

    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(ROOT))
    patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 0})
    cluster.add_node(num_cpus=1, num_gpus=0)
    ray.init(address=cluster.address, log_to_driver=False)
    store = RunStore(tmp_path_factory.mktemp("ray"))
    made = RayExecutor(store)
    yield made
    made.close()
    store.close()
    ray.shutdown()
    cluster.shutdown()
    patch.undo()


def test_runs_train_on_both_nodes_and_a_third_waits(executor: Executor) -> None:
    import ray

    store = executor.store
    runs = [executor.submit(LONG, owner=name) for name in ("ann", "bob", "cem")]
    assert executor.queue_position(runs[2].id) == 1
    assert "2 of 2 are taken" in executor.status(runs[2].id).reason
    for run in runs[:2]:
        wait_until(lambda run_id=run.id: store.run(run_id).step > 5)
    # Each takes a whole CPU and no node has two: they are on different nodes.
    assert [node["Resources"]["CPU"] for node in ray.nodes()] == [1.0, 1.0]
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
    trainer = Trainer(run.config)
    expected = [trainer.step().loss for _ in range(200)]
    np.testing.assert_array_equal(store.records(run.id).loss, expected)
