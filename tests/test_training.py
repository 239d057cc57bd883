"""Training is the same for the same seed, can be continued anywhere, and stops before harm."""

import math
from itertools import islice

import numpy as np
import pytest
import torch

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MIXERS
from paramixer_core.schedule import evaluation_due, snapshot_due
from paramixer_core.training import (
    Evaluation,
    Snapshot,
    Trainer,
    batch_seed,
    train,
)
from tests.small_runs import SMALL, assert_same, every_kind, losses, records


@every_kind
def test_a_seed_fixes_every_loss_and_weight_bit_for_bit(config: RunConfig) -> None:
    one, other = Trainer(config), Trainer(config)
    assert losses(one, 6) == losses(other, 6)
    assert_same(one.state(), other.state())
    assert_same(one.probe(), other.probe())


@every_kind
def test_another_seed_gives_other_losses(config: RunConfig) -> None:
    assert losses(Trainer(config), 1) != losses(Trainer(config.replace(seed=1)), 1)


@pytest.mark.parametrize("task", ["adding", "temporal_order"])
def test_all_mixers_train_on_identical_batches(task: str) -> None:
    trainers = [Trainer(SMALL.replace(mixer=mixer, task=task)) for mixer in MIXERS]
    for step in (1, 2, 50):
        batches = [trainer.batch(step) for trainer in trainers]
        for batch in batches[1:]:
            assert torch.equal(batch.inputs, batches[0].inputs)
            assert torch.equal(batch.targets, batches[0].targets)


def test_no_two_steps_of_a_run_draw_from_the_same_seed() -> None:
    """PyTorch's CPU generator reads the low 32 bits of a seed, so those must differ."""
    seeds = np.array([batch_seed(3, step) for step in range(1, 100_001)], dtype=np.uint64)
    assert len(np.unique(seeds & np.uint64(0xFFFFFFFF))) == len(seeds)
    first, second = (Trainer(SMALL).batch(step).inputs for step in (1, 2))
    assert not torch.equal(first, second)


def test_gradients_are_clipped_to_the_runs_norm_and_recorded_before_it() -> None:
    trainer = Trainer(SMALL.replace(clip_norm=0.01))
    record = trainer.step()
    grads = [parameter.grad for parameter in trainer.network.parameters()]
    clipped = torch.cat([grad.flatten() for grad in grads if grad is not None]).norm()
    assert record.grad_norm > 0.02
    assert clipped == pytest.approx(0.01, rel=1e-3)


@every_kind
def test_a_record_describes_its_batch_before_the_step(config: RunConfig) -> None:
    trainer, twin = Trainer(config), Trainer(config)
    record = trainer.step()
    batch = twin.batch(1)
    outputs = twin.network(batch.inputs)
    assert record.step == trainer.step_number == 1
    assert record.loss == pytest.approx(twin.task.loss(outputs, batch.targets).item())
    assert record.accuracy == pytest.approx(
        twin.task.correct(outputs, batch.targets).float().mean().item()
    )
    assert record.steps_per_second > 0
    assert record.samples_per_second == pytest.approx(record.steps_per_second * config.batch)


@every_kind
def test_an_evaluation_is_the_mean_over_the_whole_test_set_and_changes_nothing(
    config: RunConfig,
) -> None:
    trainer = Trainer(config)
    before = trainer.state()
    evaluation = trainer.evaluate()
    assert trainer.evaluate() == evaluation
    test_set = trainer.task.test_set()
    with torch.no_grad():
        outputs = trainer.network(test_set.inputs)
    assert evaluation.loss == pytest.approx(
        trainer.task.loss(outputs, test_set.targets).item(), rel=1e-5
    )
    right = trainer.task.correct(outputs, test_set.targets).sum().item()
    assert evaluation.accuracy == pytest.approx(right / len(test_set.inputs))
    assert_same(trainer.state(), before)


def test_an_evaluation_weighs_a_short_last_batch_by_its_size() -> None:
    """450 digits are 250 and 200."""
    trainer = Trainer(SMALL.replace(task="digits", seq_len=64))
    test_set = trainer.task.test_set()
    with torch.no_grad():
        loss = trainer.task.loss(trainer.network(test_set.inputs), test_set.targets)
    assert trainer.evaluate().loss == pytest.approx(loss.item(), rel=1e-5)


