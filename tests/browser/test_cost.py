"""The Cost page in a browser: measure this machine, take the file along, bring others, predict."""

import re

import pytest
from playwright.sync_api import expect

from paramixer_core.cost import CostShape, cost_report
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.shelf import Shelf
from tests.browser.conftest import settled

SMALL = "sheet=measured&who=chord,attention&low=3&high=5&seconds=4&batch=2&d=8&h=8"
CHORD = """Array.from(
    document.querySelector('.st-key-measured .js-plotly-plot')?._fullData ?? []
).filter(trace => trace.showlegend !== false && trace.name.includes('CHORD'))
.map(trace => Array.from(trace.y))"""
"""What the chart draws of one mixer."""

PATIENCE = 60_000  # ms: a cold server loads PyTorch, a cold job does too
PARTS = ("measured", "what_if")  # the formulas are opened by test_story


@pytest.fixture
def shelf(app_home):
    """The app's sets, none at first."""
    found = Shelf(app_home / "benchmarks")
    for name in found.names():
        found.delete(name)
    return found


@pytest.mark.parametrize("part", PARTS)
def test_every_part_fits_a_phone_without_an_error(part, app_url, open_page):
    page = open_page(width=390, height=844, color_scheme="dark")
    page.goto(f"{app_url}/cost?sheet={part}")
    expect(page.locator(".js-plotly-plot").first).to_be_visible(timeout=PATIENCE)
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.get_by_test_id("stAlertContentError")).to_have_count(0)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_this_machine_is_measured_kept_and_taken_along(app_url, shelf, page, by_key):
    page.goto(f"{app_url}/cost?{SMALL}")
    page.get_by_text("Measure this machine").click()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_text(re.compile("of 6 points"))).to_be_visible(timeout=PATIENCE)
    page.wait_for_url(re.compile(r"set=\d{14}-"), timeout=PATIENCE)
    settled(page)
    (name,) = shelf.names()
    assert f"set={name}" in page.url
    kept = shelf.read(name)
    points = kept.sweeps[0].measured("chord")
    assert [point.seq_len for point in points] == [8, 16, 32]
    page.wait_for_function(f"{CHORD}[0]?.length === 3")
    drawn = page.evaluate(CHORD)
    assert drawn == [[pytest.approx(point.median) for point in points]]
    with page.expect_download() as download:
        by_key(page, "set-json").get_by_role("button").click()
    assert Measurements.from_json(download.value.path().read_bytes()) == kept
    expect(page.get_by_text(kept.machine.torch).first).to_be_visible()

    page.get_by_role("button", name="Remove").click()
    page.wait_for_url(re.compile("set=cpu"))
    assert shelf.names() == []


def test_a_running_sweep_can_be_stopped_and_what_came_is_kept(app_url, shelf, page):
    page.goto(
        f"{app_url}/cost?{SMALL.replace('high=5', 'high=14').replace('seconds=4', 'seconds=300')}"
    )
    page.get_by_text("Measure this machine").click()
    page.get_by_role("button", name="Measure", exact=True).click()
    expect(page.get_by_text(re.compile("N = .* done"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Stop", exact=True).click()
    page.wait_for_url(re.compile(r"set=\d{14}-"))
    assert 2 <= len(shelf.read(shelf.names()[0]).sweeps[0].points) < 24
    expect(page.get_by_text(re.compile("of 24 points"))).to_have_count(0)


def test_files_are_brought_and_bad_ones_answered_in_a_sentence(app_url, shelf, page, by_key):
    page.goto(f"{app_url}/cost?sheet=measured")
    settled(page)
    with page.expect_download() as download:
        by_key(page, "set-json").get_by_role("button").click()
    text = download.value.path().read_text()

    def bring(name, content):
        page.locator(".st-key-set-upload input[type=file]").set_input_files(
            {"name": name, "mimeType": "application/json", "buffer": content.encode()}
        )

    bring("edited.json", text.replace('"channels":32', '"channels":33', 1))
    expect(page.get_by_text(re.compile("changed by hand"))).to_be_visible()
    bring("older.json", text.replace('"version":1', '"version":0'))
    expect(page.get_by_text(re.compile("measurements of version 1, got version 0"))).to_be_visible()
    assert shelf.names() == []
    bring("right.json", text)
    page.wait_for_url(re.compile(r"set=\d{14}-"))
    expect(page.get_by_text(re.compile("Expected"))).to_have_count(0)


def test_predictions_say_that_they_are_and_name_their_source(app_url, page):
    page.goto(f"{app_url}/cost?sheet=what_if&where=h100&power=24")
    expect(page.get_by_text("Predicted, not measured.")).to_be_visible()
    expect(page.get_by_text(re.compile("H100 Tensor Core GPU datasheet")).first).to_be_visible()
    expect(page.get_by_text("does not fit").first).to_be_visible()
    page.goto(f"{app_url}/cost?sheet=what_if")
    expect(page.get_by_text(re.compile(r"median error is \d+%"))).to_be_visible()


def test_training_is_estimated_before_and_held_against_it_after(app_url, page):
    page.goto(f"{app_url}/train?task=adding&n=32&mixers=chord&steps=100&batch=8")
    expect(page.get_by_text(re.compile(r"About [\d.]+ s, .* energy class A"))).to_be_visible()
    page.get_by_role("button", name="Start").click()
    expect(page.get_by_text(re.compile(r"estimated .* a step, took"))).to_be_visible(
        timeout=PATIENCE
    )


@pytest.mark.parametrize(("key", "columns"), [("cost-csv", 3), ("cost-shares-csv", 4)])
def test_the_data_of_a_formula_s_chart_can_be_taken_home(app_url, page, by_key, key, columns):
    page.goto(f"{app_url}/cost?sheet=forms&n=64&split=chord&count=forward")
    settled(page)
    with page.expect_download() as download:
        by_key(page, key).get_by_role("button").click()
    head, *rows = download.value.path().read_text().splitlines()
    assert len(head.split(",")) == columns
    shape = CostShape(mixer="chord", seq_len=64, channels=32, hidden=32, num_links=9)
    report = cost_report(shape)
    if columns == 3:
        assert f"chord,64,{report.forward}" in rows
    else:
        part = report.parts[0].part
        share = 100 * report.share(part, "forward")
        (found,) = [row for row in rows if row.startswith(f"chord,{part},64,")]
        assert float(found.rsplit(",", 1)[1]) == pytest.approx(share, rel=1e-5)
