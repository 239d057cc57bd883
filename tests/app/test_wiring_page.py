"""The wiring page: every edit answers with the core's numbers, bad ones in a sentence."""

import pytest
from streamlit.testing.v1 import AppTest

from paramixer_core.analysis.coverage import coverage
from paramixer_core.analysis.generic_rank import generic_rank
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.config import Residual
from paramixer_core.protocols import Protocol
from tests.app.test_pages import in_link, open_page

CHORD = Wiring.of_protocol(Protocol.CHORD, 16)
EVEN = wiring_examples(16)["Even steps only"]


def wiring_page(wiring: Wiring, **query: str) -> AppTest:
    return open_page("wiring", w=wiring.as_text(), **query)


def labelled(widgets: object, label: str) -> object:
    return next(widget for widget in widgets if widget.label == label)


@pytest.mark.parametrize("seq_len", [2, 3, 7, 16])
def test_the_figures_are_the_core_s_for_every_example(seq_len: int) -> None:
    for wiring in wiring_examples(seq_len).values():
        page = wiring_page(wiring)
        assert not page.exception
        found, rank = coverage(wiring), generic_rank(wiring.supports())
        shown = {metric.label: metric.value for metric in page.metric}
        assert shown["Links on"] == f"{found.links_on:,}"
        assert shown["Pairs linked"] == f"{found.reach.fill[-1]:.4g} %"
        assert shown["Generic rank"] == f"{rank.rank:,} of {rank.size:,}"
        said = [*page.success, *page.warning]
        assert [found.sentence in box.value for box in said] == [True]


def test_unreached_pairs_are_said_with_an_example() -> None:
    (warning,) = wiring_page(EVEN).warning
    assert "Token 0 cannot read token 1" in warning.value
    assert "127 more pairs" in warning.value


def test_missing_self_links_and_a_broken_token_show_in_the_bare_product() -> None:
    wiring = wiring_examples(16)["A broken token"]
    page = wiring_page(wiring, show="product")
    bare = generic_rank(wiring.supports(), residual=False)
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Generic rank"] == f"{bare.rank} of 16"
    assert bare.rank < 16
    selfless = wiring_page(wiring_examples(16)["No self links"])
    assert any("no self link" in caption.value for caption in selfless.caption)


@pytest.mark.parametrize(
    ("shown", "residual"),
    [("operator", Residual.PER_FACTOR), ("first", Residual.FIRST), ("product", Residual.NONE)],
)
def test_rank_and_reach_are_those_of_the_residual_that_is_chosen(shown, residual) -> None:
    wiring = wiring_examples(16)["No self links"].toggle_factor(1)
    page = wiring_page(wiring, show=shown)
    rank = generic_rank(wiring.supports(), residual=residual)
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Generic rank"] == f"{rank.rank} of 16"
    found = coverage(wiring, residual=residual)
    assert figures["Pairs linked"] == f"{found.reach.fill[-1]:.4g} %"


def test_v0_at_every_factor_keeps_what_the_bare_product_loses() -> None:
    """A zeroed last factor leaves V0 alone: nobody reads another token, and none is forgotten."""
    wiring = CHORD.toggle_factor(len(CHORD.offsets))
    ranks = {}
    for shown in ("operator", "first", "product"):
        page = wiring_page(wiring, show=shown)
        ranks[shown] = {metric.label: metric.value for metric in page.metric}
    assert ranks["first"]["Generic rank"] == "16 of 16"
    assert ranks["first"]["Pairs linked"] == "6.25 %"
    assert ranks["product"]["Pairs linked"] == "0 %"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("garbage", CHORD),
        ("n16", CHORD),
        ("n7_f!", Wiring.of_protocol(Protocol.CHORD, 7)),
        ("n8_f0.1x3_c9.9.9", Wiring(seq_len=8, offsets=((0, 1),) * 3)),
        ("n8_f0.1x3_b2_z9", Wiring(seq_len=8, offsets=((0, 1),) * 3, broken=frozenset({2}))),
        ("n999_f0.1", Wiring.of_protocol(Protocol.CHORD, 256)),
        ("n0_f0", Wiring.of_protocol(Protocol.CHORD, 2)),
        ("n8_f" + "0." * 9000, Wiring.of_protocol(Protocol.CHORD, 8)),
    ],
    ids=["garbage", "no-offsets", "bad-offsets", "bad-cut", "bad-zero", "long", "zero", "huge"],
)
def test_a_wiring_that_does_not_parse_is_said_and_as_much_as_can_be_is_kept(
    text: str, kept: Wiring
) -> None:
    page = open_page("wiring", w=text)
    assert not page.exception
    repaired = [box for box in page.warning if "The link asked for wiring" in box.value]
    assert len(repaired) == 1
    assert in_link(page, "w") == kept.as_text()


