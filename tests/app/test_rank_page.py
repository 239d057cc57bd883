"""The Rank page: every part opens, the bound is drawn where it holds, numbers are the core's."""

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from app.figures.ranks import Points, Spread, points_figure, spreads_figure, waves_figure
from app.quantities import fixed
from app.rank_decide import RACE
from app.rank_views import FLOOR, spectrum_lines
from app.ranks import Entry, Lens, shown_of
from app.theme import ink
from paramixer_core.analysis.block_matrices import MatrixKind, MatrixName, measure_fresh
from paramixer_core.analysis.rank import rank_report
from paramixer_core.analysis.rank_sweep import association, sweep_fresh
from paramixer_core.config import RunConfig
from paramixer_core.jobs import IDLE
from paramixer_core.rank_race import BASE, race_configs, read_race, write_race

CONFIG = RunConfig(seq_len=12, channels=8, mixer="attention", device="cpu")
LOG = Lens("float32", 6, 4, "log")


@pytest.fixture(scope="module", autouse=True)
def _no_process_left():
    yield
    IDLE.close()


def open_part(part: str, **query: str) -> AppTest:
    page = AppTest.from_string(
        "from app.navigation import run_app\nrun_app('rank.py')", default_timeout=120
    )
    for key, value in {"sheet": part, **query}.items():
        page.query_params[key] = value
    return page.run()


def entries(*kinds: MatrixKind, config: RunConfig = CONFIG) -> list[Entry]:
    names = [MatrixName(kind, 1 if kind is MatrixKind.LOGITS else 0) for kind in kinds]
    found = measure_fresh(config, names, random_tokens=True)
    return [Entry("A", config, one.name, one.report) for one in found]


def test_the_bound_is_drawn_for_the_logits_and_nowhere_else():
    everything = shown_of(entries(MatrixKind.LOGITS, MatrixKind.PRODUCT), LOG)
    (bound,) = [line for line in spectrum_lines(everything, LOG) if "bound" in line.name]
    assert bound.x.tolist() == [8.5, 8.5]
    without = shown_of(entries(MatrixKind.PRODUCT, MatrixKind.OPERATOR), LOG)
    assert not [line for line in spectrum_lines(without, LOG) if "bound" in line.name]
    wide = shown_of(entries(MatrixKind.LOGITS, config=CONFIG.replace(channels=32)), LOG)
    assert not [line for line in spectrum_lines(wide, LOG) if "bound" in line.name]


def test_no_two_lines_of_a_chart_look_alike_with_twelve_factors_or_three_mixers():
    (one,) = entries(MatrixKind.PRODUCT)
    chord, long = RunConfig(mixer="chord"), [MatrixKind.FACTOR, MatrixKind.FACTOR_RESIDUAL]
    many = [
        Entry("CHORD", chord, MatrixName(kind, place), one.report)
        for kind in long
        for place in range(1, 13)
    ]
    three = [
        Entry(mixer, RunConfig(mixer=mixer), MatrixName(kind, place), one.report)
        for mixer in ("chord", "cdil", "attention")
        for kind, place in ((MatrixKind.PRODUCT, 0), (MatrixKind.OPERATOR, 0))
    ]
    logits = Entry("attention", CONFIG, MatrixName(MatrixKind.LOGITS, 1), one.report)
    for chart in (many, [*three, logits]):
        pens = [ink(shown.meaning) for shown in shown_of(chart, LOG)]
        assert len({(pen.light, pen.dash) for pen in pens}) == len(chart)


def test_curves_are_relative_spectra_above_the_floor_with_the_tolerance():
    shown = shown_of(entries(MatrixKind.LOGITS), LOG)
    curve, _, tolerance = spectrum_lines(shown, LOG)
    expected = np.maximum(shown[0].report.relative, FLOOR)
    np.testing.assert_array_equal(curve.y, expected)
    assert tolerance.y[0] == pytest.approx(12 * np.finfo(np.float32).eps, rel=1e-2)


def test_energy_curves_end_at_one():
    lens = Lens("float32", 6, 4, "energy")
    shown = shown_of(entries(MatrixKind.PRODUCT), lens)
    (curve,) = spectrum_lines(shown, lens)
    assert curve.y[-1] == pytest.approx(1)
    assert curve.y[3] == pytest.approx(shown[0].report.energy(4))


@pytest.mark.parametrize(
    ("rule", "exponent", "rank"),
    [("own", 2, 2), ("own", 9, 4), ("float64", 1, 4), ("float32", 1, 3)],
)
def test_the_tolerance_changes_the_numerical_rank_alone(rule, exponent, rank):
    report = rank_report(np.diag([1.0, 0.5, 1e-3, 1e-8]))
    told = Lens(rule, exponent, 2, "log").told(report)
    assert told.numerical_rank == rank
    assert told.effective_rank == report.effective_rank


def test_a_long_list_of_long_spectra_stays_within_what_a_tick_may_send():
    report = rank_report(np.diag(np.linspace(1, 2, 300)))
    config = CONFIG.replace(seq_len=300, mixer="chord")
    many = [Entry("A", config, MatrixName(MatrixKind.FACTOR, m), report) for m in range(1, 30)]
    lines = spectrum_lines(shown_of(many, LOG), LOG)
    assert sum(len(line.x) for line in lines) <= 2400
    assert len(lines) <= 24


