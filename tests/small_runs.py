"""Runs small enough to train inside a test, and how their results are compared."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor

from paramixer_core.config import RunConfig
from paramixer_core.training import Evaluation, Record, Snapshot, Trainer

SMALL = RunConfig(
    seq_len=12, channels=8, hidden=6, num_links=3, batch=5, learning_rate=0.01, device="cpu"
)
KINDS = [
    pytest.param(SMALL.replace(mixer="chord"), id="chord-adding"),
    pytest.param(SMALL.replace(mixer="cdil", blocks=2), id="cdil-adding"),
    pytest.param(SMALL.replace(mixer="attention", heads=2), id="attention-adding"),
    pytest.param(SMALL.replace(task="temporal_order"), id="chord-temporal_order"),
]
every_kind = pytest.mark.parametrize("config", KINDS)


def losses(trainer: Trainer, steps: int) -> list[float]:
    return [trainer.step().loss for _ in range(steps)]


def assert_same(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def records(events: Iterable[Record | Evaluation | Snapshot]) -> list[Record]:
    return [event for event in events if isinstance(event, Record)]
