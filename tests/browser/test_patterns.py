"""Patterns, wiring and routes in a real browser: true numbers, one hand moves all views."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from paramixer_core.analysis.chains import Chain
from paramixer_core.analysis.coverage import coverage
from paramixer_core.analysis.reach import ring_fill, ring_steps
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.protocols import Protocol, link_columns, protocol_offsets
from tests.browser.conftest import settled

expect.set_options(timeout=20_000)
N = 16
CHORD = protocol_offsets(Protocol.CHORD, N)
STEPS = ring_steps(CHORD, N)
Open = Callable[..., Page]


def view(page: Page, key: str) -> Locator:
    root = page.locator(f".st-key-{key} .view")
    expect(root).to_be_visible()
    expect(root.locator("canvas").first).not_to_have_attribute("width", "300")
    return root


def point_of(root: Locator, row: int, column: int) -> dict[str, float]:
    """Where a cell is in the view's first canvas."""
    left, top, wide, high = root.evaluate(
        """root => {
            const {plan} = root.getRootNode().paramixerView;
            return [plan.left, plan.top, plan.perColumn, plan.perRow];
        }"""
    )
    return {"x": left + (column + 0.5) * wide, "y": top + (row + 0.5) * high}


def hover(root: Locator, row: int, column: int) -> None:
    root.locator("canvas").first.hover(position=point_of(root, row, column))


def click(root: Locator, row: int, column: int) -> None:
    root.locator("canvas").first.click(position=point_of(root, row, column))


SCREENS = pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")], ids=str
)


@SCREENS
def test_the_scrubber_shows_the_core_s_reach_and_moves_ring_and_matrix_together(
    width: int, scheme: str, app_url: str, open_page: Open
) -> None:
    page = open_page(width=width, height=900, color_scheme=scheme)
    page.goto(f"{app_url}/patterns?part=product&n={N}&m=2")
    growth, ring = view(page, "growth"), view(page, "ring-product")
    for hop in (2, 3, 4):
        expect(growth).to_have_attribute("data-hop", str(hop))
        expect(ring).to_have_attribute("data-hop", str(hop))
        filled = round(ring_fill(CHORD, N)[hop] / 100 * N * N)
        expect(growth).to_have_attribute("data-filled", str(filled))
        readers = int(np.isin(STEPS, range(hop + 1)).sum())
        expect(ring).to_have_attribute("data-reached", str(readers))
        if hop < 4:
            growth.get_by_role("button", name="One factor on").click()
    expect(page).to_have_url(re.compile("m=4"))

    for row, column in ((3, 12), (0, 0), (9, 8)):
        hover(growth, row, column)
        step = int(STEPS[(column - row) % N])
        expect(growth).to_have_attribute("data-step", str(step))
        expect(growth.locator(".read")).to_contain_text(
            "itself" if step == 0 else f"from factor {step} on"
        )
        expect(ring).to_have_attribute("data-link", f"{row},{column}")
    click(growth, 5, 11)
    expect(growth).to_have_attribute("data-selected", "5,11")
    expect(ring).to_have_attribute("data-source", "11")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_play_fills_the_product_to_its_end_and_stops(app_url: str, page: Page) -> None:
    page.goto(f"{app_url}/patterns?part=product&n=4")
    growth = view(page, "growth")
    expect(growth).to_have_attribute("data-hop", "0")
    growth.get_by_role("button", name="Play factor by factor").click()
    expect(growth).to_have_attribute("data-hop", "2")
    expect(growth.locator(".count")).to_contain_text("Every token reads every token")
    expect(growth.get_by_role("button", name="Play factor by factor")).to_be_visible()


def test_hovering_the_factor_lights_its_link_on_the_ring_without_a_round_trip(
    app_url: str, page: Page
) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app_url}/patterns?part=cdil&n={N}&k=5&f=2")
    matrix, ring = view(page, "factor"), view(page, "ring-factor")
    settled(page)
    assert sent
    sent.clear()
    columns = link_columns(protocol_offsets(Protocol.CDIL, N, 5), N)[1]
    for row, column in ((4, 6), (4, 5)):
        hover(matrix, row, column)
        links = int((columns[row] == column).sum())
        expect(matrix).to_have_attribute("data-value", str(links))
        expect(ring).to_have_attribute("data-link", f"{row},{column}")
        expect(ring.locator(".read")).to_contain_text("reads" if links else "doesn't read")
    assert not sent


def test_one_scrubber_moves_all_compared_patterns(app_url: str, page: Page) -> None:
    page.goto(f"{app_url}/patterns?part=compare&n=16&m=0")
    scrubber = view_of_scrubber(page)
    last = view(page, "look-5")
    scrubber.get_by_label("Factors m").press("ArrowRight")
    expect(last).to_have_attribute("data-hop", "1")
    expect(last).to_have_attribute("data-filled", "32")  # butterfly: itself and one bit
    expect(view(page, "look-0")).to_have_attribute("data-filled", str(16 * 5))


def view_of_scrubber(page: Page) -> Locator:
    root = page.locator(".st-key-scrubber .view.growth")
    expect(root).to_be_visible()
    return root


