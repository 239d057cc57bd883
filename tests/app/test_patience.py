"""A request that is half sent is waited for, but not for long; a slow one that comes is served."""

import socket
import threading
import time

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from app import patience

PATIENCE_SECONDS = 20


async def length(request: Request) -> PlainTextResponse:
    """How many bytes came."""
    return PlainTextResponse(str(len(await request.body())))


async def echo(websocket: WebSocket) -> None:
    """Answer every text with itself."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "HEAD_SECONDS", 1.0)
    monkeypatch.setattr(patience, "BODY_SECONDS", 1.0)
    monkeypatch.setattr(patience, "SLOWEST_BODY", 100)
    routes = [Route("/", length, methods=["GET", "PUT"]), WebSocketRoute("/socket", echo)]
    config = uvicorn.Config(
        Starlette(routes=routes),
        http=patience.PatientProtocol,
        log_level="warning",
        ws="websockets-sansio",
    )
    server = uvicorn.Server(config)
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def opened(address) -> socket.socket:
    line = socket.create_connection(address, timeout=PATIENCE_SECONDS)
    line.settimeout(PATIENCE_SECONDS)
    return line


def rest_of(line: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    found = b""
    try:
        while part := line.recv(4096):
            found += part
    except ConnectionResetError:
        pass
    return found


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\n",
        b"PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab",
    ],
    ids=["nothing", "a line", "a head", "a body"],
)
def test_half_a_request_is_ended(address, half: bytes) -> None:
    with opened(address) as line:
        line.sendall(half)
        assert rest_of(line) == b""


def test_half_a_second_request_is_ended_too(address) -> None:
    with opened(address) as line:
        line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT")
        assert rest_of(line).startswith(b"HTTP/1.1 200")


def test_a_drop_now_and_then_does_not_keep_a_request_alive(address) -> None:
    with opened(address) as line:
        sent = 0
        try:
            for letter in b"GET / HTTP/1.1\r\n" + b"a" * 1000:
                line.sendall(bytes([letter]))
                sent += 1
                time.sleep(0.1)
        except OSError:
            pass
        assert sent < 1000


def test_a_slow_body_that_keeps_coming_is_taken(address) -> None:
    with opened(address) as line:
        line.sendall(
            b"PUT / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1200\r\n\r\n"
        )
        for _ in range(12):
            time.sleep(0.25)
            line.sendall(b"a" * 100)
        assert rest_of(line).endswith(b"1200")


def test_of_too_many_that_are_half_sent_the_oldest_goes(address, monkeypatch) -> None:
    monkeypatch.setattr(patience, "HEAD_SECONDS", 600.0)
    monkeypatch.setattr(patience, "MOST_HALF_SENT", 5)
    lines = [opened(address) for _ in range(8)]
    try:
        assert [rest_of(line) for line in lines[:3]] == [b""] * 3
        for line in lines[3:]:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(4096).startswith(b"HTTP/1.1 200")
    finally:
        for line in lines:
            line.close()


def test_a_web_socket_that_is_idle_stays_open(address) -> None:
    host, port = address
    with connect(f"ws://{host}:{port}/socket", proxy=None) as line:
        for text in ("at once", "after longer than a body may take"):
            line.send(text)
            assert line.recv(timeout=PATIENCE_SECONDS) == text
            time.sleep(2.5)
        line.send("still")
        assert line.recv(timeout=PATIENCE_SECONDS) == "still"
