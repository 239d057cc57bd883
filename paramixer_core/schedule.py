"""When a run is tested, kept and done."""

from paramixer_core.config import RunConfig

EVALUATE_EVERY = 100
EVALUATION_BATCH = 250
EVALUATION_TOKENS = 2**14
"""Sequences, and tokens, tested at once; longer sequences go by the size of the training batch."""


def reached_target(config: RunConfig, accuracy: float) -> bool:
    """Whether the run asked to stop at this test accuracy, 0..1."""
    return config.target_accuracy is not None and accuracy >= config.target_accuracy


def evaluation_due(step: int) -> bool:
    """Every 100 steps, and at 10, 20, 50 on the way there."""
    return step in (10, 20, 50) or step % EVALUATE_EVERY == 0


def evaluations_due(steps: int) -> int:
    """How often a run of so many steps is tested, the test after its last step among them."""
    early = sum(evaluation_due(step) for step in range(1, min(steps, EVALUATE_EVERY - 1) + 1))
    return early + steps // EVALUATE_EVERY + (not evaluation_due(steps))


def evaluation_batch(config: RunConfig) -> int:
    """Test sequences that go through the network at once: as many as memory bears easily."""
    return min(EVALUATION_BATCH, max(config.batch, EVALUATION_TOKENS // config.seq_len))


def snapshot_due(step: int) -> bool:
    """At 0, 1, 2, 5, 10, 20, 50, 100, ...: evenly spaced on a logarithmic axis."""
    lead = str(step).rstrip("0")
    return lead in ("", "1", "2", "5")
