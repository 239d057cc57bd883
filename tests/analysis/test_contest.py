import csv
import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paramixer_core.analysis.contest import (
    contest,
    entrants,
    first_rank,
    hadamard_error,
    num_reports,
    ranks_offered,
    sweep_budgets,
    sweep_csv,
    sweep_plan,
    winner,
)
from paramixer_core.analysis.matrix_lab import best_low_rank, fit_sparse
from paramixer_core.analysis.targets import make_target
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol


@settings(max_examples=12)
@given(st.integers(5, 130), st.sampled_from([3, 5, 7, 9]))
def test_chord_cdil_and_low_rank_have_equal_parameters_to_the_unit_at_every_budget(side, num_links):
    for rank in ranks_offered(side, num_links):
        fitted = entrants(side, rank, num_links)
        assert set(fitted) == set(Protocol)
        spent = {int(budget.wiring.mask().sum()) for budget in fitted.values()}
        places = {
            sum(factor.nnz for factor in budget.wiring.supports()) for budget in fitted.values()
        }
        assert spent == places == {2 * side * rank}
        assert {budget.parameters for budget in fitted.values()} == spent
        assert any(budget.last_links == budget.whole_links for budget in fitted.values())


def test_a_budget_that_is_not_offered_is_refused():
    with pytest.raises(ParamixerError, match="a rank among"):
        entrants(64, 2)


def test_the_first_budget_holds_all_chord_factors_where_they_fit():
    assert len(entrants(64, first_rank(64))[Protocol.CHORD].wiring.offsets) == 6
    assert first_rank(16) == ranks_offered(16)[-1]
    assert first_rank(256) == 36
    with pytest.raises(ParamixerError, match="more entries than two factors"):
        ranks_offered(4)


@pytest.mark.parametrize("steps", [3, 40, 47])
def test_a_contest_reports_both_fits_in_turns_with_their_true_errors(steps):
    target = make_target("toeplitz", 16)
    reports = list(contest(target, entrants(16, 7), steps))
    for protocol in Protocol:
        own = [report for report in reports if report.protocol is protocol]
        assert len(own) == num_reports(steps)
        assert (own[0].step, own[-1].step) == (0, steps)
        assert own[-1].error < own[0].error
        for report in own:
            if report.matrix is not None:
                error = np.linalg.norm(target - report.matrix) / np.linalg.norm(target)
                assert report.error == pytest.approx(error, rel=1e-3)
        assert own[-1].matrix is not None
    assert [report.protocol for report in reports[:4]] == [*Protocol, *Protocol]


def test_a_sweep_compares_with_the_svd_at_the_same_number_of_parameters():
    target = make_target("low_rank", 16)
    results = list(sweep_budgets(target, steps=5, most=2))
    assert [(one.protocol, one.rank) for one in results] == [
        (protocol, budget.rank) for protocol, budget in sweep_plan(16, most=2)
    ]
    for one in results:
        assert one.parameters == 2 * 16 * one.rank
        assert one.low_rank_error == pytest.approx(best_low_rank(target, one.rank).error)
        assert winner(one.sparse_error, one.low_rank_error) == "low rank"
    rows = list(csv.DictReader(io.StringIO(sweep_csv(results))))
    assert [float(row["sparse_error"]) for row in rows] == [one.sparse_error for one in results]
    assert {row["winner"] for row in rows} == {"low rank"}


def test_the_fast_transform_holds_the_hadamard_matrix_to_rounding():
    assert hadamard_error(64) < 1e-14


def test_a_fit_computes_with_one_thread_and_leaves_the_others_as_they_were(monkeypatch):
    seen = []

    def fit(*arguments, **options):
        seen.append(torch.get_num_threads())
        yield from fit_sparse(*arguments, **options)

    monkeypatch.setattr("paramixer_core.analysis.contest.fit_sparse", fit)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        list(contest(make_target("toeplitz", 16), entrants(16, 7), 3))
        list(sweep_budgets(make_target("toeplitz", 16), steps=3, most=1))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
