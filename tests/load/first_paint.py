"""How soon a page is there: `python -m tests.load.first_paint` opens every page in Chromium.

A fresh server and a browser with an empty cache for each round; the first round's first page also
waits for the server to load. Seconds from the request to: the first contentful paint, the heading,
the page's main figure. Figures, not assertions: times belong to the machine they were measured on.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from tests.chromium import ARGUMENTS, find_chromium

ROOT = Path(__file__).parents[2]
PORT = 8655
ADDRESS = f"http://127.0.0.1:{PORT}"
FIGURES = {
    "": "canvas",
    "train": "button:has-text('Start')",
    "patterns?part=product": "canvas",
    "inspect": "canvas",
    "rank": "canvas",
    "cost": "svg.main-svg",
    "matrix_lab": "canvas",
    "wiring": "canvas",
    "routes": "canvas",
}
"""What each page is looked at for."""
PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def measure(rounds: int) -> Iterator[str]:
    """Start the app and open every page, round after round; a line for each."""
    options = ("--server.port", str(PORT), "--server.address", "127.0.0.1")
    with tempfile.TemporaryDirectory() as home:
        began = time.monotonic()
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", "app/main.py", *options],
            env={**os.environ, "PARAMIXER_HOME": home, "STREAMLIT_SERVER_HEADLESS": "true"},
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        try:
            wait_for_an_answer()
            yield f"the server answers after {time.monotonic() - began:.2f} s"
            yield "round page                      paint heading figure"
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=find_chromium(), args=list(ARGUMENTS)
                )
                for number in range(1, rounds + 1):
                    yield from visit(browser, number)
                browser.close()
        finally:
            server.terminate()
            server.wait(timeout=20)


def wait_for_an_answer(seconds: float = 60) -> None:
    """Until the server is up."""
    end = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(f"{ADDRESS}/_stcore/health", timeout=1)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
        else:
            return


def visit(browser: Browser, number: int) -> Iterator[str]:
    """Open every page once, as a new visitor."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    for path, figure in FIGURES.items():
        began = time.monotonic()
        page.goto(f"{ADDRESS}/{path}", wait_until="commit")
        page.wait_for_selector("h1", timeout=60_000)
        heading = time.monotonic() - began
        page.wait_for_selector(figure, state="visible", timeout=60_000)
        shown = time.monotonic() - began
        paint = (page.evaluate(PAINT) or float("nan")) / 1000
        yield f"{number:<5} {path or 'home':24} {paint:6.2f} {heading:7.2f} {shown:6.2f}"
    context.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often every page is opened")
    for line in measure(parser.parse_args().rounds):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
