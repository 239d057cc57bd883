"""The actors of the Ray executor: one that trains, and one that keeps the store for it."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

import paramixer_core
from paramixer_core.runs.journal import Entry, Start, StoreJournal
from paramixer_core.runs.run import Command, Failure, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import LeaseLostError


def join(address: str) -> None:
    """Become a driver of the cluster at `address`, or of a new one on this machine ("local")."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # A cluster of this machine alone need not be reached from another one.
    local = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
    ray.init(
        address=address,
        log_to_driver=False,
        runtime_env={"py_modules": [str(Path(paramixer_core.__path__[0]))]},
        **(local if address == "local" else {}),
    )


def new_keeper(folder: Path) -> Any:
    """The one Keeper, on this machine."""
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    options = {"num_cpus": 0, "max_concurrency": 1, "max_restarts": -1}
    return ray.remote(Keeper).options(scheduling_strategy=here, **options).remote(folder)


def new_trainee(gpus: float) -> Any:
    """A Trainee on whichever node has a CPU, and this share of a GPU, to spare."""
    options = {"num_cpus": 1, "num_gpus": gpus, "max_concurrency": 3, "max_restarts": 0}
    return ray.remote(Trainee).options(**options).remote()


class Keeper:
    """The actor beside the store: writes for workers that may be on other machines."""

    def __init__(self, folder: Path) -> None:
        self._store = RunStore(folder)

    def call(self, run_id: str, lease: str, method: str, *values: Any, **named: Any) -> Any:
        """Call a method of the run's journal."""
        return getattr(StoreJournal(self._store, run_id, lease), method)(*values, **named)


class RemoteJournal:
    """A Journal whose store is wherever the keeper is."""

    def __init__(self, keeper: Any, run_id: str, lease: str) -> None:
        self._keeper, self._run = keeper, (run_id, lease)

    def _call(self, method: str, *values: Any, **named: Any) -> Any:
        return ray.get(self._keeper.call.remote(*self._run, method, *values, **named))

    def start(self, *, pid: int) -> Start:
        """See Journal.start."""
        start: Start = self._call("start", pid=pid)
        return start

    def write(self, entry: Entry) -> None:
        """See Journal.write."""
        self._call("write", entry)

    def snapshot(
        self, step: int, state: Mapping[str, Any], probe: Mapping[str, Any], *, scheduled: bool
    ) -> None:
        """See Journal.snapshot."""
        self._call("snapshot", step, dict(state), dict(probe), scheduled=scheduled)

    def commands(self) -> list[tuple[Command, float | None]]:
        """See Journal.commands."""
        found: list[tuple[Command, float | None]] = self._call("commands")
        return found

    def adjust(self, step: int, learning_rate: float) -> None:
        """See Journal.adjust."""
        self._call("adjust", step, learning_rate)

    def change(self, state: RunState, *, reason: str = "", failure: Failure | None = None) -> None:
        """See Journal.change."""
        self._call("change", state, reason=reason, failure=failure)

    def describe(self, **values: Any) -> None:
        """See Journal.describe."""
        self._call("describe", **values)


class Trainee:
    """The actor that trains one run; `wake` and `leave` arrive while `train` is at work."""

    def __init__(self) -> None:
        self._wake, self._leave = threading.Event(), threading.Event()

    def train(self, keeper: Any, run_id: str, lease: str) -> None:
        """Train the run to its end."""
        from paramixer_core.mixing import prepare
        from paramixer_core.runs.patience import PatientJournal
        from paramixer_core.runs.session import Session

        prepare()
        # Why it waits for the store is said by the server, which has the same store.
        journal = PatientJournal(
            RemoteJournal(keeper, run_id, lease), self._leave, lambda sentence: None
        )
        try:
            Session(journal, self._wake, self._leave).run()
        except LeaseLostError:
            return

    def wake(self) -> None:
        """Look for commands now."""
        self._wake.set()

    def leave(self) -> None:
        """Keep what is there and go."""
        self._leave.set()
        self._wake.set()
