"""Padding that is masked is inert for every mixer: what it holds changes no output, no gradient."""

from itertools import product

import pytest
import torch
from torch import Tensor

from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import LinkSource, Pooling, Residual, RunConfig
from paramixer_core.models import MIXERS, WIRED, Network, build_network
from paramixer_core.models.attention import AttentionBlock
from paramixer_core.models.mixer import Mixer
from paramixer_core.models.transformer import TransformerBlock
from paramixer_core.protocols import Protocol
from paramixer_core.tasks import InputKind, TaskShape

SEQ, SYMBOLS, PADDING = 13, 7, (2, 5, 9, 10, 11, 12)
WIRING = Wiring.of_protocol(Protocol.CDIL, SEQ, 3).toggle_link(1, 0, 1)
NAMES = [*MIXERS, WIRED.name]
every_mixer = pytest.mark.parametrize("mixer", NAMES)


def config_of(mixer: str, **more: object) -> RunConfig:
    wiring = WIRING if more.get("pooling") != "class_token" else None
    wiring = wiring or Wiring.of_protocol(Protocol.CHORD, SEQ + 1)
    more = {"wiring": wiring.as_text() if mixer == "wiring" else "", **more}
    return RunConfig(
        mixer=mixer, seq_len=SEQ, channels=8, hidden=6, blocks=2, heads=2, num_links=3,
        rival_size=4, hash_rounds=2, mask_padding=True, **more,
    )  # fmt: skip


class Where:
    """Padding at fixed places, whatever stands there, so that its content can be changed."""

    def __init__(self, kind: InputKind) -> None:
        self.shape = TaskShape(
            seq_len=SEQ, input_kind=kind, input_size=SYMBOLS if kind is InputKind.SYMBOLS else 2,
            output_size=3, positions=True,
        )  # fmt: skip

    def __getattr__(self, name: str) -> object:
        return getattr(self.shape, name)

    def padding(self, inputs: Tensor) -> Tensor:
        found = torch.zeros(inputs.shape[:2], dtype=torch.bool)
        found[0, list(PADDING)] = True
        return found


def network_of(config: RunConfig, kind: InputKind) -> Network:
    task = Where(kind)
    return build_network(config, task, torch.Generator().manual_seed(3)).double()  # type: ignore[arg-type]


