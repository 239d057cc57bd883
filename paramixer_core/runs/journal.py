"""A worker's side of the store: everything that one training run may write, under its lease."""

import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from paramixer_core.config import RunConfig
from paramixer_core.runs import curves, snapshots
from paramixer_core.runs.curves import RecordRow
from paramixer_core.runs.run import Command, Failure, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import LeaseLostError, StoreError, explained

if TYPE_CHECKING:
    from torch import Tensor

EvaluationRow = tuple[int, float, float, float]
"""(step, loss, accuracy, seconds)."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a worker begins: at step 0, or at a snapshot whose `state` it loads.

    `adjustments` are the learning rates that were set at or after that step (step -> rate): the
    worker sets them again, so that steps made twice give the same losses. `note` says if newer
    snapshots could not be read.
    """

    config: RunConfig
    step: int
    state: "dict[str, Tensor] | None"
    seconds: float
    speed: float | None
    adjustments: dict[int, float]
    note: str = ""


@dataclass(slots=True)
class Entry:
    """What is written at once: new records and evaluations, and the run's figures."""

    records: list[RecordRow] = field(default_factory=list)
    evaluations: list[EvaluationRow] = field(default_factory=list)
    memory: int = 0


class Journal(Protocol):
    """What the training session needs from a store, near or far.

    Every method raises LeaseLostError once the run belongs to another worker.
    """

    def start(self, *, pid: int) -> Start:
        """Read where to begin and forget what was recorded after that step."""

    def write(self, entry: Entry) -> None:
        """Append records and evaluations in one transaction."""

    def snapshot(
        self,
        step: int,
        state: "Mapping[str, Tensor]",
        probe: "Mapping[str, Tensor]",
        *,
        scheduled: bool,
    ) -> None:
        """Keep a snapshot; one that is not scheduled replaces the last of its kind."""

    def commands(self) -> list[tuple[Command, float | None]]:
        """Take the commands that came since the last call, oldest first."""

    def adjust(self, step: int, learning_rate: float) -> None:
        """Note that `learning_rate` holds after `step` steps."""

    def change(self, state: RunState, *, reason: str = "", failure: Failure | None = None) -> None:
        """Move the run to another state."""

    def describe(self, **values: Any) -> None:
        """Set figures of the run: device, parameters, speed, ..."""


