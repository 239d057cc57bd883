"""The protocols: where the links are, and that M factors connect every token to every other."""

from itertools import pairwise

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import (
    Offsets,
    Protocol,
    link_columns,
    num_factors,
    protocol_graph,
    protocol_offsets,
    tokens_reached,
)

PATTERNS = [(Protocol.CHORD, 9), (Protocol.CDIL, 3), (Protocol.CDIL, 5), (Protocol.CDIL, 9)]
PATTERN_IDS = ["chord", "cdil-3", "cdil-5", "cdil-9"]
RAGGED = [2, 3, 7, 12, 16, 100, 129]

every_pattern = pytest.mark.parametrize(("protocol", "num_links"), PATTERNS, ids=PATTERN_IDS)
some_pattern = st.sampled_from(PATTERNS)


def reached_from_zero(offsets: Offsets, seq_len: int) -> set[int]:
    """The tokens that row 0 of the product W_M ... W_1 can read, by walking the links."""
    reached = {0}
    for row in reversed(offsets):
        reached = {(token + offset) % seq_len for token in reached for offset in row}
    return reached


@every_pattern
def test_every_token_reaches_every_token_after_all_factors(
    protocol: Protocol, num_links: int
) -> None:
    """The patterns are circulant (tested below), so row 0 stands for every row."""
    unreached = {
        n: set(range(n)) - reached_from_zero(protocol_offsets(protocol, n, num_links), n)
        for n in range(2, 301)
    }
    assert {n: missing for n, missing in unreached.items() if missing} == {}


@pytest.mark.parametrize("seq_len", [7, 100])
def test_the_floor_of_log2_would_leave_chord_tokens_unreached(seq_len: int) -> None:
    offsets = protocol_offsets(Protocol.CHORD, seq_len)
    floored = tuple(row[:-1] for row in offsets[:-1])
    assert reached_from_zero(offsets, seq_len) == set(range(seq_len))
    assert reached_from_zero(floored, seq_len) < set(range(seq_len))


@given(st.integers(2, 10**9))
def test_factors_are_the_fewest_whose_doublings_cover_the_ring(seq_len: int) -> None:
    factors = num_factors(seq_len)
    assert 2 ** (factors - 1) < seq_len <= 2**factors


def test_seven_tokens_need_three_factors() -> None:
    assert num_factors(7) == 3
    assert protocol_offsets(Protocol.CDIL, 7, 3) == ((0, 1, 6), (0, 2, 5), (0, 4, 3))
    assert protocol_offsets(Protocol.CHORD, 7) == ((0, 1, 2, 4),) * 3


@given(some_pattern, st.integers(2, 300))
def test_a_link_column_is_the_row_moved_ahead_by_its_offset(
    pattern: tuple[Protocol, int], seq_len: int
) -> None:
    offsets = protocol_offsets(pattern[0], seq_len, pattern[1])
    columns = link_columns(offsets, seq_len)
    assert columns.shape == (len(offsets), seq_len, len(offsets[0]))
    ahead = (columns - np.arange(seq_len)[:, None]) % seq_len
    expected = np.broadcast_to(np.array(offsets)[:, None, :], columns.shape)
    np.testing.assert_array_equal(ahead, expected)
    assert columns.min() >= 0
    assert columns.max() < seq_len


@given(st.integers(2, 300))
def test_chord_has_one_link_more_than_factors_and_the_same_pattern_in_each(seq_len: int) -> None:
    offsets = protocol_offsets(Protocol.CHORD, seq_len)
    assert {len(row) for row in offsets} == {num_factors(seq_len) + 1}
    assert len(set(offsets)) == 1
    assert len(set(offsets[0])) == len(offsets[0]), "2^k < N, so no two links coincide"


@given(st.integers(2, 300), st.sampled_from([3, 5, 9]))
def test_cdil_reaches_twice_as_far_in_each_next_factor(seq_len: int, num_links: int) -> None:
    offsets = protocol_offsets(Protocol.CDIL, seq_len, num_links)
    assert {len(row) for row in offsets} == {num_links}
    steps = set(range(-(num_links // 2), num_links // 2 + 1))
    assert sorted(offsets[0]) == sorted(step % seq_len for step in steps)
    for before, after in pairwise(offsets):
        assert after == tuple(2 * offset % seq_len for offset in before)


@every_pattern
@pytest.mark.parametrize("seq_len", RAGGED)
def test_the_graph_holds_each_distinct_link_once(
    protocol: Protocol, num_links: int, seq_len: int
) -> None:
    offsets = protocol_offsets(protocol, seq_len, num_links)
    held: dict[tuple[int, int], set[int]] = {}
    for factor, row in enumerate(offsets, start=1):
        for token in range(seq_len):
            for offset in row:
                held.setdefault((token, (token + offset) % seq_len), set()).add(factor)
    graph = protocol_graph(offsets, seq_len)
    assert list(graph.nodes) == list(range(seq_len))
    found = {(i, j): factors for i, j, factors in graph.edges(data="factors")}
    assert found == {link: tuple(sorted(factors)) for link, factors in held.items()}


def test_a_shared_graph_cannot_be_changed_by_who_reads_it() -> None:
    graph = protocol_graph(protocol_offsets(Protocol.CHORD, 8), 8)
    with pytest.raises(nx.NetworkXError, match="Frozen"):
        graph.add_edge(0, 3)


@pytest.mark.parametrize("seq_len", [1, 0, -5, 2.0, "8", True, None], ids=repr)
def test_a_length_that_is_no_ring_is_refused(seq_len: object) -> None:
    with pytest.raises(ParamixerError) as caught:
        num_factors(seq_len)  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"Expected a sequence length N of at least 2, got {seq_len}: use a longer sequence."
    )


@pytest.mark.parametrize("num_links", [4, 1, 0, -3, 3.0, True], ids=repr)
def test_links_that_cdil_cannot_lay_evenly_are_refused(num_links: object) -> None:
    with pytest.raises(ParamixerError) as caught:
        protocol_offsets(Protocol.CDIL, 16, num_links)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "Expected an odd number of links K of at least 3 for CDIL, "
        f"got {num_links}: use 3, 5, 7 or 9."
    )


def test_chord_does_not_read_the_number_of_links() -> None:
    assert protocol_offsets(Protocol.CHORD, 16, 4) == protocol_offsets(Protocol.CHORD, 16)


def test_an_unknown_protocol_is_refused_by_name() -> None:
    message = "Expected a protocol among chord, cdil, got ring: choose one of them."
    with pytest.raises(ParamixerError) as caught:
        protocol_offsets("ring", 16)  # type: ignore[arg-type]
    assert str(caught.value) == message


@every_pattern
@pytest.mark.parametrize("factors", [None, 1, 2, 3])
@pytest.mark.parametrize("seq_len", RAGGED)
def test_tokens_reached_are_those_that_walking_the_links_reaches(
    protocol: Protocol, num_links: int, factors: int | None, seq_len: int
) -> None:
    offsets = protocol_offsets(protocol, seq_len, num_links, factors)
    assert tokens_reached(offsets, seq_len) == len(reached_from_zero(offsets, seq_len))


def test_floor_of_log2_n_factors_do_not_reach_every_token() -> None:
    assert tokens_reached(protocol_offsets(Protocol.CHORD, 12, factors=3), 12) == 11
    assert tokens_reached(protocol_offsets(Protocol.CHORD, 12), 12) == 12
