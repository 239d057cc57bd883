"""What can go wrong with the store's files, said in a sentence that names the file."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from paramixer_core.errors import ParamixerError


class StoreError(ParamixerError):
    """The run store cannot be read or written; nothing in it was changed."""

    def __reduce__(self) -> tuple[type, tuple[str, object, str]]:
        """Survive the way from another process."""
        return type(self), (self.expected, self.got, self.remedy)


class StoreUnavailableError(StoreError):
    """The store cannot be used for now: full, locked, read-only or gone. The same call may succeed
    once that is mended, so what is to be written is kept and tried again.
    """


class StoreGoneError(StoreUnavailableError):
    """The store's file was deleted or replaced while it was in use."""


class UnreadableRunError(ParamixerError):
    """A run's row cannot be read: it is damaged, or another version wrote it."""


class LeaseLostError(Exception):
    """The run was given to another worker; whoever sees this must stop writing."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite and of the file system into StoreErrors that name `path`."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise _explain_sqlite(error, path) from error
    except OSError as error:
        raise _explain_os(error, path) from error


def _explain_sqlite(error: sqlite3.DatabaseError, path: Path) -> StoreError:
    text = str(error)
    if "readonly" in text or "read-only" in text:
        return StoreUnavailableError(
            f"a run store that can be written at {path}",
            "a read-only one",
            "give this user write access or set PARAMIXER_HOME to another folder",
        )
    if "full" in text:
        return _disk_full(path)
    if "locked" in text or "busy" in text:
        return StoreUnavailableError(
            f"the run store at {path} to be free within a few seconds",
            "a lock held by another program",
            "close the program that holds it and try again",
        )
    if "unable to open" in text:
        return StoreUnavailableError(
            f"a run store that can be opened at {path}",
            text,
            "check the folder's permissions or set PARAMIXER_HOME to another folder",
        )
    if "disk I/O" in text:
        return StoreUnavailableError(
            f"a disk that can be read and written at {path}",
            text,
            "check the disk and the folder; what is measured is kept meanwhile",
        )
    return StoreError(
        f"a healthy run store at {path}",
        text,
        "it was left untouched; move it aside (or restore a copy) and start again",
    )


def _explain_os(error: OSError, path: Path) -> StoreError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return _disk_full(path)
    return StoreUnavailableError(
        f"a folder for runs that can be written at {path}",
        error.strerror or str(error),
        "check its permissions or set PARAMIXER_HOME to another folder",
    )


def _disk_full(path: Path) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"room on the disk that holds {path}",
        "a full disk",
        "delete runs that you no longer need, or other files, and continue the run",
    )


def store_gone(path: Path) -> StoreGoneError:
    """The error for a store whose file is no longer the one that was opened."""
    return StoreGoneError(
        f"the run store at {path}",
        "one that was deleted or replaced while this server ran",
        "put it back, or make a new one: a restart of the server does",
    )
