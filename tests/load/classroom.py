"""A classroom on one server: `python -m tests.load.classroom` measures what its pupils feel.

Each of 30 sessions does what a browser does: it opens the Train page of three live runs over a
websocket that speaks Streamlit's protocol, fetches their feed twice a second over HTTP, and every
few seconds uses a control of the page. The same runs are then trained again with nobody watching.
Figures, not assertions: times belong to the machine that they were measured on.
"""

import argparse
import asyncio
import itertools
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from paramixer_core.runs import RunStore

ROOT = Path(__file__).parents[2]
PORT = 8791
CONTROL_EVERY_SECONDS = 5.0
TICK_SECONDS = 0.5
MIXERS = ("chord", "cdil", "attention")
ENDLESS = 1_000_000
AGAIN = ForwardMsg.FINISHED_EARLY_FOR_RERUN


@dataclass
class Session:
    """What one client saw and how long it waited."""

    query: str
    ticks: list[float] = field(default_factory=list)
    controls: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    received: int = 0
    feed: str = ""
    tag: str = ""
    shown: set[str] = field(default_factory=set)
    buttons: dict[str, str] = field(default_factory=dict)
    steps: str = ""
    fragments: dict[str, str] = field(default_factory=dict)

    async def live(self, until: float, stopped: asyncio.Event) -> None:
        """Open the page, use it until the given time, and look once more when all has stopped."""
        async with connection() as socket:
            await self.ask(socket)
            await asyncio.gather(self.watch(until, stopped), self.use(socket, until))

    async def use(self, socket: websockets.ClientConnection, until: float) -> None:
        """Use a control now and then, each pupil at a moment of its own."""
        await asyncio.sleep(random.uniform(0, CONTROL_EVERY_SECONDS))
        for number in itertools.count(1000):
            if time.monotonic() >= until:
                return
            # Alternately a setting of the next run and the view of these, as their fragments.
            waited = await self.ask(socket, *(("settings", number) if number % 2 else ("view",)))
            self.controls.append(waited)
            await asyncio.sleep(max(0.0, CONTROL_EVERY_SECONDS - waited))

    async def watch(self, until: float, stopped: asyncio.Event) -> None:
        """Fetch the feed twice a second over one connection, and once more when all has ended."""
        await asyncio.sleep(random.uniform(0, TICK_SECONDS))
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        while time.monotonic() < until:
            waited = await self.fetch(reader, writer)
            self.ticks.append(waited)
            await asyncio.sleep(max(0.0, TICK_SECONDS - waited))
        writer.close()
        await stopped.wait()
        await asyncio.sleep(2 * TICK_SECONDS)  # a browser fetches once more
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await self.fetch(reader, writer)
        writer.close()

    async def fetch(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> float:
        """One message of the feed; the seconds until it is here."""
        began = time.monotonic()
        known = f"If-None-Match: {self.tag}\r\n" if self.tag else ""
        writer.write(f"GET {self.feed} HTTP/1.1\r\nHost: 127.0.0.1\r\n{known}\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
        body = await reader.readexactly(int(fields.get("content-length", 0)))
        waited = time.monotonic() - began
        self.received += len(head) + len(body)
        status = head.split()[1]
        if status == "200":
            self.tag = fields["etag"]
            self.shown = {card["progressText"] for card in header_of(body)["cards"]}
        elif status != "304":
            self.errors.append(f"{head.splitlines()[0]}: {body.decode()}")
        return waited

    async def ask(
        self,
        socket: websockets.ClientConnection,
        part: str = "",
        steps: int = 0,
        *,
        press: str = "",
    ) -> float:
        """Send a rerun, read until the script has finished, return the seconds between.

        A `part` of the page runs alone. `steps` is typed into its field; `press` is clicked.
        """
        message = BackMsg()
        if part:
            message.rerun_script.fragment_id = self.fragments[part]
        if steps:
            typed = message.rerun_script.widget_states.widgets.add()
            typed.id, typed.int_value = self.steps, steps
        if press:
            click = message.rerun_script.widget_states.widgets.add()
            click.id, click.trigger_value = self.buttons[press], True
        message.rerun_script.query_string = self.query
        message.rerun_script.page_name = "train"
        started = time.monotonic()
        await socket.send(message.SerializeToString())
        while True:
            data = await asyncio.wait_for(socket.recv(), timeout=60)
            self.received += len(data)
            answer = ForwardMsg()
            answer.ParseFromString(data)
            self.note(answer)
            if answer.WhichOneof("type") == "script_finished" and answer.script_finished != AGAIN:
                return time.monotonic() - started

    def note(self, answer: ForwardMsg) -> None:
        """Remember the feed's address, the buttons and what went wrong."""
        if answer.WhichOneof("type") != "delta":
            return
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.errors.append(element.exception.message)
        elif kind == "button":
            self.buttons[element.button.label] = element.button.id
        elif kind == "number_input" and element.number_input.label == "Steps":
            self.steps = element.number_input.id
            self.fragments["settings"] = answer.delta.fragment_id
        elif kind == "bidi_component" and b'"view":"runs"' in element.bidi_component.bytes:
            self.feed = header_of(element.bidi_component.bytes)["url"]
            self.fragments["view"] = answer.delta.fragment_id


def header_of(message: bytes) -> dict[str, Any]:
    """The header of a packed message, without its arrays."""
    header: dict[str, Any] = json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])
    return header


def connection() -> websockets.connect:
    """A websocket as a browser opens it."""
    url = f"ws://127.0.0.1:{PORT}/_stcore/stream"
    return websockets.connect(url, subprotocols=["streamlit"], max_size=None, ping_interval=None)


def measure(sessions: int, seconds: float) -> dict[str, object]:
    """Serve, train three runs, let the sessions watch, then train the same unwatched."""
    with tempfile.TemporaryDirectory() as home:
        environment = {
            **os.environ,
            "PARAMIXER_HOME": home,
            "PARAMIXER_WORKERS": str(len(MIXERS)),  # all three train at once
            "PYTHONPATH": str(ROOT),
        }
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
        await teacher.ask(desk)
        await teacher.ask(desk, press="Start")
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
        await teacher.ask(desk)
        await teacher.ask(desk, press="Stop")
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
        "sessions that did not see the last step": sum(w.shown != final for w in watchers),
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
        if len(runs) == len(MIXERS) and all(run.step > 20 for run in runs):
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
