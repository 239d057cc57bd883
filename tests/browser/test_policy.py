"""The content security policy stops nothing that the app itself does, on any page."""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page

from app.navigation import PAGES
from tests.browser.conftest import settled

TELL = """
    document.addEventListener("securitypolicyviolation", (event) =>
      tellViolation(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""
SEQUENCES = "".join(f"{'ab'[n % 2]},{'acgt'[n % 4]}{'ab' * (n % 5)}\n" for n in range(40))


@pytest.fixture
def policed(page: Page) -> Iterator[Page]:
    """A page; what its policy forbade fails the test."""
    violations: list[str] = []
    page.expose_function("tellViolation", lambda told: violations.append(told))
    page.add_init_script(TELL)
    yield page
    assert violations == []


def test_what_is_forbidden_is_noticed(chromium: Browser, app_url: str) -> None:
    """In a page of its own: the browser reports it as an error too."""
    violations: list[str] = []
    with contextlib.closing(chromium.new_context()) as context:
        page = context.new_page()
        page.expose_function("tellViolation", lambda told: violations.append(told))
        page.add_init_script(TELL)
        page.goto(app_url)
        page.evaluate("fetch('http://evil.invalid/').catch(() => null)")
        page.wait_for_timeout(200)
    assert [told.split(" ")[:2] for told in violations] == [
        ["connect-src:", "http://evil.invalid/"]
    ]


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.file)
def test_no_page_and_no_popover_of_it_is_hindered(policed: Page, app_url: str, entry) -> None:
    name = "" if entry.file == "home.py" else entry.file.removesuffix(".py")
    policed.goto(f"{app_url}/{name}")
    settled(policed)
    for popover in policed.get_by_test_id("stPopoverButton").all()[:3]:
        if popover.is_enabled():
            popover.click()
            policed.keyboard.press("Escape")
    settled(policed)


def test_figures_uploads_and_downloads_are_not_hindered(
    policed: Page, app_url: str, by_key: Callable
) -> None:
    policed.goto(f"{app_url}/cost?sheet=measured")
    settled(policed)
    policed.locator(".js-plotly-plot").first.wait_for()
    for key in ("set-json", "set-csv"):
        with policed.expect_download() as brought:
            by_key(policed, key).get_by_role("button").click()
        assert brought.value.failure() is None
    policed.goto(f"{app_url}/inspect")
    settled(policed)
    policed.get_by_text("Upload sequences to train on", exact=True).click()
    policed.locator("input[type=file]").last.set_input_files(
        {"name": "two.csv", "mimeType": "text/csv", "buffer": SEQUENCES.encode()}
    )
    policed.get_by_role("button", name="Use these sequences").wait_for()
