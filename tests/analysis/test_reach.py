import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.analysis.reach import (
    NEVER,
    count_paths,
    link_counts,
    path_lengths,
    protocol_reach,
    reach_report,
    ring_fill,
    ring_paths,
    ring_steps,
)
from paramixer_core.analysis.supports import ring_supports
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, num_factors, protocol_offsets

RAGGED = (2, 3, 7, 12, 16, 100, 129)
protocols = st.sampled_from(list(Protocol))
links = st.sampled_from([3, 5, 7, 9, 11])


def dense_pattern(offsets, seq_len):
    factors = np.zeros((len(offsets), seq_len, seq_len), dtype=np.int64)
    for m, row in enumerate(offsets):
        for i, offset in itertools.product(range(seq_len), set(row)):
            factors[m, i, (i + offset) % seq_len] = 1
    return factors


@pytest.mark.parametrize("protocol", list(Protocol))
def test_all_factors_reach_every_token_from_every_token_for_every_length_to_300(protocol):
    for seq_len in range(2, 301):
        offsets = protocol_offsets(protocol, seq_len, num_links=3)
        steps = ring_steps(offsets, seq_len)
        assert steps.min() >= 0, seq_len
        assert steps.max() <= num_factors(seq_len), seq_len


@given(protocols, st.integers(2, 300), links)
def test_wider_cdil_and_chord_reach_everything_too(protocol, seq_len, num_links):
    assert ring_steps(protocol_offsets(protocol, seq_len, num_links), seq_len).min() >= 0


def test_rounding_the_number_of_factors_down_would_not_reach_everything():
    offsets = protocol_offsets(Protocol.CDIL, 7, num_links=3)
    report = protocol_reach(offsets[:1], 7)
    assert report.unreached == 7 * 4
    assert report.example == (0, 2)
    assert report.steps[report.example] == NEVER
    assert report.full_after is None


@pytest.mark.parametrize("seq_len", RAGGED)
@pytest.mark.parametrize("protocol", list(Protocol))
def test_one_row_says_what_all_pairs_say_by_brute_force(protocol, seq_len):
    offsets = protocol_offsets(protocol, seq_len, num_links=3)
    product, first = np.eye(seq_len, dtype=np.int64), np.where(np.eye(seq_len) > 0, 0, NEVER)
    fill = [100 / seq_len]
    for m, factor in enumerate(dense_pattern(offsets, seq_len), start=1):
        product = np.minimum((factor + np.eye(seq_len, dtype=np.int64)) @ product, 1)
        first[(product > 0) & (first == NEVER)] = m
        fill.append(100 * product.mean())
    report = protocol_reach(offsets, seq_len)
    np.testing.assert_array_equal(report.steps, first)
    assert report.fill == pytest.approx(fill)
    assert ring_fill(offsets, seq_len) == pytest.approx(fill)
    assert (report.unreached, report.example) == (0, None)
    ahead = (np.arange(seq_len)[None, :] - np.arange(seq_len)[:, None]) % seq_len
    np.testing.assert_array_equal(ring_steps(offsets, seq_len)[ahead], first)
    np.testing.assert_array_equal(report.support(1), (first != NEVER) & (first <= 1))


def test_chord_of_a_power_of_two_is_full_only_after_its_last_factor():
    report = protocol_reach(protocol_offsets(Protocol.CHORD, 16), 16)
    assert report.full_after == 4
    assert report.fill[0] == 6.25
    assert report.steps[0, 15] == 4


def test_without_residual_a_pattern_without_self_links_loses_what_it_had():
    supports = ring_supports(((1,), (1,)), 4)
    bare = reach_report(supports, residual=False)
    assert bare.fill == (25.0, 25.0, 25.0)
    assert bare.steps[0].tolist() == [0, 1, 2, NEVER]
    assert bare.unreached == 12
    assert reach_report(supports).fill == (25.0, 50.0, 75.0)


def test_residuals_add_routes_where_a_pattern_has_no_self_links():
    assert ring_paths(((1,), (1,)), 4).tolist() == [1, 2, 1, 0]
    assert ring_paths(((1,), (1,)), 4, residual=False).tolist() == [0, 0, 1, 0]
    assert count_paths(ring_supports(((1,), (1,)), 4))[0].tolist() == [1, 2, 1, 0]


