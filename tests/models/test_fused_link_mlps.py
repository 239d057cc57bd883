"""The fused link MLPs agree with the two layers they stand for."""

import pytest
import torch
from torch import Tensor, nn

from paramixer_core.mixing import use_implementation
from paramixer_core.models.fused_link_mlps import apply_mlp, can_fuse, fused_link_mlps
from paramixer_core.models.link_mlps import LinkMLPs
from tests.compiler import needs_compiler

pytestmark = needs_compiler
SIZES = (
    (1, 1, 1, 1, 1),
    (7, 5, 3, 4, 2),
    (64, 32, 32, 8, 7),
    (100, 32, 32, 9, 3),
    (130, 16, 33, 17, 4),
)


def layers(channels: int, hidden: int, links: int, factors: int, dtype: torch.dtype) -> LinkMLPs:
    generator = torch.Generator().manual_seed(0)
    sizes = {"factors": factors, "channels": channels, "hidden": hidden, "links": links}
    return LinkMLPs(**sizes, generator=generator).to(dtype)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("seq", "channels", "hidden", "links", "factors"), SIZES)
def test_weights_and_gradients_are_those_of_the_two_layers(
    seq, channels, hidden, links, factors, dtype
):
    mlps = layers(channels, hidden, links, factors, dtype)
    tokens = torch.randn(2, seq, channels, generator=torch.Generator().manual_seed(1)).to(dtype)
    tokens.requires_grad_()
    inputs = (tokens, *mlps.parameters())

    def run(path: str) -> tuple[Tensor, ...]:
        with use_implementation(path):
            weights = mlps(tokens)
        direction = torch.linspace(-1, 1, weights.numel(), dtype=dtype).view_as(weights)
        return weights, *torch.autograd.grad(weights, inputs, direction)

    close = {"atol": 2e-5, "rtol": 2e-5} if dtype is torch.float32 else {}
    torch.testing.assert_close(run("native"), run("portable"), **close)


def test_gelu_is_exact_to_half_a_millionth_and_its_slope_too():
    ones, zeros = torch.ones(1, 1, 1), torch.zeros(1, 1)
    line = torch.linspace(-12, 12, 20001)[:, None].requires_grad_()
    found = fused_link_mlps(line, ones, zeros, ones, zeros)[0]
    exact_line = line.detach().double().requires_grad_()
    exact = nn.functional.gelu(exact_line)
    assert (found - exact).abs().max() < 5e-7
    (slope,) = torch.autograd.grad(found.sum(), line)
    (exact_slope,) = torch.autograd.grad(exact.sum(), exact_line)
    assert (slope - exact_slope).abs().max() < 5e-7


def test_nan_stays_with_its_token():
    mlps = layers(3, 4, 2, 2, torch.float32)
    tokens = torch.zeros(1, 5, 3)
    tokens[0, 2, 1] = float("nan")
    with use_implementation("native"):
        weights = mlps(tokens)
    assert weights.isnan().any(-1)[:, 0].nonzero()[:, 1].tolist() == [2, 2]


def test_a_value_mlp_is_the_same_fused():
    mlp = nn.Sequential(nn.Linear(3, 5), nn.GELU(), nn.Linear(5, 4))
    tokens = torch.randn(2, 9, 3, generator=torch.Generator().manual_seed(1))
    with use_implementation("native"):
        torch.testing.assert_close(apply_mlp(mlp, tokens), mlp(tokens))


def test_autocast_and_other_paths_are_left_to_the_plain_layers():
    tokens = torch.zeros(1, 4, 3)
    with use_implementation("native"):
        assert can_fuse(tokens)
        assert not can_fuse(tokens.bfloat16())
        with torch.autocast("cpu", torch.bfloat16):
            assert not can_fuse(tokens)
    with use_implementation("portable"):
        assert not can_fuse(tokens)


def test_a_second_derivative_says_that_there_is_none():
    mlps = layers(3, 4, 2, 2, torch.float64)
    tokens = torch.ones(1, 4, 3, dtype=torch.float64, requires_grad=True)
    with use_implementation("native"):
        weights = mlps(tokens)
    (slope,) = torch.autograd.grad(weights.square().sum(), tokens, create_graph=True)
    with pytest.raises(RuntimeError, match=r"Expected one derivative.*portable"):
        slope.sum().backward()
