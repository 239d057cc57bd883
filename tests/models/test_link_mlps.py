"""The stacked link MLPs are M separate MLPs, in value, in gradient and in a saved file."""

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from paramixer_core.mixing import use_implementation
from paramixer_core.models.link_mlps import LinkMLPs
from tests.compiler import NATIVE

FACTORS, CHANNELS, HIDDEN, LINKS = 3, 4, 5, 6


@pytest.fixture(params=["portable", NATIVE])
def path(request: pytest.FixtureRequest) -> Iterator[str]:
    """Each way that the MLPs are computed on a CPU."""
    with use_implementation(request.param):
        yield request.param


def stacked(seed: int = 1) -> LinkMLPs:
    return LinkMLPs(
        factors=FACTORS,
        channels=CHANNELS,
        hidden=HIDDEN,
        links=LINKS,
        generator=torch.Generator().manual_seed(seed),
    ).double()


def separate(state: dict[str, Tensor]) -> nn.ModuleList:
    """The paper's form: one MLP per factor, loaded from the same state by the same names."""
    mlps = nn.ModuleList(
        nn.Sequential(nn.Linear(CHANNELS, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, LINKS))
        for _ in range(FACTORS)
    ).double()
    mlps.load_state_dict(state)
    return mlps


def tokens() -> Tensor:
    shape = (2, 7, CHANNELS)
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


@pytest.mark.usefixtures("path")
def test_they_equal_separate_mlps_in_value_and_in_every_gradient() -> None:
    ours = stacked()
    theirs = separate(ours.state_dict())
    read, read_too = tokens().requires_grad_(), tokens().requires_grad_()
    weights, expected = ours(read), torch.stack([mlp(read_too) for mlp in theirs])
    torch.testing.assert_close(weights, expected)

    pull = torch.linspace(-1, 1, expected.numel(), dtype=torch.float64).view_as(expected)
    weights.backward(pull)
    expected.backward(pull)
    torch.testing.assert_close(read.grad, read_too.grad)
    for name, parameter in (
        ("0.weight", ours.first_weight),
        ("0.bias", ours.first_bias),
        ("2.weight", ours.second_weight),
        ("2.bias", ours.second_bias),
    ):
        grads = [theirs.get_parameter(f"{factor}.{name}").grad for factor in range(FACTORS)]
        torch.testing.assert_close(parameter.grad, torch.stack([g for g in grads if g is not None]))


def test_a_state_names_each_factor_as_a_list_of_mlps_would() -> None:
    state = stacked().state_dict()
    assert {name: tuple(kept.shape) for name, kept in state.items()} == {
        f"{factor}.{part}": shape
        for factor in range(FACTORS)
        for part, shape in (
            ("0.weight", (HIDDEN, CHANNELS)),
            ("0.bias", (HIDDEN,)),
            ("2.weight", (LINKS, HIDDEN)),
            ("2.bias", (LINKS,)),
        )
    }


def test_a_loaded_state_is_the_saved_one() -> None:
    saved, other = stacked(seed=1), stacked(seed=2)
    assert not torch.equal(saved(tokens()), other(tokens()))
    other.load_state_dict(saved.state_dict())
    for name, kept in saved.state_dict().items():
        assert torch.equal(other.state_dict()[name], kept)
    assert torch.equal(saved(tokens()), other(tokens()))


def test_names_keep_their_place_inside_a_larger_module() -> None:
    holder = nn.ModuleDict({"link_mlps": stacked(seed=1), "other": nn.Linear(2, 2)})
    assert "link_mlps.2.0.weight" in holder.state_dict()
    twin = nn.ModuleDict({"link_mlps": stacked(seed=2), "other": nn.Linear(2, 2)})
    twin.load_state_dict(holder.state_dict())
    assert torch.equal(twin["link_mlps"](tokens()), holder["link_mlps"](tokens()))


def test_a_state_that_does_not_fit_is_refused_with_the_name_that_does_not() -> None:
    state = stacked().state_dict()
    missing = {name: kept for name, kept in state.items() if name != "1.2.bias"}
    with pytest.raises(RuntimeError, match=r'Missing key\(s\).*"1.2.bias"'):
        stacked().load_state_dict(missing)
    with pytest.raises(RuntimeError, match=r'Unexpected key\(s\).*"3.0.bias"'):
        stacked().load_state_dict({**state, "3.0.bias": state["2.0.bias"]})
    with pytest.raises(RuntimeError, match=r"0.0.weight: expected \(5, 4\), got \(5, 3\)"):
        stacked().load_state_dict({**state, "0.0.weight": torch.zeros(HIDDEN, 3)})


def test_every_mlp_starts_within_the_bounds_that_a_linear_layer_has() -> None:
    for name, kept in stacked().state_dict().items():
        fan_in = CHANNELS if ".0." in name else HIDDEN
        assert kept.abs().max() <= fan_in**-0.5, name
        assert kept.std() > 0.25 * fan_in**-0.5, name