def test_a_factor_without_links_leaves_a_bare_product_empty():
    report = reach_report(ring_supports(((0, 1), ()), 4), residual=False)
    assert report.fill == (25.0, 50.0, 0.0)
    assert report.example == (0, 0)


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 16])
def test_reach_and_routes_are_those_of_the_operator_that_the_residual_makes(seq_len, residual):
    """All weights 1 and one edge a place: an entry of the operator is its number of routes."""
    offsets = protocol_offsets(Protocol.CDIL, seq_len, num_links=3)
    identity = np.eye(seq_len, dtype=np.int64)
    expected = identity
    for factor in dense_pattern(offsets, seq_len).astype(np.int64):
        step = np.minimum(factor + identity, 1) if residual is Residual.PER_FACTOR else factor
        expected = step @ expected
        expected = expected + identity if residual is Residual.FIRST else expected
    expected = expected + identity if residual is Residual.AROUND_BLOCK else expected
    supports = ring_supports(offsets, seq_len)
    np.testing.assert_array_equal(count_paths(supports, residual=residual), expected)
    np.testing.assert_array_equal(reach_report(supports, residual=residual).missing, expected == 0)


def test_where_the_first_values_are_added_only_the_diagonal_is_kept():
    report = reach_report(ring_supports(((1,), (1,)), 4), residual=Residual.FIRST)
    assert report.fill == (25.0, 50.0, 75.0)
    zeroed = reach_report(ring_supports(((1,), ()), 4), residual=Residual.FIRST)
    assert zeroed.fill == (25.0, 50.0, 25.0)
    assert reach_report(ring_supports(((1,), ()), 4)).fill == (25.0, 50.0, 50.0)


@pytest.mark.parametrize("seq_len", RAGGED)
def test_counts_are_the_closed_forms_and_coinciding_links_are_found(seq_len):
    factors = num_factors(seq_len)
    chord = link_counts(protocol_offsets(Protocol.CHORD, seq_len), seq_len)
    assert chord.listed == seq_len * factors * (factors + 1)
    assert chord.full == seq_len**2
    cdil = protocol_offsets(Protocol.CDIL, seq_len, num_links=5)
    counts = link_counts(cdil, seq_len)
    assert counts.listed == seq_len * factors * 5
    assert counts.distinct == dense_pattern(cdil, seq_len).sum()
    assert sum(counts.per_factor) == counts.distinct
    assert counts.distinct == sum(factor.nnz for factor in ring_supports(cdil, seq_len))


@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 16])
@pytest.mark.parametrize("residual", [True, False])
@pytest.mark.parametrize("protocol", list(Protocol))
def test_route_counts_are_the_product_of_the_patterns(protocol, residual, seq_len):
    offsets = protocol_offsets(protocol, seq_len, num_links=3)
    expected = np.eye(seq_len, dtype=np.int64)
    for factor in dense_pattern(offsets, seq_len):
        expected = factor @ expected
    np.testing.assert_array_equal(
        count_paths(ring_supports(offsets, seq_len), residual=residual), expected
    )
    np.testing.assert_array_equal(ring_paths(offsets, seq_len, residual=residual), expected[0])


def test_mean_chord_routes_per_entry_are_the_published_explosion():
    means = [ring_paths(protocol_offsets(Protocol.CHORD, n), n).mean() for n in (16, 64, 1024)]
    assert means == pytest.approx([39.0625, 1838.265625, 25_329_516.2], rel=1e-6)


def test_routes_beyond_63_bits_stay_exact():
    offsets = ((0, 1, 2, 4, 8),) * 30
    routes = ring_paths(offsets, 16)
    assert sum(routes.tolist()) == 5**30
    with pytest.raises(ParamixerError, match="2\\^63 routes"):
        count_paths(ring_supports(offsets, 16))


def test_path_lengths_are_infinite_where_a_token_is_never_read():
    chord = path_lengths(protocol_reach(protocol_offsets(Protocol.CHORD, 8), 8))
    np.testing.assert_allclose(chord, (3 * 1 + 3 * 2 + 1 * 3) / 7)
    assert np.isinf(path_lengths(protocol_reach(((0, 1),), 8))).all()
    cut = Wiring(seq_len=2, offsets=((0, 1),)).toggle_link(1, 0, 1)
    assert path_lengths(reach_report(cut.supports())).tolist() == [1, np.inf]


def test_pairs_of_too_long_a_sequence_are_refused_with_the_limit():
    with pytest.raises(ParamixerError, match="at most 4,096 tokens"):
        protocol_reach(((0, 1),), 5000)
