"""One run's fault stays its own: the next one starts, and the server says what went wrong."""

import dataclasses
import errno
import json
import os
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from paramixer_core.runs import Failure, RunState, RunStore
from paramixer_core.runs import __main__ as command_line
from paramixer_core.runs import local as local_executor
from paramixer_core.runs.faults import sentence_of
from paramixer_core.runs.local import LocalExecutor
from paramixer_core.runs.process import WorkerProcess, _log
from tests.runs.conftest import TINY
from tests.runs.waiting import wait_for, wait_until

LONG = TINY.replace(steps=100_000)
NO_DATA = TINY.as_dict() | {"task": "uploaded-0123456789abcdef"}


@pytest.fixture(scope="module")
def executor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalExecutor]:
    """One for the tests that leave it as they found it."""
    made = LocalExecutor(RunStore(tmp_path_factory.mktemp("runs")), workers=1, spares=1, threads=1)
    yield made
    made.close()
    made.store.close()


BROKEN: dict[str, tuple[str, str]] = {
    "its data set is gone": (json.dumps(NO_DATA), "upload it again"),
    "its mixer is gone": (json.dumps(TINY.as_dict() | {"mixer": "perceiver"}), "perceiver"),
    "its task is gone": (json.dumps(TINY.as_dict() | {"task": "chess"}), "chess"),
    "another version wrote it": (json.dumps({"colour": "blue"}), "colour"),
    "it is no JSON": ("{]", "delete it"),
    "it is a list": ("[1, 2]", "fields among"),
    "a device that is not there": (json.dumps(TINY.as_dict() | {"device": "mps"}), "mps|MPS"),
}


@pytest.mark.parametrize("when", ["while they wait", "before the server starts"])
def test_runs_that_cannot_start_fail_with_their_reason_and_the_next_one_starts(
    tmp_path: Path, when: str
) -> None:
    store = RunStore(tmp_path)
    if when == "while they wait":
        executor = LocalExecutor(store, workers=1, spares=0, threads=1)
        first = executor.submit(LONG)
    broken = {fault: store.create(TINY, owner=fault) for fault in BROKEN}
    following = store.create(TINY, owner="zoe")
    for fault, run in broken.items():
        store.update(run.id, config=BROKEN[fault][0])
    if when == "while they wait":
        for run in (*broken.values(), following):
            store.update(run.id, host=executor._host.name)
        executor.stop(first.id)
    else:
        executor = LocalExecutor(store, workers=1, spares=0, threads=1)
    wait_for(store, following.id, RunState.FINISHED)
    assert executor._monitor._thread.is_alive()
    for fault, run in broken.items():
        with store.reading() as database:
            row = database.execute("SELECT * FROM runs WHERE id = ?", (run.id,)).fetchone()
        assert (row["state"], row["failure"]) == (RunState.FAILED, Failure.ERROR), fault
        assert any(word in row["reason"] for word in BROKEN[fault][1].split("|")), row["reason"]
        assert command_line.main(["--store", str(tmp_path), "delete", run.id]) == 0
        assert not store.holds(run.id)
    executor.close()
    store.close()


def test_a_queued_run_that_no_server_holds_can_be_deleted_from_the_command_line(
    store: RunStore,
) -> None:
    run = store.create(TINY)
    store.update(run.id, config="{]")
    assert command_line.main(["--store", str(store.folder), "delete", run.id]) == 0
    assert not store.holds(run.id)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EMFILE, "Too many open files"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        OSError(errno.EAGAIN, "Resource temporarily unavailable"),
        FileNotFoundError(errno.ENOENT, "No such file or directory", "python"),
        MemoryError(),
    ],
    ids=lambda error: type(error).__name__ + str(getattr(error, "errno", "")),
)
def test_runs_wait_while_no_worker_can_be_started_and_the_app_can_say_why(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def refuse() -> WorkerProcess:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(executor._monitor, "take", refuse)
        run = executor.submit(TINY)
        assert executor.store.run(run.id).state is RunState.QUEUED
        (said,) = executor.troubles()
        assert "to start a worker process" in said
        assert "tried again every second" in said
    wait_for(executor.store, run.id, RunState.FINISHED)
    wait_until(lambda: executor.troubles() == [])
    wait_until(lambda: not executor._training)


def test_a_log_that_cannot_be_opened_stops_no_run(executor: LocalExecutor) -> None:
    store = executor.store
    (store.folder / "workers.log").unlink(missing_ok=True)
    (store.folder / "workers.log").mkdir()
    run = store.create(TINY)
    (store.run_folder(run.id) / "worker.log").mkdir(parents=True)
    store.enqueue(run.id, executor._host.name)
    following = executor.submit(TINY)
    wait_for(store, run.id, RunState.FINISHED)
    wait_for(store, following.id, RunState.FINISHED)
    with _log(store.folder / "workers.log") as log:
        assert log.name == os.devnull


@pytest.mark.parametrize(
    "error",
    [
        FileNotFoundError("gone"),
        OSError(errno.EMFILE, "Too many open files"),
        sqlite3.OperationalError("no such table: runs"),
        ValueError("not a valid RunState"),
        KeyError("config"),
    ],
    ids=lambda error: type(error).__name__,
)
@pytest.mark.parametrize("where", ["_tick", "_start_what_can"])
def test_the_loop_survives_what_a_call_raises_says_it_once_and_goes_on(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch, error: Exception, where: str
) -> None:
    left = [2]
    real: Callable[..., None] = getattr(LocalExecutor, where)

    def faulty(*arguments: object) -> None:
        if left[0]:
            left[0] -= 1
            raise error
        real(executor, *arguments)

    listener = executor._monitor._listener
    changed = {where.removeprefix("_"): faulty} if where != "_start_what_can" else {}
    monkeypatch.setattr(executor._monitor, "_listener", dataclasses.replace(listener, **changed))
    monkeypatch.setattr(executor, where, faulty)
    if where == "_start_what_can":
        executor._stuck = True  # as after a first fault: the next tick tries again
    run = executor.submit(TINY)
    wait_until(lambda: left[0] == 0)
    assert any(sentence_of(error) in said for said in executor.troubles())
    wait_for(executor.store, run.id, RunState.FINISHED)
    assert executor._monitor._thread.is_alive()
    executor.faults._held.clear()
    wait_until(lambda: not executor._training)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_monitor_whose_thread_dies_is_started_anew_and_the_app_says_so(
    executor: LocalExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """What no loop may catch."""

    def die(self: object) -> None:
        monkeypatch.setattr(local_executor.Monitor, "_keep_spares", real)
        raise Killed

    real = local_executor.Monitor._keep_spares
    before = executor._monitor._thread
    monkeypatch.setattr(local_executor.Monitor, "_keep_spares", die)
    wait_until(lambda: executor._monitor._thread is not before)
    assert threading.active_count() >= 2
    assert any("started anew" in said for said in executor.troubles())
    run = executor.submit(TINY)
    wait_for(executor.store, run.id, RunState.FINISHED)


def test_closing_ends_a_worker_that_does_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_executor, "LEAVE_PATIENCE", 0.2)
    store = RunStore(tmp_path)
    executor = LocalExecutor(store, workers=1, spares=0, threads=1)
    run = executor.submit(LONG)
    pid = executor._training[run.id].pid  # type: ignore[attr-defined]
    os.kill(pid, signal.SIGSTOP)
    executor.close()
    assert not Path(f"/proc/{pid}").exists()
    assert not executor._monitor._guard.is_alive()
    store.close()
