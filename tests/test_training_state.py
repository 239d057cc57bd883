"""A state continues a run as if it had never stopped, and divergence never reaches a weight."""

import math

import pytest
import torch

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.tasks import Batch
from paramixer_core.training import (
    Diverged,
    Snapshot,
    Trainer,
    train,
)
from tests.small_runs import SMALL, assert_same, every_kind, losses, records


@every_kind
def test_a_continued_run_is_bit_equal_to_one_that_never_stopped(config: RunConfig) -> None:
    whole = Trainer(config)
    losses(whole, 3)
    whole.learning_rate = 0.003
    expected = losses(whole, 2)
    kept = whole.state()
    expected += losses(whole, 4)

    before = Trainer(config)
    losses(before, 3)
    before.learning_rate = 0.003
    assert losses(before, 2) == expected[:2]
    after = Trainer(config.replace(learning_rate=0.5))
    after.load_state(kept)
    assert after.step_number == 5
    assert after.learning_rate == 0.003
    assert losses(after, 4) == expected[2:]
    assert_same(after.state(), whole.state())


@every_kind
def test_going_back_to_the_first_state_starts_the_run_anew(config: RunConfig) -> None:
    trainer = Trainer(config)
    start = trainer.state()
    first = losses(trainer, 3)
    trainer.load_state(start)
    assert trainer.step_number == 0
    assert losses(trainer, 3) == first


def test_a_state_is_a_copy_that_later_steps_do_not_touch() -> None:
    trainer = Trainer(SMALL)
    trainer.step()
    kept = trainer.state()
    before = {name: value.clone() for name, value in kept.items()}
    trainer.step()
    assert_same(kept, before)
    other = Trainer(SMALL)
    other.load_state(kept)
    other.step()
    assert_same(kept, before)


def test_a_state_names_weights_per_factor_and_the_optimisers_tensors_apart() -> None:
    trainer = Trainer(SMALL)
    trainer.step()
    state = trainer.state()
    assert state["network.blocks.0.link_mlps.3.2.bias"].shape == (5,)
    assert {name.partition(".")[0] for name in state} == {
        "network",
        "optimizer",
        "step",
        "learning_rate",
    }
    assert all(value.device.type == "cpu" for value in state.values())


def test_weights_alone_begin_a_new_run() -> None:
    trained = Trainer(SMALL)
    losses(trained, 3)
    fresh = Trainer(SMALL.replace(seed=7))
    fresh.load_weights(trained.state())
    assert fresh.step_number == 0
    assert fresh.evaluate().loss == trained.evaluate().loss
    assert not any(name.startswith("optimizer.") for name in fresh.state())


def test_a_state_of_another_network_is_refused_in_one_sentence() -> None:
    with pytest.raises(ParamixerError, match="the weights of a network like this one, got ") as got:
        Trainer(SMALL).load_state(Trainer(SMALL.replace(hidden=7)).state())
    assert str(got.value).endswith("...: use a state of an equal run.")
    with pytest.raises(ParamixerError, match=r"Missing key\(s\)"):
        Trainer(SMALL).load_weights({})


@pytest.mark.parametrize("poison", [math.nan, math.inf], ids=str)
def test_a_loss_that_is_not_finite_stops_before_any_weight_changes(
    poison: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer(SMALL)
    losses(trainer, 2)
    before = trainer.state()
    batch = trainer.batch(3)
    monkeypatch.setattr(trainer, "batch", lambda step: Batch(batch.inputs * poison, batch.targets))
    with pytest.raises(Diverged) as caught:
        trainer.step()
    assert caught.value.step == 3
    assert str(caught.value) == (
        "Expected a finite loss at step 3, got nan: use a smaller learning rate."
    )
    assert_same(trainer.state(), before)
    assert trainer.step_number == 2


def test_a_gradient_that_is_not_finite_stops_before_any_weight_changes() -> None:
    """sqrt has a finite value and an infinite slope at zero."""
    trainer = Trainer(SMALL)
    before = trainer.state()
    trainer.network.head.register_forward_hook(lambda *call: (call[-1] * 0).abs().sqrt())
    with pytest.raises(Diverged, match="a finite gradient norm at step 1, got nan"):
        trainer.step()
    assert_same(trainer.state(), before)


def test_a_huge_learning_rate_ends_in_diverged_with_finite_weights() -> None:
    trainer = Trainer(SMALL.replace(learning_rate=10.0, clip_norm=1e6, blocks=4, steps=2000))
    with pytest.raises(Diverged):
        losses(trainer, 200)
    assert all(value.isfinite().all() for value in trainer.state().values())


def test_a_snapshot_continues_the_run_that_it_was_taken_from() -> None:
    events = list(train(SMALL.replace(steps=12)))
    snapshot = next(event for event in events if isinstance(event, Snapshot) and event.step == 5)
    trainer = Trainer(SMALL)
    trainer.load_state(snapshot.state)
    assert losses(trainer, 7) == [record.loss for record in records(events)[5:]]


def test_a_reformers_state_with_rows_for_keys_goes_on_as_if_it_had_none() -> None:
    config = SMALL.replace(mixer="reformer", rival_size=4)
    trainer = Trainer(config)
    losses(trainer, 3)
    state = trainer.state()
    early = dict(state)
    for name, held in state.items():
        if "query_key_value" in name and held.ndim:
            query, value = held.chunk(2)
            early[name] = torch.cat([query, torch.zeros_like(query), value])
    other = Trainer(config)
    other.load_state(early)
    assert_same(other.state(), state)
    assert losses(other, 3) == losses(trainer, 3)
