"""The server as `python -m app` starts it, from any folder."""

import contextlib
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.gate import INDEX
from app.serving import Options, listen, settings
from paramixer_core.errors import ParamixerError
from tests.app.served import command, environment, served

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


def listening(port: int) -> set[str]:
    """The addresses, as Linux writes them, on which somebody listens at a port."""
    found = set()
    for table in ("tcp", "tcp6"):
        for line in Path("/proc/net", table).read_text().splitlines()[1:]:
            local, state = line.split()[1], line.split()[3]
            address, _, place = local.rpartition(":")
            if state == "0A" and int(place, 16) == port:
                found.add(address)
    return found


LOOPBACK = "0100007F"
linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc/net")


@linux
@pytest.mark.parametrize("place", ["/", "with settings of its own"])
def test_from_any_folder_it_listens_on_this_machine_alone(tmp_path: Path, place: str) -> None:
    if place != "/":
        (tmp_path / ".streamlit").mkdir()
        hostile = '[server]\naddress = "0.0.0.0"\nport = 1\n[browser]\ngatherUsageStats = true\n'
        (tmp_path / ".streamlit" / "config.toml").write_text(hostile)
    with served(tmp_path, cwd=tmp_path if place != "/" else "/") as app:
        port = int(app.url.rstrip("/").rpartition(":")[2])
        assert listening(port) == {LOOPBACK}


def test_its_settings_hold_over_every_file() -> None:
    told = settings(Options(), 8501)
    assert told["server.address"] == "127.0.0.1"
    assert told["browser.gatherUsageStats"] is False
    assert told["server.maxUploadSize"] == 50
    assert told["theme.light.primaryColor"].startswith("#")


@linux
def test_streamlit_run_starts_this_entry_with_what_it_was_told(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    main = str(ROOT / "app" / "main.py")
    options = ("--server.port", str(port), "--server.headless", "true")
    process = subprocess.Popen(
        [sys.executable, "-m", "streamlit", "run", main, *options],
        cwd="/",
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        said = iter(process.stdout or ())
        assert any(f"http://127.0.0.1:{port}" in line for line in said)
        assert listening(port) == {LOOPBACK}
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


@pytest.mark.parametrize(
    ("options", "home"),
    [
        ((), "~nosuchuser/x"),
        ((), "/dev/null"),
        ((), "/dev/null/runs"),
        (("--address", "203.0.113.7"), ""),
        (("--cert", "missing.pem"), ""),
        (("--cert", "missing.pem", "--key", "missing.pem"), ""),
    ],
)
def test_what_cannot_be_gets_one_sentence(tmp_path: Path, options, home: str) -> None:
    started = subprocess.run(
        command(*options, "--port", "0"),
        cwd="/",
        env=environment(home or tmp_path),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert started.returncode == 2
    assert started.stderr.startswith("Expected ")
    assert len(started.stderr.strip().splitlines()) == 1


def test_a_key_that_is_too_short_is_refused(tmp_path: Path) -> None:
    started = subprocess.run(
        command("--port", "0"),
        cwd="/",
        env=environment(tmp_path, PARAMIXER_ADMIN="1234"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert started.returncode == 2
    assert "PARAMIXER_ADMIN" in started.stderr


def test_a_taken_port_gives_the_next_free_one_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        try:
            taken.bind(("127.0.0.1", 8501))
            taken.listen()
        except OSError:
            pass  # somebody else has it: as good
        first = bound_port(Options())
    assert first > 8501


def bound_port(options: Options) -> int:
    with listen(options) as found:
        port: int = found.getsockname()[1]
        return port


def test_a_taken_port_that_was_asked_for_is_refused() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ParamixerError, match="--port"):
            listen(Options(port=taken.getsockname()[1]))


def test_an_address_of_the_sixth_version_stands_in_brackets(tmp_path: Path) -> None:
    with served(tmp_path, "--address", "::1") as app:
        assert app.url.startswith("http://[::1]:")
        assert app.get(page=True)[0] == 200


LARGEST = max((INDEX.parent / "static" / "js").glob("*.js"), key=lambda file: file.stat().st_size)


@pytest.mark.parametrize(
    "unended",
    [
        f"GET /static/js/{LARGEST.name} HTTP/1.1\r\nHost: x\r\n\r\n",
        "PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nab",
        "GET / HTTP/1.1\r\nHost:",
    ],
    ids=["an answer that nobody takes", "half a body", "half a head"],
)
def test_it_ends_when_told_to_although_somebody_keeps_it_waiting(
    tmp_path: Path, unended: str
) -> None:
    """`served` itself waits for its end."""
    with contextlib.ExitStack() as lines, served(tmp_path) as app:
        where = urlsplit(app.url)
        line = lines.enter_context(socket.socket())
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect((where.hostname, where.port))
        line.sendall(unended.encode())
        assert app.get("_stcore/health")[0] == 200