def inputs_of(kind: InputKind, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind is InputKind.SYMBOLS:
        return torch.randint(SYMBOLS, (2, SEQ), generator=generator)
    return torch.randn(2, SEQ, 2, generator=generator, dtype=torch.float64)


def changed(inputs: Tensor) -> Tensor:
    other = inputs.clone()
    places = list(PADDING)
    other[0, places] = (other[0, places] + 1) % SYMBOLS if other.dim() == 2 else 50.0
    return other


@every_mixer
@pytest.mark.parametrize("pooling", list(Pooling))
@pytest.mark.parametrize("kind", list(InputKind))
def test_what_padding_holds_changes_neither_outputs_nor_gradients(
    mixer: str, kind: InputKind, pooling: Pooling
) -> None:
    network = network_of(config_of(mixer, pooling=pooling.value), kind)
    inputs = inputs_of(kind)
    found = []
    for held in (inputs, changed(inputs)):
        network.zero_grad()
        outputs = network(held)
        outputs.square().sum().backward()
        grads = {
            name: parameter.grad.clone()
            for name, parameter in network.named_parameters()
            if parameter.grad is not None
        }
        found.append((outputs.detach(), grads))
    assert torch.equal(found[0][0], found[1][0]), "bit for bit"
    for name, grad in found[0][1].items():
        assert torch.isfinite(grad).all(), name
        torch.testing.assert_close(grad, found[1][1][name], rtol=1e-9, atol=1e-12)


@every_mixer
def test_without_the_mask_padding_is_a_token_like_any_other(mixer: str) -> None:
    network = network_of(config_of(mixer).replace(mask_padding=False), InputKind.SYMBOLS)
    inputs = inputs_of(InputKind.SYMBOLS)
    assert (network(inputs) - network(changed(inputs)))[0].abs().max() > 1e-6
    assert torch.equal(network(inputs)[1], network(changed(inputs))[1])


@every_mixer
def test_where_nothing_is_padding_the_mask_changes_nothing(mixer: str) -> None:
    network = network_of(config_of(mixer), InputKind.SYMBOLS)
    inputs = inputs_of(InputKind.SYMBOLS)[1:]
    network.padding = None
    expected = network(inputs)
    network.padding = lambda held: torch.zeros(held.shape, dtype=torch.bool)
    torch.testing.assert_close(network(inputs), expected, rtol=1e-9, atol=1e-12)


@every_mixer
def test_a_sequence_of_padding_alone_is_zeros_to_the_head(mixer: str) -> None:
    network = network_of(config_of(mixer), InputKind.SYMBOLS)
    network.padding = lambda held: torch.ones(held.shape, dtype=torch.bool)
    outputs = network(inputs_of(InputKind.SYMBOLS))
    torch.testing.assert_close(outputs, network.head(torch.zeros(2, SEQ * 8).double()))
    outputs.sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name


@every_mixer
def test_the_matrices_shown_are_those_that_mix(mixer: str) -> None:
    network = network_of(config_of(mixer), InputKind.SYMBOLS)
    inputs = inputs_of(InputKind.SYMBOLS)
    source = network.embedding(inputs)
    kept = network.kept(inputs)
    assert kept is not None
    source = source.masked_fill(~kept[..., None], 0)
    block = network.mixers[0]
    compact = block.compact(source, source, kept)
    shown = block.operators(compact)
    assert not shown.product[0, list(PADDING)].any()
    assert not shown.product[0, :, list(PADDING)].any()
    off = shown.operator[0, list(PADDING)].clone()
    off[torch.arange(len(PADDING)), list(PADDING)] = 0
    assert not off.any(), "but for a residual's 1"
    check_against_forward(block, source, kept, shown.operator, shown.attention)


def check_against_forward(
    block: Mixer, source: Tensor, kept: Tensor, operator: Tensor, attention: Tensor | None
) -> None:
    if isinstance(block, TransformerBlock):
        query, key, value = block.project(source)
        assert attention is not None
        read = block.read(query, key, value, kept).masked_fill(~kept[:, None, :, None], 0)
        torch.testing.assert_close(attention @ value, read, rtol=1e-9, atol=1e-9)
        return
    start = block.value_mlp(source).masked_fill(~kept[..., None], 0)
    torch.testing.assert_close(block(source, source, kept), operator @ start)


@pytest.mark.parametrize(
    "mixer", ["attention", "plain_attention", "linear_attention", "performer", "local_window"]
)
def test_padding_at_the_end_is_as_if_the_sequence_were_shorter(mixer: str) -> None:
    network = network_of(config_of(mixer), InputKind.SYMBOLS)
    block = network.mixers[0]
    tokens = torch.randn(1, SEQ, 8, generator=torch.Generator().manual_seed(0)).double()
    kept = torch.arange(SEQ)[None] < 8
    whole = block(tokens.masked_fill(~kept[..., None], 0), tokens, kept)
    torch.testing.assert_close(whole[:, :8], block(tokens[:, :8], tokens[:, :8]))
    assert not whole[:, 8:].any()


@pytest.mark.parametrize(
    ("mixer", "residual", "source"), list(product(["chord", "cdil"], Residual, LinkSource))
)
def test_every_residual_and_link_source_of_a_paramixer_is_masked(
    mixer: str, residual: Residual, source: LinkSource
) -> None:
    config = config_of(mixer, residual=residual, link_source=source)
    network = network_of(config, InputKind.SYMBOLS)
    inputs = inputs_of(InputKind.SYMBOLS)
    assert torch.equal(network(inputs), network(changed(inputs)))


@pytest.mark.parametrize("mask", [True, False])
@every_mixer
def test_missing_numbers_are_read_as_zero(mixer: str, mask: bool) -> None:
    shape = TaskShape(
        seq_len=SEQ, input_kind=InputKind.REAL, input_size=1, output_size=3, positions=True
    )
    config = config_of(mixer).replace(mask_padding=mask)
    network = build_network(config, shape, torch.Generator().manual_seed(3))
    inputs = torch.randn(2, SEQ, 1, generator=torch.Generator().manual_seed(0))
    inputs[0, 9:] = torch.nan
    outputs = network(inputs)
    assert torch.isfinite(outputs).all()
    filled = inputs.nan_to_num(0.0)
    if mask:
        assert (outputs - network(filled))[0].abs().max() > 1e-6, "a zero is a number"
    else:
        assert torch.equal(outputs, network(filled))


def test_the_long_sequence_operator_of_attention_is_the_masked_one() -> None:
    from paramixer_core.analysis.operators import AttentionOperator

    network = network_of(config_of("attention"), InputKind.SYMBOLS)
    compact = network.compact(inputs_of(InputKind.SYMBOLS))[0]
    block = network.mixers[0]
    assert isinstance(block, AttentionBlock)
    expected = block.operators(compact).operator[0].numpy()
    found = AttentionOperator(
        compact["queries"][0].numpy(), compact["keys"][0].numpy(), 1.0, compact["kept"][0].numpy()
    )
    torch.testing.assert_close(torch.from_numpy(found.rows(range(SEQ))), torch.from_numpy(expected))
