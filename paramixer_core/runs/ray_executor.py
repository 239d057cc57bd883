"""The executor for more than one machine: each run is an actor on a Ray cluster (optional)."""

import atexit
import math
import os
import threading
from pathlib import Path
from typing import Any

import ray

import paramixer_core
from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory
from paramixer_core.runs.pool import Pool
from paramixer_core.runs.ray_actors import Keeper, Trainee
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError
from paramixer_core.runs.worker_handle import Worker

LEAVE_PATIENCE = 20.0  # seconds that workers get to send a last snapshot
LOOK_EVERY = 0.1  # seconds between two looks at the workers


class RayWorker(Worker):
    """An actor seen from the server."""

    def __init__(self, keeper: Any, gpus: float) -> None:
        super().__init__()
        self._keeper = keeper
        self.state = ""
        options = {"num_cpus": 1, "num_gpus": gpus, "max_concurrency": 3, "max_restarts": 0}
        self.actor = ray.remote(Trainee).options(**options).remote()
        self.done: Any = None

    def assign(self, run_id: str, lease: str) -> None:
        self.run_id, self.lease = run_id, lease
        self.done = self.actor.train.remote(self._keeper, run_id, lease)

    def wake(self) -> None:
        self.actor.wake.remote()

    @property
    def farewell(self) -> str:
        try:
            ray.get(self.done, timeout=0)
        except Exception as error:  # noqa: BLE001 whatever Ray says is the reason
            return str(error).strip().partition("\n")[0].rstrip(".")
        return "though its actor ended in order"


class RayExecutor(Pool):
    """Implements Executor with one actor per run on a Ray cluster.

    Joins the cluster that RAY_ADDRESS names, else one that runs on this machine, else starts one.
    `gpus_per_run` (default PARAMIXER_RAY_GPUS, else one if the cluster has any) may be a fraction:
    0.25 puts four runs on a GPU. A paused run keeps its actor and its place. The store stays on
    this machine: workers send it what they record.
    """

    def __init__(self, store: RunStore, *, gpus_per_run: float | None = None) -> None:
        super().__init__(store)
        self._started = not ray.is_initialized()
        if self._started:
            os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
            package = str(Path(paramixer_core.__path__[0]))
            ray.init(
                log_to_driver=False,
                include_dashboard=False if "RAY_ADDRESS" not in os.environ else None,
                runtime_env={"py_modules": [package]},
            )
        total = ray.cluster_resources().get("GPU", 0)
        self._gpus = gpus_share(total) if gpus_per_run is None else gpus_per_run
        here = f"node:{ray.util.get_node_ip_address()}"
        self._keeper = (
            ray.remote(Keeper)
            .options(num_cpus=0, resources={here: 0.001}, max_concurrency=1)
            .remote(store.folder)
        )
        self._bell = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ray-monitor", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        with self._lock:
            self._dispatch()

    def close(self) -> None:
        atexit.unregister(self.close)
        with self._lock:
            if self._closing:
                return
            self._closing = True
            workers = [
                worker for worker in self._training.values() if isinstance(worker, RayWorker)
            ]
        for worker in workers:
            worker.actor.leave.remote()
        if workers:
            ray.wait(
                [worker.done for worker in workers],
                num_returns=len(workers),
                timeout=LEAVE_PATIENCE,
            )
        for worker in workers:
            ray.kill(worker.actor)
        self._bell.set()
        self._thread.join()
        for worker in workers:
            self._ended(worker)
        ray.kill(self._keeper)
        if self._started:
            ray.shutdown()
        self._host.close()

    def _require_fits(self, config: RunConfig) -> None:
        needed = memory.estimate_memory(config)
        largest = max(node["Resources"].get("memory", 0) for node in ray.nodes() if node["Alive"])
        if needed > largest:
            raise ParamixerError(
                f"a run that fits in the cluster's largest node, {memory.readable_size(largest)}",
                f"one that needs about {memory.readable_size(needed)}",
                "use a smaller batch, a shorter sequence or fewer channels",
            )

    def _obstacle(self, run: Run) -> str:
        if run.id in self._training:
            return ""
        total = ray.cluster_resources()
        places = int(total.get("CPU", 0))
        if self._gpus:
            places = min(places, math.floor(total.get("GPU", 0) / self._gpus + 1e-9))
        held = len(self._training)
        return f"a free place, {held} of {places} are taken" if held >= places else ""

    def _take(self, run: Run) -> Worker:
        return RayWorker(self._keeper, self._gpus)

    def _watch(self) -> None:
        while not self._bell.wait(LOOK_EVERY):
            with self._lock:
                workers = self._workers()
            for worker in workers:
                self._look_at(worker)

    def _workers(self) -> list[RayWorker]:
        held = self._training.values()
        return [worker for worker in held if isinstance(worker, RayWorker) and worker.run_id]

    def _look_at(self, worker: RayWorker) -> None:
        try:
            ended, _ = ray.wait([worker.done], timeout=0)
            if ended and not self._closing:
                ray.kill(worker.actor)
                self._ended(worker)
                return
            state = self.store.run(worker.run_id).state
            if state != worker.state:
                worker.state = state
                self._heard(worker, f"state {state}")
        except StoreError:  # full or locked for the moment: look again later
            return


def gpus_share(total: float) -> float:
    """GPUs per run: PARAMIXER_RAY_GPUS, else one where the cluster has any, else none."""
    text = os.environ.get("PARAMIXER_RAY_GPUS", "")
    try:
        share = float(text) if text else float(min(1.0, total))
    except ValueError:
        share = -1.0
    if not 0 <= share <= 16:
        raise ParamixerError("PARAMIXER_RAY_GPUS as a number like 0.25", repr(text), "set it so")
    return share
