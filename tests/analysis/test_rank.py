import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from app import quantities
from paramixer_core.analysis.rank import rank_report, require_matrix
from paramixer_core.errors import ParamixerError

matrices = arrays.arrays(
    np.float64,
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    elements=st.floats(-100, 100).map(lambda value: round(value, 3)),
).filter(lambda matrix: np.abs(matrix).max() > 0)


def test_identity_has_every_rank_equal_to_its_size():
    report = rank_report(np.eye(17))
    assert report.numerical_rank == 17
    assert report.effective_rank == pytest.approx(17)
    assert report.stable_rank == pytest.approx(17)
    assert report.condition_number == pytest.approx(1)
    assert report.energy(5) == pytest.approx(5 / 17)


def test_outer_product_has_every_rank_one():
    report = rank_report(np.outer(np.arange(1.0, 8), np.arange(2.0, 7)))
    assert report.numerical_rank == 1
    assert report.effective_rank == pytest.approx(1)
    assert report.stable_rank == pytest.approx(1)
    assert report.energy(1) == pytest.approx(1)


def test_ranks_of_a_spectrum_of_3_and_1_are_the_formulas_by_hand():
    report = rank_report(np.diag([1.0, -3.0]))
    assert report.singular_values.tolist() == [3, 1]
    entropy = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
    assert report.effective_rank == pytest.approx(math.exp(entropy))
    assert report.stable_rank == pytest.approx(10 / 9)
    assert report.condition_number == pytest.approx(3)
    assert report.energy(1) == pytest.approx(0.9)
    assert rank_report(np.diag([1.0, -3.0]), tolerance=1.0).numerical_rank == 1
    assert (report.rank_at(1.0), report.rank_at(0.9)) == (1, 2)


def test_zero_matrix_has_rank_zero_and_infinite_condition():
    report = rank_report(np.zeros((4, 3)))
    assert (report.numerical_rank, report.effective_rank, report.stable_rank) == (0, 0.0, 0.0)
    assert report.condition_number == math.inf
    assert report.energy(3) == 0.0


@given(matrices, st.sampled_from(["float32", "float64"]))
def test_numerical_rank_equals_numpys_for_the_same_tolerance(matrix, dtype):
    report = rank_report(matrix, dtype=dtype)
    eps = np.finfo(dtype).eps
    largest = np.linalg.svd(matrix, compute_uv=False)[0]
    assert report.tolerance == pytest.approx(max(matrix.shape) * eps * largest)
    assert report.numerical_rank == np.linalg.matrix_rank(matrix, tol=report.tolerance)


@given(matrices)
def test_stable_rank_is_at_most_effective_rank_which_is_at_most_the_side(matrix):
    report = rank_report(matrix)
    assert 1 - 1e-9 <= report.stable_rank <= report.effective_rank + 1e-9
    assert report.effective_rank <= min(matrix.shape) + 1e-9


@given(matrices, st.sampled_from([1e-200, 1e-3, -7.0, 1e150]))
def test_scaling_a_matrix_changes_none_of_its_ranks(matrix, scale):
    before, after = rank_report(matrix), rank_report(matrix * scale)
    assert after.effective_rank == pytest.approx(before.effective_rank, rel=1e-6)
    assert after.stable_rank == pytest.approx(before.stable_rank, rel=1e-6)
    assert after.energy(1) == pytest.approx(before.energy(1), rel=1e-6)


@given(matrices, st.integers(0, 100))
def test_rotating_a_matrix_keeps_its_spectrum(matrix, seed):
    side = matrix.shape[0]
    rotation, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(side, side)))
    before, after = rank_report(matrix), rank_report(rotation @ matrix)
    largest = before.singular_values[0]
    np.testing.assert_allclose(after.singular_values, before.singular_values, atol=1e-12 * largest)


def test_tolerance_follows_the_tensors_own_dtype_and_can_be_replaced():
    matrix = torch.diag(torch.tensor([1.0, 1e-7, 0.5]))
    assert rank_report(matrix).dtype == "float32"
    assert rank_report(matrix).numerical_rank == 2
    assert rank_report(matrix.double()).numerical_rank == 3
    assert rank_report(matrix, tolerance=0.7).numerical_rank == 1
    assert rank_report(matrix).rank_at(0.0) == 3
    assert rank_report(matrix.bfloat16()).dtype == "bfloat16"


@pytest.mark.parametrize(
    ("matrix", "says"),
    [
        (np.zeros((0, 3)), "none of them empty"),
        (np.zeros(3), "shape (3,)"),
        (np.array([[1.0, np.nan]]), "nan at row 0, column 1"),
        (torch.full((2, 2), torch.inf), "inf at row 0"),
        (np.broadcast_to(0.0, (20_000, 20_000)), "at most 4,096 rows and columns, got 20,000"),
    ],
    ids=["empty", "vector", "nan", "inf", "too large"],
)
def test_what_is_no_finite_matrix_is_refused_in_a_sentence(matrix, says):
    with pytest.raises(ParamixerError) as raised:
        rank_report(matrix)
    assert says in str(raised.value)


def test_other_refusals_name_their_remedy():
    with pytest.raises(ParamixerError, match="crop or pad"):
        require_matrix(np.zeros((2, 3)), square=True)
    with pytest.raises(ParamixerError, match="a dtype among"):
        rank_report(np.eye(2), dtype="int8")
    with pytest.raises(ParamixerError, match="tolerance"):
        rank_report(np.eye(2), tolerance=-1.0)


def test_a_condition_number_that_rounding_decides_is_called_infinite() -> None:
    low = np.random.default_rng(0).normal(size=(2, 40, 3))
    report = rank_report(low[0] @ low[1].T, dtype="float32")
    assert report.deficient
    assert quantities.condition(report) == "infinite at this precision"
    well = rank_report(np.diag([-4.0, 2.0, 1.0]))
    assert not well.deficient
    assert quantities.condition(well) == "4"
    assert rank_report(np.zeros((3, 3))).deficient
    assert rank_report(np.diag([1.0, 1e-8]), dtype="float32").deficient
    assert not rank_report(np.diag([1.0, 1e-8]), dtype="float64").deficient
