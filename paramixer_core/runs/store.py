"""The run store: configurations, states and curves in SQLite, snapshots in files beside it."""

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import curves, schema, snapshots
from paramixer_core.runs.database import Database, unknown_run
from paramixer_core.runs.run import Command, Curve, Failure, Run, RunState, SnapshotInfo, TestCurve
from paramixer_core.runs.segments import Conditions, RateChange, Segment
from paramixer_core.runs.store_errors import explained

MAX_POINTS = 2000


class RunStore(Database):
    """Reads and writes the runs of one folder; safe to share between threads and processes.

    Raises StoreError, naming the file and what to do, when the store cannot be used. An id that
    does not exist raises ParamixerError.
    """

    def create(
        self,
        config: RunConfig,
        *,
        owner: str = "",
        race: str | None = None,
        parent: str | None = None,
        parent_step: int | None = None,
        host: str = "",
        first_snapshot: Mapping[str, np.ndarray] | None = None,
        ancestry: Sequence[Segment] = (),
        state: RunState = RunState.QUEUED,
    ) -> Run:
        """Add a run. `owner` is who asked for it (a browser's id).

        With `first_snapshot` (what snapshots.read_arrays gives) it begins at `parent_step`;
        `ancestry` is what led there.
        """
        while (identity := secrets.token_urlsafe(6))[0] == "-":
            continue  # it would read as an option on a command line
        values: dict[str, Any] = {
            "id": identity,
            "config": json.dumps(config.as_dict()),
            "state": state,
            "owner": owner,
            "race": race,
            "parent": parent,
            "parent_step": parent_step,
            "step": parent_step or 0,
            "created": time.time(),
            "learning_rate": config.learning_rate,
            "host": host,
            "ancestry": json.dumps([segment.as_dict() for segment in ancestry]),
        }
        size = 0
        if first_snapshot is not None:
            path = snapshots.snapshot_file(self.run_folder(identity), values["step"])
            with explained(path):
                size = snapshots.write_arrays(path, first_snapshot, {"run": identity})
        with self.transaction() as database:
            key = database.execute(
                f"INSERT INTO runs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            ).lastrowid
            if first_snapshot is not None:
                database.execute(
                    "INSERT INTO snapshots VALUES (?, ?, 1, ?, ?)",
                    (key, values["step"], size, values["created"]),
                )
        return self.run(identity)

    def run(self, run_id: str) -> Run:
        """One run as it stands now."""
        with self.reading() as database:
            row = database.execute("SELECT * FROM runs WHERE id = ?", (run_id,)).fetchone()
        if row is None:
            raise unknown_run(run_id)
        return _run(row)

    def runs(
        self,
        *,
        states: Iterable[RunState] | None = None,
        owner: str | None = None,
        race: str | None = None,
        host: str | None = None,
        limit: int = 200,
    ) -> list[Run]:
        """Runs that match all that is given, newest first, at most `limit`.

        One whose configuration this version cannot read is left out; `run` says what is wrong.
        """
        wanted: dict[str, list[str]] = {}
        if states is not None:
            wanted["state"] = list(states)
        for column, value in (("owner", owner), ("race", race), ("host", host)):
            if value is not None:
                wanted[column] = [value]
        query = "SELECT * FROM runs"
        if wanted:
            query += " WHERE " + " AND ".join(
                f"{column} IN ({', '.join('?' * len(values))})" for column, values in wanted.items()
            )
        query += " ORDER BY created DESC, key DESC LIMIT ?"
        values = [value for column in wanted.values() for value in column]
        found = []
        with self.reading() as database:
            rows = database.execute(query, (*values, limit)).fetchall()
        for row in rows:
            with suppress(ParamixerError):
                found.append(_run(row))
        return found

    def enqueue(self, run_id: str, host: str) -> None:
        """Have a run that went before wait for a worker of `host`."""
        values = {"state": RunState.QUEUED, "reason": "", "host": host}
        self.update(run_id, **values, ended=None, failure=None)

    def queued(self, host: str) -> list[Run]:
        """Runs that wait for a worker of `host`, oldest first."""
        return self.runs(states=[RunState.QUEUED], host=host, limit=10_000)[::-1]

    def update(self, run_id: str, *, held_by: str | None = None, **values: Any) -> bool:
        """Set columns of a run; with `held_by`, only while the run is under that lease.

        Returns whether it happened.
        """
        changes = ", ".join(f"{column} = ?" for column in values)
        query = f"UPDATE runs SET {changes} WHERE id = ?"
        parameters = [*values.values(), run_id]
        if held_by is not None:
            query += " AND lease = ?"
            parameters.append(held_by)
        with self.transaction() as database:
            return database.execute(query, parameters).rowcount == 1

    def pin(self, run_id: str, pinned: bool = True) -> None:
        """Protect a run from retention, or no longer."""
        if not self.update(run_id, pinned=int(pinned)):
            raise unknown_run(run_id)

    def delete(self, run_id: str) -> None:
        """Remove an ended run with all that it left. An active one raises ParamixerError."""
        run = self.run(run_id)
        if run.state.active:
            raise ParamixerError("a run that has ended", f"a {run.state} one", "stop it first")
        with self.transaction() as database:
            key = self.key_of(database, run_id)
            for table in schema.RUN_TABLES:
                database.execute(f"DELETE FROM {table} WHERE run = ?", (key,))
            database.execute("DELETE FROM runs WHERE key = ?", (key,))
        with self.reading() as database:
            database.execute("PRAGMA incremental_vacuum").fetchall()
        shutil.rmtree(self.run_folder(run_id), ignore_errors=True)

    def run_folder(self, run_id: str) -> Path:
        """Where a run's snapshots and log lie."""
        return self.folder / "runs" / run_id

    def records(self, run_id: str, *, after_step: int = -1, max_points: int = MAX_POINTS) -> Curve:
        """Training records after `after_step`, thinned to at most `max_points` (8 or more).

        Thinning keeps the first, the last and every bucket's smallest and largest loss, accuracy
        and gradient norm. The cost is bounded by `max_points`, not by the run's length.
        """
        with self.reading() as database:
            return curves.read(database, self.key_of(database, run_id), after_step, max_points)

    def evaluations(self, run_id: str, *, after_step: int = -1) -> TestCurve:
        """Figures on the test set after `after_step`."""
        with self.reading() as database:
            return curves.read_tests(database, self.key_of(database, run_id), after_step)

    def snapshots(self, run_id: str, *, scheduled: bool = True) -> list[SnapshotInfo]:
        """Snapshots in order of step: those with probe figures, or all that can be continued."""
        folder = self.run_folder(run_id)
        with self.reading() as database:
            rows = database.execute(
                "SELECT * FROM snapshots WHERE run = ? AND scheduled >= ? ORDER BY step",
                (self.key_of(database, run_id), int(scheduled)),
            ).fetchall()
        return [
            SnapshotInfo(
                step=row["step"],
                scheduled=bool(row["scheduled"]),
                file=snapshots.snapshot_file(folder, row["step"]),
                size=row["bytes"],
                created=row["created"],
            )
            for row in rows
        ]

    def probe(
        self, run_id: str, step: int, names: Sequence[str] | None = None
    ) -> dict[str, np.ndarray]:
        """Probe figures of a snapshot (Trainer.probe's names), or only those in `names`."""
        self.run(run_id)
        return snapshots.read_probe(snapshots.snapshot_file(self.run_folder(run_id), step), names)

    def state(self, run_id: str, step: int) -> dict[str, Any]:
        """The trainer's state at a snapshot, as torch tensors for Trainer.load_state."""
        self.run(run_id)
        return snapshots.read_state(snapshots.snapshot_file(self.run_folder(run_id), step))

    def resume_step(self, run_id: str) -> int | None:
        """The newest snapshot that is whole: where the run would go on from, if anywhere."""
        for snapshot in reversed(self.snapshots(run_id, scheduled=False)):
            if snapshots.is_whole(snapshot.file):
                return snapshot.step
        return None

    def grant(self, run_id: str, lease: str, host: str) -> None:
        """Give a run to one worker: only who knows `lease` may write it from now on."""
        with self.transaction() as database:
            key = self.key_of(database, run_id)
            database.execute("DELETE FROM commands WHERE run = ?", (key,))
            database.execute(
                "UPDATE runs SET state = ?, reason = 'Starting.', failure = NULL, ended = NULL, "
                "started = coalesce(started, ?), lease = ?, host = ?, pid = NULL WHERE key = ?",
                (RunState.RUNNING, time.time(), lease, host, key),
            )

    def command(self, run_id: str, name: Command, value: float | None = None) -> None:
        """Leave a command for the run's worker."""
        with self.transaction() as database:
            database.execute(
                "INSERT INTO commands (run, name, value, created) VALUES (?, ?, ?, ?)",
                (self.key_of(database, run_id), name, value, time.time()),
            )

    def adjust(self, run_id: str, step: int, learning_rate: float) -> None:
        """Note the learning rate that holds after `step` steps of a run that has no worker."""
        with self.transaction() as database:
            curves.adjust(database, self.key_of(database, run_id), step, learning_rate)

    def rate_changes(self, run_id: str) -> tuple[RateChange, ...]:
        """Every change of the learning rate that was noted, in order of step."""
        with self.reading() as database:
            rows = database.execute(
                "SELECT step, learning_rate FROM adjustments WHERE run = ? ORDER BY step",
                (self.key_of(database, run_id),),
            ).fetchall()
        return tuple((row["step"], row["learning_rate"]) for row in rows)


def _run(row: sqlite3.Row) -> Run:
    values = {name: row[name] for name in row.keys() if name not in ("key", "heartbeat")}  # noqa: SIM118
    values["config"] = RunConfig.from_dict(json.loads(values["config"]))
    values["state"] = RunState(values["state"])
    values["failure"] = None if values["failure"] is None else Failure(values["failure"])
    values["pinned"] = bool(values["pinned"])
    for name, kind in (("conditions", Conditions), ("ancestry", Segment)):
        values[name] = tuple(map(kind.from_dict, json.loads(values[name])))
    return Run(**values)
