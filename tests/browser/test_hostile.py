"""Text that somebody sent is shown as text: nothing is fetched from elsewhere, nothing injected."""

from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from playwright.sync_api import Page, expect

from app.navigation import PAGES
from paramixer_core.analysis.wiring import MAX_NAME, Wiring
from paramixer_core.protocols import Protocol
from paramixer_core.uploads.choices import FileKind, SequencesFound
from paramixer_core.uploads.dataset import keep
from paramixer_core.uploads.preparing import prepare
from tests.browser.conftest import settled

EVIL = "evil.invalid"
HOSTILE = (
    f"x`</code>\n\n![p](http://{EVIL}/p.png) <img src=http://{EVIL}/i.png> "
    f"[l](http://{EVIL}/l) http://{EVIL}/a :red[r] $x$ :material/face: **b** <script>1</script>"
)
SHORT = f"![p](http://{EVIL}/q)<b>*c*"
INJECTED = f"""
  () => [...document.querySelectorAll("img, a, script, iframe, b, object, embed, link, image, use")]
    .filter((node) => node.outerHTML.includes("{EVIL}"))
    .map((node) => node.outerHTML)
"""


@pytest.fixture
def watched(page: Page, app_url: str):
    """A page, and every address outside of the server that it asks for."""
    outside: list[str] = []
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((app_url, "data:", "blob:"))
            else outside.append(request.url)
        ),
    )
    yield page
    assert outside == []


def visit(page: Page, app_url: str, name: str, **settings: str) -> None:
    page.goto(f"{app_url}/{name}?{urlencode(settings)}")
    settled(page)
    assert page.evaluate(INJECTED) == []


def address(entry) -> str:
    return "" if entry.file == "home.py" else entry.file.removesuffix(".py")


@pytest.mark.parametrize("name", [address(entry) for entry in PAGES], ids=lambda name: name or "/")
def test_hostile_values_in_every_setting_of_a_page_stay_text(
    watched: Page, app_url: str, name: str
) -> None:
    visit(watched, app_url, name)
    expect(watched.locator("h1").first).to_be_visible()
    settings = set(parse_qs(urlsplit(watched.url).query)) | {"runs", "run", "task", "w", "lock"}
    assert len(settings) > 5
    for value in (HOSTILE, SHORT):
        visit(watched, app_url, name, **dict.fromkeys(settings, value))
        expect(watched.locator("h1").first).to_be_visible()
    for setting in sorted(settings):
        visit(watched, app_url, name, **{setting: HOSTILE})


@pytest.mark.parametrize("name", ["wiring", "routes", "train"])
def test_a_hostile_name_of_a_wiring_stays_text(watched: Page, app_url: str, name: str) -> None:
    wiring = Wiring.of_protocol(Protocol.CHORD, 16).renamed(SHORT[:MAX_NAME])
    settings = {"w": wiring.as_text(), "links": "wiring", "task": "adding", "n": "16"}
    visit(watched, app_url, name, **settings)
    if name == "wiring":
        expect(watched.get_by_text(SHORT[:8]).first).to_be_visible()


@pytest.fixture(scope="module")
def hostile_task(app_home) -> str:
    """A data set whose title, labels and letters are all hostile."""
    rows = [list("ab<*"), list("ba_["), list("<<aa"), list("**bb"), list("[]ab"), list("``ba")]
    labels = [SHORT, HOSTILE.replace("\n", " ")] * 3
    held = SequencesFound(FileKind.TABLE, ["".join(row) for row in rows], labels)
    return keep(prepare(held, 4, 0.4, SHORT), app_home)


def test_hostile_titles_and_labels_of_a_data_set_stay_text(
    watched: Page, app_url: str, hostile_task: str, by_key: Callable
) -> None:
    settings = {"task": hostile_task, "mixers": "chord,attention", "steps": "30", "batch": "2"}
    visit(watched, app_url, "train", **settings)
    watched.get_by_role("button", name="Start").click()
    expect(watched.locator(".card").first).to_contain_text("finished", timeout=60_000)
    assert watched.evaluate(INJECTED) == []
    (runs,) = parse_qs(urlsplit(watched.url).query)["runs"]
    run, _, rival = runs.partition(",")
    for name, more in (
        ("inspect", {"run": run, "rival": rival}),
        ("inspect", {"run": run, "mean": "class", "colours": "step"}),
        ("routes", {"from": "run", "run": run}),
        ("rank", {"part": "trained", "run": run}),
        ("rank", {"part": "decide"}),
        ("matrix_lab", {"target": "run", "source": run}),
        ("train", {"runs": runs, "task": hostile_task}),
    ):
        visit(watched, app_url, name, **more)
        expect(watched.locator("h1").first).to_be_visible()
