"""Requests that are half sent, hundreds at one time: `python -m tests.load.half_sent`.

Opens 600 connections that send the beginning of a request and then nothing, a third of them in the
middle of a body, and measures meanwhile how fast the app answers somebody else, how many of the
connections it has let go at the end, and how many files the server holds open.
"""

import argparse
import contextlib
import os
import socket
import statistics
import sys
import time
import urllib.request
from collections.abc import Sequence

from tests.load.server import ADDRESS, PORT, serving

CONNECTIONS = 600
SECONDS = 30
BEGUN = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
    b"",
    b"PUT /_stcore/upload_file/x/y HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 900000\r\n\r\nab",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 0 if every question was answered and all connections were let go."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--seconds", type=int, default=SECONDS)
    options = parser.parse_args(arguments)
    with serving() as server, contextlib.ExitStack() as held:
        before = open_files(server.pid)
        lines = [held.enter_context(begun(place)) for place in range(options.connections)]
        most, waits, errors = 0, [], 0
        until = time.monotonic() + options.seconds
        while time.monotonic() < until:
            try:
                waits.append(ask())
            except OSError:
                errors += 1
            most = max(most, open_files(server.pid))
            time.sleep(0.2)
        closed = sum(is_closed(line) for line in lines)
        after = open_files(server.pid)
    sys.stdout.write(
        f"{options.connections} half-sent requests: {closed} let go after {options.seconds} s; "
        f"files of the server {before} before, {most} at most, {after} after; "
        f"{len(waits)} questions answered, median {statistics.median(waits) * 1000:.0f} ms, "
        f"slowest {max(waits) * 1000:.0f} ms, {errors} not answered\n"
    )
    return 0 if not errors and closed == options.connections else 1


def begun(place: int) -> socket.socket:
    """A connection on which a part of a request was sent."""
    line = socket.create_connection(("127.0.0.1", PORT), timeout=10)
    line.sendall(BEGUN[place % len(BEGUN)])
    return line


def ask() -> float:
    """Seconds until the app's page is here."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    began = time.monotonic()
    with opener.open(f"{ADDRESS}/", timeout=10) as answer:
        answer.read()
    return time.monotonic() - began


def is_closed(line: socket.socket) -> bool:
    """Whether the server has ended a connection."""
    line.settimeout(0.1)
    try:
        while line.recv(4096):
            continue
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def open_files(pid: int) -> int:
    """How many files a process holds open; 0 where the system does not tell."""
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 (a count, of names alone)
    except OSError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
