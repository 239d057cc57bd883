"""One run's training loop, in this process: commands, ends, and going on bit for bit."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from paramixer_core.config import RunConfig
from paramixer_core.runs import Command, Failure, RunState, RunStore, StoreError
from paramixer_core.runs.journal import Start, StoreJournal
from paramixer_core.runs.session import Session
from paramixer_core.runs.store_errors import LeaseLostError
from paramixer_core.training import Record, Trainer


class Staged(StoreJournal):
    """A journal that gives out commands once the run has made so many steps."""

    script: dict[int, list[tuple[Command, float | None]]]
    steps: Callable[[], int]

    def commands(self) -> list[tuple[Command, float | None]]:
        made = self.steps()
        due = [step for step in self.script if step <= made]
        return [command for step in sorted(due) for command in self.script.pop(step)]


def play(
    store: RunStore,
    run_id: str,
    script: dict[int, list[tuple[Command, float | None]]],
    monkeypatch: pytest.MonkeyPatch,
    leave_at: int | None = None,
) -> None:
    """Train a run in this process, with commands at steps, looked for before every step."""
    monkeypatch.setattr("paramixer_core.runs.session.POLL_EVERY", 0.0)
    store.grant(run_id, "lease", "host")
    journal = Staged(store, run_id, "lease")
    leave = threading.Event()
    session = Session(journal, threading.Event(), leave)

    def steps() -> int:
        made: int = session._trainer.step_number
        if leave_at is not None and made >= leave_at:
            leave.set()
        return made

    journal.script, journal.steps = dict(script), steps
    session.run()


@pytest.fixture
def losses(store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """What an uninterrupted run of `tiny` gives."""
    run = store.create(tiny)
    play(store, run.id, {}, monkeypatch)
    return store.records(run.id).loss


def test_a_run_leaves_records_evaluations_and_log_spaced_snapshots(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny)
    play(store, run.id, {}, monkeypatch)
    done = store.run(run.id)
    assert (done.state, done.reason, done.step, done.lease) == (RunState.FINISHED, "", 60, None)
    assert store.records(run.id).step.tolist() == list(range(1, 61))
    assert store.evaluations(run.id).step.tolist() == [10, 20, 50, 60]
    assert [held.step for held in store.snapshots(run.id)] == [0, 1, 2, 5, 10, 20, 50, 60]
    assert done.parameters == sum(p.numel() for p in Trainer(tiny).network.parameters())
    assert done.memory > 10**7
    trainer = Trainer(tiny)
    expected = [trainer.step().loss for _ in range(60)]
    assert store.records(run.id).loss.tolist() == expected
    probe = store.probe(run.id, 60)
    for name, tensor in trainer.probe().items():
        np.testing.assert_array_equal(probe[name], tensor.numpy())


@pytest.mark.parametrize("stop", [0, 1, 7, 20, 59])
def test_a_stopped_run_goes_on_bit_for_bit(
    store: RunStore,
    tiny: RunConfig,
    losses: np.ndarray,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:
    run = store.create(tiny)
    play(store, run.id, {stop: [(Command.STOP, None)]}, monkeypatch)
    assert (store.run(run.id).state, store.run(run.id).step) == (RunState.STOPPED, stop)
    play(store, run.id, {}, monkeypatch)
    assert store.run(run.id).state is RunState.FINISHED
    np.testing.assert_array_equal(store.records(run.id).loss, losses)


def test_a_lost_stretch_is_made_again_with_the_same_learning_rates(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = {23: [(Command.LEARNING_RATE, 0.1)], 37: [(Command.LEARNING_RATE, 1e-3)]}
    whole, broken = store.create(tiny), store.create(tiny)
    play(store, whole.id, script, monkeypatch)
    play(store, broken.id, {**script, 45: [(Command.STOP, None)]}, monkeypatch)
    store.snapshots(broken.id)[-1].file.unlink()  # step 45: what is left is step 20
    assert store.resume_step(broken.id) == 20
    play(store, broken.id, {}, monkeypatch)
    np.testing.assert_array_equal(store.records(broken.id).loss, store.records(whole.id).loss)
    assert store.run(broken.id).learning_rate == 1e-3


def test_a_learning_rate_set_while_steps_are_made_again_wins(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny)
    late = {37: [(Command.LEARNING_RATE, 0.1)], 45: [(Command.STOP, None)]}
    play(store, run.id, late, monkeypatch)
    store.snapshots(run.id)[-1].file.unlink()
    play(store, run.id, {30: [(Command.LEARNING_RATE, 1e-4)]}, monkeypatch)
    assert store.run(run.id).learning_rate == 1e-4


def test_single_steps_are_made_while_paused(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[tuple[int, str]] = []
    monkeypatch.setattr(
        StoreJournal,
        "change",
        lambda self, state, **_: states.append((store.run(run.id).step, state)),
    )
    run = store.create(tiny)
    script = {
        3: [(Command.PAUSE, None), (Command.SINGLE_STEP, None), (Command.SINGLE_STEP, None)],
        5: [(Command.CONTINUE, None)],
        9: [(Command.STOP, None)],
    }
    play(store, run.id, script, monkeypatch)
    assert states[0] == (3, RunState.PAUSED)
    assert states[-2:] == [(5, RunState.RUNNING), (9, RunState.STOPPED)]


def test_a_target_ends_the_run_and_says_so(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny.replace(target_accuracy=1e-9, steps=500, learning_rate=1e-3))
    play(store, run.id, {}, monkeypatch)
    done = store.run(run.id)
    assert (done.state, done.step) == (RunState.FINISHED, store.evaluations(run.id).step[-1])
    assert "reached the target" in done.reason
    assert done.step < 500


def test_a_diverged_run_says_where_and_keeps_its_last_good_weights(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny.replace(residual="none"))
    step = Trainer.step

    def poisoned(self: Trainer) -> Record:
        if self.step_number == 7:
            next(self.network.head.parameters()).data.fill_(torch.inf)
        return step(self)

    monkeypatch.setattr(Trainer, "step", poisoned)
    play(store, run.id, {}, monkeypatch)
    done = store.run(run.id)
    assert (done.state, done.failure) == (RunState.FAILED, Failure.DIVERGED)
    assert "a finite loss at step 8" in done.reason
    assert store.records(run.id).step[-1] == 7
    assert store.resume_step(run.id) == 7


@pytest.mark.parametrize(
    ("error", "failure", "reason"),
    [
        (MemoryError(), Failure.OUT_OF_MEMORY, "smaller batch"),
        (RuntimeError("can't allocate memory: 9 bytes"), Failure.OUT_OF_MEMORY, "smaller batch"),
        (StoreError("room", "a full disk", "delete"), Failure.ERROR, "got a full disk: delete"),
        (KeyError("w\nlong story"), Failure.ERROR, "An unexpected KeyError: 'w"),
    ],
)
def test_every_error_becomes_a_failed_run_with_a_sentence(
    store: RunStore,
    tiny: RunConfig,
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    failure: Failure,
    reason: str,
) -> None:
    def fails(_self: Trainer) -> Any:
        raise error

    monkeypatch.setattr(Trainer, "step", fails)
    run = store.create(tiny)
    play(store, run.id, {}, monkeypatch)
    done = store.run(run.id)
    assert (done.state, done.failure) == (RunState.FAILED, failure)
    assert reason in done.reason
    assert "\n" not in done.reason


def test_leaving_interrupts_a_run_and_keeps_every_step(
    store: RunStore, tiny: RunConfig, losses: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny)
    play(store, run.id, {}, monkeypatch, leave_at=33)
    left = store.run(run.id)
    assert (left.state, left.step) == (RunState.INTERRUPTED, 33)
    assert "continue it" in left.reason
    play(store, run.id, {}, monkeypatch)
    np.testing.assert_array_equal(store.records(run.id).loss, losses)


def test_leaving_keeps_a_paused_run_paused(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create(tiny)
    with pytest.raises(LeaseLostError):
        play(store, run.id, {4: [(Command.PAUSE, None)]}, monkeypatch, leave_at=4)
    left = store.run(run.id)
    assert (left.state, left.step, left.lease) == (RunState.PAUSED, 4, None)
    assert store.resume_step(run.id) == 4


def test_a_worker_that_lost_its_run_writes_nothing_more(store: RunStore, tiny: RunConfig) -> None:
    run = store.create(tiny)
    store.grant(run.id, "old", "host")
    journal = StoreJournal(store, run.id, "old")
    assert isinstance(journal.start(pid=1), Start)
    store.grant(run.id, "new", "host")
    with pytest.raises(LeaseLostError):
        journal.change(RunState.FAILED)
    with pytest.raises(LeaseLostError):
        journal.adjust(0, 0.1)
    assert store.run(run.id).state is RunState.RUNNING
