"""Waiting for what another process does, with a deadline."""

import time
from collections.abc import Callable

from paramixer_core.runs import Run, RunState, RunStore


def wait_until(happened: Callable[[], bool], seconds: float = 120.0) -> None:
    """Return once `happened()` is true; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def wait_for(store: RunStore, run_id: str, *states: RunState, seconds: float = 120.0) -> Run:
    """The run once it is in one of the states; fails, telling its state, after `seconds`."""
    deadline = time.monotonic() + seconds
    while (run := store.run(run_id)).state not in states:
        assert time.monotonic() < deadline, (
            f"{run.state} at step {run.step}, worker {run.pid}: {run.reason}"
        )
        time.sleep(0.005)
    return run
