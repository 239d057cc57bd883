"""The executor for more than one machine: each run is an actor on a Ray cluster (optional).

Ray itself lives in a process of its own (`ray_dispatcher`), which this one talks to.
"""

import atexit
import importlib.util
import json
import logging
import math
import os
import threading
from dataclasses import dataclass

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory
from paramixer_core.runs.pool import Pool
from paramixer_core.runs.ray_connection import RayConnection
from paramixer_core.runs.recovery import cut_off
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError
from paramixer_core.runs.worker_handle import Worker

LOOK_SECONDS = 0.1  # between two looks at what the workers wrote
STARTING = "it is being joined"
ENDED = "the process that held it has ended"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cluster:
    """What a cluster has: processors, GPUs and the bytes of its largest node."""

    cpus: float
    gpus: float
    memory: float


class RayWorker(Worker):
    """An actor seen from the server."""

    farewell = "with its actor"

    def __init__(self, executor: "RayExecutor") -> None:
        super().__init__()
        self._executor = executor
        self.state = ""

    def assign(self, run_id: str, lease: str) -> None:
        self.run_id, self.lease = run_id, lease
        self._executor.tell("train", run_id, lease, f"{self._executor.gpus_per_run:g}")

    def wake(self) -> None:
        self._executor.tell("wake", self.run_id)


class RayExecutor(Pool):
    """Implements Executor with one actor per run on a Ray cluster.

    Joins the cluster that RAY_ADDRESS names and waits for it where it does not answer; without
    RAY_ADDRESS it joins one that runs on this machine, else starts one. `gpus_per_run` (default
    PARAMIXER_RAY_GPUS, else one if the cluster has any) may be a fraction: 0.25 puts four runs on a
    GPU. A paused run keeps its actor and its place. The store stays on this machine, which has to
    be a node: workers send it what they record. When the cluster is lost, its runs are interrupted
    and go on, from their last snapshot, when it is back.
    """

    def __init__(self, store: RunStore, *, gpus_per_run: float | None = None) -> None:
        if not importlib.util.find_spec("ray"):
            raise ParamixerError(
                "the ray package for PARAMIXER_EXECUTOR=ray",
                "none installed",
                "pip install ray, or set PARAMIXER_EXECUTOR=local",
            )
        self._asked = gpus_share() if gpus_per_run is None else gpus_per_run
        super().__init__(store)
        self._cluster: Cluster | None = None
        self._trouble = STARTING
        self._cut_off: list[str] = []
        self._bell = threading.Event()
        self._connection = RayConnection(store.folder, self._hear, self._lost, self._failed)
        self._watcher = threading.Thread(target=self._watch, name="ray-monitor", daemon=True)
        self._watcher.start()
        atexit.register(self.close)

    @property
    def gpus_per_run(self) -> float:
        """GPUs that each run gets."""
        if self._asked is not None:
            return self._asked
        return min(1.0, self._cluster.gpus) if self._cluster else 0.0

    @property
    def trouble(self) -> str:
        """Why nothing can train at present, as a sentence; empty when something can."""
        return f"Training waits for the Ray cluster: {self._trouble}." if self._trouble else ""

    def close(self) -> None:
        atexit.unregister(self.close)
        with self._lock:
            if self._closing:
                return
            self._closing = True
        self._connection.close()
        self._bell.set()
        self._watcher.join()
        with self._lock:
            for worker in self._workers():
                self._ended(worker)
        self._host.close()

    def tell(self, *words: str) -> None:
        """Say something to the dispatcher."""
        self._connection.tell(*words)

    def _require_fits(self, config: RunConfig) -> None:
        """Refuse what no node can hold, as far as the cluster is known."""
        needed = memory.estimate_memory(config)
        if self._cluster is not None and needed > self._cluster.memory:
            raise ParamixerError(
                "a run that fits in the cluster's largest node, "
                f"{memory.readable_size(self._cluster.memory)}",
                f"one that needs about {memory.readable_size(needed)}",
                "use a smaller batch, a shorter sequence or fewer channels",
            )

    def _obstacle(self, run: Run) -> str:
        if run.id in self._training:
            return ""
        if self._cluster is None:
            return f"the Ray cluster ({self._trouble})"
        places = int(self._cluster.cpus)
        if self.gpus_per_run:
            places = min(places, math.floor(self._cluster.gpus / self.gpus_per_run + 1e-9))
        held = len(self._training)
        return f"a free place, {held} of {places} are taken" if held >= places else ""

    def _take(self, run: Run) -> Worker:
        if self._cluster is None:  # a single step asks for a worker without asking for a place
            raise ParamixerError("a Ray cluster that is there", self.trouble, "try again later")
        return RayWorker(self)

    def _hear(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "cluster":
                self._joined(Cluster(**json.loads(rest)))
            case "waits" | "lost":
                self._trouble = rest
            case "ended":
                run_id, lease, how = rest.split(" ", 2)
                self._actor_ended(run_id, lease, how)

    def _actor_ended(self, run_id: str, lease: str, how: str) -> None:
        with self._lock:
            worker = self._training.get(run_id)
            if isinstance(worker, RayWorker) and worker.lease == lease:
                worker.farewell = how
                if not self._closing:
                    self._ended(worker)

    def _joined(self, cluster: Cluster) -> None:
        """The cluster is there, or has changed: runs that it cut off go on."""
        with self._lock:
            self._cluster, self._trouble = cluster, ""
            while self._cut_off:
                run = self.store.run(self._cut_off[0])
                if run.state is RunState.INTERRUPTED:
                    self.store.enqueue(run.id, self._host.name)
                del self._cut_off[0]
            self._dispatch()

    def _lost(self) -> None:
        """The cluster or its dispatcher is gone, and with it every worker."""
        with self._lock:
            if self._closing:
                return
            self._cluster, self._trouble = None, self._trouble or ENDED
            why = f"The Ray cluster was lost: {self._trouble}. The run goes on when it is back."
            for worker in self._workers():
                goes_on = not worker.paused and not worker.stopping
                cut_off(self.store, worker.run_id, worker.lease, why)
                del self._training[worker.run_id]
                if goes_on:
                    self._cut_off.append(worker.run_id)

    def _failed(self, error: Exception) -> None:
        """Something that the dispatcher said could not be carried out."""
        logger.error("Ray: %s", error)

    def _watch(self) -> None:
        """Notice what the workers wrote of themselves."""
        while not self._bell.wait(LOOK_SECONDS):
            with self._lock:
                workers = self._workers()
            for worker in workers:
                self._look_at(worker)

    def _workers(self) -> list[RayWorker]:
        held = self._training.values()
        return [worker for worker in held if isinstance(worker, RayWorker) and worker.run_id]

    def _look_at(self, worker: RayWorker) -> None:
        try:
            state = self.store.run(worker.run_id).state
            if state != worker.state:
                worker.state = state
                self._heard(worker, f"state {state}")
        except StoreError:  # full or locked for the moment: look again later
            return


def gpus_share() -> float | None:
    """GPUs per run that PARAMIXER_RAY_GPUS asks for; None where it is not set."""
    text = os.environ.get("PARAMIXER_RAY_GPUS", "")
    if not text:
        return None
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 16:
        raise ParamixerError("PARAMIXER_RAY_GPUS as a number like 0.25", repr(text), "set it so")
    return share
