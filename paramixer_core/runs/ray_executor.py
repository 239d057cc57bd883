"""The executor for more than one machine: each run is an actor on a Ray cluster (optional).

Ray itself lives in a process of its own (`ray_driver`), which this one talks to.
"""

import atexit
import importlib.util
import json
import math
import os
import threading
import time
from dataclasses import dataclass

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import memory
from paramixer_core.runs.dispatcher import NoWorkerError
from paramixer_core.runs.faults import sentence_of
from paramixer_core.runs.pool import Pool
from paramixer_core.runs.ray_connection import RayConnection, RayWorker
from paramixer_core.runs.recovery import cut_off
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError
from paramixer_core.runs.worker_handle import Worker

LOOK_SECONDS = 0.1  # between two looks at what the workers wrote
TICK_SECONDS = 1.0  # between two looks at the store and the queue
STARTING = "it is being joined"
ENDED = "the process that held it has ended"

CLUSTER, DRIVER = "ray-cluster", "ray-driver"


@dataclass(frozen=True)
class Cluster:
    """What a cluster has: processors, GPUs and the bytes of its largest node."""

    cpus: float
    gpus: float
    memory: float


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
        self._waits = False
        self._cut_off: list[str] = []
        self._unheard: list[str] = []
        self._bell = threading.Event()
        self._connection = RayConnection(
            store.folder, self._hear, lambda: self._hear("gone"), self._failed
        )
        self._watcher = threading.Thread(target=self._watch, name="ray-monitor", daemon=True)
        self._watcher.start()
        atexit.register(self.close)

    @property
    def gpus_per_run(self) -> float:
        """GPUs that each run gets."""
        if self._asked is not None:
            return self._asked
        return min(1.0, self._cluster.gpus) if self._cluster else 0.0

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
            raise NoWorkerError("a Ray cluster that is there", self._trouble, "try again later")
        return RayWorker(self._connection, self.gpus_per_run)

    def _hear(self, line: str) -> None:
        """What the driver says; while the store takes nothing, it is kept for the next tick."""
        try:
            self._understand(line)
        except StoreError as error:
            self.faults.report(DRIVER, str(error))
            self._unheard.append(line)

    def _understand(self, line: str) -> None:
        word, _, rest = line.partition(" ")
        match word:
            case "cluster":
                self._joined(Cluster(**json.loads(rest)))
            case "waits":
                self._wait_for_cluster(rest)
            case "lost":
                self._trouble = rest
            case "ended":
                run_id, lease, how = rest.split(" ", 2)
                self._actor_ended(run_id, lease, how)
            case "gone":
                self._lost()

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
            self._cluster, self._trouble, self._waits = cluster, "", False
            self.faults.mended(CLUSTER)
            while self._cut_off:
                run = self.store.run(self._cut_off[0])
                if run.state is RunState.INTERRUPTED:
                    self.store.enqueue(run.id, self._host.name)
                del self._cut_off[0]
            self._dispatch()

    def _lost(self) -> None:
        """The cluster or its driver is gone, and with it every worker."""
        with self._lock:
            if self._closing:
                return
            self._cluster = None
            self._wait_for_cluster(self._trouble or ENDED)
            why = f"The Ray cluster was lost: {self._trouble}. The run goes on when it is back."
            for worker in self._workers():
                goes_on = not worker.paused and not worker.stopping
                cut_off(self.store, worker.run_id, worker.lease, why)
                del self._training[worker.run_id]
                if goes_on:
                    self._cut_off.append(worker.run_id)

    def _wait_for_cluster(self, why: str) -> None:
        self._trouble, self._waits = why, True
        self.faults.report(CLUSTER, f"Training waits for the Ray cluster: {why}.")

    def _failed(self, error: Exception) -> None:
        """Something that the driver said could not be carried out, or it could not be started."""
        sentence = f"The Ray cluster cannot be served for now. {sentence_of(error)}"
        self.faults.report(DRIVER, sentence, error)

    def _watch(self) -> None:
        """Notice what the workers wrote of themselves, and look after the server now and then."""
        due = time.monotonic()
        while not self._bell.wait(LOOK_SECONDS):
            try:
                for worker in self._workers():
                    self._look_at(worker)
                if time.monotonic() >= due:
                    due = time.monotonic() + TICK_SECONDS
                    self._tick()
            except Exception as error:  # noqa: BLE001 the border: the next look is made
                self._failed(error)

    def _tick(self) -> None:
        super()._tick()
        if self._waits:  # it lasts longer than a fault is remembered
            self._wait_for_cluster(self._trouble)
        unheard, self._unheard = self._unheard, []
        for line in unheard:
            self._hear(line)
        if unheard and not self._unheard:
            self.faults.mended(DRIVER)

    def _workers(self) -> list[RayWorker]:
        with self._lock:
            held = list(self._training.values())
        return [worker for worker in held if isinstance(worker, RayWorker) and worker.run_id]

    def _look_at(self, worker: RayWorker) -> None:
        state = self.store.run(worker.run_id).state
        if state != worker.state:
            self._heard(worker, f"state {state}")
            worker.state = state


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
