"""The lab behind Caddy, with the file that `deploy/` ships: TLS, base path, socket, feed, files."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import ROOT, settled

CADDY = shutil.which("caddy")
pytestmark = pytest.mark.skipif(CADDY is None, reason="needs Caddy (apt install caddy)")
SECONDS = 60


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


@pytest.fixture(scope="module")
def behind_caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The lab's address behind Caddy, below /lab."""
    folder: Path = tmp_path_factory.mktemp("caddy")
    lab, http, https = free_ports(3)
    told = {**os.environ, "PYTHONPATH": str(ROOT), "PARAMIXER_HOME": str(folder / "home")}
    caddy = {
        "LAB_SITE": "localhost",
        "LAB_UPSTREAM": f"127.0.0.1:{lab}",
        "LAB_HTTP_PORT": str(http),
        "LAB_HTTPS_PORT": str(https),
        "HOME": str(folder),
        "XDG_DATA_HOME": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
    }
    options = ["--port", str(lab), "--no-browser", "--base-path", "/lab", "--proxy", "1"]
    file = ROOT / "deploy" / "Caddyfile"
    with (folder / "log.txt").open("wb") as log:
        servers = [
            subprocess.Popen(command, env={**told, **more}, stdout=log, stderr=log, cwd=folder)
            for command, more in (
                ([sys.executable, "-m", "app", *options], {}),
                ([str(CADDY), "run", "--adapter", "caddyfile", "--config", str(file)], caddy),
            )
        ]
        try:
            answers(f"http://127.0.0.1:{lab}/lab/_stcore/health", folder / "log.txt")
            yield f"https://localhost:{https}/lab"
        finally:
            for server in reversed(servers):
                server.terminate()
                server.wait(timeout=30)


def answers(address: str, log: Path) -> None:
    """Wait until a server is there."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with opener.open(address, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)


def test_a_run_is_trained_watched_and_stopped_through_caddy(behind_caddy, open_page) -> None:
    page = open_page(ignore_https_errors=True)
    sockets, feeds, foreign = [], [], []
    page.on("websocket", lambda found: sockets.append(found.url))
    page.on("response", lambda got: feeds.append(got.status) if "/live?" in got.url else None)
    page.on(
        "request",
        lambda sent: None if "//localhost:" in sent.url else foreign.append(sent.url),
    )
    page.goto(f"{behind_caddy}/train?task=adding&n=16&mixers=chord&steps=1000000&batch=2")
    page.get_by_role("button", name="Start").click()
    card = page.locator(".card[data-mixer=chord]")
    expect(card).to_contain_text("trains")
    before = card.locator(".done").inner_text()
    expect(card.locator(".done")).not_to_have_text(before)
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(card).to_contain_text("stopped")
    assert sockets
    assert all(re.match(r"wss://localhost:\d+/lab/_stcore/stream", url) for url in sockets)
    assert set(feeds) <= {200, 304}
    assert 200 in feeds
    assert [url for url in foreign if not url.startswith(("data:", "blob:"))] == []
    cookies = page.context.cookies()
    assert cookies
    assert all(cookie["secure"] for cookie in cookies if "paramixer" in cookie["name"]), cookies


def test_a_file_is_sent_through_caddy(behind_caddy, open_page) -> None:
    page = open_page(ignore_https_errors=True)
    page.goto(f"{behind_caddy}/inspect")
    settled(page)
    rows = "\n".join(f"{'even' if n % 2 == 0 else 'odd'},{'ACGT' * 4}" for n in range(40))
    page.get_by_text("Upload sequences to train on").click()
    page.locator(".st-key-data_file input[type=file]").set_input_files(
        {"name": "genes.csv", "mimeType": "text/csv", "buffer": f"label,text\n{rows}".encode()}
    )
    expect(page.get_by_text("genes.csv").first).to_be_visible()
