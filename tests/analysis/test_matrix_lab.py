import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paramixer_core.analysis.matrix_lab import (
    best_low_rank,
    budgets,
    chain,
    exact_hadamard,
    fit_sparse,
    full_budget,
    low_rank_errors,
)
from paramixer_core.analysis.singular import singular_case
from paramixer_core.analysis.targets import TARGETS, make_target
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, num_factors


@pytest.mark.parametrize("name", TARGETS)
def test_targets_are_square_finite_and_the_same_for_a_seed(name):
    target = make_target(name, 16, seed=3)
    assert target.shape == (16, 16)
    assert np.isfinite(target).all()
    np.testing.assert_array_equal(target, make_target(name, 16, seed=3))


@pytest.mark.parametrize("name", ["permutation", "shift", "hadamard", "fourier", "orthogonal"])
def test_orthogonal_targets_leave_the_worst_error_to_every_rank(name):
    target = make_target(name, 32)
    np.testing.assert_allclose(target @ target.T, np.eye(32), atol=1e-12)
    ranks = np.arange(33)
    np.testing.assert_allclose(low_rank_errors(target), np.sqrt(1 - ranks / 32), atol=1e-7)


def test_the_low_rank_target_is_rank_four_but_for_its_noise():
    errors = low_rank_errors(make_target("low_rank", 64))
    assert errors[3] > 0.1
    assert errors[4] < 0.02


@pytest.mark.parametrize("rank", [0, 1, 5, 12])
def test_low_rank_fit_is_numpys_truncated_decomposition(rank):
    target = np.random.default_rng(0).normal(size=(12, 12))
    left, values, right = np.linalg.svd(target)
    fit = best_low_rank(target, rank)
    expected = left[:, :rank] @ np.diag(values[:rank]) @ right[:rank]
    np.testing.assert_allclose(fit.matrix, expected, atol=1e-12)
    left_over = np.linalg.norm(target - expected) / np.linalg.norm(target)
    assert fit.error == pytest.approx(left_over, abs=1e-12)
    assert low_rank_errors(target)[rank] == pytest.approx(left_over, abs=1e-12)


@settings(max_examples=12)
@given(st.sampled_from(list(Protocol)), st.integers(2, 130), st.sampled_from([3, 5, 9]))
def test_budgets_are_equal_to_the_unit_and_below_the_matrix(protocol, side, num_links):
    found = budgets(protocol, side, num_links)
    assert [budget.rank for budget in found] == list(range(1, len(found) + 1))
    for budget in found:
        assert int(budget.wiring.mask().sum()) == 2 * side * budget.rank == budget.parameters
        assert sum(factor.nnz for factor in budget.wiring.supports()) == budget.parameters
        assert budget.parameters < side**2


@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_chain_s_last_factor_keeps_its_self_links_first(protocol):
    for budget in budgets(protocol, 64, 5):
        *whole, last = budget.wiring.offsets
        rows = chain(protocol, 64, 5)
        assert whole == rows[: len(whole)]
        assert last == rows[len(whole)][: budget.last_links]
        assert last[0] == 0
        assert budget.whole_links == len(rows[len(whole)])


def test_the_full_budget_has_all_factors_or_says_that_none_is_smaller_than_the_matrix():
    budget = full_budget(Protocol.CHORD, 256)
    assert len(budget.wiring.offsets) == num_factors(256) == 8
    assert (budget.rank, budget.parameters) == (36, 256 * 72)
    with pytest.raises(ParamixerError, match="more entries than all factors have links"):
        full_budget(Protocol.CHORD, 8)


@pytest.mark.parametrize("side", [2, 8, 64, 256])
def test_cdil_factors_hold_the_hadamard_matrix_exactly(side):
    fit = exact_hadamard(side)
    np.testing.assert_allclose(fit.matrix(), make_target("hadamard", side), atol=1e-13)
    assert len(fit.wiring.offsets) == num_factors(side)
    assert max(map(len, fit.wiring.offsets)) <= 3


def last_fit(name, protocol, steps=250):
    budget = full_budget(protocol, 32)
    target = make_target(name, 32)
    fit = list(fit_sparse(target, budget.wiring, steps=steps, every=steps))[-1]
    return fit, target, best_low_rank(target, budget.rank)


