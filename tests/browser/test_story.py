"""What a newcomer does: open every page, press one button, watch it learn, look at the matrix."""

import re
import time

import numpy as np
import pytest
from playwright.sync_api import expect

from paramixer_core.inspection import inspect_example
from paramixer_core.runs.store import RunStore
from tests.browser.conftest import settled

PAGES = {
    "": "Mix tokens without attention",
    "patterns": "How few links reach every token",
    "wiring": "Edit the wiring",
    "routes": "The routes behind one entry",
    "train": "Watch a Paramixer learn",
    "inspect": "What a trained model mixes",
    "rank": "Rank, measured",
    "matrix_lab": "Matrix lab",
    "cost": "What mixing costs",
}
LEARNED = 80.0
PATIENCE_SECONDS = 180


@pytest.mark.parametrize(("path", "title"), PAGES.items(), ids=list(PAGES))
@pytest.mark.parametrize("width", [1280, 390], ids=["wide", "phone"])
def test_a_page_opens_without_an_error_or_sideways_scroll(path, title, width, app_url, open_page):
    page = open_page(width=width, height=844)
    page.goto(f"{app_url}/{path}")
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_one_button_trains_digits_past_80_percent_and_inspect_shows_the_tensor(
    app_url, app_home, page, by_key
):
    page.goto(f"{app_url}/train?task=digits&n=64&mixers=chord,attention&steps=100000")
    page.get_by_role("button", name="Start").click()
    chord = page.locator(".card[data-mixer=chord]")
    deadline = time.monotonic() + PATIENCE_SECONDS
    accuracy = 0.0
    while accuracy < LEARNED and time.monotonic() < deadline:
        time.sleep(1)
        found = re.search(r"([\d.]+)%", chord.inner_text())
        accuracy = float(found[1]) if found else 0.0
    assert accuracy >= LEARNED

    page.get_by_role("button", name="Stop", exact=True).click()
    expect(chord).to_contain_text("stopped")
    expect(page.locator(".card[data-mixer=attention]")).to_contain_text("stopped")
    page.get_by_role("link", name="Look at the matrices that they learned").click()
    expect(page.get_by_role("heading", name="What a trained model mixes")).to_be_visible()
    settled(page)

    with RunStore(app_home) as store:
        runs = store.runs()
        (run,) = [run for run in runs if (run.config.mixer, run.config.task) == ("chord", "digits")]
        step = store.snapshots(run.id)[-1].step
        state = store.state(run.id, step)
    page.goto(f"{app_url}/inspect?run={run.id}&step={step}&example=3&show=operator")
    mixing = by_key(page, "mixing")
    row, column = 5, 9
    mixing.get_by_role("spinbutton", name="Row").fill(str(row))
    mixing.get_by_role("spinbutton", name="Column").fill(str(column))
    mixing.get_by_role("spinbutton", name="Column").press("Enter")
    seen = inspect_example(run.config, state, 3)
    weight = float(seen.blocks[0].operator[0, row, column])
    readout = mixing.locator("[data-value]").first
    expect(readout).to_have_attribute("data-row", str(row))
    assert np.float32(readout.get_attribute("data-value")) == np.float32(weight)
