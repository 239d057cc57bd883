"""A classroom on one server: `python -m tests.load.classroom` measures what its pupils feel.

Each of 30 sessions is a real websocket client that speaks Streamlit's protocol: it opens the Train
page of three live runs, repeats its live fragment twice a second as a browser does, and every few
seconds uses a control. The same runs are then trained again with nobody watching. Figures, not
assertions: times belong to the machine that they were measured on.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from paramixer_core.runs import RunStore

ROOT = Path(__file__).parents[2]
PORT = 8791
CONTROL_EVERY_SECONDS = 5.0
MIXERS = ("chord", "cdil", "attention")
ENDLESS = 1_000_000


@dataclass
class Session:
    """What one client saw and how long it waited."""

    query: str
    ticks: list[float] = field(default_factory=list)
    controls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    received: int = 0
    fragment: str = ""
    interval: float = 0.5
    steps_seen: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)

    async def live(self, until: float, stopped: asyncio.Event) -> None:
        """Open the page, use it until the given time, and look once more when all has stopped."""
        async with connection() as socket:
            await self.ask(socket, fragment=False)
            next_control = time.monotonic() + CONTROL_EVERY_SECONDS
            while time.monotonic() < until:
                started = time.monotonic()
                if started >= next_control:
                    self.controls.append(await self.ask(socket, fragment=False))
                    next_control = started + CONTROL_EVERY_SECONDS
                elif self.fragment:
                    self.ticks.append(await self.ask(socket, fragment=True))
                await asyncio.sleep(max(0.0, self.interval - (time.monotonic() - started)))
            await stopped.wait()
            await asyncio.sleep(2 * self.interval)  # a browser ticks once more
            self.steps_seen.clear()
            await self.ask(socket, fragment=False)

    async def ask(
        self, socket: websockets.ClientConnection, *, fragment: bool, press: str = ""
    ) -> float:
        """Send a rerun, read until the script has finished, return the seconds between.

        `press` names a button that is clicked with it.
        """
        message = BackMsg()
        if press:
            click = message.rerun_script.widget_states.widgets.add()
            click.id, click.trigger_value = self.buttons[press], True
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = "train"
        if fragment:
            message.rerun_script.fragment_id = self.fragment
            message.rerun_script.is_auto_rerun = True
        started = time.monotonic()
        await socket.send(message.SerializeToString())
        while True:
            data = await asyncio.wait_for(socket.recv(), timeout=60)
            self.received += len(data)
            answer = ForwardMsg()
            answer.ParseFromString(data)
            self.note(answer)
            if answer.WhichOneof("type") == "script_finished":
                return time.monotonic() - started

    def note(self, answer: ForwardMsg) -> None:
        """Remember the live fragment, the steps on screen and what went wrong."""
        kind = answer.WhichOneof("type")
        if kind == "auto_rerun":
            self.fragment, self.interval = answer.auto_rerun.fragment_id, answer.auto_rerun.interval
        elif kind == "delta":
            element = answer.delta.new_element
            if element.WhichOneof("type") == "exception":
                self.errors.append(element.exception.message)
            if element.WhichOneof("type") == "button":
                self.buttons[element.button.label] = element.button.id
            if element.WhichOneof("type") == "progress":
                self.steps_seen.add(element.progress.text)


def connection() -> websockets.connect:
    """A websocket as a browser opens it."""
    url = f"ws://127.0.0.1:{PORT}/_stcore/stream"
    return websockets.connect(url, subprotocols=["streamlit"], max_size=None)


def measure(sessions: int, seconds: float) -> dict[str, object]:
    """Serve, train three runs, let the sessions watch, then train the same unwatched."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "PARAMIXER_HOME": home, "PYTHONPATH": str(ROOT)}
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/main.py", "--server.port", str(PORT)],
            env=environment,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            return asyncio.run(_lesson(Path(home), server.pid, sessions, seconds))
        finally:
            server.terminate()
            server.wait(timeout=20)


