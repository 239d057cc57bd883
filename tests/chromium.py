"""The browser that the browser tests drive: found on this machine, or provided.

`python -m tests.chromium` makes sure that there is one and says which.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

SYSTEM_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
SYSTEM_PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
)
ARGUMENTS = (
    "--no-sandbox",  # Chromium refuses to start as root with one
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""What Chromium is started with: as root, in a container, and with no traffic of its own."""

ASK_PLAYWRIGHT = """
from playwright.sync_api import sync_playwright
with sync_playwright() as playwright:
    print(playwright.chromium.executable_path)
"""


class NoChromiumError(RuntimeError):
    """No browser was found, and none could be installed."""


def find_chromium() -> Path:
    """The browser named by CHROMIUM, else the system's own, else Playwright's download.

    Raises NoChromiumError where there is none: a browser test fails then, it is never skipped.
    """
    for path in candidates():
        if path.is_file() and os.access(path, os.X_OK):
            return path
    raise NoChromiumError(
        "Expected a Chromium or Chrome for the browser tests, found none: run `make browser`, "
        "or install your system's chromium package, or set CHROMIUM to a browser's full path."
    )


def candidates() -> Iterator[Path]:
    """Where a browser may lie, in the order of preference."""
    if named := os.environ.get("CHROMIUM"):
        yield Path(named)
        return
    yield from (Path(found) for name in SYSTEM_NAMES if (found := shutil.which(name)))
    yield from (Path(place) for place in SYSTEM_PLACES)
    # In a process of its own: on a bare system Playwright's driver may lack a library.
    asked = subprocess.run(
        (sys.executable, "-c", ASK_PLAYWRIGHT), capture_output=True, text=True, check=False
    )
    if asked.returncode == 0:
        yield Path(asked.stdout.strip())


def provide_chromium() -> Path:
    """Find a browser or install one: Debian's package as root, else Playwright's download."""
    try:
        return find_chromium()
    except NoChromiumError:
        if os.environ.get("CHROMIUM"):
            raise
    for commands in installers():
        if not all(succeeds(command) for command in commands):
            continue
        try:
            return find_chromium()
        except NoChromiumError:
            continue
    return find_chromium()


def installers() -> Iterator[tuple[tuple[str, ...], ...]]:
    """Ways to install a browser on this machine, each as the commands that it takes."""
    if commands := apt_packages("chromium"):
        yield commands
    yield ((sys.executable, "-m", "playwright", "install", "chromium"),)


def apt_packages(*names: str) -> tuple[tuple[str, ...], ...]:
    """The commands that install Debian's packages; none where apt or the right to use it lacks."""
    if not shutil.which("apt-get") or not hasattr(os, "geteuid") or os.geteuid() != 0:
        return ()
    return (
        ("apt-get", "update"),
        ("apt-get", "install", "-y", "--no-install-recommends", *names),
    )


def succeeds(command: tuple[str, ...]) -> bool:
    """Run an installer's command, its output going to the terminal; it must never ask."""
    sys.stderr.write(f"Not here yet: {' '.join(command)}\n")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    finished = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    return finished.returncode == 0


if __name__ == "__main__":
    try:
        sys.stdout.write(f"Browser tests use {provide_chromium()}\n")
    except NoChromiumError as missing:
        sys.exit(str(missing))
