"""How soon a page is there: `python -m tests.load.first_paint` opens every page in Chromium.

One fresh server, and for each round a visitor whose browser has nothing in its cache; the first
round's pages also wait for what the server has not yet loaded. Seconds from the request to: the
first contentful paint, the heading, the page's main figure. Figures, not assertions: times belong
to the machine they were measured on.
"""

import argparse
import sys
import time
from collections.abc import Iterator

from playwright.sync_api import Browser, sync_playwright

from tests.chromium import ARGUMENTS, find_chromium
from tests.load.server import ADDRESS, serving

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
    with serving() as server, sync_playwright() as playwright:
        yield f"the server answers after {server.seconds:.2f} s"
        yield "round page                      paint heading figure"
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for number in range(1, rounds + 1):
            yield from visit(browser, number)
        browser.close()


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
