import numpy as np
import pytest
import torch

from paramixer_core.analysis.block_matrices import (
    MatrixKind,
    MatrixName,
    block_matrix,
    estimate_block,
    fresh_compact,
    matrix_names,
    measure,
    measure_fresh,
    measure_plan,
    rank_bound,
)
from paramixer_core.analysis.rank_sweep import association, sweep_fresh
from paramixer_core.config import Residual, RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.inspection import block_of
from paramixer_core.protocols import num_factors
from paramixer_core.training import Trainer

SMALL = RunConfig(seq_len=12, channels=8, hidden=6, num_links=3, device="cpu")
MIXED = [
    pytest.param(SMALL.replace(mixer="chord"), id="chord"),
    pytest.param(SMALL.replace(mixer="cdil", residual=Residual.AROUND_BLOCK), id="cdil-around"),
    pytest.param(SMALL.replace(mixer="attention", heads=2), id="attention"),
    pytest.param(SMALL.replace(mixer="linformer", heads=2), id="linformer"),
]
LOGITS = MatrixName(MatrixKind.LOGITS, 1)


@pytest.mark.parametrize("config", MIXED)
def test_every_matrix_is_the_networks_own_to_float32(config):
    compact = fresh_compact(config)
    with torch.no_grad():
        shown = block_of(config, compact).operators(compact)
    for name in matrix_names(config):
        match name.kind:
            case MatrixKind.LOGITS:
                own = shown.logits[0, name.place - 1]
            case MatrixKind.HEAD:
                own = shown.attention[0, name.place - 1]
            case MatrixKind.FACTOR:
                own = shown.factors[name.place - 1, 0]
            case MatrixKind.FACTOR_RESIDUAL:
                own = shown.factors[name.place - 1, 0] + torch.eye(config.seq_len)
            case MatrixKind.PRODUCT:
                own = shown.product[0]
            case MatrixKind.OPERATOR:
                own = shown.operator[0]
        matrix = block_matrix(config, compact, name)
        assert matrix.dtype == np.float64
        np.testing.assert_allclose(matrix, own.numpy(), rtol=2e-4, atol=2e-5)


def test_a_paramixer_has_two_matrices_a_factor_and_two_products():
    kinds = [name.kind for name in matrix_names(SMALL)]
    assert kinds.count(MatrixKind.FACTOR) == kinds.count(MatrixKind.FACTOR_RESIDUAL)
    assert kinds.count(MatrixKind.FACTOR) == num_factors(12) == 4
    assert len(kinds) == 10


def test_fresh_figures_are_those_of_a_runs_step_zero():
    config = SMALL.replace(seq_len=20, seed=3)
    probe = Trainer(config).probe()
    compact = {"link_weights": probe["block.0.link_weights"][:1]}
    stored = next(measure(config, compact, [MatrixName(MatrixKind.OPERATOR)])).report
    fresh = next(measure_fresh(config, [MatrixName(MatrixKind.OPERATOR)])).report
    np.testing.assert_allclose(fresh.singular_values, stored.singular_values)
    spectrum = probe["block.0.spectrum.operator"].numpy()
    np.testing.assert_allclose(fresh.singular_values, spectrum, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(
    ("channels", "heads", "rank"), [(4, 1, 4), (8, 2, 4), (8, 1, 8), (16, 1, 12)]
)
def test_logits_of_random_tokens_have_rank_min_d_n_in_float64(channels, heads, rank):
    config = SMALL.replace(mixer="attention", channels=channels, heads=heads)
    report = next(measure_fresh(config, [LOGITS], random_tokens=True)).report
    assert report.rank_at(1e-12 * report.singular_values[0]) == rank


def test_adding_holds_the_rank_of_the_logits_below_the_bound():
    config = SMALL.replace(mixer="attention", channels=8)
    (found,) = measure_plan([(config, LOGITS)], random_tokens=False)
    assert found.numerical_rank <= 4 < rank_bound(config, LOGITS)


def test_the_bound_holds_for_logits_alone_and_only_below_n():
    config = SMALL.replace(mixer="attention", channels=8, heads=2)
    bounds = {name.kind: rank_bound(config, name) for name in matrix_names(config)}
    assert bounds.pop(MatrixKind.LOGITS) == 4
    assert set(bounds.values()) == {None}
    assert rank_bound(config.replace(channels=32), LOGITS) is None


def test_a_matrix_that_is_not_there_is_refused():
    with pytest.raises(ParamixerError, match="a matrix that the block has"):
        block_matrix(SMALL, fresh_compact(SMALL), LOGITS)
    with pytest.raises(ParamixerError, match="N up to 4,096"):
        block_matrix(SMALL.replace(seq_len=5000), {}, MatrixName(MatrixKind.PRODUCT))


def test_an_estimate_agrees_with_the_exact_spectrum_within_its_bounds():
    config = SMALL.replace(seq_len=40)
    compact = fresh_compact(config, random_tokens=True)
    (found,) = estimate_block(config, compact, count=4)
    exact = next(measure(config, compact, [MatrixName(MatrixKind.PRODUCT)])).report
    distance = np.abs(found.singular_values - exact.singular_values[:4])
    assert (distance <= found.bounds + 1e-9).all()


def test_a_sweep_visits_every_value_seed_and_mixer():
    points = [p for some in sweep_fresh(SMALL, ["cdil", "attention"], "channels", [4, 8], 2)
              for p in some]  # fmt: skip
    assert len(points) == 2 * 2 * (2 + 3)
    assert {(p.mixer, p.value, p.seed) for p in points} == {
        (mixer, value, seed) for mixer in ("cdil", "attention") for value in (4, 8)
        for seed in (0, 1)
    }  # fmt: skip
    logits = {p.value: p.numerical_rank for p in points if p.kind is MatrixKind.LOGITS}
    assert logits == {4: 4, 8: 8}


def test_too_few_pairs_or_a_constant_have_no_correlation():
    assert association(np.arange(4.0), np.arange(4.0)).correlation is None
    assert association(np.arange(9.0), np.ones(9)).correlation is None
    falling = association(np.arange(9.0), -np.arange(9.0))
    assert falling.correlation == pytest.approx(-1)
    assert falling.chance < 0.01
    mixed = association(np.arange(6.0), np.array([2.0, 5.0, 1.0, 4.0, 0.0, 3.0]))
    assert mixed.chance > 0.5
