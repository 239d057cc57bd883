"""Who uploaded which data set, what was trained on it, and how all of that is deleted."""

import time
from contextlib import suppress
from pathlib import Path

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.executor import Executor
from paramixer_core.runs.ownership import Actor, NotYoursError
from paramixer_core.runs.run import Run
from paramixer_core.runs.store import RunStore

STOPPING_SECONDS = 15.0


def claim(store: RunStore, name: str, actor: Actor) -> None:
    """Note that the actor uploaded the data set `name`; the same file may have several owners."""
    with store.transaction() as database:
        database.execute(
            "INSERT OR IGNORE INTO uploads VALUES (?, ?, ?)", (name, actor.name, time.time())
        )


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


def disclaim(store: RunStore, name: str, actor: Actor) -> None:
    """Forget that something was brought. Raises NotYoursError for what is another's."""
    if not actor.operator and actor.name not in owners_of(store, name):
        raise NotYoursError("what this browser brought", name, "leave it to its owner")
    with store.transaction() as database:
        database.execute("DELETE FROM uploads WHERE name = ?", (name,))


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
