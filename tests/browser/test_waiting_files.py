"""Files that were sent and not used: how much of them a server holds, and for how long."""

import time
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, Response, expect

from tests.app.served import served
from tests.browser.conftest import settled

HALF = b"x" * 600_000
PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with room for one file of HALF in each tab, for two in all, for 2 seconds."""
    folder = tmp_path_factory.mktemp("small")
    room = {"PARAMIXER_TAB_FILES": "1 MB", "PARAMIXER_ALL_TABS_FILES": "1.5 MB"}
    with served(folder, PARAMIXER_TAB_SECONDS="2", **room) as app:
        yield app.url


def send(page: Page, box: int, name: str) -> Response:
    """Send a file with one of Inspect's boxes; the server's answer."""
    with page.expect_response(lambda answer: answer.request.method == "PUT") as sent:
        page.locator("input[type=file]").nth(box).set_input_files(
            {"name": name, "mimeType": "text/plain", "buffer": HALF}
        )
    return sent.value


@pytest.fixture
def open_inspect(chromium: Browser, small: str) -> Iterator[Callable[[], Page]]:
    """Opens Inspect, each time in a browser of its own; a refused file is an error in a console."""
    contexts = []

    def open_() -> Page:
        contexts.append(chromium.new_context())
        page = contexts[-1].new_page()
        page.goto(f"{small}inspect")
        settled(page)
        return page

    yield open_
    for context in contexts:
        context.close()


def test_a_server_holds_so_much_of_one_tab_and_of_all_until_tabs_are_closed(
    open_inspect: Callable[[], Page],
) -> None:
    first = open_inspect()
    assert send(first, 0, "a.txt").status == 204
    refused = send(first, 1, "b.txt")
    assert refused.status == 413
    assert "1.0 MB at most that one tab sent" in refused.text()
    second = open_inspect()
    assert send(second, 0, "c.txt").status == 204
    third = open_inspect()
    refused = send(third, 0, "d.txt")
    assert refused.status == 413
    assert "1.5 MB at most that all tabs sent" in refused.text()
    expect(third.get_by_text("413")).to_be_attached()
    first.close()
    # What the closed tab held makes room, although nobody opens or closes one after it.
    deadline = time.monotonic() + PATIENCE_SECONDS
    while (status := send(third, 1, "e.txt").status) == 413 and time.monotonic() < deadline:
        third.wait_for_timeout(500)
    assert status == 204
