"""The server as `python -m app` starts it, from any folder."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60


def eventually(path: Path) -> str:
    """What a file holds once it is there."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not path.exists() or not path.read_text():
        assert time.monotonic() < deadline, f"no {path.name}"
        time.sleep(0.05)
    return path.read_text().strip()


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[str]:
    """The address that a started server opens in its user's browser, under a base path."""
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\necho "$1" > {tmp_path}/new && mv {tmp_path}/new {tmp_path}/seen\n'
    )
    browser.chmod(0o700)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-m", "app", "--port", port, "--base-path", "lab"]
    env = {**os.environ, "BROWSER": f"{browser} %s", "PARAMIXER_HOME": str(tmp_path / "home")}
    env |= {"DISPLAY": ":99", "PYTHONPATH": str(ROOT)}  # as on a desktop
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
    try:
        yield eventually(tmp_path / "seen")
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_it_opens_in_the_browser_and_answers_who_watches_runs(opened: str) -> None:
    opened, _, key = opened.partition("?admin=")
    assert opened.startswith("http://127.0.0.1:")
    assert opened.endswith("/lab/")
    assert len(key) > 20
    open_address = urllib.request.build_opener(urllib.request.ProxyHandler({})).open
    with open_address(f"{opened}_stcore/health", timeout=10) as health:
        assert health.read() == b"ok"
    with pytest.raises(urllib.error.HTTPError) as missing:
        open_address(f"{opened}live?runs=nosuchrun&over=steps&curve=loss", timeout=30)
    assert missing.value.code == 404
    assert "nosuchrun" in missing.value.read().decode()