def test_offsets_are_typed_and_bad_ones_refused_in_a_sentence() -> None:
    page = wiring_page(CHORD, f="2")
    labelled(page.text_input, "Offsets of factor 2").set_value("0; 3, −1").run()
    assert in_link(page, "w") == CHORD.with_offsets(2, (0, 3, -1)).as_text()
    assert labelled(page.text_input, "Offsets of factor 2").value == "0, 3, -1"
    labelled(page.text_input, "Offsets of factor 2").set_value("0, many").run()
    assert any("whole numbers such as 0, 1, -1" in box.value for box in page.warning)
    assert in_link(page, "w") == CHORD.with_offsets(2, (0, 3, -1)).as_text()


def test_a_factor_without_links_still_works() -> None:
    page = wiring_page(CHORD)
    labelled(page.text_input, "Offsets of factor 1").set_value("").run()
    assert not page.exception
    assert in_link(page, "w") == CHORD.with_offsets(1, ()).as_text()


def test_tokens_break_factors_go_and_undo_brings_them_back() -> None:
    page = wiring_page(CHORD)
    page.multiselect[0].set_value([3, 5]).run()
    page.button(key="zero").click().run()
    labelled(page.number_input, "Factors M").set_value(5).run()
    edited = CHORD.toggle_token(3).toggle_token(5).toggle_factor(1).with_factors(5)
    assert in_link(page, "w") == edited.as_text()
    for _ in range(3):
        page.button(key="undo").click().run()
    assert in_link(page, "w") == CHORD.as_text()
    assert page.button(key="undo").disabled


def test_mending_one_token_while_breaking_another_leaves_only_the_chosen_ones() -> None:
    page = wiring_page(CHORD.toggle_token(3))
    page.multiselect[0].set_value([5]).run()
    assert in_link(page, "w") == CHORD.toggle_token(5).as_text()


def test_a_name_goes_into_the_link_and_the_verdict() -> None:
    page = wiring_page(CHORD)
    labelled(page.text_input, "Name").set_value("Mein Ring ü").run()
    assert Wiring.parse(in_link(page, "w")).name == "Mein Ring ü"
    assert "**Mein Ring ü**" in page.success[0].value


def test_a_locked_wiring_cannot_be_changed() -> None:
    page = wiring_page(CHORD, lock="w")
    changing = [*page.text_input, *page.multiselect, labelled(page.number_input, "Factors M")]
    assert all(widget.disabled for widget in changing)


def test_the_train_page_offers_the_wiring_in_its_link_where_the_length_fits() -> None:
    page = open_page("train", task="adding", n="16", mixers="wiring,chord", w=EVEN.as_text())
    assert not page.exception
    assert not page.warning
    assert in_link(page, "mixers") == "wiring,chord"
    other = open_page("train", task="adding", n="32", w=EVEN.as_text())
    assert any("has N = 16" in caption.value for caption in other.caption)
    assert "wiring" not in in_link(other, "mixers")


def test_the_train_page_survives_a_wiring_that_does_not_parse() -> None:
    page = open_page("train", task="adding", n="16", w="garbage")
    assert not page.exception
    assert any("wiring in the link can't be read" in box.value for box in page.warning)