def test_sparse_factors_beat_low_rank_on_a_shift_and_lose_on_a_low_rank_matrix():
    shifted, _, low = last_fit("shift", Protocol.CDIL)
    assert shifted.error < 0.3 < 0.7 < low.error
    noisy, _, low = last_fit("low_rank", Protocol.CDIL)
    assert low.error < 0.02 < noisy.error


def test_the_reported_error_is_that_of_the_returned_matrix_and_falls():
    target = 50 * make_target("orthogonal", 32)
    wiring = full_budget(Protocol.CHORD, 32).wiring
    fits = list(fit_sparse(target, wiring, steps=45, every=20))
    assert [fit.step for fit in fits] == [0, 20, 40, 45]
    for fit in fits:
        error = np.linalg.norm(target - fit.matrix()) / np.linalg.norm(target)
        assert fit.error == pytest.approx(error, rel=1e-4)
    assert fits[-1].error < fits[0].error
    again = list(fit_sparse(torch.from_numpy(target), wiring, steps=45, every=45))
    assert again[-1].error == fits[-1].error


def test_switched_off_links_stay_zero_through_the_fit():
    wiring = full_budget(Protocol.CDIL, 32).wiring.toggle_factor(2).toggle_token(5)
    fit = list(fit_sparse(make_target("toeplitz", 32), wiring, steps=5))[-1]
    assert not fit.weights[~wiring.mask()].any()


@pytest.mark.parametrize(
    ("target", "says"),
    [
        (np.zeros((31, 32)), "crop or pad"),
        (np.zeros((31, 31)), "a target of side 32"),
        (np.full((32, 32), np.nan), "finite numbers only"),
        (np.zeros((20_000, 3)), "at most 512 rows"),
    ],
)
def test_a_target_that_cannot_be_fitted_is_refused_in_a_sentence(target, says):
    wiring = full_budget(Protocol.CDIL, 32).wiring
    with pytest.raises(ParamixerError, match=says):
        next(fit_sparse(target, wiring))


def test_a_zero_target_has_no_error_and_a_hadamard_side_must_be_a_power_of_two():
    wiring = full_budget(Protocol.CDIL, 32).wiring
    assert next(fit_sparse(np.zeros((32, 32)), wiring)).error == 0
    assert low_rank_errors(np.zeros((3, 3))).tolist() == [0, 0, 0, 0]
    with pytest.raises(ParamixerError, match="a power of two"):
        make_target("hadamard", 12)
    with pytest.raises(ParamixerError, match="a target among"):
        make_target("magic", 12)


@pytest.mark.parametrize(
    ("weights", "offsets", "seq_len", "rank"),
    [
        ((1, 1), (0, 1), 8, 7),
        ((1, 1), (0, 1), 9, 9),
        ((1, 1, 1), (0, 1, -1), 12, 10),
        ((1, 1, 1), (0, 1, -1), 16, 16),
        ((-3, 1, 1, 1, 1), (0, 1, 2, 4, 8), 16, 16),
        ((-4, 1, 1, 1, 1), (0, 1, 2, 4, 8), 16, 15),
    ],
)
def test_equal_rows_are_singular_exactly_where_a_wave_has_eigenvalue_zero(
    weights, offsets, seq_len, rank
):
    case = singular_case(weights, offsets, seq_len)
    assert case.factor.numerical_rank == rank
    assert np.count_nonzero(np.abs(case.eigenvalues) < 1e-9) == seq_len - rank
    np.testing.assert_allclose(
        np.sort(np.abs(case.eigenvalues))[::-1], case.factor.singular_values, atol=1e-9
    )
    assert case.nudged.numerical_rank == seq_len


def test_the_residual_moves_the_singular_weights_elsewhere():
    healed = singular_case((1, 1), (0, 1), 8)
    assert (healed.factor.numerical_rank, healed.with_residual.numerical_rank) == (7, 8)
    broken = singular_case((0, 1), (0, 1), 8)
    assert (broken.factor.numerical_rank, broken.with_residual.numerical_rank) == (8, 7)
