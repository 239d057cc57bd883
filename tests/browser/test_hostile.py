"""Text that somebody sent is shown as text: nothing is fetched from elsewhere, nothing injected."""

import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import torch
from playwright.sync_api import Page, expect

from app.navigation import PAGES
from paramixer_core.analysis.wiring import MAX_NAME, Wiring
from paramixer_core.config import RunConfig
from paramixer_core.protocols import Protocol
from paramixer_core.runs.run import RunState
from paramixer_core.runs.store import RunStore
from tests.browser.conftest import settled
from tests.small_runs import SMALL
from tests.uploads.weight_files import packed, weights_of

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
    """All at once, and a half of them at a time: a page may end at the first that is wrong."""
    visit(watched, app_url, name)
    expect(watched.locator("h1").first).to_be_visible()
    settings = sorted(
        set(parse_qs(urlsplit(watched.url).query)) | {"runs", "run", "task", "w", "lock"}
    )
    assert len(settings) > 5
    for chosen, value in ((settings, HOSTILE), (settings[::2], SHORT), (settings[1::2], HOSTILE)):
        visit(watched, app_url, name, **dict.fromkeys(chosen, value))
        expect(watched.locator("h1").first).to_be_visible()


@pytest.mark.parametrize("name", ["wiring", "routes", "train"])
def test_a_hostile_name_of_a_wiring_stays_text(watched: Page, app_url: str, name: str) -> None:
    wiring = Wiring.of_protocol(Protocol.CHORD, 16).renamed(SHORT[:MAX_NAME])
    settings = {"w": wiring.as_text(), "links": "wiring", "task": "adding", "n": "16"}
    visit(watched, app_url, name, **settings)
    if name == "wiring":
        expect(watched.get_by_text(SHORT[:8]).first).to_be_visible()


LABEL = f"<img src=http://{EVIL}/i>[l](http://{EVIL}/l)"
ROWS = "".join(
    f'"{label}",{letters}\n'
    for letters in ("ab<*", "ba_[", "<<aa", "**bb", "[]ab", "``ba", "a$$b", "b~~a", "&ab<", "|b|a")
    for label in (SHORT, LABEL)
)


def send(page: Page, box: str, name: str, content: bytes) -> None:
    """Open one of Inspect's boxes and put a file into it."""
    page.get_by_text(box, exact=True).click()
    field = page.locator(f"[data-testid=stExpander]:has-text('{box}') input[type=file]")
    field.set_input_files({"name": name, "mimeType": "text/plain", "buffer": content})
    expect(page.get_by_role("button", name=f"Remove {name}")).to_be_visible()
    settled(page)
    assert page.evaluate(INJECTED) == []


def test_hostile_files_labels_and_reasons_stay_text(
    watched: Page, app_url: str, app_home: Path, by_key: Callable
) -> None:
    visit(watched, app_url, "inspect")
    send(watched, "Upload weights", f"{SHORT}.safetensors".replace("/", ":"), hostile_weights())
    send(watched, "Upload sequences to train on", f"{SHORT}.csv".replace("/", ":"), ROWS.encode())
    by_key(watched, "data_use").get_by_role("button").click()
    expect(watched.get_by_text("They are a task of the")).to_be_visible()
    assert watched.evaluate(INJECTED) == []
    watched.get_by_role("link", name="Train on them").click()
    expect(watched).to_have_url(re.compile("/train.*task=uploaded-"))
    (task,) = parse_qs(urlsplit(watched.url).query)["task"]
    settings = {"task": task, "mixers": "chord,attention", "steps": "30", "batch": "2"}
    visit(watched, app_url, "train", **settings)
    watched.get_by_role("button", name="Start").click()
    expect(watched.locator(".card").first).to_contain_text("finished", timeout=60_000)
    assert watched.evaluate(INJECTED) == []
    (runs,) = parse_qs(urlsplit(watched.url).query)["runs"]
    run, _, rival = runs.partition(",")
    with RunStore(app_home) as store:
        failed = store.create(RunConfig(task="adding", seq_len=16), owner=store.run(run).owner).id
        store.update(failed, state=RunState.FAILED, reason=HOSTILE)
    for name, more in (
        ("inspect", {"run": run, "rival": rival, "mean": "class", "colours": "step"}),
        ("routes", {"from": "run", "run": run}),
        ("rank", {"part": "trained", "run": run}),
        ("matrix_lab", {"target": "run", "source": run}),
        ("train", {"runs": f"{runs},{failed}", "task": task}),
    ):
        visit(watched, app_url, name, **more)
        expect(watched.locator("h1").first).to_be_visible()


def hostile_weights() -> bytes:
    """Weights whose file says hostile things about itself."""
    tensors = {**weights_of(SMALL), HOSTILE: torch.zeros(2)}
    return packed(tensors, format=SHORT, title=HOSTILE, task=SHORT)