def test_figures_hold_their_numbers():
    spread = Spread(
        "A", np.array([2, 4]), np.array([1.0, 3]), np.array([0.5, 2]), np.array([2.0, 4])
    )
    figure = spreads_figure([spread], x_label="d", y_label="r", title="t",
                            bound=(np.array([2, 4]), np.array([2, 4]), "bound"))  # fmt: skip
    assert figure.data[0].error_y.array.tolist() == [1, 1]
    assert figure.data[1].name == "bound"
    points = points_figure([Points("A", np.array([3.0]), np.array([0.9]), ["x"])],
                           x_label="r", y_label="a", title="t")  # fmt: skip
    assert (points.data[0].x.tolist(), points.data[0].y.tolist()) == ([3.0], [0.9])
    assert len(points.data) == 1
    waves = waves_figure([("W", np.array([2.0, 0]), "chord")], title="t")
    assert waves.data[0].y.tolist() == [2, 0]


@pytest.mark.parametrize("part", ["trained", "fresh", "singular", "decide", "predict"])
def test_a_part_opens_without_a_run_of_ones_own(part):
    page = open_part(part, n="12", width="4", seeds="1")
    assert not page.exception
    assert not page.error
    assert not page.warning


def test_the_table_of_untrained_blocks_holds_the_cores_figures():
    page = open_part("fresh", n="12", width="8", who="attention", mats="logits", seeds="1")
    (report,) = [one.report for one in entries(MatrixKind.LOGITS)]
    shown = page.table[0].value.iloc[0]
    assert shown["Numerical rank"] == f"{report.numerical_rank} of 12" == "8 of 12"
    assert shown["Effective"] == f"{report.effective_rank:.4g}"
    assert shown["Stable"] == f"{report.stable_rank:.4g}"


def test_equal_weights_around_an_even_ring_are_singular_and_the_nudge_heals_them():
    page = open_part("singular", ring="12", links="pair", own="1")
    assert [metric.value for metric in page.metric] == [
        "rank 11 of 12", "rank 12 of 12", "rank 12 of 12"
    ]  # fmt: skip
    assert any("W is singular" in text.value for text in page.markdown)
    page.button(key="case-2").click().run()
    assert [metric.value for metric in page.metric][:2] == ["rank 12 of 12", "rank 11 of 12"]


def test_three_gallery_runs_are_said_to_be_too_few():
    page = open_part("decide", among="Adding, N = 256")
    assert any("too few to say anything" in text.value for text in page.markdown)


def test_the_race_that_ships_is_the_one_that_its_module_describes():
    base, runs = read_race(RACE)
    assert base == BASE
    assert [(run.mixer, run.channels, run.seed) for run in runs] == [
        (config.mixer, config.channels, config.seed) for config in race_configs()
    ]
    page = open_part("decide")
    text = "\n".join(text.value for text in page.markdown)
    found = association(
        np.array([run.effective_rank["operator"] for run in runs]),
        np.array([run.accuracy for run in runs]),
    )
    assert f"**{len(runs)} runs of 3 mixers.**" in text
    assert f"**{fixed(found.correlation, 2, sign=True)}**" in text
    assert "nothing about rank as the **cause**" in text


def test_a_run_of_the_race_can_be_made_anew(tmp_path, monkeypatch):
    tiny = BASE.replace(seq_len=8, steps=2, channels=4, hidden=4)
    monkeypatch.setattr("paramixer_core.rank_race.race_configs", lambda: [tiny])
    write_race(tmp_path / "race.json")
    (run,) = read_race(tmp_path / "race.json")[1]
    assert (run.mixer, run.channels, run.steps) == (tiny.mixer, 4, 2)
    assert 1 <= run.stable_rank["operator"] <= run.effective_rank["operator"] <= 8


def test_a_prediction_is_needed_before_the_answer_and_forgotten_with_the_setting():
    page = open_part("predict", ask="ring", ring="12", links="pair", own="1")
    assert page.button(key="reveal").disabled
    page.radio(key="guess-ring").set_value("none").run()
    page.button(key="reveal").click().run()
    assert "You said none. W has rank **11 of 12**" in page.warning[0].value
    page.radio(key="guess-ring").set_value("one").run()
    assert not page.warning
    assert not page.success
    page.button(key="reveal").click().run()
    assert page.success[0].value.startswith("Right.")
    page.slider(key="ring").set_value(13).run()
    assert not page.warning
    assert not page.success


def test_the_logits_question_is_answered_by_measurement():
    page = open_part("predict", ask="logits", n="24", width="16", heads="4")
    page.radio(key="guess-logits").set_value("4 (D / heads)").run()
    page.button(key="reveal").click().run()
    assert "The measured rank is **4**" in page.success[0].value


def test_a_sweep_of_one_value_is_what_the_page_averages():
    from app.rank_fresh import spreads

    base = CONFIG.replace(mixer="chord")
    points = [p for some in sweep_fresh(base, ["attention"], "channels", [4], 2) for p in some]
    lines = spreads(points, "numerical_rank")
    assert [line.mean.tolist() for line in lines if "logits" in line.name] == [[4.0]]
    assert len(lines) == 3
