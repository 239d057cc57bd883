"""Inspect in a real browser: true numbers, one selection everywhere, a film, offline files."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from app.components import Cell
from app.inspect_choice import Looked
from app.inspect_export import saved_page
from app.inspect_shown import shown_at
from paramixer_core.gallery import Gallery

expect.set_options(timeout=20_000)
FIRST_VISIT = 60_000
"""A server that has just started loads PyTorch for its first visitor, on a busy machine slowly."""

GALLERY = Gallery()
RUN, RIVAL = "gallery-temporal_order-chord", "gallery-temporal_order-attention"
LOOKED = Looked(GALLERY.run(RUN), GALLERY.run(RIVAL), 0, 0, "operator")
Open = Callable[..., Page]


def matrices(step: int) -> tuple[np.ndarray, np.ndarray]:
    """Ours and the rival's, as stored."""
    ours, theirs = shown_at(LOOKED, step).matrices
    return ours.matrix, theirs.matrix


def view(page: Page, key: str) -> Locator:
    root = page.locator(f".st-key-{key} .view")
    expect(root.locator("canvas").first).to_be_visible(timeout=FIRST_VISIT)
    return root


def as_float32(text: str) -> np.float32:
    return np.float32(float(text))


def choose(root: Locator, row: int, column: int) -> None:
    for name, place in (("Row", row), ("Column", column)):
        root.get_by_role("spinbutton", name=name).fill(str(place))
    root.get_by_role("spinbutton", name="Column").press("Enter")
    expect(root).to_have_attribute("data-selected", f"{row},{column}")


def panel(root: Locator, source: str, token: int) -> Locator:
    found = root.locator(f".panel[data-source={source}]")
    expect(found).to_have_attribute("data-token", str(token))
    return found


def strongest(values: np.ndarray, token: int) -> int:
    """The token with the largest weight, the token itself left out."""
    sizes = np.abs(values)
    sizes[token] = -1
    return int(sizes.argmax())


def test_a_cell_chosen_in_a_matrix_is_read_on_the_input_and_in_the_rival(
    app_url: str, page: Page
) -> None:
    page.goto(f"{app_url}/inspect?run={RUN}&step=2000")
    ours, theirs = matrices(2000)
    mixing, beside, tokens = (view(page, key) for key in ("mixing", "beside", "tokens"))
    choose(mixing, 60, 104)
    assert as_float32(mixing.get_attribute("data-value")) == ours[60, 104]
    expect(beside).to_have_attribute("data-selected", "60,104")
    assert as_float32(beside.get_attribute("data-value")) == theirs[60, 104]
    for source, matrix in (("mixing", ours), ("beside", theirs)):
        top = panel(tokens, source, 60).get_attribute("data-top").split()[0]
        token, value = top.split(":")
        assert int(token) == strongest(matrix[60].copy(), 60)
        assert as_float32(value) == matrix[60, int(token)]
    expect(page).to_have_url(re.compile(r"at=60\.104"))


def test_a_token_shows_where_it_goes_and_which_weight_each_output_gives_it(
    app_url: str, page: Page
) -> None:
    page.goto(f"{app_url}/inspect?run={RUN}&step=2000")
    ours, _ = matrices(2000)
    tokens, mixing = view(page, "tokens"), view(page, "mixing")
    tokens.get_by_role("button", name="Where an input goes").click()
    tokens.get_by_role("spinbutton", name="Input token").fill("10")
    tokens.get_by_role("spinbutton", name="Input token").press("Enter")
    shown = panel(tokens, "mixing", 10)
    token, value = shown.get_attribute("data-top").split()[0].split(":")
    assert int(token) == strongest(ours[:, 10].copy(), 10)
    assert as_float32(value) == ours[int(token), 10]
    expect(mixing).to_have_attribute("data-selected", re.compile(r",10$"))
    shown.locator("canvas").hover(position={"x": 5 * 18 + 9, "y": 13})  # output token 5
    expect(shown).to_have_attribute("data-value", re.compile("."))
    assert as_float32(shown.get_attribute("data-value")) == ours[5, 10]
    expect(mixing).to_have_attribute("data-row", "5")
    expect(shown.locator(".read")).to_contain_text("Output 5 reads input 10")


