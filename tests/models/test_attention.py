"""The attention block is softmax(Q K^T / sqrt(d)) V per head, and shows exactly that matrix."""

import math

import pytest
import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import gelu, layer_norm

from paramixer_core.models.attention import AttentionBlock

CHANNELS, HIDDEN, BATCH, SEQ_LEN = 12, 5, 2, 7

every_head_count = pytest.mark.parametrize("heads", [1, 2, 3])


def block_of(heads: int) -> AttentionBlock:
    generator = torch.Generator().manual_seed(1)
    block = AttentionBlock(channels=CHANNELS, hidden=HIDDEN, heads=heads, generator=generator)
    with torch.no_grad():
        for norm in (block.norm_attention, block.norm_mlp):
            norm.weight.uniform_(0.5, 1.5, generator=generator)
            norm.bias.uniform_(-0.5, 0.5, generator=generator)
    return block.double()


def tokens() -> Tensor:
    shape = (BATCH, SEQ_LEN, CHANNELS)
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def by_hand(block: AttentionBlock, values: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Output, attention and logits, head by head, from the saved weights."""
    state = block.state_dict()
    width = CHANNELS // block.heads

    def norm(name: str, read: Tensor) -> Tensor:
        return layer_norm(read, (CHANNELS,), state[f"{name}.weight"], state[f"{name}.bias"])

    def linear(name: str, read: Tensor) -> Tensor:
        return read @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    query, key, value = linear("query_key_value", norm("norm_attention", values)).chunk(3, -1)
    logits, attention, read = [], [], []
    for head in range(block.heads):
        own = slice(head * width, (head + 1) * width)
        logits.append(query[..., own] @ key[..., own].mT / math.sqrt(width))
        exps = logits[-1].exp()
        attention.append(exps / exps.sum(-1, keepdim=True))
        read.append(attention[-1] @ value[..., own])
    values = values + linear("out", torch.cat(read, -1))
    output = values + linear("mlp.2", gelu(linear("mlp.0", norm("norm_mlp", values))))
    return output, torch.stack(attention, 1), torch.stack(logits, 1)


@every_head_count
def test_the_block_is_the_equation_written_out(heads: int) -> None:
    block = block_of(heads)
    output, attention, logits = by_hand(block, tokens())
    torch.testing.assert_close(block(tokens(), tokens()), output)
    shown = block.operators(block.compact(tokens(), tokens()))
    torch.testing.assert_close(shown.attention, attention)
    torch.testing.assert_close(shown.logits, logits)


@every_head_count
def test_the_product_is_the_mean_over_heads_and_the_operator_adds_the_residual(
    heads: int,
) -> None:
    block = block_of(heads)
    shown = block.operators(block.compact(tokens(), tokens()))
    assert shown.attention is not None
    assert shown.attention.shape == (BATCH, heads, SEQ_LEN, SEQ_LEN)
    torch.testing.assert_close(shown.product, shown.attention.mean(1))
    identity = torch.eye(SEQ_LEN, dtype=torch.float64)
    torch.testing.assert_close(shown.operator, shown.product + identity)
    assert shown.factors is None


@every_head_count
def test_attention_is_a_weighing_each_row_sums_to_one(heads: int) -> None:
    block = block_of(heads)
    attention = block.operators(block.compact(tokens(), tokens())).attention
    assert attention is not None
    torch.testing.assert_close(attention.sum(-1), torch.ones(BATCH, heads, SEQ_LEN).double())
    assert attention.min() > 0


def test_logits_have_no_more_rank_than_a_head_has_channels() -> None:
    block = block_of(heads=3)
    logits = block.operators(block.compact(tokens(), tokens())).logits
    assert logits is not None
    assert set(torch.linalg.matrix_rank(logits).flatten().tolist()) == {CHANNELS // 3}


def test_gradients_of_a_whole_block_are_the_slopes_of_its_output() -> None:
    block = AttentionBlock(
        channels=4, hidden=3, heads=2, generator=torch.Generator().manual_seed(1)
    ).double()
    names = [name for name, _ in block.named_parameters()]

    def output(values: Tensor, *parameters: Tensor) -> Tensor:
        named = dict(zip(names, parameters, strict=True))
        result: Tensor = functional_call(block, named, (values, values))
        return result

    varied = [tokens()[:1, :3, :4], *block.parameters()]
    inputs = [tensor.detach().clone().requires_grad_() for tensor in varied]
    assert torch.autograd.gradcheck(output, inputs)
