import dataclasses
import itertools
import weakref

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from paramixer_core.config import Residual, RunConfig
from paramixer_core.cost import BLOCK_COSTS, CostShape, Quantity, cost_report
from paramixer_core.cost.rivals import READINGS
from paramixer_core.cost.shape import COSTED_MIXERS
from paramixer_core.crossover import crossover
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing import mix, use_implementation
from paramixer_core.models import MIXERS, build_network, paramixer
from paramixer_core.tasks import make_task

CONFIGS = [
    RunConfig(mixer="chord", task="adding", seq_len=12, channels=6, hidden=5, batch=3),
    RunConfig(mixer="chord", task="temporal_order", seq_len=16, channels=4, hidden=7, blocks=2),
    RunConfig(mixer="cdil", task="adding", seq_len=17, channels=8, hidden=3, num_links=5, batch=2),
    RunConfig(mixer="cdil", task="temporal_order", seq_len=7, channels=8, hidden=9, num_links=3),
    RunConfig(mixer="chord", seq_len=13, channels=8, hidden=3, num_factors=3, batch=2),
    RunConfig(mixer="cdil", seq_len=13, channels=8, hidden=3, num_links=5, num_factors=3),
    RunConfig(mixer="attention", task="adding", seq_len=13, channels=6, hidden=5, heads=2, batch=3),
    RunConfig(mixer="attention", task="temporal_order", seq_len=16, channels=8, heads=4, blocks=2),
]
RIVALS = [
    RunConfig(mixer=name, seq_len=seq_len, channels=8, hidden=5, heads=2, rival_size=4, batch=3)
    for name in READINGS
    for seq_len in (3, 16, 21)
]
HEADS = [
    RunConfig(
        mixer=mixer, task=task, seq_len=13, channels=8, hidden=5, heads=heads, batch=3,
        pooling=pooling, head_hidden=hidden, rival_size=4,
    )
    for mixer, heads in (("chord", 1), ("cdil", 1), ("attention", 2), ("linformer", 1))
    for task in ("adding", "temporal_order")
    for pooling, hidden in (("class_token", 0), ("class_token", 7), ("flatten", 7))
]  # fmt: skip
ROUNDS = [
    RunConfig(
        mixer="reformer", seq_len=seq_len, channels=8, hidden=5, heads=2, rival_size=4, batch=3,
        hash_rounds=rounds,
    )
    for rounds in (2, 5)
    for seq_len in (3, 16, 21)
]  # fmt: skip
all_runs = pytest.mark.parametrize(
    "config",
    CONFIGS + RIVALS + HEADS + ROUNDS,
    ids=lambda c: f"{c.mixer}-{c.task}-{c.seq_len}-{c.pooling}-{c.head_hidden}-{c.hash_rounds}",
)
runs = pytest.mark.parametrize(
    "config", CONFIGS + HEADS + ROUNDS, ids=lambda c: f"{c.mixer}-{c.task}-{c.seq_len}"
)


def mix_by_matrix_products(values, weights, offsets, *, residual=True):
    """`mix` as one counted product per row: gather K tokens, (1, K) @ (K, D); 2 B N K D FLOP."""
    batch, seq, channels = values.shape
    for factor, ahead in zip(weights, offsets, strict=True):
        columns = (torch.arange(seq)[:, None] + torch.tensor(ahead)) % seq
        read = values[:, columns].flatten(0, 1)
        mixed = torch.bmm(factor.reshape(batch * seq, 1, -1), read).view(batch, seq, channels)
        values = mixed + values if residual else mixed
    return values


def prepare(config):
    task = make_task(config.task, config.seq_len)
    network = build_network(config, task, torch.Generator().manual_seed(1))
    inputs = task.batch(config.batch, torch.Generator().manual_seed(2)).inputs
    return network, inputs, cost_report(CostShape.of(config, task))


def test_the_counted_stand_in_mixes_as_mix_does():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(2, 7, 3, generator=generator)
    weights = torch.randn(3, 2, 7, 4, generator=generator)
    offsets = ((0, 1, 2, 4),) * 3
    for residual in (True, False):
        torch.testing.assert_close(
            mix_by_matrix_products(values, weights, offsets, residual=residual),
            mix(values, weights, offsets, residual=residual),
        )


@all_runs
def test_multiply_adds_are_exactly_those_that_pytorch_counts(config, monkeypatch):
    monkeypatch.setattr(paramixer, "mix", mix_by_matrix_products)
    network, inputs, report = prepare(config)
    with sdpa_kernel(SDPBackend.MATH), use_implementation("portable"):
        with FlopCounterMode(display=False) as forward:
            outputs = network(inputs)
        with FlopCounterMode(display=False) as backward:
            outputs.sum().backward()
    assert forward.get_total_flops() == 2 * report.forward
    assert backward.get_total_flops() == 2 * report.backward
    assert report.training == report.forward + report.backward + report.recomputed


