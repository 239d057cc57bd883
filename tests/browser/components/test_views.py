"""The views in a real browser: true numbers, linked in the frame, and calm while they change."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, WebSocket, expect

from app.components import DenseMatrix
from app.components.matrix import levels, view_payload
from app.components.payload import FIRST_VIEW_BYTES
from app.theme import Scale, colour_table
from paramixer_core.analysis.reach import ring_steps
from paramixer_core.protocols import Protocol, protocol_offsets
from tests.browser.components.views_demo import numbers

DEMO = Path(__file__).parent / "views_demo.py"


class Traffic:
    """Bytes that the page's websocket has received and messages that it has sent."""

    def __init__(self, page: Page) -> None:
        self.received: list[int] = []
        self.sent = 0
        page.on("websocket", self._listen)

    def _listen(self, socket: WebSocket) -> None:
        socket.on("framereceived", lambda frame: self.received.append(len(frame)))
        socket.on("framesent", lambda _: setattr(self, "sent", self.sent + 1))


@pytest.fixture(scope="session")
def demo_url(serve: Callable[..., str]) -> str:
    return serve(DEMO)


def view(page: Page, key: str) -> Locator:
    root = page.locator(f".st-key-{key} .view")
    expect(root).to_be_visible(timeout=30_000)
    return root


def show(page: Page, url: str, name: str, key: str) -> Locator:
    page.goto(f"{url}/?show={name}")
    root = view(page, key)
    expect(root.locator("canvas").first).not_to_have_attribute("width", "300")
    page.wait_for_timeout(200)
    return root


def point_of(root: Locator, row: int, column: int) -> tuple[float, float]:
    """Where the middle of a cell is on the page: the plot is measured by its drawn frame."""
    box = root.locator("canvas").first.bounding_box()
    assert box is not None
    plan = root.evaluate(
        """root => {
            const view = root.getRootNode().paramixerView, {plan} = view;
            const {column, row} = view.view;
            return [plan.left, plan.top, plan.perColumn, plan.perRow, column, row];
        }"""
    )
    left, top, wide, high, from_column, from_row = plan
    return (
        box["x"] + left + (column + 0.5 - from_column) * wide,
        box["y"] + top + (row + 0.5 - from_row) * high,
    )


def hover(page: Page, root: Locator, row: int, column: int) -> None:
    root.locator("canvas").first.scroll_into_view_if_needed()
    page.mouse.move(*point_of(root, row, column))
    expect(root).to_have_attribute("data-row", str(row))
    expect(root).to_have_attribute("data-column", str(column))


