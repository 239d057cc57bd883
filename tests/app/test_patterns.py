"""The story of the patterns: every step at every length, its numbers those of the core."""

import numpy as np
import pytest

from app.figures.lines import Curve, Mark, curves_figure
from app.patterns import PARTS, count_curves
from paramixer_core.analysis.counts import pattern_counts
from paramixer_core.analysis.graphs import compare_graphs
from paramixer_core.analysis.patterns import pattern_costs
from paramixer_core.protocols import Protocol, protocol_graph, protocol_offsets
from tests.app.test_pages import in_link, open_page


@pytest.mark.parametrize("seq_len", [2, 3, 7, 64])
@pytest.mark.parametrize("part", [part.name for part in PARTS])
def test_every_step_works_on_any_number_of_tokens(part: str, seq_len: int) -> None:
    page = open_page("patterns", part=part, n=str(seq_len))
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert [header.value for header in page.subheader] == [
        next(known.title for known in PARTS if known.name == part)
    ]


@pytest.mark.parametrize(
    ("part", "key", "text", "shown"),
    [
        ("no-such-step", "part", "no-such-step", "attention"),
        ("factor", "n", "1", "2"),
        ("factor", "n", "x", "16"),
        ("factor", "n", "100000", "16384"),
        ("product", "n", "100000", "1024"),
        ("product", "m", "99", "4"),
        ("product", "protocol", "ring", "chord"),
        ("cdil", "k", "4", "5"),
        ("cdil", "f", "-1", "1"),
    ],
)
def test_a_bad_link_is_repaired_in_one_sentence(part: str, key: str, text: str, shown: str) -> None:
    page = open_page("patterns", **{"part": part, key: text})
    assert not page.exception
    (warning,) = page.warning
    assert f"`{text}`" in warning.value
    assert in_link(page, key) == shown


@pytest.mark.parametrize("seq_len", [2, 100, 1000, 131_072])
def test_the_counts_are_exact(seq_len: int) -> None:
    page = open_page("patterns", part="count", n=str(seq_len), k="5")
    counts = pattern_counts(seq_len, 5)
    assert [metric.value for metric in page.metric] == [f"{count.total:,}" for count in counts]


def test_the_graph_table_holds_what_networkx_measured() -> None:
    page = open_page("patterns", part="graph", n="20", protocol="cdil", k="5")
    graph = protocol_graph(protocol_offsets(Protocol.CDIL, 20, 5), 20)
    measured = compare_graphs(graph, "CDIL", ring=True)
    shown = page.table[0].value
    assert list(shown["Graph"]) == [row.name for row in measured]
    assert list(shown["Diameter"]) == [f"{row.diameter:g}" for row in measured]
    assert list(shown["Mean path"]) == [f"{row.mean_path:.4g}" for row in measured]
    assert list(shown["Spectral gap"]) == [f"{row.spectral_gap:.4g}" for row in measured]


def test_the_comparison_table_holds_what_each_pattern_reaches_and_costs() -> None:
    page = open_page("patterns", part="compare", n="20", k="5")
    costs = pattern_costs(20, num_links=5)
    shown = page.table[0].value
    assert list(shown["Pattern"]) == [cost.pattern.name for cost in costs]
    assert list(shown["Links in 5 factors"]) == [f"{cost.nonzeros:,}" for cost in costs]
    assert list(shown["Pairs linked"]) == [f"{cost.reach.fill[-1]:.4g} %" for cost in costs]


def test_the_buttons_turn_the_pages_of_the_story_and_its_link() -> None:
    page = open_page("patterns")
    assert [button.label for button in page.button] == ["Next: 2 One factor"]
    page.button[0].click().run()
    assert in_link(page, "part") == "factor"
    next(button for button in page.button if button.label.startswith("Back")).click().run()
    assert in_link(page, "part") == "attention"


def test_a_lesson_can_lock_the_step_and_the_length() -> None:
    page = open_page("patterns", part="factor", lock="part,n")
    assert [number.disabled for number in page.number_input] == [True]


def test_the_count_curves_are_the_closed_forms() -> None:
    curves = count_curves(5)
    lengths, totals = curves["CHORD"]
    for length, total in zip(lengths.tolist(), totals.tolist(), strict=True):
        assert total == pattern_counts(length, 5)[1].total
    assert list(curves) == ["Attention", "CHORD", "CDIL"]


@pytest.mark.parametrize(("log_x", "place"), [(False, 128.0), (True, np.log10(128))])
def test_a_mark_s_text_stands_at_its_line_on_either_axis(log_x: bool, place: float) -> None:
    figure = curves_figure(
        [Curve("c", np.array([2, 4]), np.array([1.0, 2.0]))],
        x_label="x",
        y_label="y",
        log_x=log_x,
        marks=[Mark(128, "here")],
    )
    (line,), (text,) = figure.layout.shapes, figure.layout.annotations
    assert (line.x0, text.text) == (128, "here")
    assert text.x == pytest.approx(place)


@pytest.mark.parametrize(
    ("part", "n", "most"), [("cdil", 1024, 1023), ("compare", 129, 129), ("graph", 256, 65)]
)
def test_cdil_takes_any_odd_number_of_links_that_the_ring_has_room_for(
    part: str, n: int, most: int
) -> None:
    page = open_page("patterns", part=part, n=str(n), k=str(most), protocol="cdil")
    assert not page.exception
    assert not page.warning
    (links,) = [number for number in page.number_input if "K" in number.label]
    assert (links.value, links.max) == (most, most)
    links.set_value(6).run()
    assert in_link(page, "k") == "7"


@pytest.mark.parametrize("part", ["factor", "cdil"])
def test_a_factor_of_16384_tokens_is_drawn_and_told_in_few_words(part: str) -> None:
    page = open_page("patterns", part=part, n="16384", k="65")
    assert not page.exception
    assert not page.error
    told = [text.value for text in page.markdown if "reads itself" in text.value][-1]
    assert len(told) < 400
