"""The Cost page's parts and the estimate on the Train page, against the core."""

import re

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app import cost_measured, cost_sets, cost_sweep
from app.cost_forms import WHOSE
from app.figures.measured import Beyond, Measured, measured_figure
from app.figures.shares import Share, shares_figure
from paramixer_core.measure.accelerators import ACCELERATORS
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.fits import MeasuredCrossing, Order, measured_crossing
from paramixer_core.measure.record import Outcome, Plan, Point, Sweep
from paramixer_core.measure.shelf import Shelf
from paramixer_core.models import MIXERS
from tests.app.test_pages import in_link, open_page


def test_the_app_says_whose_code_every_mixer_runs():
    assert set(WHOSE) == set(MIXERS)


@pytest.mark.parametrize("part", ["forms", "measured", "what_if"])
def test_every_part_opens_and_keeps_its_place_in_the_link(part):
    page = open_page("cost", sheet=part)
    assert not page.exception
    assert not page.error
    assert not page.warning
    assert in_link(page, "sheet") == part


def test_parts_change_without_taking_a_wrong_setting_along():
    page = open_page("cost", sheet="measured", lines="attention,reformer")
    for part in ("forms", "what_if", "measured"):
        page.button_group(key="sheet").set_value(part).run()
        assert not page.exception
        assert not page.warning
    assert in_link(page, "lines") == "attention,reformer"


def test_the_shipped_crossing_is_that_of_the_core():
    page = open_page("cost", sheet="measured", lines="chord,attention")
    sweep = cost_measured.merged(cost_sets.shipped())[0]
    found = measured_crossing(sweep.measured("chord"), sweep.measured("attention"))
    shown = " ".join(block.value for block in page.markdown)
    sentence = cost_measured.crossing_sentence("CHORD links", "Dot-product attention", found)
    assert sentence in shown


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (MeasuredCrossing(Order.ALWAYS, None, None, None, 1.0, 32, 64), "at every measured"),
        (MeasuredCrossing(Order.NEVER, None, None, None, 0.6, 32, 64), "**not faster than R**"),
        (MeasuredCrossing(Order.NEVER, None, None, None, 0.6, 32, 64), "60% of the resamples"),
        (MeasuredCrossing(Order.CROSSES, 100.0, 90.0, 120.0, 1.0, 32, 64), "(95 %: 90 to 120)."),
    ],
)
def test_a_crossing_is_said_with_its_certainty(found, words):
    assert words in cost_measured.crossing_sentence("C", "R", found)


def test_a_set_that_is_gone_is_said_and_the_shipped_one_shown():
    page = open_page("cost", sheet="measured", set="20200101000000-abcdef")
    assert not page.exception
    assert "20200101000000-abcdef" in page.warning[0].value
    assert in_link(page, "set") == "cpu"


def test_a_kept_set_that_was_edited_by_hand_is_a_sentence():
    shelf = Shelf()
    shelf.folder.mkdir(parents=True, exist_ok=True)
    path = shelf.folder / "20200101000000-edited.json"
    text = cost_sets.shipped().to_json()
    path.write_text(text.replace('"channels":32', '"channels":33', 1))
    page = open_page("cost", sheet="measured", set=path.stem)
    path.unlink()
    assert not page.exception
    assert "changed by hand" in page.error[0].value


def test_a_budget_of_zero_is_repaired_aloud():
    page = open_page("cost", sheet="measured", seconds="0", memory="-5")
    assert not page.exception
    assert len(page.warning) == 2
    assert in_link(page, "seconds") == "1"


def test_lengths_may_be_given_in_either_order():
    assert cost_sweep.powers(5, 3) == cost_sweep.powers(3, 5) == (8, 16, 32)


def test_progress_tells_time_for_points_come_slower_and_slower(monkeypatch):
    monkeypatch.setattr("time.monotonic", lambda: 130.0)
    plan = Plan(mixers=("chord",), lengths=(8, 16, 32, 64), seconds=60.0)
    points = [Point(mixer="chord", seq_len=8, times=(1.0,))]
    share, words = cost_sweep.progress(plan, points, 100.0)
    assert share == 0.5
    assert words == "1 of 4 points, N = 8 done, at most 30 s left"
    assert cost_sweep.progress(plan, [], 0.0)[1].startswith("Waits")


def test_sweeps_of_one_question_are_shown_together():
    machine = cost_sets.shipped().machine
    chord = Sweep(
        Plan(mixers=("chord",), lengths=(8,)), (Point(mixer="chord", seq_len=8, times=(1.0,)),)
    )
    cdil = Sweep(
        Plan(mixers=("cdil",), lengths=(16,)), (Point(mixer="cdil", seq_len=16, times=(1.0,)),)
    )
    other = Sweep(Plan(lengths=(8,), batch=3), ())
    gap = Point(mixer="chord", seq_len=8, outcome=Outcome.OUT_OF_TIME)
    filled = Sweep(Plan(mixers=("chord",), lengths=(8,)), (gap,))
    found = cost_measured.merged(Measurements(machine, (filled, chord, other, cdil)))
    assert [sweep.points for sweep in found] == [(*chord.points, *cdil.points), ()]