def test_the_film_runs_from_the_first_step_to_the_last_and_moves_all_views(
    app_url: str, page: Page
) -> None:
    page.goto(f"{app_url}/inspect?run={RUN}&step=500&at=60.104")
    mixing, loss = view(page, "mixing"), view(page, "film_loss")
    expect(loss).to_have_attribute("data-mark", "500")
    assert as_float32(mixing.get_attribute("data-value")) == matrices(500)[0][60, 104]
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Stop")).to_be_visible()
    expect(page).to_have_url(re.compile("step=2000"))
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(loss).to_have_attribute("data-mark", "2000")
    expect(view(page, "film_ranks")).to_have_attribute("data-mark", "2000")
    expect(mixing).to_have_attribute("data-value", re.compile("."))
    assert as_float32(mixing.get_attribute("data-value")) == matrices(2000)[0][60, 104]
    assert page.locator(".st-key-mixing .view").count() == 1


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1440, "dark")])
def test_nothing_overflows(width: int, scheme: str, app_url: str, open_page: Open) -> None:
    page = open_page(width=width, height=844, color_scheme=scheme)
    page.goto(f"{app_url}/inspect?run=gallery-digits-chord")
    view(page, "film_ranks")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    canvases = page.evaluate(
        """[...document.querySelectorAll('[class*=st-key-] div')]
        .filter((node) => node.shadowRoot)
        .flatMap((node) => [...node.shadowRoot.querySelectorAll('canvas')])
        .map((canvas) => canvas.getBoundingClientRect().right)"""
    )
    assert len(canvases) > 3
    assert max(canvases) <= width


def test_a_saved_view_opens_without_any_network_and_stays_linked(
    open_page: Open, tmp_path: Path
) -> None:
    path = tmp_path / "saved.html"
    path.write_text(saved_page(LOOKED, [100, 2000], Cell(60, 104)), encoding="utf-8")
    page = open_page(offline=True)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(path.as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    mixing, beside = page.locator(".view.matrix").nth(0), page.locator(".view.matrix").nth(1)
    ours, theirs = matrices(2000)
    expect(mixing).to_have_attribute("data-selected", "60,104")
    assert as_float32(mixing.get_attribute("data-value")) == ours[60, 104]
    choose(mixing, 3, 10)
    expect(beside).to_have_attribute("data-selected", "3,10")
    assert as_float32(beside.get_attribute("data-value")) == theirs[3, 10]
    panel(page.locator(".view.tokens"), "mixing", 3)
    slider = page.get_by_label("Training step")
    slider.focus()
    slider.press("ArrowLeft")
    expect(page.locator("#step")).to_have_text("100")
    assert as_float32(mixing.get_attribute("data-value")) == matrices(100)[0][3, 10]
    assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)


def test_a_picture_of_a_matrix_can_be_saved(app_url: str, page: Page) -> None:
    page.goto(f"{app_url}/inspect?run={RUN}")
    mixing = view(page, "mixing")
    with page.expect_download() as download:
        mixing.get_by_role("button", name="Save as a picture").click()
    assert download.value.suggested_filename == "Paramixer, CHORD links.png"
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_letter_can_be_read_on_the_strongest_colour(
    scheme: str, app_url: str, open_page: Open
) -> None:
    page = open_page(color_scheme=scheme)
    page.goto(f"{app_url}/inspect?run={RUN}&step=2000&at=0.18")
    tokens = view(page, "tokens")
    found = panel(tokens, "mixing", 0)
    top = int((found.get_attribute("data-top") or "").split(":")[0])
    contrast = found.locator("canvas").evaluate(
        """(canvas, token) => {
            const {layout} = canvas.getRootNode().paramixerView;
            const ratio = canvas.width / canvas.clientWidth;
            const [column, row] = [token % layout.columns, Math.floor(token / layout.columns)];
            const box = [column * layout.cell + 3, row * layout.tall + 4,
                         layout.cell - 6, layout.tall - 8].map((side) => Math.round(side * ratio));
            const {data} = canvas.getContext("2d").getImageData(...box);
            const light = [];
            for (let at = 0; at < data.length; at += 4) {
                light.push(0.3 * data[at] + 0.59 * data[at + 1] + 0.11 * data[at + 2]);
            }
            return Math.max(...light) - Math.min(...light);
        }""",
        top,
    )
    assert contrast > 90
