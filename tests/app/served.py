"""The app as its own command starts it, for tests that speak HTTP with it."""

import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
ADDRESS = re.compile(r"Paramixer Lab:\s+(\S+)")
OPERATOR = re.compile(r"operator:\s+(\S+)")
SOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
"""Headers that ask for a websocket."""


@dataclass(frozen=True)
class Served:
    """A server that answers: where, what its operator's link is, and all that it printed."""

    url: str
    operator: str
    pid: int
    log: Path

    def get(self, path="", *, method="GET", page=False, unread=False, body=None, **headers):
        """One answer: status, headers (all of them, as pairs) and text; nothing is followed."""
        where = urlsplit(self.url)
        connection = http.client.HTTPConnection(where.hostname, where.port, timeout=30)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        told |= {"Accept": "text/html"} if page else {}
        try:
            connection.request(method, f"{where.path}{path}", body, headers=told)
            answer = connection.getresponse()
            text = "" if unread else answer.read().decode(errors="replace")
            return answer.status, answer.getheaders(), text
        finally:
            connection.close()


def command(*options):
    """What starts the app; it opens no browser."""
    return [sys.executable, "-m", "app", "--no-browser", *options]


def environment(home, **more):
    """What it is started with: nothing of the tester's own."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("STREAMLIT_")}
    return {**env, "PYTHONPATH": str(ROOT), "PARAMIXER_HOME": str(home), **more}


@contextmanager
def served(folder: Path, *options: str, cwd: Path | str = "/", **env: str) -> Iterator[Served]:
    """The app on a free port, from its first answer on; it is ended."""
    log = folder / "log.txt"
    if "--port" not in options:
        options = ("--port", "0", *options)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command(*options),
            cwd=cwd,
            env=environment(folder / "home", **env),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not (found := OPERATOR.search(log.read_text())) or not answers(log):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield Served(ADDRESS.search(log.read_text())[1], found[1], process.pid, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        finally:
            process.kill()  # nothing, where it has ended


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(port: int) -> None:
    """Wait until somebody listens on a port of this machine."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5):
                return
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.05)


def answers(log: Path) -> bool:
    """Whether the server that printed this answers already."""
    where = urlsplit(ADDRESS.search(log.read_text())[1])
    try:
        with socket.create_connection((where.hostname, where.port), timeout=5):
            return True
    except OSError:
        return False
