"""Runs that many watch: each browser follows by itself, and says when it cannot."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import settled

ENDLESS = "task=adding&n=16&mixers=chord&steps=1000000&batch=2"


@pytest.fixture
def training(app_url, page) -> Page:
    """The Train page of a run that goes on until it is stopped."""
    page.goto(f"{app_url}/train?{ENDLESS}")
    page.get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("trains")
    yield page
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(card(page)).to_contain_text("stopped")


def card(page: Page):
    return page.locator(".card[data-mixer=chord]")


def test_what_one_browser_pauses_another_one_sees_and_can_continue(training, open_page):
    other = open_page()
    other.goto(training.url)
    settled(other)
    training.get_by_role("button", name="Pause").click()
    expect(card(other)).to_contain_text("paused")
    go_on = other.get_by_role("button", name="Continue")
    expect(go_on).to_be_enabled()
    before = card(training).locator(".done").inner_text()
    go_on.click()
    expect(card(training)).to_contain_text("trains")
    expect(training.get_by_role("button", name="Pause")).to_be_enabled()
    expect(card(training).locator(".done")).not_to_have_text(before)


def test_a_silent_server_is_said_and_the_page_goes_on_when_it_answers(training):
    # Not by a route that aborts: the browser would report that as an error of the page.
    training.evaluate(
        "() => { window.real = window.fetch;"
        " window.fetch = () => Promise.reject(new Error('cut off')); }"
    )
    trouble = training.get_by_text("The server does not answer")
    expect(trouble).to_be_visible()
    training.evaluate("() => { window.fetch = window.real; }")
    expect(trouble).to_be_hidden()


def test_a_changed_setting_leaves_what_is_watched_alone(training):
    watched = training.locator(".runs .lines").first
    watched.evaluate("node => { node.keptByTheTest = true; }")
    field = training.get_by_role("spinbutton", name="Steps")
    field.fill("1234")
    field.press("Enter")
    expect(training).to_have_url(re.compile("steps=1234"))
    expect(training.get_by_role("spinbutton", name="Steps")).to_have_value("1234")
    assert watched.evaluate("node => node.keptByTheTest === true")
    expect(card(training)).to_contain_text("of 1,000,000")


def test_the_curve_beside_the_test_accuracy_can_be_chosen(training):
    training.get_by_text("gradient norm", exact=True).click()
    expect(training.locator(".runs .lines .title").first).to_have_text("Gradient norm")
    expect(training).to_have_url(re.compile("curve=grad_norm"))


def test_reset_replaces_a_stopped_run_and_continue_trains_what_is_seen(app_url, page):
    page.goto(f"{app_url}/train?{ENDLESS}")
    page.get_by_role("button", name="Start").click()
    expect(card(page)).to_contain_text("trains")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(card(page)).to_contain_text("stopped")
    before = re.search(r"runs=([^&]+)", page.url)[1]
    page.get_by_role("button", name="Reset").click()
    expect(card(page)).to_contain_text("paused")
    expect(card(page).locator(".done")).to_contain_text("step 0 of")
    expect(page).not_to_have_url(re.compile(re.escape(before)))
    page.get_by_role("button", name="Continue").click()
    expect(card(page)).to_contain_text("trains")
    expect(card(page).locator(".done")).not_to_contain_text("step 0 of")
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(card(page)).to_contain_text("stopped")
