"""A worker that hangs: SIGSTOP."""

import os
import secrets
import signal
from pathlib import Path

from playwright.sync_api import sync_playwright

from paramixer_core.runs import RunState, RunStore
from paramixer_core.runs.run import Command
from tests.chromium import ARGUMENTS, find_chromium
from tests.faults.fault import Fault
from tests.faults.served import LONG, app_on, home_of, seen, steps
from tests.load.server import ADDRESS

GOES_ON = "said, goes on, stops, the next one trains"
ENDED = "its worker is ended, it is stopped and says why, the next one trains"


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
        return GOES_ON if stopped and made >= 100 else "stuck"


def stopped_while_frozen() -> str:
    """Stop the worker's process by a signal, press the app's Stop, look at both runs."""
    key = secrets.token_urlsafe(24)
    runs = home_of(LONG, LONG.replace(seed=1))
    with runs as (home, (first, second)), app_on(home, PARAMIXER_ADMIN=key):
        store = RunStore(home)
        seen([first], lambda status, text: "trains" in text, 10)
        steps(store, first, 100)
        pid = store.run(first).pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        press(first, "stop", key)
        seen([first], lambda status, text: "stopped" in text.lower(), 60)
        found = store.run(first)
        made = steps(store, second, 100)
        store.close()
        gone = not Path(f"/proc/{pid}").exists()
        if found.state is RunState.STOPPED and "did not answer" in found.reason and gone and made:
            return ENDED
        return f"{found.state}, {found.reason} worker {'gone' if gone else 'there'}, {made} steps"


def press(run_id: str, button: str, key: str) -> None:
    """Press a button of the Train page in the operator's browser; it is then disabled."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.goto(f"{ADDRESS}/train?admin={key}&runs={run_id}")
        page.locator(f".st-key-{button} button").click(timeout=60_000)
        page.locator(f".st-key-{button} button:disabled").wait_for(timeout=60_000)
        browser.close()


FAULTS = (
    Fault(
        "frozen worker",
        "SIGSTOP, later SIGCONT and stop",
        GOES_ON,
        frozen,
    ),
    Fault(
        "frozen, stopped",
        "SIGSTOP of the worker, then Stop pressed in the app",
        ENDED,
        stopped_while_frozen,
    ),
)