@every_kind
def test_the_probe_holds_the_revealed_matrices_and_their_spectra(config: RunConfig) -> None:
    trainer = Trainer(config)
    losses(trainer, 2)
    probe = trainer.probe()
    inputs = trainer.task.test_set().inputs[:4]
    assert torch.equal(probe["inputs"], inputs)
    assert torch.equal(probe["targets"], trainer.task.test_set().targets[:4])
    assert torch.equal(probe["answers"], trainer.network(inputs))
    for number, (mixer, shown) in enumerate(
        zip(trainer.network.mixers, trainer.network.reveal(inputs), strict=True)
    ):
        prefix = f"block.{number}."
        kept = {
            name.removeprefix(prefix): value
            for name, value in probe.items()
            if name.startswith(prefix) and "spectrum" not in name
        }
        restored = mixer.operators(kept)
        assert torch.equal(restored.operator, shown.operator)
        assert torch.equal(restored.product, shown.product)
        matrices = {"product": shown.product, "operator": shown.operator}
        if shown.logits is not None:
            matrices["logits"] = shown.logits[:, 0]
        for name, matrix in matrices.items():
            expected = np.linalg.svd(matrix[0].double().numpy(), compute_uv=False)
            spectrum = probe[f"{prefix}spectrum.{name}"]
            assert spectrum.dtype == torch.float64
            np.testing.assert_allclose(spectrum.numpy(), expected, atol=1e-12 * expected[0])


def test_a_probe_of_long_sequences_stays_small() -> None:
    probe = Trainer(SMALL.replace(seq_len=1024)).probe()
    assert len(probe["inputs"]) == len(probe["targets"]) == 1
    assert not any("spectrum" in name for name in probe)
    assert sum(value.numel() for value in probe.values()) < 1024 * 200


def test_a_run_tells_its_steps_evaluations_and_snapshots_in_order() -> None:
    events = list(train(SMALL.replace(steps=60)))
    assert [record.step for record in records(events)] == list(range(1, 61))
    assert [event.step for event in events if isinstance(event, Evaluation)] == [0, 10, 20, 50, 60]
    assert [event.step for event in events if isinstance(event, Snapshot)] == [
        *(0, 1, 2, 5, 10, 20, 50),
        60,
    ]
    assert isinstance(events[-1], Snapshot)
    assert [event.step for event in events] == sorted(event.step for event in events)


def test_snapshots_are_even_on_a_logarithmic_axis_and_evaluations_on_a_linear_one() -> None:
    assert [step for step in range(2001) if snapshot_due(step)] == [
        *(0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000),
    ]
    assert [step for step in range(1, 401) if evaluation_due(step)] == [
        *(10, 20, 50, 100, 200, 300, 400),
    ]


def test_reaching_the_target_accuracy_ends_the_run_with_its_snapshot() -> None:
    config = SMALL.replace(task="temporal_order", steps=1000, target_accuracy=0.2)
    *_, evaluation, snapshot = train(config)
    assert isinstance(evaluation, Evaluation)
    assert isinstance(snapshot, Snapshot)
    assert evaluation.accuracy >= 0.2
    assert evaluation.step == snapshot.step == 10


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, 11.0, "fast"])
def test_a_learning_rate_that_cannot_be_is_refused_and_the_old_one_kept(rate: object) -> None:
    trainer = Trainer(SMALL)
    with pytest.raises(ParamixerError, match="learning_rate above 0 and up to 10"):
        trainer.learning_rate = rate  # type: ignore[assignment]
    assert trainer.learning_rate == 0.01


def test_training_leaves_the_global_generator_alone() -> None:
    before = torch.get_rng_state()
    list(islice(train(SMALL), 8))
    assert torch.equal(torch.get_rng_state(), before)


def test_digits_are_read_right_four_times_in_five_after_150_steps() -> None:
    config = RunConfig(
        task="digits", seq_len=64, channels=16, hidden=16, learning_rate=5e-3, device="cpu"
    )
    trainer = Trainer(config)
    losses(trainer, 150)
    assert trainer.evaluate().accuracy > 0.8