@SCREENS
def test_a_click_cuts_a_link_and_the_figures_answer(
    width: int, scheme: str, app_url: str, open_page: Open
) -> None:
    page = open_page(width=width, height=900, color_scheme=scheme)
    wiring = wiring_examples(8)["Halves: 0 and 2^(m-1)"]
    page.goto(f"{app_url}/wiring?w={wiring.as_text()}")
    matrix = view(page, "edit")
    settled(page)
    click(matrix, 2, 3)
    cut = wiring.toggle_link(1, 2, 3)
    expect(page).to_have_url(re.compile(f"w={re.escape(cut.as_text())}&"))
    found = coverage(cut)
    assert found.example is not None
    expect(page.get_by_test_id("stAlert")).to_contain_text(found.sentence)
    expect(page.get_by_test_id("stMetricValue").first).to_have_text(f"{found.links_on}")
    expect(matrix).to_have_attribute("data-value", "-1")
    growth = view(page, "growth-wiring")
    expect(growth).to_have_attribute("data-never", str(found.reach.unreached))
    settled(page)
    matrix.locator("canvas").first.press("Enter")
    expect(page).to_have_url(re.compile(f"w={re.escape(wiring.as_text())}&"))
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


@SCREENS
def test_the_routes_of_the_clicked_entry_are_the_core_s(
    width: int, scheme: str, app_url: str, open_page: Open
) -> None:
    page = open_page(width=width, height=900, color_scheme=scheme)
    page.goto(f"{app_url}/routes?n=12&seed=4&top=5")
    chain = Chain.random(Wiring.of_protocol(Protocol.CHORD, 12), seed=4)
    dense = chain.dense().astype(np.float32)
    product, routes = view(page, "routes-product"), view(page, "routes")
    settled(page)
    click(product, 7, 2)
    report = chain.trace(7, 2, 5)
    expect(page).to_have_url(re.compile("i=7.*j=2"))
    shown = product.get_attribute("data-value")
    assert shown is not None
    assert np.float32(shown) == dense[7, 2]
    expect(page.get_by_text("Entry (7, 2)")).to_contain_text(f"{report.count:,} routes")
    settled(page)
    listed = routes.locator("button.route")
    expect(listed).to_have_count(5)
    values = [float(value) for value in listed.evaluate_all("all => all.map(b => b.dataset.value)")]
    assert values == [route.value for route in report.strongest]
    expect(listed.first.locator(".path")).to_have_text(
        " → ".join(str(token) for token in report.strongest[0].tokens[::-1])
    )
    listed.nth(1).hover()
    expect(routes).to_have_attribute("data-route", "1")

    total = point_at_first_link(routes)
    factor, row, column = (int(part) for part in routes.get_attribute("data-link").split(","))
    links = report.links[factor - 1]
    (at,) = np.flatnonzero((links.rows == row) & (links.columns == column))
    assert np.float32(total) == np.float32(links.totals[at])
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_product_factor_and_routes_light_each_other_up_without_a_round_trip(
    app_url: str, page: Page
) -> None:
    sent: list[object] = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    page.goto(f"{app_url}/routes?n=12&seed=4&i=7&j=2&f=2")
    product, routes = view(page, "routes-product"), view(page, "routes")
    page.get_by_text("Totals link by link").click()
    totals = view(page, "totals")
    settled(page)
    assert sent
    sent.clear()

    hover(product, 5, 3)
    assert routes.get_attribute("data-cell") == "5,3"
    assert routes.get_attribute("data-link") == ""
    expect(routes.locator(".read").first).to_contain_text("Entry (5, 3): click it")
    hover(product, 7, 2)
    expect(routes.locator(".read").first).to_contain_text("its routes are drawn here")

    link = Chain.random(Wiring.of_protocol(Protocol.CHORD, 12), seed=4).trace(7, 2, 5).links[1]
    row, column = int(link.rows[0]), int(link.columns[0])
    hover(totals, row, column)
    assert routes.get_attribute("data-link") == f"2,{row},{column}"
    assert routes.get_attribute("data-total") == totals.get_attribute("data-value")
    assert (product.get_attribute("data-row"), product.get_attribute("data-column")) == (
        str(row),
        str(column),
    )

    point_at_first_link(routes)
    factor, row, column = routes.get_attribute("data-link").split(",")
    assert factor == "4"
    assert product.get_attribute("data-row") == row
    assert product.get_attribute("data-column") == column
    assert totals.get_attribute("data-row") == "", "a link of factor 4 is none of factor 2's"
    assert not sent


def point_at_first_link(routes: Locator) -> str:
    """Point at the middle of a link of the last factor; return the total that is shown."""
    x, y = routes.evaluate(
        """root => {
            const view = root.getRootNode().paramixerView, {header, links} = view;
            const link = links.find((link) => link.factor === header.layers);
            const [ax, ay] = view.place(link.factor - 1, link.column);
            const [bx, by] = view.place(link.factor, link.row);
            return [(ax + bx) / 2, (ay + by) / 2];
        }"""
    )
    routes.locator("canvas").first.hover(position={"x": x, "y": y})
    expect(routes).not_to_have_attribute("data-link", "")
    total = routes.get_attribute("data-total")
    assert total is not None
    return total
