"""The lab behind a real reverse proxy: nginx with TLS and a base path."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from app.navigation import PAGES
from tests.app.served import free_port, served, wait_for_port
from tests.browser.conftest import settled
from tests.nginx import needs_nginx, nginx_before

pytestmark = needs_nginx
SEQUENCES = "".join(f"{'ab'[n % 2]},{'acgt'[n % 4]}{'ab' * (n % 5)}\n" for n in range(60))


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of the lab as the proxy's visitors see it, and its operator's key."""
    folder, port = tmp_path_factory.mktemp("proxied"), free_port()
    with (
        served(folder, "--base-path", "/lab", "--proxy", "1") as app,
        nginx_before(app.url.removesuffix("/lab/"), "/lab", port, folder),
    ):
        wait_for_port(port)
        yield f"https://lab.localhost:{port}/lab", app.operator.partition("?admin=")[2]


@pytest.fixture
def lab(behind: tuple[str, str]) -> str:
    return behind[0]


@pytest.fixture
def visitor(open_page: Callable[..., Page]) -> Page:
    return open_page(ignore_https_errors=True)


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.file)
def test_every_page_loads_by_its_own_address(lab: str, visitor: Page, entry) -> None:
    name = "" if entry.file == "home.py" else entry.file.removesuffix(".py")
    elsewhere: list[str] = []
    visitor.on(
        "request",
        lambda asked: (
            None if asked.url.startswith((lab, "data:", "blob:")) else elsewhere.append(asked.url)
        ),
    )
    visitor.goto(f"{lab}/{name}")
    settled(visitor)
    expect(visitor.locator("h1").first).to_be_visible()
    assert visitor.get_by_test_id("stException").count() == 0
    assert elsewhere == []


def test_a_control_changes_the_page_and_the_cookie_is_for_this_path_and_secure(
    lab: str, visitor: Page
) -> None:
    visitor.goto(f"{lab}/wiring?n=16")
    settled(visitor)
    visitor.goto(lab)  # without the last slash too
    settled(visitor)
    visitor.get_by_role("link", name="Train").first.click()
    field = visitor.get_by_role("spinbutton", name="Steps")
    field.fill("1234")
    field.press("Enter")
    expect(visitor).to_have_url(re.compile(rf"^{re.escape(lab)}/train\?.*steps=1234"))
    (cookie,) = [
        held for held in visitor.context.cookies() if held["name"].startswith("paramixer_browser")
    ]
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == ("/lab", True, True)


def test_a_run_is_watched_while_it_trains_and_is_its_browsers_own(lab: str, visitor: Page) -> None:
    asked: list[str] = []
    visitor.on("response", lambda answer: asked.append(answer.url) if answer.ok else None)
    visitor.goto(f"{lab}/train?task=adding&n=16&mixers=chord&steps=1000000&batch=2")
    visitor.get_by_role("button", name="Start").click()
    card = visitor.locator(".card[data-mixer=chord]")
    expect(card).to_contain_text("trains", timeout=60_000)
    before = card.locator(".done").inner_text()
    expect(card.locator(".done")).not_to_have_text(before)
    assert any(url.startswith(f"{lab}/live?") for url in asked)
    visitor.reload()
    settled(visitor)
    visitor.get_by_role("button", name="Stop", exact=True).click()
    expect(card).to_contain_text("stopped")


def test_a_file_is_uploaded_and_used(lab: str, visitor: Page) -> None:
    visitor.goto(f"{lab}/inspect")
    settled(visitor)
    visitor.get_by_text("Upload sequences to train on", exact=True).click()
    visitor.locator("input[type=file]").last.set_input_files(
        {"name": "two.csv", "mimeType": "text/csv", "buffer": SEQUENCES.encode()}
    )
    visitor.get_by_role("button", name="Use these sequences").click()
    expect(visitor.get_by_text("They are a task of the")).to_be_visible()


def test_the_operators_link_leads_back_below_the_path(
    behind: tuple[str, str], visitor: Page
) -> None:
    lab, key = behind
    visitor.goto(f"{lab}/train?n=16&admin={key}")
    settled(visitor)
    assert visitor.url.startswith(f"{lab}/train?")
    assert "admin" not in visitor.url
    (cookie,) = [
        held for held in visitor.context.cookies() if held["name"].startswith("paramixer_operator")
    ]
    assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == ("/lab", True, True)
