"""Who uploaded which data set, what was trained on it, and how all of that is deleted."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.ownership import Actor, NotYoursError
from paramixer_core.runs.quotas import require_upload_room
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore

STOPPING_SECONDS = 15.0


@contextmanager
def claiming(store: RunStore, name: str, actor: Actor, size: int) -> Iterator[list[int]]:
    """Note that the actor brought `size` bytes under `name`, before this block keeps them.

    Yields the sizes of what else it brought. What several bring is each one's own. Raises
    QuotaError, and notes nothing, if that is more than the actor, or all, may bring; of two at once
    the second counts the first. Where the block raises, the note is taken back.
    """
    with store.transaction() as database:
        own, of_all = _held(database, actor, besides=name)
        known = database.execute(
            "SELECT 1 FROM uploads WHERE name = ? AND owner = ?", (name, actor.name)
        ).fetchone()
        if not known:
            require_upload_room(own, of_all, size, owned=bool(actor.name))
            database.execute(
                "INSERT INTO uploads (name, owner, created, bytes) VALUES (?, ?, ?, ?)",
                (name, actor.name, time.time(), size),
            )
    try:
        yield own
    except BaseException:
        if not known:
            with store.transaction() as database:
                database.execute(
                    "DELETE FROM uploads WHERE name = ? AND owner = ?", (name, actor.name)
                )
        raise


def require_room(store: RunStore, actor: Actor, size: int = 0) -> None:
    """Raise QuotaError if the actor may not bring `size` bytes more."""
    with store.reading() as database:
        own, of_all = _held(database, actor)
    require_upload_room(own, of_all, size, owned=bool(actor.name))


def _held(
    database: sqlite3.Connection, actor: Actor, besides: str = ""
) -> tuple[list[int], list[int]]:
    """Sizes of what the actor brought, and of what all did, each thing once; not of `besides`."""
    rows = database.execute(
        "SELECT name, max(bytes) AS bytes, max(owner = ?) AS own FROM uploads WHERE name != ?"
        " GROUP BY name",
        (actor.name, besides),
    ).fetchall()
    return [row["bytes"] for row in rows if row["own"]], [row["bytes"] for row in rows]


def uploads_of(store: RunStore, actor: Actor) -> list[str]:
    """Names of the data sets that the actor uploaded, the newest first; the operator's: all."""
    where, values = ("", ()) if actor.operator else ("WHERE owner = ?", (actor.name,))
    with store.reading() as database:
        rows = database.execute(
            f"SELECT name FROM uploads {where} GROUP BY name ORDER BY max(created) DESC", values
        ).fetchall()
    return [row["name"] for row in rows]


def trained_on(store: RunStore, name: str) -> list[Run]:
    """Every run on a data set, whoever started it, in order of their making."""
    with store.reading() as database:
        rows = database.execute(
            "SELECT id FROM runs WHERE json_extract(config, '$.task') = ? ORDER BY created", (name,)
        ).fetchall()
    found = []
    for row in rows:
        with suppress(ParamixerError):  # deleted meanwhile
            found.append(store.run(row["id"]))
    return found


def owners_of(store: RunStore, name: str) -> list[str]:
    """Who uploaded a data set."""
    with store.reading() as database:
        rows = database.execute("SELECT owner FROM uploads WHERE name = ?", (name,)).fetchall()
    return [row["owner"] for row in rows]


def disclaim(store: RunStore, name: str, actor: Actor) -> bool:
    """Forget that the actor brought something; whether nobody else did, so that it can go.

    The operator disclaims for everybody. Raises NotYoursError for what is another's.
    """
    owners = owners_of(store, name)
    if not actor.operator and actor.name not in owners:
        raise NotYoursError("what this browser brought", name, "leave it to its owner")
    gone = owners if actor.operator else [actor.name]
    with store.transaction() as database:
        database.executemany(
            "DELETE FROM uploads WHERE name = ? AND owner = ?", [(name, owner) for owner in gone]
        )
    return set(gone) >= set(owners)


def delete_upload(executor: Executor, file: Path, name: str, actor: Actor) -> int:
    """Delete a data set with every run trained on it; returns how many runs went with it.

    One that somebody else uploaded too stays theirs: the actor's runs on it go. Nothing can be had
    back: rows are overwritten in the database and its journal is emptied. `executor` is the
    server's own, and `file` the data set's. Raises NotYoursError for another's upload.
    """
    store = executor.store
    owners = owners_of(store, name)
    if not actor.operator and actor.name not in owners:
        raise NotYoursError("a data set that this browser uploaded", name, "leave it to its owner")
    others = [] if actor.operator else [owner for owner in owners if owner != actor.name]
    runs = [run for run in trained_on(store, name) if not others or run.owner == actor.name]
    for run in runs:
        if run.state.active:
            executor.stop(run.id)
    _wait_until_ended(store, runs)
    for run in runs:
        store.delete(run.id)
    with store.transaction() as database:
        if others:
            database.execute("DELETE FROM uploads WHERE name = ? AND owner = ?", (name, actor.name))
        else:
            database.execute("DELETE FROM uploads WHERE name = ?", (name,))
    if not others:
        file.unlink(missing_ok=True)
    with store.reading() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    return len(runs)


def _wait_until_ended(store: RunStore, runs: list[Run]) -> None:
    deadline = time.monotonic() + STOPPING_SECONDS
    while any(store.run(run.id).state.active for run in runs):
        if time.monotonic() > deadline:
            raise ParamixerError(
                "its runs to stop",
                f"some that still do after {STOPPING_SECONDS:.0f} s",
                "nothing was deleted yet; try again in a moment",
            )
        time.sleep(0.05)
