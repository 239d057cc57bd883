"""A run that is told something while it works through its test set."""

import threading
from collections.abc import Callable
from typing import Any

import pytest

from paramixer_core.config import RunConfig
from paramixer_core.runs import Command, RunState, RunStore
from paramixer_core.runs.journal import StoreJournal
from paramixer_core.runs.session import Session
from paramixer_core.training import Trainer


def test_a_pause_does_not_wait_for_a_test_and_a_stop_costs_none(
    store: RunStore, tiny: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    states: list[tuple[int, str]] = []
    change, test = StoreJournal.change, Trainer.evaluate
    commands = {20: Command.PAUSE, 50: Command.STOP}

    def changed(self: StoreJournal, state: RunState, **values: Any) -> None:
        states.append((len(store.evaluations(run.id)), state))
        change(self, state, **values)

    def commanded(self: Trainer, between: Callable[[], None]) -> Any:
        if command := commands.pop(self.step_number, None):
            store.command(run.id, command)
            store.command(run.id, Command.CONTINUE)
        return test(self, between)

    monkeypatch.setattr(StoreJournal, "change", changed)
    monkeypatch.setattr(Trainer, "evaluate", commanded)
    monkeypatch.setattr("paramixer_core.runs.session.POLL_EVERY", 0.0)
    run = store.create(tiny)
    for _ in range(2):
        store.grant(run.id, "lease", "host")
        journal = StoreJournal(store, run.id, "lease")
        Session(journal, threading.Event(), threading.Event()).run()
    paused, running, stopped, finished = states
    assert paused == (1, RunState.PAUSED)  # the test at step 20 is not yet recorded
    assert running == (1, RunState.RUNNING)
    assert stopped == (2, RunState.STOPPED)  # in the middle of the one at step 50
    assert finished == (4, RunState.FINISHED)
    assert store.evaluations(run.id).step.tolist() == [10, 20, 50, 60]
