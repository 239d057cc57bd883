"""A model of one machine: seconds of a training step from its closed forms, fitted per mixer."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from paramixer_core.config import WIRING, Precision, RunConfig
from paramixer_core.cost import CostReport
from paramixer_core.cost.report import BYTES_PER_NUMBER
from paramixer_core.errors import ParamixerError
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.record import Clock, Point, Work, report_of

MIXING_PARTS = ("Mixing", "Attention scores")
LEAST_POINTS = 4
FRESH_BYTES = 2**25
"""From this size on a tensor of the CPU gets new pages at each allocation, and the system must
clear them: the GNU C library keeps no larger block for the next one (mallopt(3),
DEFAULT_MMAP_THRESHOLD_MAX). A step of written-out attention then takes half as much again."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One measured point with the run that was timed."""

    config: RunConfig
    point: Point


def samples_of(measured: Measurements, work: Work = Work.TRAINING) -> list[Sample]:
    """Every float32 point of a kind of work: wall time, or CPU time where there is nothing else."""
    sweeps = [
        sweep
        for sweep in measured.sweeps
        if sweep.plan.work is work and sweep.plan.precision is Precision.FLOAT32
    ]
    wall = [sweep for sweep in sweeps if sweep.plan.clock is Clock.WALL]
    return [
        Sample(sweep.plan.config(point.mixer, point.seq_len).replace(device="auto"), point)
        for sweep in wall or sweeps
        for point in sweep.points
        if point.times
    ]


def features(report: CostReport) -> NDArray[np.float64]:
    """What a step's time is made of, (6,): a constant, multiply-adds of the dense parts, those of
    mixing or attention, numbers kept, those of them in parts with a tensor of FRESH_BYTES or more,
    parameters."""
    mixing = sum(part.training for part in report.parts if part.part in MIXING_PARTS)
    kept = sum(part.kept for part in report.parts)
    fresh = sum(part.kept for part in report.parts if BYTES_PER_NUMBER * part.widest >= FRESH_BYTES)
    return np.array([1.0, report.training - mixing, mixing, kept, fresh, report.parameters])


@dataclass(frozen=True)
class Calibration:
    """Seconds per feature, for every mixer that was measured."""

    rates: dict[str, NDArray[np.float64]]

    def seconds(self, config: RunConfig) -> float:
        """Predicted seconds of one training step; ParamixerError for an unmeasured mixer."""
        mixer = "chord" if config.mixer == WIRING else config.mixer
        if mixer not in self.rates:
            raise ParamixerError(
                f"a mixer that was measured, {sorted(self.rates)}", mixer, "measure it first"
            )
        return float(features(report_of(config)) @ self.rates[mixer])


def calibrate(samples: Iterable[Sample]) -> Calibration:
    """Non-negative rates with the least squared relative error (Lawson and Hanson's NNLS).

    Relative, so that a step of a millisecond counts as much as one of a second. A mixer with fewer
    than four points is left out.
    """
    groups: dict[str, list[Sample]] = {}
    for sample in samples:
        groups.setdefault(sample.config.mixer, []).append(sample)
    rates = {}
    for mixer, own in groups.items():
        if len(own) < LEAST_POINTS:
            continue
        rows = np.array([features(report_of(s.config)) / s.point.median for s in own])
        scale = rows.max(axis=0)
        scale[scale == 0] = 1.0
        rates[mixer] = nnls(rows / scale, np.ones(len(own)))[0] / scale
    return Calibration(rates)


@dataclass(frozen=True, slots=True)
class Check:
    """A prediction beside what was measured; the point itself was not used to predict it."""

    sample: Sample
    predicted: float

    @property
    def error(self) -> float:
        """Predicted over measured, less 1."""
        return self.predicted / self.sample.point.median - 1


def check(samples: Sequence[Sample]) -> list[Check]:
    """Predict every point of which others of its mixer tell enough, from all other lengths."""
    found = []
    for seq_len in sorted({sample.config.seq_len for sample in samples}):
        rest = calibrate(sample for sample in samples if sample.config.seq_len != seq_len)
        found += [
            Check(sample, rest.seconds(sample.config))
            for sample in samples
            if sample.config.seq_len == seq_len and sample.config.mixer in rest.rates
        ]
    return found


def median_error(checks: Sequence[Check]) -> float | None:
    """The median of the errors' sizes; None without any."""
    return statistics.median(abs(one.error) for one in checks) if checks else None
