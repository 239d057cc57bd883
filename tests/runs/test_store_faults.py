"""A store that is full, gone or damaged, and workers that freeze: said as it is, nothing lost."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from paramixer_core.errors import ParamixerError
from paramixer_core.runs import Failure, RunState, RunStore, StoreError, journal, process
from paramixer_core.runs.journal import Entry, StoreJournal
from paramixer_core.runs.patience import PatientJournal
from paramixer_core.runs.process import WorkerProcess
from paramixer_core.runs.session import Session
from paramixer_core.runs.store_errors import StoreGoneError, StoreUnavailableError
from tests.runs.conftest import TINY
from tests.runs.hands import Hands
from tests.runs.trained import train_here
from tests.runs.waiting import wait_until


@pytest.fixture
def hands(store: RunStore) -> Iterator[Hands]:
    """An executor with one place."""
    made = Hands(store, places=1)
    yield made
    made.close()


FULL = StoreUnavailableError("room on the disk", "a full disk", "make room")


@pytest.mark.parametrize("method", ["write", "snapshot", "commands", "describe", "change", "start"])
def test_training_waits_for_a_store_that_takes_nothing_and_loses_nothing(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    undisturbed = train_here(store, store.create(TINY).id)
    run = store.create(TINY)
    store.grant(run.id, "lease", "host")
    asked = [0]
    real = getattr(StoreJournal, method)

    def full(self: StoreJournal, *values: object, **named: object) -> object:
        asked[0] += 1
        if asked[0] <= 3:
            raise FULL
        return real(self, *values, **named)

    monkeypatch.setattr(StoreJournal, method, full)
    said: list[str] = []
    whole = StoreJournal(store, run.id, "lease")
    Session(PatientJournal(whole, Event(), said.append, try_every=0.01), Event(), Event()).run()
    assert said == [f"Training waits, and what it measured is kept. {FULL}", ""]
    assert store.run(run.id).state is RunState.FINISHED
    np.testing.assert_array_equal(store.records(run.id).loss, store.records(undisturbed.id).loss)


def test_a_server_that_closes_waits_no_longer(store: RunStore) -> None:
    class Full(StoreJournal):
        """Its disk has no room."""

        def write(self, entry: Entry) -> None:
            raise FULL

    leave = Event()
    leave.set()
    run = store.create(TINY)
    patient = PatientJournal(Full(store, run.id, "lease"), leave, lambda said: None, 0.01)
    with pytest.raises(StoreUnavailableError):
        patient.write(Entry())


def test_what_a_worker_waits_for_is_the_reason_of_its_run(hands: Hands, store: RunStore) -> None:
    run = hands.submit(TINY)
    (hand,) = hands.taken
    hands._heard(hand, "trouble Training waits. A full disk.")
    assert hands.status(run.id).reason == "Training waits. A full disk."
    assert hands.troubles() == ["Training waits. A full disk."]
    hands._heard(hand, "well")
    assert hands.status(run.id).reason == "Starting."
    assert hands.troubles() == []


def test_a_store_that_is_deleted_is_noticed_and_said_and_nothing_is_written_beside_it(
    hands: Hands, store: RunStore
) -> None:
    run = hands.submit(TINY)
    shutil.rmtree(store.folder)
    hands._tick()
    (said,) = hands.troubles()
    assert "deleted or replaced while this server ran" in said
    for ask in (store.runs, lambda: store.run(run.id), lambda: hands.submit(TINY)):
        with pytest.raises(StoreGoneError):
            ask()
    assert not store.folder.exists()  # nothing is written where nobody would find it


def test_a_store_that_was_put_back_is_used_again(store: RunStore, tmp_path: Path) -> None:
    run = store.create(TINY)
    with store.reading() as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    store.folder.rename(tmp_path / "aside")
    with pytest.raises(StoreGoneError):
        store.runs()
    (tmp_path / "aside").rename(store.folder)
    assert [held.id for held in store.runs()] == [run.id]


def test_a_frozen_worker_is_said_and_stop_ends_it(hands: Hands, store: RunStore) -> None:
    run = hands.submit(TINY.replace(steps=10**6))
    (hand,) = hands.taken
    hand.silence = "It has given no sign of life for 9 s."
    hands._tick()
    assert hands.status(run.id).reason == hand.silence
    assert not hand.killed
    hand.silence = ""
    hands._tick()
    assert hands.status(run.id).reason == "Starting."
    hand.silence = "It has given no sign of life for 9 s."
    hands.stop(run.id)
    hands._tick()
    assert hand.killed
    hands._ended(hand)
    stopped = store.run(run.id)
    assert (stopped.state, stopped.failure) == (RunState.STOPPED, None)
    assert stopped.reason == "Its worker did not answer and was ended; start it anew."


def test_a_server_takes_over_within_a_tick_what_another_process_left_that_died(
    hands: Hands, store: RunStore
) -> None:
    other = Hands(store, places=1)
    trains, waits = other.submit_all([TINY, TINY])
    hands._tick()
    assert store.run(trains.id).state is RunState.RUNNING, "as long as the other one lives"
    other._host._lock.release()  # as its process's end does
    hands._tick()
    left = store.run(trains.id)
    assert (left.state, left.lease) == (RunState.INTERRUPTED, None)
    assert "continue it when you like" in left.reason
    assert store.run(waits.id).state is RunState.RUNNING
    assert not other._host._path.exists()


def test_a_stopped_process_counts_as_frozen_and_one_that_is_busy_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SILENCE_PATIENCE", 1.5)
    worker = WorkerProcess(tmp_path, threads=1)
    try:
        for _ in range(3):
            assert worker.hear()
            assert worker.frozen() == ""
        os.kill(worker.pid, signal.SIGSTOP)
        wait_until(lambda: worker.frozen() != "")
        assert "(it was stopped by a signal)" in worker.frozen()
        for _ in range(70_000):  # more than its pipe holds: the server must not wait for it
            worker.wake()
        os.kill(worker.pid, signal.SIGCONT)
        worker.hear()
        assert worker.hear()
        assert worker.frozen() == ""
        worker._heard_at = time.monotonic() - 20.0
        monkeypatch.setattr(process, "_process_state", lambda pid: "R")
        assert worker.frozen() == ""  # one long computation that lets no other thread run
    finally:
        worker.kill()
        worker.end(timeout=5.0)
    assert worker.farewell.startswith("killed by SIGKILL")


@pytest.mark.parametrize("damage", ["cut", "emptied", "deleted", "not read", "a tensor changed"])
def test_a_damaged_snapshot_is_passed_over_for_an_older_one_and_said(
    store: RunStore, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    run = train_here(store, store.create(TINY).id)
    *_, older, newest = store.snapshots(run.id)
    store.update(run.id, state=RunState.INTERRUPTED, lease="again")
    match damage:
        case "cut":
            os.truncate(newest.file, newest.size // 2)
        case "emptied":
            os.truncate(newest.file, 0)
        case "deleted":
            newest.file.unlink()
        case "a tensor changed":
            content = bytearray(newest.file.read_bytes())
            content[-5] ^= 1
            newest.file.write_bytes(content)
        case _:
            monkeypatch.setattr(journal.snapshots, "is_whole", lambda path: True)
            os.truncate(newest.file, newest.size - 8)
    start = StoreJournal(store, run.id, "again").start(pid=1)
    assert start.step == older.step
    assert start.note == (
        f"The snapshot of step {newest.step} cannot be read; the run went on from step "
        f"{older.step}."
    )


def test_a_fork_without_a_whole_snapshot_does_not_begin_with_other_weights(
    store: RunStore,
) -> None:
    run = store.create(TINY, parent="p", parent_step=20, first_snapshot={"a": np.zeros(3)})
    os.truncate(store.snapshots(run.id)[0].file, 5)
    store.grant(run.id, "lease", "host")
    with pytest.raises(StoreError, match="fork p at step 20 again"):
        StoreJournal(store, run.id, "lease").start(pid=1)
    done = Session(StoreJournal(store, run.id, "lease"), Event(), Event()).run()
    assert not done
    failed = store.run(run.id)
    assert (failed.state, failed.failure) == (RunState.FAILED, Failure.ERROR)


def test_deleting_runs_makes_the_room_that_deleting_needs(
    store: RunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train_here(store, store.create(TINY.replace(steps=2)).id)
    real = RunStore._delete_rows

    def needs_room(self: RunStore, run_ids: list[str], active: bool) -> None:
        if self.run_folder(run.id).exists():
            raise FULL
        real(self, run_ids, active)

    monkeypatch.setattr(RunStore, "_delete_rows", needs_room)
    store.delete(run.id)
    assert not store.holds(run.id)


def test_a_row_that_is_damaged_is_named_and_can_be_removed(store: RunStore) -> None:
    kept, damaged = store.create(TINY), store.create(TINY)
    store.update(damaged.id, state="asleep")
    assert [run.id for run in store.runs()] == [kept.id]
    with pytest.raises(ParamixerError, match=r"that this version can read.*asleep.*delete it"):
        store.run(damaged.id)
    store.delete(damaged.id)
    assert not store.holds(damaged.id)
