"""What Inspect shows is what the network mixed with: from weights, probes, texts and long rows."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from paramixer_core.analysis import block_matrices
from paramixer_core.analysis.entries import colour_limit, strongest_link
from paramixer_core.averages import MatrixKind, examples_of_class, max_examples, mean_matrix
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import (
    compact_example,
    compacts_of,
    examples_of,
    inspect_example,
    inspect_probe,
    product_so_far,
    sparse_operator,
)
from paramixer_core.models import MIXERS
from paramixer_core.occlusion import occlude, rank_correlation, read_weight
from paramixer_core.training import Trainer
from tests.small_runs import SMALL, every_kind, losses

SYMBOLS = SMALL.replace(task="temporal_order", blocks=2)


def trained(config: RunConfig) -> Trainer:
    trainer = Trainer(config)
    losses(trainer, 2)
    return trainer


def arrays(probe: dict[str, torch.Tensor]) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in probe.items()}


@every_kind
def test_a_probe_shows_what_the_network_itself_does(config: RunConfig) -> None:
    trainer = trained(config)
    for example in (0, 3):
        stored = inspect_probe(config, arrays(trainer.probe()), example)
        computed = inspect_example(config, trainer.state(), example)
        for one, other in zip(stored.blocks, computed.blocks, strict=True):
            torch.testing.assert_close(one.operator, other.operator)
            torch.testing.assert_close(one.product, other.product)
        torch.testing.assert_close(stored.answer, computed.answer)
        assert torch.equal(stored.inputs, computed.inputs)
        assert stored.correct == computed.correct


@pytest.mark.parametrize("mixer", [name for name in MIXERS if name not in ("chord", "cdil")])
def test_a_rivals_probe_shows_its_own_matrix_with_the_weights_that_shape_it(mixer: str) -> None:
    config = SMALL.replace(mixer=mixer, seq_len=48, seed=7)
    trainer = trained(config)
    stored = inspect_probe(config, arrays(trainer.probe())).blocks[0]
    shown = trainer.network.reveal(trainer.task.test_set().inputs[:1])[0]
    torch.testing.assert_close(stored.operator, shown.operator)
    compact = compacts_of(config, arrays(trainer.probe()), 0)[0]
    name = block_matrices.MatrixName(block_matrices.MatrixKind.PRODUCT)
    matrix = block_matrices.block_matrix(config, compact, name)
    np.testing.assert_allclose(matrix, shown.product[0].double().numpy(), atol=1e-7)


def test_a_snapshot_without_the_weights_that_shape_a_matrix_says_so() -> None:
    config = SMALL.replace(mixer="linformer")
    probe = arrays(trained(config).probe())
    del probe["block.0.project_keys"]
    with pytest.raises(ParamixerError, match="a snapshot that holds project_keys of linformer"):
        inspect_probe(config, probe)


def test_a_rival_that_is_not_sparse_is_not_taken_for_attention() -> None:
    config = SMALL.replace(mixer="local_window")
    (compact,) = compact_example(config, trained(config).state(), 0)
    with pytest.raises(ParamixerError, match="rows can be had one by one"):
        sparse_operator(config, compact)


@every_kind
def test_an_example_is_one_of_the_test_set_with_the_networks_own_answer(config: RunConfig) -> None:
    trainer = trained(config)
    seen = inspect_example(config, trainer.state(), 5)
    tests = trainer.task.test_set()
    with torch.no_grad():
        answers = trainer.network(tests.inputs[5:6])
    assert torch.equal(seen.inputs[0], tests.inputs[5])
    assert torch.equal(seen.answer, answers)
    assert seen.correct == bool(trainer.task.correct(answers, tests.targets[5:6]))


def test_a_text_goes_through_the_network_like_the_example_that_it_spells() -> None:
    trainer = trained(SYMBOLS)
    letters = "".join("abcdXY"[token] for token in trainer.task.test_set().inputs[3])
    own = inspect_example(SYMBOLS, trainer.state(), letters)
    test = inspect_example(SYMBOLS, trainer.state(), 3)
    assert torch.equal(own.answer, test.answer)
    assert own.target is own.correct is None


@pytest.mark.parametrize("example", [-1, 1000])
def test_an_example_that_there_is_not_is_refused(example: int) -> None:
    trainer = trained(SMALL)
    with pytest.raises(ParamixerError, match="a test example from 0 to 999"):
        inspect_example(SMALL, trainer.state(), example)
    with pytest.raises(ParamixerError, match="an example of the snapshot from 0 to 3"):
        inspect_probe(SMALL, arrays(trainer.probe()), example)


def test_dense_matrices_of_long_sequences_are_refused() -> None:
    with pytest.raises(ParamixerError, match="N up to 1,024"):
        inspect_probe(SMALL.replace(seq_len=1025), {})


@pytest.mark.parametrize("residual", [True, False])
def test_the_product_of_all_factors_is_the_blocks_matrix(residual: bool) -> None:
    trainer = trained(SMALL)
    block = inspect_example(SMALL, trainer.state(), 0).blocks[0]
    factors = block.factors[:, 0]
    whole = block.operator if residual else block.product
    assert torch.equal(product_so_far(factors, len(factors), residual=residual), whole[0])
    first = factors[0] + torch.eye(len(factors[0])) if residual else factors[0]
    assert torch.equal(product_so_far(factors, 1, residual=residual), first)
    second = factors[1] + torch.eye(len(factors[1])) if residual else factors[1]
    assert torch.equal(product_so_far(factors, 2, residual=residual), second @ first)


def test_the_product_so_far_adds_the_first_values_at_every_factor() -> None:
    config = SMALL.replace(residual=Residual.FIRST)
    block = inspect_example(config, trained(config).state(), 0).blocks[0]
    factors = block.factors[:, 0]
    identity = torch.eye(len(factors[0]))
    first = product_so_far(factors, 1, residual=Residual.FIRST)
    assert torch.equal(first, factors[0] + identity)
    second = product_so_far(factors, 2, residual=Residual.FIRST)
    assert torch.equal(second, factors[1] @ first + identity)
    whole = product_so_far(factors, len(factors), residual=Residual.FIRST)
    assert torch.equal(whole, block.operator[0])


@pytest.mark.parametrize("mixer", ["chord", "cdil", "attention"])
@pytest.mark.parametrize("residual", list(Residual))
def test_rows_and_columns_without_the_matrix_are_those_of_the_matrix(
    mixer: str, residual: Residual
) -> None:
    config = SMALL.replace(mixer=mixer, residual=residual, seq_len=256)
    trainer = Trainer(config)
    block = inspect_example(config, trainer.state(), 1).blocks[0]
    compact = compact_example(config, trainer.state(), 1)[0]
    for bare in (True, False):
        dense = block.product if bare else block.operator
        held = dense[0].double().numpy()
        operator = sparse_operator(config, compact, bare=bare)
        limit = 2e-6 * np.abs(held).max()
        np.testing.assert_allclose(operator.rows([0, 77, 255]), held[[0, 77, 255]], atol=limit)
        np.testing.assert_allclose(operator.columns([3, 200]), held[:, [3, 200]], atol=limit)


def test_a_probe_and_the_weights_give_the_same_long_operator() -> None:
    config = SMALL.replace(seq_len=2048, batch=1)
    trainer = Trainer(config)
    stored = sparse_operator(config, compacts_of(config, arrays(trainer.probe()), 0)[0])
    computed = sparse_operator(config, compact_example(config, trainer.state(), 0)[0])
    np.testing.assert_allclose(stored.rows([2000]), computed.rows([2000]), rtol=1e-5, atol=1e-9)


def test_the_strongest_link_is_never_a_token_with_itself() -> None:
    matrix = np.diag([9.0, 9.0, 9.0])
    matrix[2, 0] = -3
    assert strongest_link(matrix) == (2, 0)
    assert matrix[0, 0] == 9, "the matrix itself was changed"


def test_colours_end_where_99_percent_of_the_entries_lie() -> None:
    matrix = np.full((20, 20), 0.5)
    matrix[0, 0] = -100
    assert colour_limit(matrix) == 0.5
    assert colour_limit(np.zeros((2, 2))) == 1
    assert colour_limit(np.diag([0.0] * 199 + [7.0])) == 7


@pytest.mark.parametrize("kind", list(MatrixKind))
def test_a_mean_is_the_mean_of_the_single_matrices(kind: MatrixKind) -> None:
    trainer = trained(SYMBOLS)
    examples = [4, 0, 9]
    single = [
        getattr(inspect_example(SYMBOLS, trainer.state(), example).blocks[1], kind)[0].double()
        for example in examples
    ]
    mean = mean_matrix(SYMBOLS, trainer.state(), examples, 1, kind)
    np.testing.assert_allclose(mean, sum(single) / 3, rtol=1e-5, atol=1e-6)


def test_a_class_is_taken_in_the_order_of_the_test_set() -> None:
    targets = Trainer(SYMBOLS).task.test_set().targets
    chosen = examples_of_class(SYMBOLS, 2, 5)
    assert chosen == [at for at in range(len(targets)) if targets[at] == 2][:5]


def test_a_mean_that_would_take_too_long_is_refused() -> None:
    long = SMALL.replace(seq_len=1024)
    assert max_examples(long) == 4
    with pytest.raises(ParamixerError, match="1 to 4 examples at N = 1024"):
        mean_matrix(long, {}, range(5), 0, MatrixKind.OPERATOR)


def test_masking_a_number_is_a_forward_pass_with_a_zero() -> None:
    trainer = trained(SMALL)
    inputs = examples_of(SMALL, [2]).inputs
    found = occlude(SMALL, trainer.state(), inputs)
    with torch.no_grad():
        whole = trainer.network(inputs)
        for token in range(SMALL.seq_len):
            masked = inputs.clone()
            masked[0, token] = 0
            effect = float((trainer.network(masked) - whole).norm())
            assert found.effects[token] == pytest.approx(effect, rel=1e-4, abs=1e-6)
    np.testing.assert_allclose(found.outputs, whole[0], rtol=1e-5)


def test_masking_a_symbol_puts_the_mean_of_all_symbols_in_its_place() -> None:
    trainer = trained(SYMBOLS)
    inputs = examples_of(SYMBOLS, [2]).inputs
    found = occlude(SYMBOLS, trainer.state(), inputs)
    embedding = trainer.network.embedding
    with torch.no_grad():
        source = embedding(inputs)
        token = 7
        source[0, token] = embedding.tokens.weight.mean(0) + embedding.positions.weight[token]
        effect = float((trainer.network.answer(source) - trainer.network(inputs)).norm())
    assert found.effects[token] == pytest.approx(effect, rel=1e-4)


def test_the_rank_correlation_is_spearmans_with_ties_shared() -> None:
    one, other = np.array([3.0, 1.0, 1.0, 8.0, 5.0]), np.array([0.2, 0.2, 0.1, 0.9, 0.2])
    assert rank_correlation(one, other) == pytest.approx(spearmanr(one, other).statistic)
    assert rank_correlation(one, np.ones(5)) == 0
    assert list(read_weight(np.array([[1.0, -2.0], [0.5, 2.0]]))) == [1.5, 4]
