import numpy as np
import pytest

from paramixer_core.measure.fits import Order, fit_slope, longer_half, measured_crossing
from paramixer_core.measure.record import Point

LENGTHS = [2**power for power in range(5, 14)]


def points(mixer, seconds, spread=0.0):
    random = np.random.default_rng(1)
    return [
        Point(
            mixer=mixer,
            seq_len=length,
            times=tuple(seconds(length) * np.exp(spread * random.standard_normal(9))),
        )
        for length in LENGTHS
    ]


def test_a_power_law_is_found_exactly():
    slope = fit_slope(LENGTHS, [3e-6 * length**1.7 for length in LENGTHS])
    assert slope.value == pytest.approx(1.7)
    assert slope.low == pytest.approx(1.7)
    assert slope.at(1000) == pytest.approx(3e-6 * 1000**1.7)
    assert (slope.first, slope.last) == (32, 8192)


def test_the_interval_holds_the_true_slope_95_times_in_100():
    random = np.random.default_rng(0)
    held = 0
    for _ in range(400):
        noise = np.exp(0.2 * random.standard_normal(len(LENGTHS)))
        slope = fit_slope(LENGTHS, list(np.array(LENGTHS) ** 1.3 * noise))
        held += slope.low <= 1.3 <= slope.high
    assert 0.92 <= held / 400 <= 0.98


def test_two_points_have_no_slope():
    assert fit_slope([32, 64], [1.0, 2.0]) is None


def test_slopes_use_the_longer_half():
    own = points("chord", lambda n: n)
    assert [point.seq_len for point in longer_half(own)] == LENGTHS[-5:]
    assert len(longer_half(own[:4])) == 3


def test_lines_cross_where_they_are_equal():
    ours = points("chord", lambda n: 1e-3 + 1e-5 * n, 0.02)
    rival = points("attention", lambda n: 1e-8 * n**2 + 1e-6 * n, 0.02)
    true = (9e-6 + np.sqrt(81e-12 + 4e-11)) / 2e-8
    found = measured_crossing(ours, rival)
    assert found.order is Order.CROSSES
    assert found.low <= found.at <= found.high
    assert found.at == pytest.approx(true, rel=0.1)
    assert found.share == 1


def test_a_line_that_is_always_or_never_below_says_so():
    fast, slow = points("chord", lambda n: 1e-6 * n), points("attention", lambda n: 2e-6 * n)
    assert measured_crossing(fast, slow).order is Order.ALWAYS
    never = measured_crossing(slow, fast)
    assert never.order is Order.NEVER
    assert never.at is None


def test_equal_lines_in_noise_are_not_called_sure():
    ours, rival = points("chord", lambda n: 1e-6 * n, 0.3), points("attention", lambda n: 1e-6 * n)
    assert measured_crossing(ours, rival).share < 0.95


def test_without_a_common_length_nothing_crosses():
    own = points("chord", lambda n: n)
    assert measured_crossing(own[:3], own[3:]) is None


def test_of_several_crossings_the_last_one_counts():
    wavy = dict.fromkeys(LENGTHS, 1.0) | {64: 3.0, 1024: 3.0, 4096: 0.5, 8192: 0.5}
    ours, rival = points("chord", wavy.__getitem__), points("attention", lambda n: 2.0)
    found = measured_crossing(ours, rival)
    assert found.order is Order.CROSSES
    assert 1024 < found.at < 2048
