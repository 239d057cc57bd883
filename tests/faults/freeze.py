"""A worker that hangs: SIGSTOP."""

import os
import signal

from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.run import Command
from tests.faults.fault import Fault
from tests.faults.served import LONG, app_on, home_of, seen, steps


def frozen() -> str:
    """Stop the worker's process by a signal, look, have the run stopped, look again."""
    with home_of(LONG, LONG.replace(seed=1)) as (home, (first, second)), app_on(home):
        store = RunStore(home)
        seen([first], lambda status, text: "trains" in text, 10)
        steps(store, first, 100)
        pid = store.run(first).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        said = seen([first], lambda status, text: "no sign of life" in text, 40)
        if "it was stopped by a signal" not in said:
            return said
        os.kill(pid, signal.SIGCONT)
        seen([first], lambda status, text: "no sign of life" not in text, 40)
        if steps(store, first, 100) < 100:
            return "it did not go on after SIGCONT"
        store.command(first, Command.STOP)
        seen([first], lambda status, text: "stopped" in text, 60)
        made = steps(store, second, 100)
        stopped = store.run(first).state is RunState.STOPPED
        store.close()
        return "said, goes on, stops, the next one trains" if stopped and made >= 100 else "stuck"


FAULTS = (
    Fault(
        "frozen worker",
        "SIGSTOP, later SIGCONT and stop",
        "said, goes on, stops, the next one trains",
        frozen,
    ),
)
