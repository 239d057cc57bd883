"""Time and memory where nobody measured: a machine of the table, or this one at other N."""

from dataclasses import dataclass

from paramixer_core.cost import CostShape, cost_report
from paramixer_core.measure.accelerators import Accelerator
from paramixer_core.measure.calibration import Calibration, features
from paramixer_core.measure.record import Work
from paramixer_core.measure.roofline import Rates, least_seconds, training_bytes


@dataclass(frozen=True, slots=True)
class Prediction:
    """Of one training step. `least` seconds by the roofline; `seconds` as the machine's own model
    has it, None where nothing was measured; `memory` bytes and whether they fit."""

    least: float
    seconds: float | None
    memory: int
    fits: bool


def on_accelerator(shape: CostShape, machine: Accelerator) -> Prediction:
    """A training step on a machine of the table."""
    report = cost_report(shape)
    memory = training_bytes(report)
    least = least_seconds(report, Rates(machine.flops, machine.bandwidth), Work.TRAINING)
    return Prediction(least, None, memory, memory <= machine.memory)


def on_measured(
    shape: CostShape, rates: Rates, calibration: Calibration, memory: float
) -> Prediction:
    """A training step on the machine that was measured; `memory` is what it has, in bytes."""
    report = cost_report(shape)
    model = calibration.rates.get(shape.mixer)
    seconds = None if model is None else float(features(report) @ model)
    needed = training_bytes(report)
    return Prediction(least_seconds(report, rates), seconds, needed, needed <= memory)