class StoreJournal:
    """The Journal of a run in a RunStore on this machine."""

    def __init__(
        self,
        store: RunStore,
        run_id: str,
        lease: str,
        on_change: Callable[[RunState], None] = lambda state: None,
    ) -> None:
        self._store = store
        self._on_change = on_change
        self._run_id = run_id
        self._lease = lease
        self._key: int | None = None

    def start(self, *, pid: int) -> Start:
        """See Journal.start."""
        step, state, note = self._newest_whole()
        begin = 0 if step is None else step
        snapshots.clear_parts(self._store.run_folder(self._run_id))
        with self._store.transaction() as database:
            key = self._held(database)
            curves.truncate(database, key, -1 if step is None else step)
            row = database.execute(
                "SELECT seconds FROM records WHERE run = ? AND step = ?", (key, begin)
            ).fetchone()
            seconds = 0.0 if row is None else float(row["seconds"])
            adjusted = database.execute(
                "SELECT step, learning_rate FROM adjustments WHERE run = ? AND step >= ?",
                (key, begin),
            ).fetchall()
            database.execute(
                "UPDATE runs SET pid = ?, step = ?, seconds = ?, heartbeat = ? WHERE key = ?",
                (pid, begin, seconds, time.time(), key),
            )
        run = self._store.run(self._run_id)
        adjustments = {row["step"]: row["learning_rate"] for row in adjusted}
        return Start(run.config, begin, state, seconds, run.speed, adjustments, note)

    def _newest_whole(self) -> "tuple[int | None, dict[str, Tensor] | None, str]":
        """The newest snapshot that can be read, with a sentence about newer ones that cannot.

        Raises StoreError for a fork whose snapshots are all damaged: it has no other beginning.
        """
        damaged: list[int] = []
        for held in reversed(self._store.snapshots(self._run_id, scheduled=False)):
            if snapshots.is_whole(held.file):
                with suppress(StoreError):
                    state = self._store.state(self._run_id, held.step)
                    return held.step, state, _damage(damaged, f"went on from step {held.step:,}")
            damaged.append(held.step)
        run = self._store.run(self._run_id)
        if run.parent_step and damaged:
            raise StoreError(
                f"a whole snapshot of the fork {run.id}",
                "only damaged ones",
                f"fork {run.parent} at step {run.parent_step} again",
            )
        return None, None, _damage(damaged, "began anew")

    def write(self, entry: Entry) -> None:
        """See Journal.write."""
        with self._store.transaction() as database:
            key = self._held(database)
            curves.append(database, key, entry.records)
            database.executemany(
                "INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?, ?)",
                ((key, *row) for row in entry.evaluations),
            )
            changes: dict[str, float] = {"heartbeat": time.time()}
            if entry.memory:
                changes["memory"] = entry.memory
            if entry.records:
                step, *_, speed, seconds = entry.records[-1]
                changes |= {"step": step, "steps_per_second": speed, "seconds": seconds}
            columns = ", ".join(f"{column} = ?" for column in changes)
            database.execute(f"UPDATE runs SET {columns} WHERE key = ?", (*changes.values(), key))

    def snapshot(
        self,
        step: int,
        state: "Mapping[str, Tensor]",
        probe: "Mapping[str, Tensor]",
        *,
        scheduled: bool,
    ) -> None:
        """See Journal.snapshot."""
        folder = self._store.run_folder(self._run_id)
        path = snapshots.snapshot_file(folder, step)
        with explained(path):
            size = snapshots.write(path, state, probe, {"run": self._run_id, "step": str(step)})
        with self._store.transaction() as database:
            key = self._held(database)
            replaced = database.execute(
                "SELECT step FROM snapshots WHERE run = ? AND NOT scheduled AND step != ?",
                (key, step),
            ).fetchall()
            database.execute("DELETE FROM snapshots WHERE run = ? AND NOT scheduled", (key,))
            database.execute(
                "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)",
                (key, step, int(scheduled), size, time.time()),
            )
        for row in replaced:
            snapshots.snapshot_file(folder, row["step"]).unlink(missing_ok=True)

    def commands(self) -> list[tuple[Command, float | None]]:
        """See Journal.commands."""
        with self._store.reading() as database:
            key = self._held(database)
            rows = database.execute(
                "SELECT id, name, value FROM commands WHERE run = ? ORDER BY id", (key,)
            ).fetchall()
        if rows:
            with self._store.transaction() as database:
                database.execute(
                    "DELETE FROM commands WHERE run = ? AND id <= ?", (key, rows[-1]["id"])
                )
        return [(Command(row["name"]), row["value"]) for row in rows]

    def adjust(self, step: int, learning_rate: float) -> None:
        """See Journal.adjust."""
        with self._store.transaction() as database:
            key = self._held(database)
            curves.adjust(database, key, step, learning_rate)

    def change(self, state: RunState, *, reason: str = "", failure: Failure | None = None) -> None:
        """See Journal.change. An end also gives the lease back."""
        values: dict[str, Any] = {"state": state, "reason": reason, "failure": failure}
        if not state.active:
            values |= {"ended": time.time(), "lease": None, "pid": None}
        self.describe(**values)
        self._on_change(state)

    def describe(self, **values: Any) -> None:
        """See Journal.describe."""
        if not self._store.update(self._run_id, held_by=self._lease, **values):
            raise LeaseLostError(self._run_id)

    def _held(self, database: sqlite3.Connection) -> int:
        row = database.execute(
            "SELECT key FROM runs WHERE id = ? AND lease = ?", (self._run_id, self._lease)
        ).fetchone()
        if row is None:
            raise LeaseLostError(self._run_id)
        return int(row[0])


def _damage(steps: list[int], what_was_done: str) -> str:
    if not steps:
        return ""
    which = "snapshot of step" if len(steps) == 1 else "snapshots of steps"
    listed = ", ".join(f"{step:,}" for step in sorted(steps))
    return f"The {which} {listed} cannot be read; the run {what_was_done}."
