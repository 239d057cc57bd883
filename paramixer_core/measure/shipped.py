"""The set of measurements that ships with the app: what is measured of a CPU, in which shares."""

import dataclasses
from typing import Any

from paramixer_core.cost.shape import COSTED_MIXERS
from paramixer_core.measure.record import Plan, Work

SHIPPED_SECONDS = 1800.0
SHAPES: tuple[tuple[float, Work, int, dict[str, Any]], ...] = (
    (0.62, Work.TRAINING, 17, {}),
    (0.12, Work.TRAINING, 10, {"batch": 40}),
    (0.06, Work.TRAINING, 9, {"channels": 64, "hidden": 64}),
    (0.04, Work.TRAINING, 8, {"channels": 64, "blocks": 2}),
    (0.16, Work.FORWARD, 14, {}),
)
"""Share of the time, work, largest log2 N, and what differs from a plan's own shape: the widths
and batches other than the first tell the model of a machine what each part of a step costs."""


def shipped_plans(seconds: float = SHIPPED_SECONDS) -> tuple[Plan, ...]:
    """All mixers from N = 2^5 on, by wall time of one thread: a run's own while all cores train.

    A mixer that no longer fits the memory or the time that is left ends with a point that says so.
    """
    plan = Plan(mixers=COSTED_MIXERS, device="cpu", threads=1)
    return tuple(
        dataclasses.replace(
            plan,
            lengths=tuple(2**power for power in range(5, longest + 1)),
            work=work,
            seconds=share * seconds,
            **shape,
        )
        for share, work, longest, shape in SHAPES
    )