def test_out_of_memory_is_drawn_where_it_happened():
    points = [Point(mixer="chord", seq_len=n, times=(n * 1e-3,)) for n in (8, 16, 32)]
    line = cost_measured.line("CHORD", "chord", points, "time")
    figure = measured_figure(
        [line], [Beyond("Plain", 64, "out of memory", "plain_attention")],
        title="t", y_label="y", notes=["machine"], unit="s",
    )  # fmt: skip
    cross = figure.data[-1]
    assert list(cross.x) == [64]
    assert cross.y[0] > max(line.middle)
    assert cross.name == "Plain: out of memory"
    assert figure.layout.annotations[0].text == "machine"


def test_crosses_of_one_length_do_not_hide_each_other():
    beyond = [Beyond(name, 64, "out of memory", name) for name in ("chord", "cdil", "attention")]
    figure = measured_figure([], beyond, title="t", y_label="y", notes=[], unit="s")
    assert len({trace.y[0] for trace in figure.data}) == 3


@pytest.mark.parametrize("largest", [2e-3, 9e-3, 0.1])
def test_an_axis_of_a_narrow_range_has_ticks_too(largest):
    points = [
        Point(mixer="chord", seq_len=8, times=(1.5e-3,)),
        Point(mixer="chord", seq_len=16, times=(largest,)),
    ]
    line = cost_measured.line("CHORD", "chord", points, "time")
    figure = measured_figure([line], [], title="t", y_label="y", notes=[], unit="s")
    ticks = [tick for tick in figure.layout.yaxis.tickvals if 1.5e-3 <= tick <= largest]
    assert 2e-3 in ticks
    assert len(ticks) >= min(3, 1 + largest // 5e-3)


def test_quartiles_are_the_bars():
    point = Point(mixer="chord", seq_len=8, times=(1.0, 2.0, 3.0, 4.0, 10.0))
    line = cost_measured.line("CHORD", "chord", [point], "time")
    (trace,) = measured_figure([line], [], title="t", y_label="y", notes=[], unit="s").data
    assert (trace.y[0], trace.error_y.array[0], trace.error_y.arrayminus[0]) == (3, 1, 1)


def test_a_busy_machine_is_told_from_a_quiet_one():
    def sweep(*times: float) -> Sweep:
        return Sweep(Plan(lengths=(8,)), (Point(mixer="chord", seq_len=8, times=times),))

    assert cost_measured.unsteady(sweep(1.0, 2.0, 9.0), ("chord",))
    assert not cost_measured.unsteady(sweep(1.0, 1.1, 1.2), ("chord",))
    assert not cost_measured.unsteady(sweep(1.0), ())


def test_shares_add_up_to_the_whole():
    from app.costs import part_shares
    from paramixer_core.cost import CostShape, Quantity

    for quantity in Quantity:
        lengths, parts = part_shares(CostShape(mixer="chord", seq_len=8), quantity, "chord")
        assert sum(parts.values()) == pytest.approx(100)
    figure = shares_figure(
        [Share(name, values) for name, values in parts.items()],
        lengths, title="t", y_label="y", mark=8,
    )  # fmt: skip
    assert [trace.name for trace in figure.data] == list(parts)


def test_the_train_page_says_what_it_will_cost():
    page = open_page("train", steps="500")
    (line,) = [one.value for one in page.caption if one.value.startswith("About")]
    assert "energy class **A**" in line
    longer = open_page("train", steps="1000000")
    (line,) = [one.value for one in longer.caption if one.value.startswith("About")]
    assert re.search(r" (min|h)\*\*", line)


def test_all_rivals_can_be_chosen_for_training_once_asked_for():
    page = open_page("train")
    assert len(page.button_group(key="mixers").options) == 3
    page.toggle(key="more_mixers").set_value(True).run()
    assert len(page.button_group(key="mixers").options) == len(MIXERS)
    named: AppTest = open_page("train", mixers="chord,performer", size="16")
    assert not named.warning
    assert len(named.button_group(key="mixers").options) == 4
    assert in_link(named, "size") == "16"


def test_a_machine_of_the_table_says_where_its_figures_are_from():
    page = open_page("cost", sheet="what_if", where="h100")
    (table,) = page.table
    assert list(table.value["Machine"]) == [one.name for one in ACCELERATORS.values()]
    assert all(table.value["Document"])
    assert all(table.value["How it was read"])


def test_ticks_that_are_set_keep_their_unit():
    x, y = np.array([32, 64, 128]), np.array([0.01, 0.02, 0.05])
    line = Measured("a", x, y, 0.9 * y, 1.1 * y, "chord")
    axis = measured_figure([line], [], title="", y_label="", notes=[], unit="s").layout.yaxis
    texts = dict(zip(axis.tickvals, axis.ticktext, strict=True))
    assert texts[0.01] == "10ms"
    assert all(text.endswith("s") for text in axis.ticktext)
