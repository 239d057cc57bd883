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


def test_what_one_tab_pauses_another_tab_of_this_browser_sees_and_can_continue(training):
    other = training.context.new_page()
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


def test_a_stranger_watches_by_the_link_and_can_change_nothing(training, open_page):
    stranger = open_page()
    stranger.goto(training.url)
    settled(stranger)
    expect(card(stranger)).to_be_visible()
    expect(stranger.get_by_text("Somebody else started these runs")).to_be_visible()
    for name in ("Pause", "Continue", "One step", "Stop", "Reset"):
        expect(stranger.get_by_role("button", name=name, exact=True)).to_be_disabled()
    expect(training.get_by_role("button", name="Pause")).to_be_enabled()


def test_after_a_reload_the_run_is_still_this_browsers(training):
    training.reload()
    settled(training)
    expect(training.get_by_role("button", name="Pause")).to_be_enabled()


def test_a_strangers_inspect_page_shows_the_gallery_alone(training, open_page, app_url):
    run = training.url.partition("runs=")[2].partition("&")[0]
    stranger = open_page()
    stranger.goto(f"{app_url}/inspect")
    settled(stranger)
    stranger.get_by_role("combobox", name="Run").first.click()
    options = stranger.get_by_role("option").all_inner_texts()
    assert options
    assert all("gallery" in option for option in options)
    assert run not in stranger.content()
