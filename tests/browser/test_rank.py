"""Rank page and Matrix lab in a browser: shown numbers are the core's, jobs can be stopped."""

import io
import re

import numpy as np
import pytest
from playwright.sync_api import expect

from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName, measure
from paramixer_core.analysis.contest import entrants
from paramixer_core.analysis.matrix_lab import best_low_rank, low_rank_errors
from paramixer_core.gallery import Gallery
from paramixer_core.inspection import compacts_of
from paramixer_core.protocols import Protocol
from tests.browser.conftest import settled

RUN = "gallery-temporal_order-attention"
PATIENCE_MS = 90_000


def stored_logits(step):
    gallery = Gallery()
    config = gallery.run(RUN).config
    compact = compacts_of(config, gallery.probe(RUN, step), 0)[0]
    return next(measure(config, compact, [MatrixName(MatrixKind.LOGITS, 1)])).report


def test_the_table_follows_the_scrubber_with_the_cores_numbers(app_url, page, by_key):
    page.goto(f"{app_url}/rank?run={RUN}&rival=none&mats=logits&step=0")
    settled(page)
    row = by_key(page, "rank-figures").get_by_role("row").nth(1)
    for step in (0, 1):
        report = stored_logits(step)
        expect(row).to_contain_text(f"{report.numerical_rank} of 128")
        expect(row).to_contain_text(f"{report.effective_rank:.4g}")
        expect(row).to_contain_text(f"{report.energy(8):.2%}")
        page.get_by_role("slider", name="Training step").press("ArrowRight")
    legend = by_key(page, "spectra").locator("button.entry")
    expect(legend.filter(has_text="bound d = 32")).to_have_count(1)


def test_a_definition_with_its_formula_is_one_click_away(app_url, page):
    page.goto(f"{app_url}/rank?sheet=singular")
    settled(page)
    expect(page.locator(".katex")).to_have_count(0)
    page.goto(f"{app_url}/rank")
    page.get_by_role("button", name="Effective rank").click()
    expect(page.locator("[data-testid=stPopoverBody] .katex").first).to_be_visible()
    expect(page.get_by_text("Roy and Vetterli")).to_be_visible()


def test_an_uploaded_matrix_is_fitted_live_beside_its_best_low_rank(app_url, page, by_key):
    matrix = np.random.default_rng(5).normal(size=(32, 32)).round(3)
    packed = io.BytesIO()
    np.save(packed, matrix)
    page.goto(f"{app_url}/matrix_lab?target=upload&budget=9&fit=50")
    page.locator("input[type=file]").set_input_files(
        {"name": "mine.npy", "mimeType": "application/octet-stream", "buffer": packed.getvalue()}
    )
    rank = entrants(32, 9)[Protocol.CHORD].rank
    low = by_key(page, "lab-low").locator(".view.matrix")
    expect(low).to_have_count(1, timeout=PATIENCE_MS)
    card = by_key(page, "lab-chord")
    expect(card).to_contain_text(f"r = {rank}: {low_rank_errors(matrix)[rank]:.4f}")
    expect(card).to_contain_text(re.compile(r"CHORD, 3 factors: 0\.\d{4}"), timeout=PATIENCE_MS)
    expect(by_key(page, "lab-save-chord")).to_be_visible(timeout=PATIENCE_MS)
    low = by_key(page, "lab-low")
    low.locator("canvas").first.click(position={"x": 60, "y": 60})
    view = low.locator(".view.matrix")
    expect(view).to_have_attribute("data-row", re.compile(r"\d"))
    at = int(view.get_attribute("data-row")), int(view.get_attribute("data-column"))
    shown = np.float32(view.get_attribute("data-value"))
    assert shown == np.float32(best_low_rank(matrix, rank).matrix[at])


@pytest.mark.parametrize("path", ["matrix_lab?side=16&fit=50", "rank?sheet=fresh&n=12&seeds=1"])
def test_the_pages_fit_a_phone(path, app_url, open_page):
    page = open_page(width=390, height=844, color_scheme="dark")
    page.goto(f"{app_url}/{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_long_spectrum_shows_progress_and_can_be_stopped(app_url, page):
    page.goto(f"{app_url}/rank?sheet=fresh&n=2048&who=attention&mats=product")
    stop = page.get_by_role("button", name="Stop")
    stop.first.click(timeout=PATIENCE_MS)
    expect(page.get_by_text("Stopped after 0 of 1.")).to_be_visible()
    expect(page.get_by_role("button", name="Again")).to_be_visible()
