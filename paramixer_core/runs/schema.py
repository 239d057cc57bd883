"""The store's tables and how an older store becomes a newer one."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import quote

from paramixer_core.runs.store_errors import StoreError

APPLICATION_ID = 0x50_4D_58_52  # "PMXR": tells our file from any other SQLite file

MIGRATIONS: Sequence[str] = (
    """
    CREATE TABLE runs (
        key INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        config TEXT NOT NULL,
        state TEXT NOT NULL,
        reason TEXT NOT NULL DEFAULT '',
        failure TEXT,
        owner TEXT NOT NULL DEFAULT '',
        race TEXT,
        parent TEXT,
        parent_step INTEGER,
        created REAL NOT NULL,
        started REAL,
        ended REAL,
        heartbeat REAL,
        step INTEGER NOT NULL DEFAULT 0,
        seconds REAL NOT NULL DEFAULT 0,
        steps_per_second REAL NOT NULL DEFAULT 0,
        learning_rate REAL NOT NULL,
        speed REAL,
        device TEXT NOT NULL DEFAULT '',
        memory INTEGER NOT NULL DEFAULT 0,
        parameters INTEGER NOT NULL DEFAULT 0,
        pid INTEGER,
        host TEXT NOT NULL DEFAULT '',
        lease TEXT,
        pinned INTEGER NOT NULL DEFAULT 0
    );
    CREATE INDEX runs_by_creation ON runs(created);
    CREATE INDEX runs_by_state ON runs(state);
    CREATE INDEX runs_by_race ON runs(race) WHERE race IS NOT NULL;
    CREATE TABLE records (
        run INTEGER NOT NULL, step INTEGER NOT NULL,
        loss REAL, accuracy REAL, grad_norm REAL, steps_per_second REAL, seconds REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE extremes (
        run INTEGER NOT NULL, level INTEGER NOT NULL, step INTEGER NOT NULL,
        PRIMARY KEY (run, level, step)
    ) WITHOUT ROWID;
    CREATE TABLE evaluations (
        run INTEGER NOT NULL, step INTEGER NOT NULL, loss REAL, accuracy REAL, seconds REAL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE snapshots (
        run INTEGER NOT NULL, step INTEGER NOT NULL, scheduled INTEGER NOT NULL,
        bytes INTEGER NOT NULL, created REAL NOT NULL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE adjustments (
        run INTEGER NOT NULL, step INTEGER NOT NULL, learning_rate REAL NOT NULL,
        PRIMARY KEY (run, step)
    ) WITHOUT ROWID;
    CREATE TABLE commands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        run INTEGER NOT NULL, name TEXT NOT NULL, value REAL, created REAL NOT NULL
    );
    CREATE INDEX commands_by_run ON commands(run, id);
    """,
    """
    CREATE INDEX runs_by_owner ON runs(owner, state);
    CREATE TABLE queue (generation INTEGER NOT NULL);
    INSERT INTO queue VALUES (0);
    CREATE TRIGGER queue_gained AFTER INSERT ON runs WHEN NEW.state = 'queued'
        BEGIN UPDATE queue SET generation = generation + 1; END;
    CREATE TRIGGER queue_lost AFTER DELETE ON runs WHEN OLD.state = 'queued'
        BEGIN UPDATE queue SET generation = generation + 1; END;
    CREATE TRIGGER queue_changed AFTER UPDATE OF state, host, owner ON runs
        WHEN OLD.state = 'queued' OR NEW.state = 'queued'
        BEGIN UPDATE queue SET generation = generation + 1; END;
    """,
    """
    ALTER TABLE runs ADD COLUMN conditions TEXT NOT NULL DEFAULT '[]';
    ALTER TABLE runs ADD COLUMN ancestry TEXT NOT NULL DEFAULT '[]'
    """,
    """
    CREATE TABLE uploads (
        name TEXT NOT NULL, owner TEXT NOT NULL, created REAL NOT NULL,
        PRIMARY KEY (name, owner)
    ) WITHOUT ROWID;
    """,
    "ALTER TABLE uploads ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;",
)
"""Script i takes a store from version i to i + 1. Never edit one that was released: append."""

RUN_TABLES = ("records", "extremes", "evaluations", "snapshots", "adjustments", "commands")
"""Every table whose rows belong to a run by its key."""


def connect(path: Path, timeout: float = 10.0) -> sqlite3.Connection:
    """Open the database in WAL mode; `timeout` seconds of patience with other writers."""
    database = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        if database.execute("PRAGMA journal_mode").fetchone()[0] != "wal":  # it is new
            database.execute("PRAGMA auto_vacuum = INCREMENTAL")
            database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
    except sqlite3.DatabaseError:
        database.close()
        raise
    database.row_factory = sqlite3.Row
    return database


def migrate(
    database: sqlite3.Connection, path: Path, migrations: Sequence[str] = MIGRATIONS
) -> None:
    """Bring the store to the newest version in one transaction, or leave it as it was.

    Raises StoreError for a store that a newer library wrote, or a file that is not ours.
    """
    if _version(database) == len(migrations):
        return
    database.execute("BEGIN IMMEDIATE")
    try:
        version = _version(database)
        if version > len(migrations):
            raise StoreError(
                f"a run store of version {len(migrations)} or older at {path}",
                f"version {version}",
                "update this library; the store was left untouched",
            )
        for number in range(version, len(migrations)):
            for statement in statements(migrations[number]):
                database.execute(statement)
            database.execute(f"PRAGMA user_version = {number + 1}")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute("COMMIT")
    except BaseException:
        database.execute("ROLLBACK")
        raise


def statements(script: str) -> Iterator[str]:
    """The statements of a script, a trigger with all that it does as one.

    >>> list(statements("A; B"))
    ['A;', ' B;']
    """
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement) and statement.strip(" \n;"):
            yield statement
            statement = ""


def require_ours(path: Path) -> None:
    """Raise StoreError unless `path` is absent, empty or a run store; reads and changes nothing."""
    if not path.exists() or path.stat().st_size == 0:
        return
    database = sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
    try:
        mark = database.execute("PRAGMA application_id").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    finally:
        database.close()
    if mark != APPLICATION_ID and tables:
        raise StoreError(
            f"a run store or no file at {path}",
            "another program's database",
            "set PARAMIXER_HOME to another folder",
        )


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])
