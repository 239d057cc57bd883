"""The run store: configurations, states and curves in SQLite, snapshots in files beside it."""

import json
import secrets
import shutil
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.runs import curves, queueing, schema, snapshots
from paramixer_core.runs.database import Database, unknown_run
from paramixer_core.runs.queueing import QueuedRun
from paramixer_core.runs.run import Command, Curve, Failure, Run, RunState, SnapshotInfo, TestCurve
from paramixer_core.runs.segments import Conditions, RateChange, Segment
from paramixer_core.runs.store_errors import StoreUnavailableError, UnreadableRunError, explained

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

        What the configuration's mixer does not read has its default, here and in `create_race`.

        With `first_snapshot` (what snapshots.read_arrays gives) it begins at `parent_step`;
        `ancestry` is what led there. Raises QuotaError, and adds nothing, if `owner` or the server
        has too many runs.
        """
        identity, config = _new_id(), _read_by_its_mixer(config)
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
        try:
            self._insert(values, size if first_snapshot is not None else None)
        except BaseException:
            shutil.rmtree(self.run_folder(identity), ignore_errors=True)
            raise
        return self.run(identity)

    def _insert(self, values: dict[str, Any], size: int | None) -> None:
        with self.transaction() as database:
            queueing.require_run_quota(database, values["owner"], 1)
            key = database.execute(
                f"INSERT INTO runs ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})",
                tuple(values.values()),
            ).lastrowid
            if size is not None:
                database.execute(
                    "INSERT INTO snapshots VALUES (?, ?, 1, ?, ?)",
                    (key, values["step"], size, values["created"]),
                )

    def create_race(
        self, configs: Sequence[RunConfig], *, owner: str, race: str | None, host: str
    ) -> list[str]:
        """Add runs in state QUEUED, all of them or, over a quota, none; their ids in order."""
        ids = [_new_id() for _ in configs]
        configs = [_read_by_its_mixer(config) for config in configs]
        shared = (RunState.QUEUED, owner, race, time.time(), host)
        with self.transaction() as database:
            queueing.require_run_quota(database, owner, len(configs))
            database.executemany(
                "INSERT INTO runs (state, owner, race, created, host, id, config, learning_rate) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (*shared, identity, json.dumps(config.as_dict()), config.learning_rate)
                    for identity, config in zip(ids, configs, strict=True)
                ),
            )
        return ids

    def run(self, run_id: str) -> Run:
        """One run as it stands now."""
        return self.several([run_id])[0]

    def several(self, run_ids: Sequence[str]) -> list[Run]:
        """Runs as they stand at one moment, in this order, read at once."""
        marks = ", ".join("?" * len(run_ids))
        query = f"SELECT * FROM runs WHERE id IN ({marks})"
        with self.reading() as database:
            rows = {row["id"]: row for row in database.execute(query, tuple(run_ids))}
        if missing := [run_id for run_id in run_ids if run_id not in rows]:
            raise unknown_run(missing[0])
        return [_run(rows[run_id]) for run_id in run_ids]

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
            with suppress(UnreadableRunError):
                found.append(_run(row))
        return found

    def enqueue(self, run_id: str, host: str) -> None:
        """Have a run that went before wait for a worker of `host`; QuotaError as in `create`."""
        with self.transaction() as database:
            queueing.require_queue_quota(database, self.run(run_id).owner, 1)
            database.execute(
                "UPDATE runs SET state = ?, reason = '', host = ?, ended = NULL, failure = NULL "
                "WHERE id = ?",
                (RunState.QUEUED, host, run_id),
            )

    def queue_generation(self) -> int:
        """A number that changes whenever a run joins or leaves a queue, in whatever process."""
        with self.reading() as database:
            return int(database.execute("SELECT generation FROM queue").fetchone()[0])

    def queued(self, host: str) -> list[QueuedRun]:
        """Runs that wait for a worker of `host`, oldest first: no more of each than its place
        needs, so that one that cannot be read holds up no other.
        """
        query = "SELECT id, owner FROM runs WHERE state = ? AND host = ? ORDER BY created, key"
        with self.reading() as database:
            rows = database.execute(query, (RunState.QUEUED, host)).fetchall()
        return [QueuedRun(*row) for row in rows]

    def withdraw(self, run_ids: Sequence[str]) -> list[str]:
        """Stop those of the runs that wait or are paused without a worker; their ids."""
        stopped = []
        with self.transaction() as database:
            for run_id in run_ids:
                changed = database.execute(
                    "UPDATE runs SET state = ?, reason = '', ended = ? WHERE id = ? "
                    "AND lease IS NULL AND state IN (?, ?)",
                    (RunState.STOPPED, time.time(), run_id, RunState.QUEUED, RunState.PAUSED),
                )
                stopped += [run_id] * changed.rowcount
        return stopped

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

    def holds(self, run_id: str) -> bool:
        """Whether there is such a run."""
        with self.reading() as database:
            found = database.execute("SELECT 1 FROM runs WHERE id = ?", (run_id,)).fetchone()
        return found is not None

    def pinned(self, run_ids: Sequence[str]) -> list[str]:
        """Those of the runs that are protected from retention."""
        with self.reading() as database:
            rows = database.execute("SELECT id FROM runs WHERE pinned").fetchall()
        return sorted({row["id"] for row in rows} & set(run_ids))

    def delete(self, run_id: str) -> None:
        """Remove an ended run with all that it left. An active one raises ParamixerError.

        One whose row this version cannot read is removed all the same.
        """
        self.delete_all([run_id])

    def delete_all(self, run_ids: Sequence[str], *, active: bool = False) -> None:
        """Remove runs with all that they left; with `active`, even if they wait or train: their
        lease is gone with them, so their workers stop writing. All of them or, on an error, none.
        """
        try:
            self._delete_rows(run_ids, active)
        except StoreUnavailableError:
            if not (active or self._have_ended(run_ids)):
                raise
            for run_id in run_ids:  # a full disk: what is to go makes the room to say so
                shutil.rmtree(self.run_folder(run_id), ignore_errors=True)
            self._delete_rows(run_ids, active)
        for run_id in run_ids:
            shutil.rmtree(self.run_folder(run_id), ignore_errors=True)

    def _have_ended(self, run_ids: Sequence[str]) -> bool:
        return not any(self.run(run_id).state.active for run_id in run_ids)

    def _delete_rows(self, run_ids: Sequence[str], active: bool) -> None:
        with self.transaction() as database:
            for run_id in run_ids:
                key = self.key_of(database, run_id)
                row = database.execute("SELECT state FROM runs WHERE key = ?", (key,)).fetchone()
                if not active and row["state"] in (state for state in RunState if state.active):
                    raise ParamixerError(
                        "a run that has ended", f"a {row['state']} one", "stop it first"
                    )
                for table in schema.RUN_TABLES:
                    database.execute(f"DELETE FROM {table} WHERE run = ?", (key,))
                database.execute("DELETE FROM runs WHERE key = ?", (key,))
        with self.reading() as database:
            database.execute("PRAGMA incremental_vacuum").fetchall()

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


def _new_id() -> str:
    while (identity := secrets.token_urlsafe(6))[0] == "-":
        continue  # it would read as an option on a command line
    return identity


def _read_by_its_mixer(config: RunConfig) -> RunConfig:
    """A new run's configuration, so that equal trainings have equal ones; as it is if its mixer is
    not installed here.
    """
    # Here, because it brings PyTorch, which who only reads runs does without.
    from paramixer_core.models import MIXERS, WIRED, config_for

    known = config.mixer in (*MIXERS, WIRED.name)
    return config_for(config, config.mixer) if known else config


@lru_cache(maxsize=4096)
def _config(text: str) -> RunConfig:
    return RunConfig.from_dict(json.loads(text))


def _run(row: sqlite3.Row) -> Run:
    try:
        values = {name: row[name] for name in row.keys() if name not in ("key", "heartbeat")}  # noqa: SIM118
        values["config"] = _config(values["config"])
        values["state"] = RunState(values["state"])
        values["failure"] = None if values["failure"] is None else Failure(values["failure"])
        values["pinned"] = bool(values["pinned"])
        for name, kind in (("conditions", Conditions), ("ancestry", Segment)):
            values[name] = tuple(map(kind.from_dict, json.loads(values[name])))
        return Run(**values)
    except ParamixerError as error:
        raise UnreadableRunError(error.expected, error.got, error.remedy) from error
    except (ValueError, TypeError, KeyError) as error:
        raise UnreadableRunError(
            f"a run {row['id']} that this version can read", str(error), "delete it"
        ) from error