def value_of(root: Locator) -> np.float32:
    return np.float32(root.get_attribute("data-value") or "nan")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_hover_shows_the_tensor_s_own_number_and_colour(
    open_page: Callable[..., Page], demo_url: str, scheme: str, width: int
) -> None:
    page = open_page(width=width, color_scheme=scheme)
    root = show(page, demo_url, "linked", "factor")
    matrix = numbers(16, 16)
    for row, column in [(0, 0), (3, 14), (15, 15)]:
        hover(page, root, row, column)
        assert value_of(root) == matrix[row, column]
        shown = root.locator(".read").inner_text().replace("−", "-").split(": ")[1]
        assert np.float32(shown) == matrix[row, column]
    page.mouse.move(1, 1)
    expect(root).to_have_attribute("data-row", "")
    x, y = point_of(root, 5, 6)
    box = root.locator("canvas").first.bounding_box()
    assert box is not None
    drawn = root.evaluate(
        """(root, [x, y]) => {
            const canvas = root.querySelector("canvas");
            return [...canvas.getContext("2d").getImageData(x, y, 1, 1).data].slice(0, 3);
        }""",
        [round(x - box["x"]), round(y - box["y"])],
    )
    level = levels(matrix, float(np.abs(matrix).max()), Scale.SIGNED)[5, 6]
    assert drawn == colour_table(Scale.SIGNED, dark=scheme == "dark")[level].tolist()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_hovered_cell_lights_up_its_neighbours_in_the_frame_without_the_server(
    page: Page, demo_url: str
) -> None:
    traffic = Traffic(page)
    root = show(page, demo_url, "linked", "factor")
    pattern, ring = view(page, "pattern"), view(page, "ring")
    page.wait_for_timeout(500)
    before = traffic.sent
    x, y = point_of(root, 4, 5)
    box = root.locator("canvas").first.bounding_box()
    assert box is not None
    heard = root.evaluate(
        """(root, [x, y]) => {
            const canvas = root.querySelector("canvas"), there = canvas.getBoundingClientRect();
            canvas.dispatchEvent(new PointerEvent("pointermove", {
                clientX: there.x + x, clientY: there.y + y, bubbles: true }));
            const find = key => document
                .querySelector(`.st-key-${key} [data-testid=stBidiComponentIsolated]`)
                .shadowRoot.querySelector(".view").dataset;
            return [find("pattern").row, find("pattern").column, find("ring").link];
        }""",
        [x - box["x"], y - box["y"]],
    )
    assert heard == ["4", "5", "4,5"]
    expect(ring.locator(".read")).to_have_text("Token 4 reads token 5 in factor 1.")
    hover(page, pattern, 9, 2)
    expect(ring).to_have_attribute("data-link", "9,2")
    expect(root).to_have_attribute("data-row", "9")
    assert traffic.sent == before


def test_a_click_a_key_and_the_inputs_select_and_python_hears_of_it(
    page: Page, demo_url: str
) -> None:
    root = show(page, demo_url, "linked", "factor")
    page.mouse.click(*point_of(root, 2, 7))
    expect(page.get_by_text("Python has (2, 7)")).to_be_visible()
    expect(view(page, "pattern")).to_have_attribute("data-selected", "2,7")
    expect(view(page, "ring")).to_have_attribute("data-source", "7")
    canvas = root.locator("canvas").first
    canvas.press("ArrowDown")
    canvas.press("Shift+ArrowLeft")
    expect(page.get_by_text("Python has (3, 0)")).to_be_visible()
    root.get_by_role("spinbutton", name="Row").fill("11")
    root.get_by_role("spinbutton", name="Row").press("Enter")
    expect(page.get_by_text("Python has (11, 0)")).to_be_visible()
    assert value_of(root) == numbers(16, 16)[11, 0]
    expect(canvas).to_have_attribute("aria-label", re.compile("Selected: Row 11, column 0"))
    expect(root.locator("[aria-live]")).to_have_text(re.compile("Row 11, column 0"))
    root.get_by_role("spinbutton", name="Column").fill("16")
    root.get_by_role("spinbutton", name="Column").press("Enter")
    expect(root.locator(".read")).to_have_text("Rows go from 0 to 15, columns from 0 to 15.")
    root.get_by_label("Clear the selection").click()
    expect(page.get_by_text("Python has None")).to_be_visible()


def test_zoom_and_pan_keep_to_the_matrix_and_double_click_shows_it_whole(
    page: Page, demo_url: str
) -> None:
    root = show(page, demo_url, "linked", "factor")
    page.mouse.move(*point_of(root, 8, 8))
    page.wait_for_timeout(350)
    page.mouse.wheel(0, -300)
    expect(root).not_to_have_attribute("data-zoom", "1.00")
    hover(page, root, 8, 8)
    x, y = point_of(root, 8, 8)
    page.mouse.down()
    page.mouse.move(x + 60, y, steps=4)
    page.mouse.up()
    assert root.get_attribute("data-selected") == ""
    assert abs(point_of(root, 8, 8)[0] - (x + 60)) < 2
    page.mouse.dblclick(x, y)
    expect(root).to_have_attribute("data-zoom", "1.00")
    scrolled = page.evaluate("document.scrollingElement.scrollTop")
    assert scrolled == 0


