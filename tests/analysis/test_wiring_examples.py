"""The example wirings show what their names say, at every length."""

import numpy as np
import pytest

from paramixer_core.analysis.coverage import coverage
from paramixer_core.analysis.graphs import ring_diameter, ring_measures
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, num_factors, protocol_graph, protocol_offsets

LENGTHS = [2, 3, 7, 16, 100]


@pytest.mark.parametrize("seq_len", LENGTHS)
def test_examples_are_wirings_that_a_link_can_hold(seq_len: int) -> None:
    for wiring in wiring_examples(seq_len).values():
        assert Wiring.parse(wiring.as_text()) == wiring


@pytest.mark.parametrize("seq_len", LENGTHS)
def test_halves_need_two_links_a_token_and_still_reach_everyone(seq_len: int) -> None:
    found = coverage(wiring_examples(seq_len)["Halves: 0 and 2^(m-1)"])
    assert found.example is None
    assert found.links_on == 2 * seq_len * num_factors(seq_len)


def test_even_steps_never_bring_odd_and_even_tokens_together() -> None:
    found = coverage(wiring_examples(16)["Even steps only"])
    rows, columns = np.nonzero(found.reach.missing)
    assert set((rows - columns) % 2) == {1}
    assert len(rows) == 128
    assert coverage(wiring_examples(7)["Even steps only"]).example is None


@pytest.mark.parametrize(("count", "kept"), [(1, ((1, 0, 1),)), (3, ((1, 0, 1), (3, 2, 3)))])
def test_fewer_factors_drop_what_was_cut_in_the_others_and_more_repeat_the_last(
    count: int, kept: tuple[tuple[int, int, int], ...]
) -> None:
    wiring = Wiring(
        seq_len=8,
        offsets=((0, 1), (0, 2), (0, 1), (0, 4)),
        cut=frozenset({(1, 0, 1), (3, 2, 3), (4, 0, 4)}),
        zeroed=frozenset({4}),
    )
    fewer = wiring.with_factors(count)
    assert (fewer.offsets, fewer.cut) == (wiring.offsets[:count], frozenset(kept))
    assert fewer.zeroed == frozenset()
    assert wiring.with_factors(6).offsets == (*wiring.offsets, (0, 4), (0, 4))
    with pytest.raises(ParamixerError, match="the number of factors"):
        wiring.with_factors(0)


@pytest.mark.parametrize("protocol", list(Protocol))
@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 129])
def test_the_quick_diameter_is_that_of_the_graph(seq_len: int, protocol: Protocol) -> None:
    offsets = protocol_offsets(protocol, seq_len, 5)
    measured = ring_measures(protocol_graph(offsets, seq_len), "").diameter
    assert ring_diameter(offsets, seq_len) == measured


def test_a_ring_that_falls_apart_has_no_diameter() -> None:
    assert ring_diameter(((0, 2, 4),), 8) == np.inf
