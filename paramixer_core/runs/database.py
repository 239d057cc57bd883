"""The store's database file: connections for threads and processes, and whole transactions."""

import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, LifoQueue
from types import TracebackType
from typing import Self

from platformdirs import user_data_path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import schema
from paramixer_core.runs.private import PRIVATE_FILE, PRIVATE_FOLDER, keep_private
from paramixer_core.runs.store_errors import explained, store_gone

DATABASE = "runs.db"
FOLDER = "paramixer-lab"


def default_home() -> Path:
    """The folder for runs: PARAMIXER_HOME, else the platform's place for a user's data.

    Raises ParamixerError for a PARAMIXER_HOME below the home of a user who has none.
    """
    if named := os.environ.get("PARAMIXER_HOME"):
        return _expanded(named)
    place = user_data_path(FOLDER, appauthor=False)
    before = Path.home() / ".local/share" / FOLDER  # where it once was on every system but macOS
    moved = sys.platform not in ("linux", "darwin") and before.exists() and not place.exists()
    return before if moved else place


def _expanded(named: str) -> Path:
    try:
        path = Path(named).expanduser()
        user = Path(named).parts[0]
        if not user.startswith("~") or Path(user).expanduser().is_dir():
            return path
    except RuntimeError:  # no such user
        pass
    raise ParamixerError(
        "PARAMIXER_HOME as a folder for runs",
        f"{named}, below the home of a user who has none",
        "write the folder's full path",
    )


class Database:
    """The SQLite file in a folder; safe to share between threads and processes.

    Between uses it keeps its connections for the next, so whoever makes one closes it: by
    `close`, or as `with RunStore() as store`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = (default_home() if folder is None else folder).absolute()
        self.path = self.folder / DATABASE
        self._idle: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._identity: tuple[int, int] | None = None
        self._closed = False
        with explained(self.path):
            keep_private(self.folder)
            (self.folder / "runs").mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
            schema.require_ours(self.path)
            self.path.touch(PRIVATE_FILE)
        with self.reading() as database:
            schema.migrate(database, self.path)
        self._identity = self._present_identity()

    def _present_identity(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def require_present(self) -> None:
        """Raise StoreGoneError if the file is no longer the one that was opened.

        SQLite itself goes on to write into a deleted file, where nobody would find it.
        """
        if self._identity is not None and self._present_identity() != self._identity:
            self._close_idle()
            raise store_gone(self.path)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection, those in use as soon as they are not.

        The store can still be used: each use then opens a connection and closes it again.
        """
        self._closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while True:
            try:
                self._idle.get_nowait().close()
            except Empty:
                return

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for this block alone, its errors explained."""
        with explained(self.path):
            self.require_present()
            try:
                database = self._idle.get_nowait()
            except Empty:
                database = schema.connect(self.path)
            try:
                yield database
            except BaseException:
                database.close()
                raise
            self._idle.put(database)
            if self._closed:
                self._close_idle()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """One write transaction: all of it is kept, or none of it if the block raises."""
        with self.reading() as database:
            database.execute("BEGIN IMMEDIATE")
            yield database  # an error closes the connection, which rolls back
            database.execute("COMMIT")

    @staticmethod
    def key_of(database: sqlite3.Connection, run_id: str) -> int:
        """A run's number in the other tables; raises ParamixerError for an unknown id."""
        row = database.execute("SELECT key FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise unknown_run(run_id)
        return int(row[0])


def unknown_run(run_id: str) -> ParamixerError:
    """The error for an id that the store does not hold."""
    return ParamixerError("the id of a run in this store", repr(run_id), "choose one from the list")
