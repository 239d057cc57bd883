"""Counts of links: exact, and honest about where attention has fewer."""

import pytest

from paramixer_core.analysis.counts import PatternCount, cheaper_from, pattern_counts
from paramixer_core.analysis.reach import link_counts
from paramixer_core.protocols import Protocol, num_factors, protocol_offsets

LENGTHS = [2, 3, 7, 12, 16, 100, 129, 1024]


@pytest.mark.parametrize("seq_len", LENGTHS)
def test_totals_are_the_links_that_the_protocols_list(seq_len: int) -> None:
    attention, chord, cdil = pattern_counts(seq_len, 5)
    assert attention.total == seq_len**2
    for count, protocol in ((chord, Protocol.CHORD), (cdil, Protocol.CDIL)):
        offsets = protocol_offsets(protocol, seq_len, 5)
        assert count.total == link_counts(offsets, seq_len).listed
        assert count.share == pytest.approx(100 * count.total / seq_len**2)


@pytest.mark.parametrize("num_links", [3, 5, 9, 33, 129])
@pytest.mark.parametrize("protocol", list(Protocol))
def test_from_the_crossing_on_there_are_always_fewer_links_and_just_before_there_are_not(
    protocol: Protocol, num_links: int
) -> None:
    def fewer(seq_len: int) -> bool:
        factors = num_factors(seq_len)
        return factors * (factors + 1 if protocol is Protocol.CHORD else num_links) < seq_len

    first = cheaper_from(protocol, num_links)
    assert all(fewer(seq_len) for seq_len in range(first, 5000))
    assert not fewer(first - 1)


def test_the_count_takes_the_longest_sequence_of_a_run_at_once() -> None:
    assert [count.total for count in pattern_counts(131_072, 9)] == [
        131_072**2,
        131_072 * 17 * 18,
        131_072 * 17 * 9,
    ]


def test_attention_is_one_full_factor() -> None:
    assert pattern_counts(7)[0] == PatternCount("Attention", "N²", 7, 1, 7, None)
