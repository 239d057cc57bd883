"""A tick of a live chart: small, bounded and exact."""

import numpy as np
import pytest

from app.components import MAX_POINTS, Line, points_per_line
from app.components.lines import lines_payload, live_lines
from app.components.payload import unpack
from app.theme import INKS
from paramixer_core.errors import ParamixerError


def curve(points: int, name: str = "CHORD", *, band: bool = False) -> Line:
    x = np.arange(points, dtype=float)
    y = np.sin(x)
    extra = {"low": y - 1, "high": y + 1} if band else {}
    return Line(name, x, y, "chord", **extra)


def test_values_arrive_as_their_float32() -> None:
    header, arrays = unpack(lines_payload([curve(5), curve(3, "two")], {}))
    assert [line["count"] for line in header["lines"]] == [5, 3]
    np.testing.assert_array_equal(
        arrays["y"], np.sin(np.r_[np.arange(5.0), np.arange(3.0)]).astype(np.float32)
    )
    assert arrays["low"].size == 0


def test_bands_belong_to_their_line() -> None:
    header, arrays = unpack(lines_payload([curve(4), curve(6, "two", band=True)], {}))
    assert [line["band"] for line in header["lines"]] == [False, True]
    np.testing.assert_array_equal(arrays["high"], (np.sin(np.arange(6.0)) + 1).astype(np.float32))


@pytest.mark.parametrize("num_lines", [1, 3, 4, 7, 24])
def test_a_tick_stays_small_however_long_the_run(num_lines: int) -> None:
    points = points_per_line(num_lines)
    lines = [curve(points, f"line {i}", band=True) for i in range(num_lines)]
    assert len(lines_payload(lines, {})) < 45_000


def test_too_many_points_are_refused_with_the_remedy() -> None:
    with pytest.raises(ParamixerError, match="thin the curves"):
        lines_payload([curve(MAX_POINTS + 1)], {})


def test_known_mixers_have_their_ink_and_others_a_spare_one() -> None:
    lines = [curve(2), Line("other", np.zeros(2), np.zeros(2))]
    header, _ = unpack(lines_payload(lines, {}))
    assert header["lines"][0]["light"] == INKS["chord"].light
    assert header["lines"][1]["light"] != INKS["chord"].light
    assert header["lines"][1]["dash"] != header["lines"][0]["dash"]


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros(3)}, "arrays of one length"),
        ({"y": np.zeros(2), "low": np.zeros(2)}, "half a band"),
    ],
)
def test_a_line_with_parts_that_dont_fit_is_refused(
    arrays: dict[str, np.ndarray], message: str
) -> None:
    with pytest.raises(ParamixerError, match=message):
        Line("uneven", np.zeros(2), **arrays)


def test_a_smoothing_of_one_is_refused() -> None:
    with pytest.raises(ParamixerError, match="0 to below 1"):
        live_lines([], title="t", x_label="x", y_label="y", key="k", smoothing=1.0)