async def _lesson(home: Path, pid: int, sessions: int, seconds: float) -> dict[str, object]:
    await _answering()
    teacher = Session(f"mixers={','.join(MIXERS)}&task=adding&n=128&steps={ENDLESS}")
    store = RunStore(home)
    async with connection() as desk:
        await teacher.ask(desk, fragment=False)
        await teacher.ask(desk, fragment=False, press="Start")
        ids = await _started(store)
        alone = await _speed(store, ids, seconds / 3)
        memory_before = resident(pid)
        watchers = [Session(f"runs={','.join(ids)}") for _ in range(sessions)]
        spent = cpu_seconds(pid)
        steps_before, began = _steps(store, ids), time.monotonic()
        stopped = asyncio.Event()
        lesson = [asyncio.create_task(w.live(began + seconds, stopped)) for w in watchers]
        await asyncio.sleep(seconds)
        watched = (_steps(store, ids) - steps_before) / (time.monotonic() - began)
        memory_after, spent = resident(pid), cpu_seconds(pid) - spent
        await asyncio.sleep(2.0)
        after = await _speed(store, ids, seconds / 3)
        teacher.query = watchers[0].query
        await teacher.ask(desk, fragment=False)
        await teacher.ask(desk, fragment=False, press="Stop")
        while any(run.state.active for run in store.runs()):
            await asyncio.sleep(0.1)
        stopped.set()
        await asyncio.gather(*lesson)
    final = {f"step {store.run(run_id).step:,} of {ENDLESS:,}" for run_id in ids}
    ticks = sorted(tick for watcher in watchers for tick in watcher.ticks)
    controls = sorted(control for watcher in watchers for control in watcher.controls)
    unwatched = (alone + after) / 2
    return {
        "sessions": sessions,
        "seconds": seconds,
        "errors": [error for watcher in watchers for error in watcher.errors],
        "sessions that did not see the last step": sum(w.steps_seen != final for w in watchers),
        "ticks": len(ticks),
        "tick ms median": 1e3 * statistics.median(ticks),
        "server CPU ms per tick or control": 1e3 * spent / (len(ticks) + len(controls)),
        "tick ms 95 %": 1e3 * ticks[int(0.95 * len(ticks))],
        "controls": len(controls),
        "control ms median": 1e3 * statistics.median(controls),
        "control ms 95 %": 1e3 * controls[int(0.95 * len(controls))],
        "kB per session and second": statistics.mean(w.received for w in watchers) / seconds / 1e3,
        "steps/s unwatched": unwatched,
        "steps/s watched": watched,
        "training slowed by %": 100 * (1 - watched / unwatched),
        "server MiB before": memory_before / 2**20,
        "server MiB after": memory_after / 2**20,
    }


async def _answering() -> None:
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", PORT)
        except OSError:
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise TimeoutError(f"The server did not answer on port {PORT} within a minute.")


async def _started(store: RunStore) -> list[str]:
    for _ in range(1200):
        runs = store.runs()
        if len(runs) == len(MIXERS) and sum(run.step > 20 for run in runs) >= 2:
            return [run.id for run in runs]
        await asyncio.sleep(0.1)
    raise TimeoutError("The runs did not start within two minutes.")


def _steps(store: RunStore, ids: list[str]) -> int:
    return sum(store.run(run_id).step for run_id in ids)


async def _speed(store: RunStore, ids: list[str], seconds: float) -> float:
    before, began = _steps(store, ids), time.monotonic()
    await asyncio.sleep(seconds)
    return (_steps(store, ids) - before) / (time.monotonic() - began)


def resident(pid: int) -> int:
    """Bytes of memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure and print as JSON."""
    parser = argparse.ArgumentParser(description="A classroom on one server.")
    parser.add_argument("--sessions", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=5.0)
    asked = parser.parse_args()
    figures = measure(asked.sessions, 60 * asked.minutes)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")


if __name__ == "__main__":
    main()