def test_a_ring_spreads_hop_by_hop_as_the_steps_say(page: Page, demo_url: str) -> None:
    root = show(page, demo_url, "linked", "ring")
    steps = ring_steps(protocol_offsets(Protocol.CDIL, 16, 3), 16)
    for hop in range(1, 5):
        root.get_by_label("One hop on").click()
        expect(root).to_have_attribute("data-reached", str((steps <= hop).sum()))
    expect(root.locator(".count")).to_have_text(
        "After factor 4 of 4: 16 of 16 tokens have read token 0."
    )
    root.get_by_label("Back to the start").click()
    root.get_by_role("spinbutton", name="Source token").fill("5")
    root.get_by_role("spinbutton", name="Source token").press("Enter")
    expect(page.get_by_text("Python has source 5")).to_be_visible()
    root.get_by_label("Play hop by hop").click()
    expect(root).to_have_attribute("data-hop", "4", timeout=15_000)


def test_a_large_matrix_fetches_exact_numbers_for_what_is_clicked_or_zoomed_to(
    page: Page, demo_url: str
) -> None:
    root = show(page, demo_url, "large", "large")
    matrix = numbers(1000, 1000)
    hover(page, root, 400, 300)
    expect(root.locator(".read")).to_have_text(re.compile("at most about"))
    root.get_by_role("spinbutton", name="Row").fill("777")
    root.get_by_role("spinbutton", name="Column").fill("123")
    root.get_by_role("spinbutton", name="Column").press("Enter")
    expect(root).to_have_attribute("data-value", re.compile(r"\d"))
    assert value_of(root) == matrix[777, 123]
    for _ in range(4):
        root.get_by_label("Zoom in").click()
    page.mouse.move(*point_of(root, 780, 120))
    expect(root).to_have_attribute("data-row", "780")
    expect(root).to_have_attribute("data-value", re.compile(r"\d"))
    assert value_of(root) == matrix[780, 120]
    expect(root.locator(".meaning")).not_to_have_text(re.compile("strongest of"))


@pytest.mark.parametrize("name", ["largest", "large", "long"])
def test_a_first_view_arrives_within_its_bytes(page: Page, demo_url: str, name: str) -> None:
    traffic = Traffic(page)
    key = {"largest": "exact"}.get(name, name)
    show(page, demo_url, name, key)
    page.wait_for_timeout(300)
    assert 5_000 < sum(traffic.received) < FIRST_VIEW_BYTES


def test_a_pattern_of_16384_tokens_is_exact_when_zoomed(page: Page, demo_url: str) -> None:
    root = show(page, demo_url, "long", "long")
    root.get_by_role("spinbutton", name="Row").fill("5000")
    root.get_by_role("spinbutton", name="Column").fill(str(5000 + 4096))
    root.get_by_role("spinbutton", name="Column").press("Enter")
    expect(root.locator(".read")).to_have_text("Row 5000, column 9096: a link")
    for _ in range(9):
        root.get_by_label("Zoom in").click()
    hover(page, root, 5001, 9096)
    expect(root.locator(".read")).to_have_text("Row 5001, column 9096: no link")
    expect(root.locator(".meaning")).to_have_text("Filled: a link. Empty: none.")
    ring = view(page, "ring")
    expect(ring).to_have_attribute("data-drawn", "128")
    expect(ring.locator(".note").first).to_have_text(re.compile("one token in 128"))
    steps = ring_steps(protocol_offsets(Protocol.CHORD, 16384), 16384)
    tokens = [1, 5, 4096, 16383, 12000]
    seen = ring.evaluate(
        "(root, tokens) => tokens.map(t => root.getRootNode().paramixerView.stepOf(t))", tokens
    )
    assert seen == [steps[-token] for token in tokens]  # row i reads column 0 = i + (-i)
    for _ in range(14):
        ring.get_by_label("One hop on").click()
    expect(ring).to_have_attribute("data-reached", "16384")


