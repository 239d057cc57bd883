"""Staying with runs to their end, and what becomes of them if the command ends first."""

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

from paramixer_core.runs.commands.output import say, tell
from paramixer_core.runs.executor import Executor, open_executor
from paramixer_core.runs.run import Run, RunState
from paramixer_core.runs.store import RunStore
from paramixer_core.runs.store_errors import StoreError

BAR = 24
INTERRUPTED = 130
UNBEGUN = "The command that queued it ended before it began; continue it when you like."


class Hangup(BaseException):
    """The terminal has closed, or the system asks this process to end."""


@contextmanager
def working(store: RunStore) -> Iterator[Executor]:
    """An executor that is closed whatever happens: its runs then say that they were interrupted."""

    def end(number: int, frame: FrameType | None) -> None:
        for name in ENDING:
            signal.signal(name, signal.SIG_IGN)  # once is enough; what is there is being kept
        raise Hangup

    heeded = [name for name in ENDING if signal.getsignal(name) != signal.SIG_IGN]  # nohup
    before = {name: signal.signal(name, end) for name in heeded}
    executor = open_executor(store)
    try:
        yield executor
    finally:
        executor.close()
        for name, handler in before.items():
            signal.signal(name, handler)


ENDING = [getattr(signal, name) for name in ("SIGHUP", "SIGTERM") if hasattr(signal, name)]


def attended(
    store: RunStore, begin: Callable[[Executor], list[str]], after: Callable[[], None] | None = None
) -> int:
    """Start runs and stay with them to their end; the exit status.

    If the command is interrupted or its terminal closes, what trains is kept as interrupted and
    what has not begun is too: nothing stays "running", and all can be continued.
    """
    ids: list[str] = []
    status = INTERRUPTED
    try:
        with working(store) as executor:
            ids = begin(executor)
            status = watch(executor, ids)
    except (KeyboardInterrupt, Hangup):
        tell("\nKept what is there; continue it with: train --continue RUN")
    finally:
        withdraw(store, ids)
    if after is not None and status != INTERRUPTED:
        after()
    return status


def withdraw(store: RunStore, ids: Sequence[str]) -> None:
    """Say of runs that still wait that nobody will start them."""
    for run_id in ids:
        with suppress(StoreError):
            if store.run(run_id).state is RunState.QUEUED:
                values = {"state": RunState.INTERRUPTED, "reason": UNBEGUN}
                store.update(run_id, **values, ended=time.time())


def watch(executor: Executor, ids: Sequence[str]) -> int:
    """Show each run's progress until it has ended; 0 if all finished.

    A bar that moves is for a terminal; a log gets one line per run.
    """
    finished, live = True, sys.stderr.isatty()
    for run_id in ids:
        while (run := executor.status(run_id)).state.active:
            if live:
                tell(f"\r{bar(run)}\x1b[K", end="")
            time.sleep(0.2)
        tell(f"\r{bar(run)}\x1b[K" if live else bar(run))
        tests = executor.store.evaluations(run_id)
        if run.reason:
            tell(run.reason)
        if len(tests):
            say(f"{run_id} test loss {tests.loss[-1]:.4g} accuracy {tests.accuracy[-1]:.1%}")
        finished = finished and run.state is RunState.FINISHED
    return 0 if finished else 1


def bar(run: Run) -> str:
    """One line: id, mixer, state, bar, steps, speed and the time that is left."""
    filled = "#" * round(BAR * run.progress)
    left = "" if run.eta is None else f" {run.eta:.0f} s left"
    speed = f" {run.steps_per_second:.1f} steps/s" if run.steps_per_second else ""
    name = f"{run.id} {run.config.mixer} seed {run.config.seed} {run.state}"
    return f"{name} [{filled:<{BAR}}] {run.step}/{run.config.steps}{speed}{left}"
