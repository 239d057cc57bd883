"""Which servers are alive: each holds a lock on a file, and the lock ends with its process."""

import contextlib
import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from paramixer_core.runs.private import PRIVATE_FILE
from paramixer_core.runs.store_errors import explained


class Host:
    """This process as a holder of runs. `name` is unique and never used again."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / f"{self.name}.lock"
        with explained(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = self._locked()

    def _locked(self) -> FileLock:
        while True:
            lock = lock_of(self._path)
            lock.acquire()
            if self._path.exists():
                return lock
            lock.release()  # taken for dead between opening and locking

    def close(self) -> None:
        """Say that this holder is gone."""
        with contextlib.suppress(PermissionError):  # Windows keeps a file that is open
            self._path.unlink(missing_ok=True)
        self._lock.release()
        self._path.unlink(missing_ok=True)


def lock_of(path: Path, timeout: float = -1) -> FileLock:
    """A lock on a file for a whole process, whichever of its threads holds it."""
    return FileLock(path, timeout, mode=PRIVATE_FILE, thread_local=False)


def closed_hosts(folder: Path, known: Iterable[str]) -> list[str]:
    """Those of the holders that left no file: they said that they were gone."""
    return [name for name in known if not (folder / f"{name}.lock").exists()]


def dead_hosts(folder: Path, forget: Callable[[str], bool] = lambda name: True) -> Iterator[str]:
    """Names of the holders whose process has ended without saying so.

    Each is yielded to one caller alone (others find the file locked), and forgotten once the
    caller comes back for the next, if `forget` agrees.
    """
    for path in sorted(folder.glob("*.lock")):
        lock = lock_of(path, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            continue
        try:
            yield path.stem
            if not forget(path.stem):
                continue
            with contextlib.suppress(PermissionError):
                path.unlink(missing_ok=True)
        finally:
            lock.release()
        path.unlink(missing_ok=True)
