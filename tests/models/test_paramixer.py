"""The Paramixer block is the paper's equation, whichever residual, link source and protocol."""

from itertools import product

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from paramixer_core.config import LinkSource, Residual
from paramixer_core.models.paramixer import ParamixerBlock, chain
from paramixer_core.protocols import Protocol, protocol_offsets

CHANNELS, HIDDEN, BATCH = 4, 5, 3
CASES = list(product(Protocol, Residual, LinkSource, [2, 7, 12]))


def block_of(
    protocol: Protocol, residual: Residual, link_source: LinkSource, seq_len: int, seed: int = 1
) -> ParamixerBlock:
    return ParamixerBlock(
        channels=CHANNELS,
        hidden=HIDDEN,
        offsets=protocol_offsets(protocol, seq_len, num_links=5),
        residual=residual,
        link_source=link_source,
        generator=torch.Generator().manual_seed(seed),
    ).double()


def tokens(seq_len: int, seed: int) -> Tensor:
    shape = (BATCH, seq_len, CHANNELS)
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def mlp(block: ParamixerBlock, prefix: str, read: Tensor) -> Tensor:
    """One MLP of the block, written out from its saved weights."""
    state = block.state_dict()
    first = read @ state[f"{prefix}.0.weight"].T + state[f"{prefix}.0.bias"]
    return nn.functional.gelu(first) @ state[f"{prefix}.2.weight"].T + state[f"{prefix}.2.bias"]


def factors_by_hand(block: ParamixerBlock, read: Tensor) -> list[Tensor]:
    """W_m entry by entry: W_m[i, (i + offset) mod N] += f^(m)(x_i)[link]."""
    batch, seq_len, _ = read.shape
    found = []
    for m, row in enumerate(block.offsets):
        weights = mlp(block, f"link_mlps.{m}", read)
        dense = torch.zeros(batch, seq_len, seq_len, dtype=read.dtype)
        for i in range(seq_len):
            for link, offset in enumerate(row):
                dense[:, i, (i + offset) % seq_len] += weights[:, i, link]
        found.append(dense)
    return found


def operator_by_hand(factors: list[Tensor], residual: Residual) -> Tensor:
    """The block's A, as the paper and its switches define it."""
    identity = torch.eye(factors[0].shape[-1], dtype=torch.float64)
    operator = identity.expand_as(factors[0])
    for factor in factors:
        step = factor + identity if residual is Residual.PER_FACTOR else factor
        operator = step @ operator
        operator = operator + identity if residual is Residual.FIRST else operator
    return operator + identity if residual is Residual.AROUND_BLOCK else operator


@pytest.mark.parametrize(("protocol", "residual", "link_source", "seq_len"), CASES)
def test_the_block_applies_its_revealed_operator_to_g_of_its_values(
    protocol: Protocol, residual: Residual, link_source: LinkSource, seq_len: int
) -> None:
    block = block_of(protocol, residual, link_source, seq_len)
    values, source = tokens(seq_len, 2), tokens(seq_len, 3)
    read = source if link_source is LinkSource.INPUT else values
    factors = factors_by_hand(block, read)
    expected = operator_by_hand(factors, residual)

    shown = block.operators(block.compact(values, source))
    assert shown.factors is not None
    torch.testing.assert_close(shown.factors, torch.stack(factors))
    torch.testing.assert_close(shown.product, operator_by_hand(factors, Residual.NONE))
    torch.testing.assert_close(shown.operator, expected)
    torch.testing.assert_close(block(values, source), expected @ mlp(block, "value_mlp", values))


@pytest.mark.parametrize("seq_len", [7, 12])
@pytest.mark.parametrize("protocol", Protocol)
def test_the_operator_is_not_the_bare_product(protocol: Protocol, seq_len: int) -> None:
    block = block_of(protocol, Residual.PER_FACTOR, LinkSource.INPUT, seq_len)
    shown = block.operators(block.compact(tokens(seq_len, 2), tokens(seq_len, 3)))
    assert (shown.operator - shown.product).abs().max() > 0.1
    identity = torch.eye(seq_len, dtype=torch.float64)
    assert (shown.operator - shown.product - identity).abs().max() > 0.1


def test_the_first_factor_is_applied_first() -> None:
    first, second = torch.randn(2, 1, 3, 3, generator=torch.Generator().manual_seed(1))
    assert torch.equal(chain(torch.stack([first, second])), second @ first)


@pytest.mark.parametrize("link_source", LinkSource)
def test_only_the_chosen_source_decides_the_links(link_source: LinkSource) -> None:
    block = block_of(Protocol.CHORD, Residual.PER_FACTOR, link_source, 7)
    values, source, other = tokens(7, 2), tokens(7, 3), tokens(7, 4)
    before = block.compact(values, source)["link_weights"]
    reads_values = link_source is LinkSource.CURRENT
    assert torch.equal(block.compact(other, source)["link_weights"], before) is not reads_values
    assert torch.equal(block.compact(values, other)["link_weights"], before) is reads_values


def test_compact_keeps_the_batch_first() -> None:
    block = block_of(Protocol.CDIL, Residual.PER_FACTOR, LinkSource.INPUT, 7)
    compact = block.compact(tokens(7, 2), tokens(7, 3))
    assert compact["link_weights"].shape == (BATCH, 3, 7, 5)
    whole = block.operators(compact)
    one = block.operators({name: kept[1:2] for name, kept in compact.items()})
    torch.testing.assert_close(one.operator, whole.operator[1:2])


@pytest.mark.parametrize("residual", Residual)
@pytest.mark.parametrize("protocol", Protocol)
def test_gradients_of_a_whole_block_are_the_slopes_of_its_output(
    protocol: Protocol, residual: Residual
) -> None:
    block = block_of(protocol, residual, LinkSource.INPUT, 3)
    names = [name for name, _ in block.named_parameters()]

    def output(values: Tensor, source: Tensor, *parameters: Tensor) -> Tensor:
        named = dict(zip(names, parameters, strict=True))
        result: Tensor = functional_call(block, named, (values, source))
        return result

    varied = [tokens(3, 2)[:1], tokens(3, 3)[:1], *block.parameters()]
    inputs = [tensor.detach().clone().requires_grad_() for tensor in varied]
    assert torch.autograd.gradcheck(output, inputs)
