"""What measured points say: the slope of a log-log line, and where two lines cross."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from paramixer_core.choices import Choice
from paramixer_core.measure.record import Point

LEAST_POINTS = 3
CONFIDENCE = 0.95
DRAWS = 400


@dataclass(frozen=True, slots=True)
class Slope:
    """The exponent p of time ~ N^p over N from `first` to `last`, with its 95 % interval.

    The interval is that of a least-squares line's slope (Student's t): it also holds what bends
    the line, since log N factors are no power of N.
    """

    value: float
    low: float
    high: float
    intercept: float
    first: int
    last: int

    def at(self, seq_len: float) -> float:
        """The fitted line's value."""
        return float(np.exp(self.intercept) * seq_len**self.value)


def fit_slope(lengths: Sequence[int], values: Sequence[float]) -> Slope | None:
    """Least squares on log N and log value; None below three points."""
    count = len(lengths)
    if count < LEAST_POINTS:
        return None
    x, y = np.log(np.array(lengths, dtype=float)), np.log(np.array(values, dtype=float))
    centred = x - x.mean()
    value = float(centred @ y / (centred @ centred))
    intercept = float(y.mean() - value * x.mean())
    rest = y - intercept - value * x
    error = np.sqrt(float(rest @ rest) / (count - 2) / float(centred @ centred))
    half = float(stdtrit(count - 2, (1 + CONFIDENCE) / 2) * error)
    return Slope(value, value - half, value + half, intercept, lengths[0], lengths[-1])


def longer_half(points: Sequence[Point]) -> Sequence[Point]:
    """The points on which a slope is fitted: the upper half of the lengths, three at least.

    Short sequences take the time of calling the operators, whatever N.
    """
    return points[-max(LEAST_POINTS, (len(points) + 1) // 2) :]


class Order(Choice):
    """How two measured lines lie to each other."""

    CROSSES = "crosses"
    ALWAYS = "always"
    NEVER = "never"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MeasuredCrossing:
    """From which N on a mixer is faster than its rival for good, by what was measured.

    `at` with `low` and `high`, the 95 % interval over resampled calls, where the lines cross
    between `first` and `last`; None otherwise. `share` of the resamples agree on `order`.
    """

    order: Order
    at: float | None
    low: float | None
    high: float | None
    share: float
    first: int
    last: int


def measured_crossing(ours: Sequence[Point], rival: Sequence[Point]) -> MeasuredCrossing | None:
    """Compare two mixers at the lengths that both were measured at; None if there are none.

    The medians' ratio is drawn as straight pieces over log N; the last change of its sign is the
    crossing. Uncertainty: the calls of every point are resampled (bootstrap).
    """
    theirs = {point.seq_len: point for point in rival}
    pairs = [(point, theirs[point.seq_len]) for point in ours if point.seq_len in theirs]
    if not pairs:
        return None
    lengths = np.array([own.seq_len for own, _ in pairs], dtype=float)
    medians = np.log([own.median / other.median for own, other in pairs])
    order, at = last_crossing(lengths, medians)
    random = np.random.default_rng(0)
    drawn = np.stack(
        [resampled(own, random) - resampled(other, random) for own, other in pairs], axis=1
    )
    found = [last_crossing(lengths, ratios) for ratios in drawn]
    same = [place for kind, place in found if kind is order]
    places = [place for place in same if place is not None]
    low, high = np.quantile(places, [0.025, 0.975]) if places and at is not None else (None, None)
    return MeasuredCrossing(
        order,
        at,
        None if low is None else float(low),
        None if high is None else float(high),
        len(same) / len(found),
        int(lengths[0]),
        int(lengths[-1]),
    )


def resampled(point: Point, random: np.random.Generator) -> NDArray[np.float64]:
    """Logs of medians over calls drawn with replacement."""
    times = np.array(point.times)
    drawn = random.choice(times, size=(DRAWS, len(times)))
    logs: NDArray[np.float64] = np.log(np.median(drawn, axis=1))
    return logs


def last_crossing(
    lengths: NDArray[np.float64], ratios: NDArray[np.float64]
) -> tuple[Order, float | None]:
    """Where the log ratio falls below 0 for the last time and stays there."""
    if ratios[-1] >= 0:
        return Order.NEVER, None
    above = np.flatnonzero(ratios >= 0)
    if not len(above):
        return Order.ALWAYS, None
    left = int(above[-1])
    x = np.log(lengths[left : left + 2])
    share = ratios[left] / (ratios[left] - ratios[left + 1])
    return Order.CROSSES, float(np.exp(x[0] + share * (x[1] - x[0])))
