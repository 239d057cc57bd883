"""The app, served for a measurement."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PORT = int(os.environ.get("PARAMIXER_LOAD_PORT", "8791"))
ADDRESS = f"http://127.0.0.1:{PORT}"
START_SECONDS = 60


class Server(NamedTuple):
    """A server that answers: its process, its run store, and how long its start took."""

    pid: int
    home: Path
    seconds: float


@contextmanager
def serving(**environment: str) -> Iterator[Server]:
    """The app at ADDRESS, with a run store of its own, from its first answer on; it is ended."""
    options = ("--port", str(PORT), "--no-browser")
    with tempfile.TemporaryDirectory() as home:
        told = {"PARAMIXER_HOME": home, **environment}
        began = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *options],
            env={**os.environ, "PYTHONPATH": str(ROOT), **told},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            _wait_for_an_answer(began + START_SECONDS)
            yield Server(process.pid, Path(home), time.monotonic() - began)
        finally:
            process.terminate()
            process.wait(timeout=20)


def _wait_for_an_answer(deadline: float) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{ADDRESS}/_stcore/health", timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
