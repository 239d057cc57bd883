"""Runs that survive: the store that keeps them, the executors that train them, and races.

store = RunStore()                       # PARAMIXER_HOME, else the user's data folder
executor = open_executor(store)          # worker processes on this machine
run = executor.submit(RunConfig(task="digits", seq_len=64), owner="a browser's id")
store.run(run.id).state                  # queued, running, paused, finished, ...
store.records(run.id, max_points=500)    # columns: step, loss, accuracy, grad_norm, ...
"""

from paramixer_core.runs.database import default_home
from paramixer_core.runs.executor import Executor, open_executor
from paramixer_core.runs.run import (
    Command,
    Curve,
    Failure,
    Run,
    RunState,
    SnapshotInfo,
    TestCurve,
)
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError

__all__ = [
    "Command",
    "Curve",
    "Executor",
    "Failure",
    "Run",
    "RunState",
    "RunStore",
    "SnapshotInfo",
    "StoreError",
    "TestCurve",
    "default_home",
    "open_executor",
]
