"""The roofline: no step is faster than its arithmetic, nor than its memory traffic, allows."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from paramixer_core.cost import CostReport
from paramixer_core.cost.report import BYTES_PER_NUMBER
from paramixer_core.cost.shape import PartCost
from paramixer_core.measure.calibration import Sample
from paramixer_core.measure.record import Machine, Work, report_of

FLOP_PER_MULTIPLY_ADD = 2
KEPT_TRAFFIC = {Work.FORWARD: 1, Work.TRAINING: 4}
"""How often a kept number crosses the memory bus: written; in training also read again, and its
gradient written and read."""
PARAMETER_TRAFFIC = {Work.FORWARD: 1, Work.TRAINING: 10}
"""Read; in training twice, the gradient written and read, and Adam reads and writes the weight and
two moments."""


@dataclass(frozen=True, slots=True)
class Rates:
    """Operations and bytes a second, at best."""

    flops: float
    bandwidth: float

    @classmethod
    def of(cls, machine: Machine) -> "Rates":
        """What a machine was measured to do at most."""
        return cls(machine.matmul_flops, machine.copy_bytes)


def least_seconds(report: CostReport, rates: Rates, work: Work = Work.TRAINING) -> float:
    """Part by part the larger of arithmetic and traffic, added up (Williams et al. 2009)."""
    return sum(part_seconds(part, rates, work) for part in report.parts)


def part_seconds(part: PartCost, rates: Rates, work: Work) -> float:
    """One part's bound."""
    adds = part.training if work is Work.TRAINING else part.forward
    traffic = KEPT_TRAFFIC[work] * part.kept + PARAMETER_TRAFFIC[work] * part.parameters
    traffic += part.passed_training if work is Work.TRAINING else part.passed
    return max(
        FLOP_PER_MULTIPLY_ADD * adds / rates.flops, BYTES_PER_NUMBER * traffic / rates.bandwidth
    )


def training_bytes(report: CostReport) -> int:
    """Weights, their gradients and Adam's moments, and what is kept for the backward pass."""
    return report.weight_bytes + report.optimiser_bytes + report.activation_bytes


def distance(samples: Sequence[Sample], machine: Machine) -> float | None:
    """How many times its roofline a measured step takes, in the median; None without points."""
    rates = Rates.of(machine)
    found = [
        sample.point.median / least_seconds(report_of(sample.config), rates) for sample in samples
    ]
    return statistics.median(found) if found else None
