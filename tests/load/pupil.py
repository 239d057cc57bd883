"""One browser of the classroom: it watches, it uses controls, and it counts how long it waits."""

import asyncio
import itertools
import json
import random
import time
from dataclasses import dataclass, field
from typing import Any

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.server import PORT

CONTROL_EVERY_SECONDS = 5.0
TICK_SECONDS = 0.5
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

    async def listen(self, socket: websockets.ClientConnection) -> None:
        """Take what comes, as a browser does: a client that never reads answers no ping either."""
        while True:
            self.received += len(await socket.recv())

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

    async def hurry(self, ticks: int) -> None:
        """Fetch as often and as fast as the server answers, each time anew."""
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        for _ in range(ticks):
            self.tag = ""
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
