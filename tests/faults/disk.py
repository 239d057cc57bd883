"""A disk without room, and a store that another process holds locked."""

import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paramixer_core.runs import RunState, RunStore
from tests.faults.fault import Fault
from tests.faults.served import LONG, app_on, home_of, seen, steps, without_gap

SIZE = "260m"
LOCKED_SECONDS = 20.0
MORE_STEPS = 50
"""What a run must make once its store takes something again."""
GOES_ON = "the reason said, then training goes on, no step lost"


@contextmanager
def small_disk() -> Iterator[Path]:
    """A file system of its own in memory. Raises CalledProcessError where mounting is forbidden."""
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", scratch], check=True)
        try:
            yield Path(scratch)
        finally:
            subprocess.run(["umount", "--lazy", scratch], check=True)


def full() -> str:
    """Fill the disk under a training run, look, make room again, look again."""
    try:
        with small_disk() as disk, home_of(LONG, folder=disk) as (home, ids), app_on(home):
            return _waited(home, ids, lambda: _filled(disk), "full disk")
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        return f"no small disk can be mounted here: {error}"


@contextmanager
def _filled(disk: Path) -> Iterator[None]:
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 2**6, 1):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                continue
    yield
    filler.unlink()


def locked() -> str:
    """Hold the store's write lock for twenty seconds."""
    with home_of(LONG) as (home, ids), app_on(home):
        return _waited(home, ids, lambda: _lock(home), "lock held by another program")


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    other = sqlite3.connect(home / "runs.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    yield
    time.sleep(max(0.0, LOCKED_SECONDS - (time.monotonic() - began)))
    other.execute("COMMIT")
    other.close()


def _waited(home: Path, ids: list[str], fault, words: str) -> str:  # type: ignore[no-untyped-def]
    store = RunStore(home)
    seen(ids, lambda status, text: "trains" in text, 10)
    steps(store, ids[0], 50)
    with fault():
        said = seen(ids, lambda status, text: words in text, 40)
    made = steps(store, ids[0], MORE_STEPS)
    run, whole = store.run(ids[0]), without_gap(store, ids[0])
    store.close()
    if words not in said:
        return f"it was said: {said}"
    if run.state is not RunState.RUNNING or made < MORE_STEPS:
        return f"the run is {run.state} after {made} steps more, {run.reason}"
    return GOES_ON if whole else "steps are missing"


FAULTS = (
    Fault("full disk", f"a disk of {SIZE} filled under a run, then room made", GOES_ON, full),
    Fault("locked store", "another process holds the write lock for 20 s", GOES_ON, locked),
)
