"""All implementations of the mixing operator agree with the equation, in values and gradients."""

import inspect

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from paramixer_core.mixing import mix, prepare, use_implementation
from paramixer_core.mixing.compiling import constant_when_compiled
from paramixer_core.mixing.reference import dense_factors, mix_reference
from paramixer_core.mixing.table import choose
from paramixer_core.protocols import Protocol, protocol_offsets
from tests.compiler import NATIVE
from tests.mixing.problems import case, gradients

RAGGED = (2, 3, 7, 12, 16, 100, 129)
PATTERNS = ((Protocol.CHORD, 0), (Protocol.CDIL, 3), (Protocol.CDIL, 9))
prepare()
KEPT_LEAN = ["rolled", "portable", NATIVE]  # keep values and weights alone for the backward
CPU_PATHS = ["authors", *KEPT_LEAN]


@pytest.mark.parametrize("path", CPU_PATHS)
@pytest.mark.parametrize(("protocol", "links"), PATTERNS)
@pytest.mark.parametrize("seq", RAGGED)
@pytest.mark.parametrize("residual", [True, False])
def test_values_and_gradients_are_the_references(path, protocol, links, seq, residual):
    offsets = protocol_offsets(protocol, seq, links or 9)
    values, weights = case(offsets, seq, channels=5)
    expected = mix_reference(values, weights, offsets, residual=residual)
    result = mix(values, weights, offsets, residual=residual, implementation=path)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(
        gradients(result, values, weights), gradients(expected, values, weights)
    )


@pytest.mark.parametrize("path", CPU_PATHS)
@pytest.mark.parametrize(("protocol", "links"), PATTERNS)
@pytest.mark.parametrize("seq", [2, 3, 7, 12])
def test_gradcheck_holds_twice(path, protocol, links, seq):
    offsets = protocol_offsets(protocol, seq, links or 9)
    values, weights = case(offsets, seq, channels=1)

    def op(v: Tensor, w: Tensor) -> Tensor:
        return mix(v, w, offsets, implementation=path)

    assert torch.autograd.gradcheck(op, (values, weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(op, (values, weights), fast_mode=True)


@pytest.mark.parametrize("path", CPU_PATHS)
def test_coinciding_links_add_up(path):
    values = torch.tensor([[[1.0], [10.0]]])
    weights = torch.tensor([[[[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]]]])
    mixed = mix(values, weights, [[0, 1, 3]], residual=False, implementation=path)
    assert mixed.flatten().tolist() == [1 + 60, 80 + 48]


@pytest.mark.parametrize("path", CPU_PATHS)
def test_strides_do_not_matter(path):
    offsets = protocol_offsets(Protocol.CDIL, 12, 3)
    values, weights = case(offsets, 12, batch=3, channels=4)
    turned = values.detach().permute(2, 0, 1).contiguous().permute(1, 2, 0).requires_grad_()
    sliced = torch.cat([weights.detach()] * 2, -1)[..., :3].requires_grad_()
    assert not turned.is_contiguous()
    assert not sliced.is_contiguous()
    expected = mix_reference(values, weights, offsets)
    result = mix(turned, sliced, offsets, implementation=path)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(
        gradients(result, turned, sliced), gradients(expected, values, weights)
    )


@pytest.mark.parametrize("path", CPU_PATHS)
def test_bfloat16_stays_near_float32(path):
    offsets = protocol_offsets(Protocol.CDIL, 16, 3)
    values, weights = case(offsets, 16, channels=8, dtype=torch.bfloat16)
    result = mix(values, weights, offsets, implementation=path)
    expected = mix_reference(values.float(), weights.float(), offsets)
    assert result.dtype == torch.bfloat16
    torch.testing.assert_close(result.float(), expected, atol=0.1, rtol=0.03)
    grad_values, grad_weights = gradients(result, values, weights)
    assert (grad_values.dtype, grad_weights.dtype) == (torch.bfloat16,) * 2


@pytest.mark.parametrize("path", CPU_PATHS)
def test_nan_reaches_the_rows_that_read_it_and_no_others(path):
    values = torch.zeros(1, 12, 2)
    values[0, 5] = float("nan")
    weights = torch.ones(1, 1, 12, 2)
    mixed = mix(values, weights, [[0, 3]], implementation=path)
    assert mixed.isnan().any(-1).nonzero()[:, 1].tolist() == [2, 5]


@pytest.mark.parametrize("path", CPU_PATHS)
@given(
    seq=st.integers(2, 40),
    batch=st.integers(1, 3),
    rows=st.integers(1, 3).flatmap(
        lambda links: st.lists(
            st.lists(st.integers(-50, 50), min_size=links, max_size=links), min_size=1, max_size=3
        )
    ),
)
@settings(max_examples=25)
def test_any_circulant_pattern_agrees(path, seq, batch, rows):
    offsets = tuple(map(tuple, rows))
    values, weights = case(offsets, seq, batch=batch)
    expected = mix_reference(values, weights, offsets)
    result = mix(values, weights, rows, implementation=path)
    torch.testing.assert_close(result, expected)
    torch.testing.assert_close(
        gradients(result, values, weights), gradients(expected, values, weights)
    )


@pytest.mark.parametrize("path", KEPT_LEAN)
def test_only_values_and_weights_are_kept_for_backward(path):
    offsets = protocol_offsets(Protocol.CHORD, 100)
    values, weights = case(offsets, 100)
    kept: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        mix(values, weights, offsets, implementation=path)
    assert sorted(t.data_ptr() for t in kept) == sorted([values.data_ptr(), weights.data_ptr()])


def test_the_mark_for_compilers_is_the_one_that_pytorch_sets():
    def one() -> None: ...

    def other() -> None: ...

    torch.compiler.assume_constant_result(one)
    assert vars(constant_when_compiled(other)) == vars(one) != {}


def test_the_dense_factor_is_what_a_unit_vector_sees():
    offsets = protocol_offsets(Protocol.CHORD, 7)
    _, weights = case(offsets, 7, batch=1)
    columns = mix(torch.eye(7, dtype=torch.float64)[None], weights[:1], offsets[:1], residual=False)
    torch.testing.assert_close(columns, dense_factors(weights, offsets)[0])


def test_the_switch_holds_inside_the_block_alone(monkeypatch):
    best = choose("cpu")
    with use_implementation("rolled"):
        assert choose("cpu") == "rolled"
    assert choose("cpu") == best
    monkeypatch.setenv("PARAMIXER_MIXING", "reference")
    assert choose("cpu") == "reference"


@pytest.mark.parametrize("path", KEPT_LEAN)
def test_it_compiles_into_one_graph_with_the_same_gradients(path):
    offsets = protocol_offsets(Protocol.CHORD, 7)
    values, weights = case(offsets, 7)

    unchecked = inspect.unwrap(mix)  # the test run's shape checks do not compile

    def run(v: Tensor, w: Tensor) -> Tensor:
        return unchecked(v.sin(), w, offsets, implementation=path).cos()

    torch.compiler.reset()  # a graph of the path before must not be found
    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(
        gradients(compiled(values, weights), values, weights),
        gradients(run(values, weights), values, weights),
    )


@pytest.mark.parametrize("path", KEPT_LEAN)
def test_the_operators_pass_pytorchs_own_checks(path):
    offsets = protocol_offsets(Protocol.CDIL, 12, 3)
    values, weights = case(offsets, 12)
    flat = [ahead for row in offsets for ahead in row]
    torch.library.opcheck(torch.ops.paramixer.mix.default, (values, weights, flat, True, path))
