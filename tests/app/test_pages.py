"""Every page runs, keeps its settings in the link and answers bad links in a sentence."""

import pytest
from streamlit.testing.v1 import AppTest

PAGES = (
    "home",
    "patterns",
    "wiring",
    "routes",
    "train",
    "inspect",
    "rank",
    "matrix_lab",
    "cost",
)


def open_page(name: str, **query: str) -> AppTest:
    script = f"from app.navigation import run_app\nrun_app({name + '.py'!r})"
    page = AppTest.from_string(script, default_timeout=60)
    for key, value in query.items():
        page.query_params[key] = value
    return page.run()


def in_link(page: AppTest, key: str) -> str:
    """What the address says: AppTest holds a list until the script has written a text."""
    value = page.query_params[key]
    return value if isinstance(value, str) else value[-1]


@pytest.mark.parametrize("name", PAGES)
def test_a_page_opens_with_a_title_and_without_an_error(name):
    page = open_page(name)
    assert not page.exception
    assert not page.error
    assert len(page.title) == 1


@pytest.mark.parametrize(
    ("name", "key", "text", "shown"),
    [
        ("home", "n", "9999", 64),
        ("home", "n", "abc", 16),
        ("cost", "n", "1", 2),
        ("cost", "d", "0", 1),
        ("cost", "k", "4", 3),
        ("train", "n", "100", 64),
        ("train", "d", "-5", 1),
        ("train", "h", "1e999", 512),
        ("train", "rate", "nan", 1e-3),
        ("train", "seed", "99999999999999999999", 2**31 - 1),
    ],
)
def test_a_bad_link_gets_one_sentence_and_the_nearest_valid_setting(name, key, text, shown):
    page = open_page(name, **{key: text})
    assert not page.exception
    (warning,) = page.warning
    assert f"`{text}`" in warning.value
    assert "expected" in warning.value
    assert in_link(page, key) == str(shown)


def test_a_link_restores_every_setting_of_the_cost_page():
    page = open_page("cost", n="512", d="64", h="16", k="5", count="training")
    assert not page.warning
    assert [number.value for number in page.number_input] == [512, 64, 16, 32]
    assert in_link(page, "count") == "training"


def test_a_changed_setting_is_in_the_link():
    page = open_page("cost")
    page.number_input[0].set_value(300).run()
    assert in_link(page, "n") == "300"


def test_a_locked_setting_cannot_be_changed():
    page = open_page("cost", lock="n,d")
    assert [number.disabled for number in page.number_input] == [True, True, False, False]


def test_an_unknown_mixer_in_a_link_is_left_out_aloud():
    page = open_page("train", mixers="chord,perceiver")
    assert "perceiver" in page.warning[0].value
    assert in_link(page, "mixers") == "chord"


def test_a_run_that_does_not_exist_is_said_and_taken_out_of_the_link():
    page = open_page("train", runs="nosuchrun")
    assert "nosuchrun" in page.warning[0].value
    assert "runs" not in page.query_params


def test_without_runs_the_train_page_says_what_to_do():
    page = open_page("train")
    assert "Press **Start**" in page.info[0].value


def test_cost_figures_are_those_of_the_closed_forms():
    from paramixer_core.cost import CostShape, cost_report

    page = open_page("cost", n="777", d="24", h="40", k="5", count="parameters")
    expected = {
        mixer: cost_report(
            CostShape(mixer=mixer, seq_len=777, channels=24, hidden=40, num_links=5)
        ).parameters
        for mixer in ("chord", "cdil", "attention")
    }
    helps = [metric.help for metric in page.metric]
    for metric_help, count in zip(helps, expected.values(), strict=True):
        assert metric_help.startswith(f"{count:,} ")


def test_a_name_that_two_pages_share_is_each_page_s_own():
    script = (
        "import streamlit as st\n"
        "from app import controls\n"
        "from app.linked import turn_to\n"
        "page = st.session_state.get('where', 'patterns')\n"
        "turn_to(page)\n"
        "low = 2 if page == 'patterns' else 100\n"
        "controls.whole_number('Tokens N', 'n', low=low, high=512, default=low + 5)\n"
    )
    page = AppTest.from_string(script).run()
    page.number_input[0].set_value(33).run()
    page.session_state["where"] = "train"
    del page.query_params["n"]
    page.run()
    assert page.number_input[0].value == 105
    page.session_state["where"] = "patterns"
    del page.query_params["n"]
    page.run()
    assert page.number_input[0].value == 33
