"""One run being trained: the loop between the trainer, its journal and the commands it is given."""

import math
import os
import time
import traceback
from threading import Event

from paramixer_core.config import RunConfig
from paramixer_core.device import choose_device
from paramixer_core.errors import ParamixerError
from paramixer_core.runs.failures import (
    INTERRUPTED,
    EndedError,
    explain,
    peak_memory,
    require_gpu_room,
)
from paramixer_core.runs.journal import Entry, Journal
from paramixer_core.runs.run import Command, Failure, RunState
from paramixer_core.runs.store_errors import LeaseLostError, StoreError
from paramixer_core.schedule import evaluation_due, reached_target, snapshot_due
from paramixer_core.training import Evaluation, Trainer

WRITE_EVERY = 0.25  # seconds between two batches of records
POLL_EVERY = 0.05  # seconds between two looks for commands
RESUME_EVERY = 15.0  # seconds between snapshots that only serve to go on after a crash
REUSABLE_MEMORY = 10**9  # bytes; a process that held more gives them back by ending
SETTLE = 0.3  # seconds a pause must last before its snapshot is written


class Session:
    """Trains one run to its end. `wake` says "look for commands now", `leave` says "go away"."""

    def __init__(self, journal: Journal, wake: Event, leave: Event) -> None:
        self._journal = journal
        self._wake = wake
        self._leave = leave
        self._entry = Entry()
        self._paused = False
        self._allowed = 0  # single steps still to be made
        self._written = self._polled = self._saved = -math.inf
        self._saved_step = -1
        self._memory = 0
        self._next_step = 0.0

    def run(self) -> bool:
        """Train until the run ends, and record how; raises LeaseLostError alone.

        Returns whether this process holds nothing of the run and may take another one.
        """
        try:
            self._open()
            while True:
                self._turn()
        except EndedError as end:
            return self._close(end)
        except LeaseLostError:
            raise
        except Exception as error:  # noqa: BLE001 the border: a failed run says why
            failure, reason = explain(error)
            if failure is Failure.ERROR and not isinstance(error, ParamixerError):
                traceback.print_exc()  # standard error is the run's log
            self._fail(failure, reason)
        return False

    def _open(self) -> None:
        start = self._journal.start(pid=os.getpid())
        self._config: RunConfig = start.config
        self._seconds = start.seconds
        self._speed = start.speed
        self._adjustments = start.adjustments
        device = choose_device(start.config.device)
        require_gpu_room(start.config, device)
        self._trainer = Trainer(start.config, device)
        if start.state is not None:
            self._trainer.load_state(start.state)
            self._saved_step = start.step
        self._saved = time.monotonic()
        self._journal.describe(
            device=str(self._trainer.device),
            parameters=sum(p.numel() for p in self._trainer.network.parameters()),
            learning_rate=self._trainer.learning_rate,
            reason=start.note,
        )
        self._obey()
        if start.state is None:
            self._save(scheduled=True)
        elif evaluation_due(start.step):  # it may have been stopped in the middle of that
            self._evaluate()

    def _turn(self) -> None:
        """One step if it is time for one, else a short wait."""
        self._obey()
        if self._leave.is_set():
            self._depart()
        if self._trainer.step_number >= self._config.steps:
            raise EndedError(RunState.FINISHED)
        now = time.monotonic()
        if self._paused and not self._allowed:
            self._rest(now)
        elif now < self._next_step:
            self._wait(self._next_step - now)
        else:
            self._step(now)

    def _step(self, now: float) -> None:
        trainer = self._trainer
        if trainer.step_number in self._adjustments:
            trainer.learning_rate = self._adjustments.pop(trainer.step_number)
            self._journal.describe(learning_rate=trainer.learning_rate)
        if self._speed:
            self._next_step = now + 1 / self._speed
        began = time.perf_counter()
        record = trainer.step()
        self._seconds += time.perf_counter() - began
        self._entry.records.append(
            (
                record.step,
                record.loss,
                record.accuracy,
                record.grad_norm,
                record.steps_per_second,
                self._seconds,
            )
        )
        self._allowed = max(0, self._allowed - 1)
        last = record.step == self._config.steps
        if last or evaluation_due(record.step):
            evaluation = self._evaluate()
            if reached_target(self._config, evaluation.accuracy):
                raise EndedError(RunState.FINISHED, self._target_sentence(evaluation))
        if snapshot_due(record.step):
            self._save(scheduled=True)
        elif time.monotonic() - self._saved > RESUME_EVERY:
            self._save(scheduled=False)
        if self._allowed == 0 and (self._paused or time.monotonic() - self._written > WRITE_EVERY):
            self._write()

    def _evaluate(self) -> Evaluation:
        evaluation = self._trainer.evaluate(self._obey)  # a pause need not wait for its end
        self._entry.evaluations.append(
            (evaluation.step, evaluation.loss, evaluation.accuracy, self._seconds)
        )
        return evaluation

    def _target_sentence(self, evaluation: Evaluation) -> str:
        return f"Test accuracy {evaluation.accuracy:.1%} reached the target at {evaluation.step}."

    def _rest(self, now: float) -> None:
        """Paused: keep what is here, once it is clear that nobody steps on at once."""
        if self._saved_step != self._trainer.step_number and now - self._written > SETTLE:
            self._save(scheduled=True)
        self._wait(1.0)

    def _wait(self, seconds: float) -> None:
        if self._entry.records:
            self._write()
        if self._wake.wait(min(seconds, POLL_EVERY)):
            self._polled = -math.inf

    def _obey(self) -> None:
        now = time.monotonic()
        if now - self._polled < POLL_EVERY and not self._wake.is_set():
            return
        self._wake.clear()
        self._polled = now
        for command, value in self._journal.commands():
            match command:
                case Command.PAUSE:
                    self._pause()
                case Command.CONTINUE:
                    self._paused, self._allowed = False, 0
                    self._journal.change(RunState.RUNNING)
                case Command.SINGLE_STEP:
                    self._pause()
                    self._allowed += 1
                case Command.STOP:
                    raise EndedError(RunState.STOPPED)
                case Command.LEARNING_RATE:
                    self._adjust(value)
                case Command.SPEED:
                    self._speed, self._next_step = value, 0.0

    def _pause(self) -> None:
        self._allowed = 0 if not self._paused else self._allowed
        self._paused = True
        self._write()
        self._journal.change(RunState.PAUSED)

    def _adjust(self, rate: float | None) -> None:
        if rate is None:
            return
        self._trainer.learning_rate = rate
        self._adjustments.clear()
        self._journal.adjust(self._trainer.step_number, rate)

    def _write(self) -> None:
        self._entry.memory = self._memory = peak_memory(self._trainer.device)
        self._journal.write(self._entry)
        self._entry = Entry()
        self._written = time.monotonic()

    def _save(self, *, scheduled: bool) -> None:
        """Write what is recorded, then the snapshot: it never runs ahead of the records."""
        self._write()
        step, probe = self._trainer.step_number, {}
        if scheduled:
            try:
                probe = self._trainer.probe()
            except RuntimeError as error:
                if "linalg" not in str(error):
                    raise
                scheduled = False  # weights too large for a spectrum
        self._journal.snapshot(step, self._trainer.state(), probe, scheduled=scheduled)
        self._saved = time.monotonic()
        self._saved_step = step if scheduled else -1

    def _close(self, end: EndedError) -> bool:
        try:
            self._write()
            if self._saved_step != self._trainer.step_number:
                self._save(scheduled=True)
        except StoreError as error:
            self._fail(Failure.ERROR, str(error))
            return False
        self._journal.change(end.state, reason=end.reason)
        return self._trainer.device.type == "cpu" and self._memory < REUSABLE_MEMORY

    def _depart(self) -> None:
        """The server closes: leave a snapshot; a paused run stays paused, a running one says so."""
        if self._paused:
            if self._saved_step != self._trainer.step_number:
                self._save(scheduled=True)
            self._journal.describe(lease=None, pid=None)
            raise LeaseLostError
        raise EndedError(RunState.INTERRUPTED, INTERRUPTED)

    def _fail(self, failure: Failure, reason: str) -> None:
        """Keep the last good weights if the store takes them, then record the failure."""
        if failure is Failure.DIVERGED:
            try:
                self._save(scheduled=True)
            except (StoreError, ParamixerError, RuntimeError):
                self._entry = Entry()
        self._journal.change(RunState.FAILED, reason=reason, failure=failure)
