"""The network: one frame for every mixer, and matrices that are those of its forward pass."""

from collections.abc import Mapping
from itertools import product

import pytest
import torch
from torch import Tensor

from paramixer_core.config import LinkSource, Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.models import MIXERS, Network, build_network
from paramixer_core.tasks import TASKS, make_task

SMALL = RunConfig(task="temporal_order", seq_len=12, channels=6, hidden=5, num_links=3)


def build(config: RunConfig, seed: int = 1) -> Network:
    task = make_task(config.task, config.seq_len)
    return build_network(config, task, torch.Generator().manual_seed(seed))


def inputs_of(config: RunConfig, size: int = 3) -> Tensor:
    return make_task(config.task, config.seq_len).test_set().inputs[:size]


def same(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(("task", "mixer"), list(product(TASKS, MIXERS)))
def test_every_mixer_answers_every_task(task: str, mixer: str) -> None:
    config = SMALL.replace(task=task, seq_len=64, mixer=mixer, blocks=2)
    assert build(config)(inputs_of(config)).shape == (3, make_task(task, 64).output_size)


@pytest.mark.parametrize(
    ("mixer", "blocks", "link_source", "residual"),
    list(product(["chord", "cdil"], [1, 2], LinkSource, Residual)),
)
def test_the_answer_follows_from_the_revealed_matrices(
    mixer: str, blocks: int, link_source: LinkSource, residual: Residual
) -> None:
    """head(flatten(A_L g_L( ... A_1 g_1(X)))), with A from `reveal`."""
    config = SMALL.replace(mixer=mixer, blocks=blocks, link_source=link_source, residual=residual)
    network, inputs = build(config).double(), inputs_of(config)
    values = network.embedding(inputs)
    shown = network.reveal(inputs)
    assert len(shown) == blocks
    for number, matrices in enumerate(shown):
        value_mlp = network.get_submodule(f"blocks.{number}.value_mlp")
        values = matrices.operator @ value_mlp(values)
    torch.testing.assert_close(network(inputs), network.head(values.flatten(1)))


def test_a_second_block_reads_its_links_from_the_first_embedding_unless_told_otherwise() -> None:
    """With both blocks' link MLPs equal, reading the same X gives the same factors."""
    for link_source, alike in ((LinkSource.INPUT, True), (LinkSource.CURRENT, False)):
        config = SMALL.replace(blocks=2, link_source=link_source)
        network = build(config)
        first, second = (network.get_submodule(f"blocks.{n}.link_mlps") for n in (0, 1))
        second.load_state_dict(first.state_dict())
        shown = [block.factors for block in network.reveal(inputs_of(config))]
        assert shown[0] is not None
        assert shown[1] is not None
        assert torch.equal(shown[0], shown[1]) is alike


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_seed_fixes_every_weight_and_another_seed_changes_them(mixer: str) -> None:
    config = SMALL.replace(mixer=mixer)
    assert same(build(config).state_dict(), build(config).state_dict())
    assert not same(build(config).state_dict(), build(config, seed=2).state_dict())


def test_mixers_share_embedding_and_head_for_one_seed() -> None:
    networks = [build(SMALL.replace(mixer=mixer)) for mixer in MIXERS]
    for network in networks[1:]:
        assert same(network.embedding.state_dict(), networks[0].embedding.state_dict())
        assert same(network.head.state_dict(), networks[0].head.state_dict())


@pytest.mark.parametrize("mixer", MIXERS)
def test_building_and_running_leave_the_global_generator_alone(mixer: str) -> None:
    before = torch.get_rng_state()
    network = build(SMALL.replace(mixer=mixer))
    network(inputs_of(SMALL))
    network.reveal(inputs_of(SMALL))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("mixer", MIXERS)
def test_a_saved_network_loads_into_another_and_answers_the_same(mixer: str) -> None:
    config = SMALL.replace(mixer=mixer, blocks=2)
    saved, other = build(config), build(config, seed=2)
    other.load_state_dict(saved.state_dict())
    assert same(other.state_dict(), saved.state_dict())
    assert torch.equal(other(inputs_of(config)), saved(inputs_of(config)))


@pytest.mark.parametrize("mixer", ["chord", "cdil"])
def test_a_saved_network_names_each_links_mlp_by_its_factor(mixer: str) -> None:
    state = build(SMALL.replace(mixer=mixer)).state_dict()
    links = {"chord": 5, "cdil": 3}[mixer]
    for factor in range(4):
        assert state[f"blocks.0.link_mlps.{factor}.0.weight"].shape == (5, 6)
        assert state[f"blocks.0.link_mlps.{factor}.2.weight"].shape == (links, 5)
    assert "blocks.0.link_mlps.4.0.weight" not in state


@pytest.mark.parametrize(
    ("task", "chosen", "learned"),
    [
        ("adding", None, False),
        ("adding", True, True),
        ("temporal_order", None, True),
        ("temporal_order", False, False),
        ("digits", None, True),
    ],
)
def test_positions_are_the_tasks_own_choice_unless_the_run_says(
    task: str, chosen: bool | None, learned: bool
) -> None:
    config = SMALL.replace(task=task, seq_len=64, positions=chosen)
    state = build(config).state_dict()
    assert ("embedding.positions.weight" in state) is learned
    if learned:
        embed, inputs = build(config).embedding, inputs_of(config)
        without = embed.tokens(inputs)
        torch.testing.assert_close(
            embed(inputs) - without, state["embedding.positions.weight"].expand_as(without)
        )


@pytest.mark.parametrize("mixer", MIXERS)
def test_revealing_changes_nothing_and_keeps_no_gradient(mixer: str) -> None:
    network = build(SMALL.replace(mixer=mixer))
    before = {name: kept.clone() for name, kept in network.state_dict().items()}
    (shown,) = network.reveal(inputs_of(SMALL))
    assert not shown.operator.requires_grad
    assert shown.operator.shape == shown.product.shape == (3, 12, 12)
    assert same(network.state_dict(), before)


def test_sequences_of_another_length_are_refused() -> None:
    network = build(SMALL)
    for use in (network, network.reveal, network.compact):
        with pytest.raises(ParamixerError) as caught:
            use(torch.zeros(2, 13, dtype=torch.long))
        assert str(caught.value) == (
            "Expected sequences of the 12 tokens that this network was built for, got 13: "
            "build a network for that length."
        )


def test_an_unknown_mixer_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ParamixerError) as caught:
        build(SMALL.replace(mixer="perceiver"))
    assert str(caught.value).startswith("Expected a mixer among ['chord', 'cdil', 'attention', ")
    assert str(caught.value).endswith("], got perceiver: choose one of them.")


def test_a_task_of_another_length_is_refused() -> None:
    with pytest.raises(ParamixerError, match="a task of the run's length 12, got 16"):
        build_network(SMALL, make_task("temporal_order", 16), torch.Generator())


def test_every_mixer_has_a_name_and_words_for_people() -> None:
    for name, kind in MIXERS.items():
        assert kind.name == name
        assert kind.title
        assert kind.summary.endswith(".")
