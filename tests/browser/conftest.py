"""A real Chromium, and servers that live for one test session.

Fixtures: `serve(script, env=None) -> url` starts a Streamlit script once per session, `app_url` is
the app itself, `page` fails its test on an error in the console or on the page, `by_key` finds an
element by its Streamlit key.
"""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.chromium import ARGUMENTS, NoChromiumError, find_chromium

ROOT = Path(__file__).parents[2]
APP = ROOT / "app" / "main.py"
START_SECONDS = 60
expect.set_options(timeout=20_000)  # as long as the page's own actions may take


class Serve(Protocol):
    """Starts the app, or `streamlit run script`, on a free port and returns its address."""

    def __call__(self, script: Path, env: dict[str, str] | None = None) -> str: ...


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """One server per script and environment, ended by its process id after the last test."""
    running: dict[object, tuple[subprocess.Popen[bytes], str]] = {}

    def start(script: Path, env: dict[str, str] | None = None) -> str:
        name = (script, tuple(sorted((env or {}).items())))
        if name not in running:
            log = tmp_path_factory.mktemp("server") / "log.txt"
            running[name] = _start(script, env or {}, log)
        return running[name][1]

    yield start
    for process, _ in running.values():
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def app_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run folder of `app_url`, empty at first."""
    return tmp_path_factory.mktemp("paramixer_home")


@pytest.fixture(scope="session")
def app_url(serve: Serve, app_home: Path) -> str:
    """The app with a run folder of its own."""
    return serve(APP, {"PARAMIXER_HOME": str(app_home)})


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The browser of this session; without one the tests fail, they are never skipped."""
    try:
        path = find_chromium()
    except NoChromiumError as missing:
        pytest.fail(str(missing))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens pages (width, height, color_scheme, ...); an error in a console fails the test."""
    errors: list[str] = []
    contexts = []

    def open_(width: int = 1280, height: int = 900, **options: object) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": height}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(f"page error: {error}"))
        page.on(
            "console",
            lambda message: errors.append(f"console: {message.text}") if _counts(message) else None,
        )
        return page

    yield open_
    for context in contexts:
        context.close()
    assert not errors, errors


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """A page of 1280 x 900 pixels in the light theme."""
    return open_page(color_scheme="light")


@pytest.fixture
def by_key() -> Callable[[Page, str], Locator]:
    """Finds the element with a Streamlit key."""

    def find(page: Page, key: str) -> Locator:
        return page.locator(f".st-key-{key}")

    return find


def settled(page: Page) -> None:
    """Wait until Streamlit has finished its script run."""
    page.wait_for_selector("[data-testid='stApp'][data-test-script-state='notRunning']")


def _counts(message: ConsoleMessage) -> bool:
    """Whether a console message is an error of ours.

    On a page's own address Streamlit first looks for its server below that address, and the browser
    reports the 404 of that search; Streamlit then finds it at the root.
    """
    search = "/_stcore/" in message.location.get("url", "")
    return message.type == "error" and not search


def _start(script: Path, env: dict[str, str], log: Path) -> tuple[subprocess.Popen[bytes], str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    if script == APP:
        command = [sys.executable, "-m", "app", "--port", str(port), "--no-browser"]
    else:
        command = [sys.executable, "-m", "streamlit", "run", str(script)]
        command += ["--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT / "app",  # where the settings lie that `streamlit run` reads
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    url = f"http://127.0.0.1:{port}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"The server of {script.name} ended at its start:\n{log.read_text()}")
        try:
            with opener.open(f"{url}/_stcore/health", timeout=2):
                return process, url
        except OSError:
            time.sleep(0.1)
    process.kill()
    pytest.fail(f"The server of {script.name} didn't answer in {START_SECONDS} s.")