def test_live_lines_keep_canvas_zoom_and_legend_while_ticks_stay_small(
    page: Page, demo_url: str
) -> None:
    traffic = Traffic(page)
    root = show(page, demo_url, "live", "loss")
    canvas = root.locator(".area canvas")
    canvas.evaluate("canvas => { canvas.mark = 'the same'; }")
    view(page, "still").locator("canvas").first.evaluate("canvas => { canvas.mark = 'still'; }")
    root.locator("button.entry[data-line=Attention]").click()
    canvas.scroll_into_view_if_needed()  # where the mouse can reach it
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, box["y"] + 90, steps=4)
    page.mouse.up()
    zoom = root.get_attribute("data-zoom")
    assert zoom
    updates = int(root.get_attribute("data-updates") or 0)
    after = "([root, least]) => Number(root.dataset.updates) >= least"
    page.wait_for_function(after, arg=[root.element_handle(), updates + 5])
    received = len(traffic.received)
    page.wait_for_function(after, arg=[root.element_handle(), updates + 8])
    assert canvas.evaluate("canvas => canvas.mark") == "the same"
    still = view(page, "still").locator("canvas").first
    assert still.evaluate("canvas => canvas.mark") == "still"
    assert root.get_attribute("data-zoom") == zoom
    assert root.get_attribute("data-hidden") == "Attention"
    assert max(traffic.received[received:]) < 6_000
    canvas.hover(position={"x": 300, "y": 90})
    expect(root.locator(".box")).to_contain_text("CHORD:")
    expect(root.locator(".box")).not_to_contain_text("Attention")
    expect(canvas).to_have_attribute("aria-label", re.compile(r"Latest: CHORD [\d.]+ at \d+"))
    expect(view(page, "none").locator(".blank")).to_have_text("No steps yet.")


def test_views_that_leave_the_page_stop_listening(page: Page, demo_url: str) -> None:
    page.add_init_script(
        """window.heard = 0;
        const [add, remove] = [window.addEventListener, window.removeEventListener];
        const ours = name => String(name).startsWith("paramixer:");
        window.addEventListener = function (name, ...rest) {
            if (ours(name)) window.heard += 1;
            return add.call(this, name, ...rest);
        };
        window.removeEventListener = function (name, ...rest) {
            if (ours(name)) window.heard -= 1;
            return remove.call(this, name, ...rest);
        };"""
    )
    root = show(page, demo_url, "linked", "factor")
    listening = page.evaluate("window.heard")
    assert listening >= 3
    page.get_by_text("Show them").click()
    expect(root).to_have_count(0)
    page.wait_for_function("window.heard === 0")
    page.get_by_text("Show them").click()
    hover(page, view(page, "factor"), 1, 2)
    expect(view(page, "ring")).to_have_attribute("data-link", "1,2")
    assert page.evaluate("window.heard") == listening


def test_a_call_that_a_later_one_overtook_does_not_end_the_view(page: Page, demo_url: str) -> None:
    show(page, demo_url, "largest", "exact")
    payload = view_payload(
        DenseMatrix(numbers(2, 2)),
        signed=None,
        limit=None,
        texts={"title": "Twice", "key": "twice", "group": "", "maxSize": 100},
    )
    views = page.evaluate(
        """data => {
            const host = document.body.appendChild(document.createElement("div"));
            const parent = host.attachShadow({mode: "open"});
            const call = () => window.__paramixer.mount({
                data: new Uint8Array(data), parentElement: parent, setStateValue() {} });
            const count = () => parent.querySelectorAll(".view").length;
            const overtaken = call();
            const after = [(overtaken(), count())];
            const last = call();
            host.remove();
            return [...after, count(), (last(), count())];
        }""",
        list(payload),
    )
    assert views == [1, 1, 0]
