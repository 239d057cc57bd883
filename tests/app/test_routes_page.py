"""The routes page: what is shown adds up to the entry, and the entry is the core's."""

import re

import pytest
from streamlit.testing.v1 import AppTest

from paramixer_core.analysis.chains import Chain
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.config import Residual
from paramixer_core.protocols import Protocol
from tests.app.test_pages import in_link, open_page


def numbers_of_the_sum(page: AppTest) -> list[float]:
    (shown,) = [
        text.value for text in page.markdown if " listed" in text.value and " = " in text.value
    ]
    found = re.findall(r"\*\*\(?([−\d.e]+)\)?\*\*", shown)
    return [float(number.replace("−", "-")) for number in found]


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize(("row", "column"), [(0, 5), (4, 4), (6, 0)])
def test_the_terms_on_the_screen_add_up_to_the_entry(
    row: int, column: int, residual: Residual
) -> None:
    page = open_page(
        "routes", n="7", i=str(row), j=str(column), seed="2", residual=residual.value, top="2"
    )
    assert not page.exception
    chain = Chain.random(Wiring.of_protocol(Protocol.CHORD, 7), residual, seed=2)
    entry, *terms = numbers_of_the_sum(page)
    assert entry == pytest.approx(chain.dense()[row, column], abs=1e-5)
    assert sum(terms) == pytest.approx(entry, abs=2e-5)
    report = chain.trace(row, column)
    assert any(f"**{report.count:,} route" in text.value for text in page.markdown)


@pytest.mark.parametrize("seq_len", ["2", "3", "1024"])
def test_any_length_works(seq_len: str) -> None:
    page = open_page("routes", n=seq_len)
    assert not page.exception
    assert not page.warning


def test_the_first_entry_is_the_strongest_off_the_diagonal() -> None:
    page = open_page("routes", n="12", seed="3")
    dense = abs(Chain.random(Wiring.of_protocol(Protocol.CHORD, 12), seed=3).dense())
    row, column = int(in_link(page, "i")), int(in_link(page, "j"))
    assert row != column
    assert dense[row, column] == max(dense[i, j] for i in range(12) for j in range(12) if i != j)


def test_an_entry_without_a_route_says_so() -> None:
    even = wiring_examples(16)["Even steps only"]
    page = open_page("routes", links="wiring", w=even.as_text(), i="0", j="1")
    assert not page.exception
    (warning,) = page.warning
    assert "Token 0 cannot read token 1" in warning.value


def test_a_run_that_was_trained_can_be_traced() -> None:
    page = open_page("routes", **{"from": "run"})
    assert not page.exception
    entry, *terms = numbers_of_the_sum(page)
    assert sum(terms) == pytest.approx(entry, rel=1e-4)


@pytest.mark.parametrize(
    ("key", "text", "shown"),
    [("i", "99", "6"), ("j", "-4", "0"), ("top", "0", "1"), ("residual", "x", "per_factor")],
)
def test_a_bad_link_is_repaired_in_one_sentence(key: str, text: str, shown: str) -> None:
    page = open_page("routes", **{"n": "7", key: text})
    (warning,) = page.warning
    assert f"`{text}`" in warning.value
    assert in_link(page, key) == shown
