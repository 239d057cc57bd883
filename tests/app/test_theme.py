"""Colours mean one thing each and can be told apart."""

import itertools

import numpy as np
import pytest

from app.theme import INKS, RAMP, RAMP_DASHES, Scale, colour_table, in_a_row, ink


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Relative luminance of sRGB colours, as WCAG 2 defines it."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def rgb(text: str) -> np.ndarray:
    return np.array([int(text[at : at + 2], 16) for at in (1, 3, 5)])


@pytest.mark.parametrize("dark", [False, True])
def test_stronger_values_always_stand_out_more(dark: bool) -> None:
    direction = 1 if dark else -1
    rising = luminance(colour_table(Scale.SEQUENTIAL, dark=dark)) * direction
    assert (np.diff(rising) > -1e-3).all()
    signed = luminance(colour_table(Scale.SIGNED, dark=dark)) * direction
    assert (np.diff(signed[127:]) > -1e-3).all()
    assert (np.diff(signed[:128]) < 1e-3).all()


@pytest.mark.parametrize("dark", [False, True])
def test_equal_magnitudes_of_either_sign_differ_to_the_colour_blind(dark: bool) -> None:
    table = colour_table(Scale.SIGNED, dark=dark).astype(float)
    # Red-green blindness leaves blue against yellow: compare blue with the mean of red and green.
    yellowness = (table[:, 0] + table[:, 1]) / 2 - table[:, 2]
    for away in (40, 80, 110):
        assert yellowness[127 + away] - yellowness[127 - away] > 60


@pytest.mark.parametrize("meaning", [*sorted(INKS), *map(in_a_row, range(1, len(RAMP) + 1))])
def test_every_ink_can_be_read_on_its_background(meaning: str) -> None:
    for text, back in ((ink(meaning).light, "#fdfdfc"), (ink(meaning).dark, "#15181d")):
        pair = sorted([luminance(rgb(text)), luminance(rgb(back))])
        assert (pair[1] + 0.05) / (pair[0] + 0.05) >= 4.5


def test_the_mixers_differ_in_dash_as_well_as_in_colour() -> None:
    mixers = [ink(name) for name in ("chord", "cdil", "attention")]
    assert len({mixer.dash for mixer in mixers}) == len({mixer.light for mixer in mixers}) == 3


def test_no_two_of_a_row_look_alike_nor_do_two_rows_of_one_chart() -> None:
    looks = {
        (pen.light, pen.dash)
        for place in range(1, len(RAMP) + 1)
        for group in range(len(RAMP_DASHES))
        for pen in [ink(in_a_row(place, group))]
    }
    assert len(looks) == len(RAMP) * len(RAMP_DASHES)
    row = [ink(in_a_row(place)) for place in range(1, len(RAMP) + 1)]
    assert len({pen.light for pen in row}) == len({pen.dark for pen in row}) == len(row)
    assert all(one.dash != other.dash for one, other in itertools.pairwise(row))
