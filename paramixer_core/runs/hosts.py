"""Which servers are alive: each holds a lock on a file, and the lock ends with its process."""

import fcntl
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from paramixer_core.runs.store_errors import explained


class Host:
    """This process as a holder of runs. `name` is unique and never used again."""

    def __init__(self, folder: Path) -> None:
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._path = folder / f"{self.name}.lock"
        with explained(self._path):
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self._locked()

    def _locked(self) -> IO[str]:
        while True:
            file = self._path.open("w")
            fcntl.flock(file, fcntl.LOCK_EX)
            if self._path.exists():
                return file
            file.close()  # taken for dead between opening and locking

    def close(self) -> None:
        """Say that this holder is gone."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def dead_hosts(folder: Path, known: Iterable[str]) -> Iterator[str]:
    """Names of the holders whose process has ended without saying so, and those of `known` that
    left no file.

    Each is yielded to one caller alone (others find the file locked), and forgotten once the
    caller comes back for the next.
    """
    yield from (name for name in known if not (folder / f"{name}.lock").exists())
    for path in sorted(folder.glob("*.lock")):
        try:
            file = path.open("r+")
        except FileNotFoundError:
            continue
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield path.stem
            path.unlink(missing_ok=True)
