import itertools
import math
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from paramixer_core.analysis.reach import ring_paths
from paramixer_core.analysis.routes import trace_factors, trace_routes
from paramixer_core.analysis.supports import ring_factors, ring_supports
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError
from paramixer_core.mixing.reference import dense_factors
from paramixer_core.protocols import Protocol, protocol_offsets

CASES = [(protocol, seq_len) for protocol, seq_len in itertools.product(Protocol, (2, 3, 5, 7, 8))]


def random_weights(offsets, seq_len, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = (len(offsets), seq_len, len(offsets[0]))
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def dense_operator(weights, offsets, residual):
    """The operator as matrix products of dense factors."""
    identity = torch.eye(weights.shape[1], dtype=torch.float64)
    product = identity
    for factor in dense_factors(weights[:, None], offsets)[:, 0]:
        product = (factor + identity if residual is Residual.PER_FACTOR else factor) @ product
        product = product + identity if residual is Residual.FIRST else product
    return product + identity if residual is Residual.AROUND_BLOCK else product


def all_routes(weights, offsets, row, column, residual):
    """Every route by trying every chain of tokens: its tokens and how many factors it waits."""
    seq_len = weights.shape[1]
    factors = dense_factors(weights[:, None], offsets)[:, 0].numpy().copy()
    linked = [support.toarray() > 0 for support in ring_supports(offsets, seq_len)]
    if residual is Residual.PER_FACTOR:
        factors += np.eye(seq_len)
        linked = [pattern | np.eye(seq_len, dtype=bool) for pattern in linked]
    found = {}
    for waited in range(len(offsets) + 1 if residual is Residual.FIRST else 1):
        used = range(len(offsets) - 1, waited - 1, -1)
        for inner in itertools.product(range(seq_len), repeat=max(len(used) - 1, 0)):
            tokens = (row, *inner, column)[len(used) == 0 :]
            steps = list(zip(used, itertools.pairwise(tokens), strict=True))
            if all(linked[m][step] for m, step in steps) and (used or row == column):
                value = math.prod(float(factors[m][step]) for m, step in steps)
                found[*tokens, *[column] * waited, waited] = value
    return found


@pytest.mark.parametrize("residual", list(Residual))
@pytest.mark.parametrize(("protocol", "seq_len"), CASES)
def test_all_routes_found_by_brute_force_add_up_to_the_entry(protocol, seq_len, residual):
    offsets = protocol_offsets(protocol, seq_len, num_links=3)
    weights = random_weights(offsets, seq_len)
    operator = dense_operator(weights, offsets, residual)
    for row, column in ((0, 0), (0, seq_len - 1), (seq_len // 2, 1)):
        routes = all_routes(weights, offsets, row, column, residual)
        report = trace_routes(weights, offsets, row, column, residual=residual, strongest=5)
        direct = float(residual is Residual.AROUND_BLOCK and row == column)
        assert report.direct == direct
        assert report.entry == pytest.approx(float(operator[row, column]))
        assert report.entry == pytest.approx(direct + math.fsum(routes.values()))
        assert report.count == len(routes)
        absolute = math.fsum(abs(value) for value in routes.values())
        assert report.absolute == pytest.approx(absolute)
        total = abs(report.entry - direct)
        assert report.cancellation == pytest.approx(1 - total / absolute if absolute else 0)
        ranked = sorted(routes.items(), key=lambda item: -abs(item[1]))[:5]
        assert [(*route.tokens, route.waited) for route in report.strongest] == [
            tokens for tokens, _ in ranked
        ]
        assert [r.value for r in report.strongest] == pytest.approx([v for _, v in ranked])
        for route in report.strongest:
            assert route.value == pytest.approx(math.prod(route.weights))
        listed = sum(route.value for route in report.strongest)
        assert report.entry == pytest.approx(direct + listed + report.remainder)


@pytest.mark.parametrize("residual", [Residual.PER_FACTOR, Residual.FIRST, Residual.NONE])
@pytest.mark.parametrize(("protocol", "seq_len"), CASES)
def test_each_links_total_is_the_sum_of_the_routes_through_it(protocol, seq_len, residual):
    offsets = protocol_offsets(protocol, seq_len, num_links=3)
    weights = random_weights(offsets, seq_len, seed=1)
    row, column = 1, seq_len - 1
    routes = all_routes(weights, offsets, row, column, residual)
    report = trace_routes(weights, offsets, row, column, residual=residual)
    assert [links.factor for links in report.links] == list(range(1, len(offsets) + 1))
    for links in report.links:
        through, waiting = {}, 0.0
        for (*tokens, waited), value in routes.items():
            if waited >= links.factor:
                waiting += value
                continue
            step = tokens[len(offsets) - links.factor :][:2]
            step = (step[0], step[1])
            count, total = through.get(step, (0, 0.0))
            through[step] = (count + 1, total + value)
        steps = list(zip(links.rows.tolist(), links.columns.tolist(), strict=True))
        assert set(steps) == set(through)
        assert list(links.routes) == [through[step][0] for step in steps]
        assert links.totals == pytest.approx([through[step][1] for step in steps])
        assert links.waiting == pytest.approx(waiting)
        assert links.totals.sum() + waiting == pytest.approx(report.entry)
        assert links.total == pytest.approx(report.entry)


@settings(max_examples=30)
@given(
    st.sampled_from(list(Protocol)),
    st.integers(2, 130),
    st.integers(0, 99),
    st.sampled_from(Residual),
)
def test_entry_is_the_dense_products_at_any_length(protocol, seq_len, seed, residual):
    offsets = protocol_offsets(protocol, seq_len, num_links=5)
    weights = random_weights(offsets, seq_len, seed) / 3
    row, column = seed % seq_len, (7 * seed) % seq_len
    report = trace_routes(weights, offsets, row, column, residual=residual)
    expected = float(dense_operator(weights, offsets, residual)[row, column])
    assert report.entry == pytest.approx(expected, abs=1e-12 * report.absolute)
    values = [abs(route.value) for route in report.strongest]
    assert values == sorted(values, reverse=True)
    assert len(set(report.strongest)) == len(values) == min(10, report.count)


def test_links_that_land_on_one_column_are_one_edge_with_their_summed_weight():
    weights = np.array([[[1.0, 2.0, 0.5], [3.0, 4.0, -4.0]]])
    offsets = ((0, 1, 1),)
    report = trace_routes(weights, offsets, 0, 1, residual=Residual.NONE)
    assert (report.count, report.entry) == (1, 2.5)
    cancelled = trace_routes(weights, offsets, 1, 0, residual=Residual.NONE)
    assert (cancelled.count, cancelled.entry) == (1, 0.0)
    with_self = trace_routes(weights, offsets, 0, 0)
    assert (with_self.count, with_self.entry) == (1, 2.0)


def test_an_entry_that_no_route_reaches_is_an_empty_zero():
    report = trace_routes(np.ones((1, 5, 2)), ((0, 1),), 0, 3)
    assert (report.entry, report.count, report.cancellation) == (0.0, 0, 0.0)
    assert report.strongest == ()
    assert all(len(links.rows) == 0 for links in report.links)


def test_routes_that_cancel_are_reported_as_cancelling():
    factors = ring_factors(
        np.array([[[1.0, 1.0], [1.0, 1.0]], [[1.0, -1.0], [1.0, 1.0]]]),
        ((0, 1), (0, 1)),
        residual=False,
    )
    report = trace_factors(factors, 0, 0)
    assert (report.entry, report.absolute, report.cancellation) == (0.0, 2.0, 1.0)


def test_routes_over_zero_weights_are_counted_and_listed_last():
    weights = np.zeros((3, 8, 4))
    offsets = protocol_offsets(Protocol.CHORD, 8)
    report = trace_routes(weights, offsets, 0, 0, strongest=4)
    assert report.strongest[0].tokens == (0, 0, 0, 0)
    assert [route.value for route in report.strongest] == [1.0, 0.0, 0.0, 0.0]
    assert report.count == ring_paths(offsets, 8)[0] == 7


def test_counts_beyond_63_bits_stay_exact():
    offsets = ((0, 1, 2),) * 60
    report = trace_factors(ring_supports(offsets, 4), 0, 3, strongest=1)
    assert report.count == ring_paths(offsets, 4)[3] > 2**63


@pytest.mark.parametrize("protocol", list(Protocol))
def test_1024_tokens_are_traced_quickly_without_listing_25_million_routes(protocol):
    offsets = protocol_offsets(protocol, 1024)
    weights = random_weights(offsets, 1024) / 3
    took = []
    for column in (17, 18, 900):
        start = time.process_time()
        report = trace_routes(weights, offsets, 5, column)
        took.append(time.process_time() - start)
    assert report.count == ring_paths(offsets, 1024)[895] > 250_000
    assert sum(links.totals.sum() for links in report.links) == pytest.approx(10 * report.entry)
    assert min(took) < 0.3


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"row": 8}, "a row from 0 to 7, got 8"),
        ({"column": -1}, "a column from 0 to 7, got -1"),
        ({"strongest": 10_000}, "0 to 1000 listed routes"),
        ({"weights": np.full((3, 8, 4), np.nan)}, "finite weights"),
        ({"weights": np.zeros((2, 8, 4))}, "link weights of shape (3, N, 4), got (2, 8, 4)"),
    ],
)
def test_an_entry_that_is_not_there_is_refused_in_a_sentence(change, says):
    call = {"weights": np.ones((3, 8, 4)), "row": 0, "column": 0} | change
    with pytest.raises(ParamixerError) as raised:
        trace_routes(offsets=protocol_offsets(Protocol.CHORD, 8), **call)
    assert says in str(raised.value)