@all_runs
def test_parameters_are_exactly_those_of_the_network(config):
    network, _, report = prepare(config)
    assert report.parameters == sum(parameter.numel() for parameter in network.parameters())
    assert report.weight_bytes == 4 * report.parameters


@runs
@pytest.mark.parametrize("residual", list(Residual))
def test_activation_bytes_are_exactly_the_tensors_kept_for_the_backward_pass(config, residual):
    network, inputs, report = prepare(config.replace(residual=residual))
    assert kept_bytes(network, inputs) == report.activation_bytes


@pytest.mark.parametrize("name", READINGS)
@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("heads", [1, 2])
def test_activation_bytes_of_the_rivals_are_exactly_the_tensors_kept(name, batch, heads):
    for seq_len, size in ((3, 5), (16, 3), (21, 4)):
        config = RunConfig(
            mixer=name, seq_len=seq_len, channels=8, hidden=5, heads=heads, rival_size=size,
            batch=batch,
        )  # fmt: skip
        network, inputs, report = prepare(config)
        assert kept_bytes(network, inputs) == report.activation_bytes, config


class Held:
    """A tensor that the backward pass will read, for as long as it is kept."""

    def __init__(self, tensor):
        self.tensor = tensor.detach()


def kept_bytes(network, inputs):
    """Bytes that are alive for the backward pass alone: no parameter, constant or input."""
    constant = [*network.parameters(), *network.buffers(), inputs]
    known = {tensor.untyped_storage().data_ptr() for tensor in constant}
    alive = weakref.WeakSet()

    def keep(tensor):
        held = Held(tensor)
        alive.add(held)
        return held

    hooks = torch.autograd.graph.saved_tensors_hooks(keep, lambda held: held.tensor)
    with use_implementation("portable"), hooks:
        outputs = network(inputs)
    storages = {held.tensor.untyped_storage() for held in alive}
    sizes = {storage.data_ptr(): storage.nbytes() for storage in storages}
    assert outputs.grad_fn is not None, "it holds the tensors"
    return sum(size for place, size in sizes.items() if place not in known)


def test_parts_add_up_and_scale_with_blocks_and_batch():
    one = cost_report(CostShape(mixer="chord", seq_len=100))
    more = cost_report(CostShape(mixer="chord", seq_len=100, blocks=3, batch=5))
    assert sum(part.forward for part in one.parts) == one.forward
    assert more.part("Mixing").forward == 15 * one.part("Mixing").forward == 15 * 100 * 7 * 8 * 32
    assert more.part("Link MLPs").parameters == 3 * one.part("Link MLPs").parameters
    assert more.part("Head").parameters == one.part("Head").parameters
    with pytest.raises(ParamixerError, match="a part among"):
        one.part("Nose")


@pytest.mark.parametrize("quantity", [Quantity.FORWARD, Quantity.TRAINING, Quantity.PARAMETERS])
@pytest.mark.parametrize("pair", list(itertools.permutations(("chord", "cdil", "attention"), 2)))
def test_crossover_is_what_trying_every_length_finds(pair, quantity):
    shapes = [CostShape(mixer=name, seq_len=2, channels=8, hidden=8) for name in pair]

    def cost(shape, seq_len):
        return getattr(cost_report(dataclasses.replace(shape, seq_len=seq_len)), quantity)

    wins = {n: cost(shapes[0], n) < cost(shapes[1], n) for n in range(2, 401)}
    won = [n for n, win in wins.items() if win]
    lost = [n for n, win in wins.items() if not win]
    found = crossover(*shapes, quantity, limit=400)
    assert found.first == (won[0] if won else None)
    assert found.for_good == (None if not wins[400] else max(lost, default=1) + 1)


def test_attention_is_cheaper_on_short_sequences_and_chord_on_long_ones():
    chord = CostShape(mixer="chord", seq_len=2)
    attention = CostShape(mixer="attention", seq_len=2)
    found = crossover(chord, attention)
    assert (found.first, found.for_good) == (2, 137)
    assert crossover(attention, chord).for_good is None
    assert crossover(attention, chord).first == 9
    kept = crossover(chord, attention, Quantity.ACTIVATION_BYTES)
    assert kept.for_good is None, "fused attention keeps fewer activations at any length"


def test_every_mixer_with_a_cost_can_be_built_and_the_other_way_round():
    assert set(BLOCK_COSTS) == set(COSTED_MIXERS) == set(MIXERS)


def test_a_shape_that_cannot_be_is_refused_in_a_sentence():
    with pytest.raises(ParamixerError, match="a mixer among"):
        CostShape(mixer="magic", seq_len=8)
    with pytest.raises(ParamixerError, match="hidden of at least 1, got 0"):
        CostShape(mixer="chord", seq_len=8, hidden=0)
    with pytest.raises(ParamixerError, match="a limit of at least 2"):
        crossover(CostShape(mixer="chord", seq_len=8), CostShape(mixer="cdil", seq_len=8), limit=1)
