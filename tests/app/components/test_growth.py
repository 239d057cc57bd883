"""What the growth and routes views send: steps as bytes, links by strength, few bytes."""

import numpy as np
import pytest

from app.components import SparseMatrix, growth_view
from app.components.growth import growth_payload
from app.components.payload import FIRST_VIEW_BYTES, unpack
from app.components.routes import DRAWN_PER_FACTOR, routes_payload
from paramixer_core.analysis.chains import Chain
from paramixer_core.analysis.reach import protocol_reach, ring_steps
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, protocol_offsets


def test_a_ring_pattern_sends_one_row_and_any_other_the_table() -> None:
    offsets = protocol_offsets(Protocol.CHORD, 12)
    header, arrays = unpack(growth_payload(ring_steps(offsets, 12), 4, {}))
    assert (header["steps"], header["seqLen"]) == ("ring", 12)
    table = protocol_reach(offsets, 12).steps
    header, arrays = unpack(growth_payload(table, 4, {}))
    assert header["steps"] == "table"
    np.testing.assert_array_equal(arrays["steps"], table)


def test_pairs_that_never_meet_travel_as_255() -> None:
    _, arrays = unpack(growth_payload(np.array([[0, -1], [1, 0]]), 1, {}))
    assert arrays["steps"].tolist() == [[0, 255], [1, 0]]


@pytest.mark.parametrize(
    ("steps", "hop", "message"),
    [
        (np.zeros((513, 513), int), 0, "at most 512 tokens to draw"),
        (np.zeros(1025, int), 0, "at most 1,024 tokens to draw"),
        (np.zeros(4, int), 3, "a number of factors from 0 to 2"),
    ],
)
def test_what_cannot_be_drawn_is_refused(steps: np.ndarray, hop: int, message: str) -> None:
    with pytest.raises(ParamixerError, match=message):
        growth_view(steps, 2, title="t", key="k", hop=hop)


def test_the_largest_table_stays_within_the_first_view_s_bytes() -> None:
    assert len(growth_payload(np.zeros((512, 512), int), 9, {})) < FIRST_VIEW_BYTES


def test_of_a_long_ring_the_strongest_links_are_sent_and_the_rest_counted() -> None:
    report = Chain.random(Wiring.of_protocol(Protocol.CHORD, 1024)).trace(0, 512)
    payload = routes_payload(report, 1024, {})
    header, arrays = unpack(payload)
    assert len(payload) < FIRST_VIEW_BYTES
    assert header["used"] == sum(len(links.rows) for links in report.links)
    middle = report.links[4]
    assert len(arrays["totals4"]) == DRAWN_PER_FACTOR
    assert np.abs(arrays["totals4"]).min() >= np.sort(np.abs(middle.totals))[-301] * (1 - 1e-6)
    assert header["routes"][0]["value"] == report.strongest[0].value


def test_entries_in_any_order_become_a_sparse_matrix() -> None:
    rows, columns = np.array([2, 0, 2, 2]), np.array([1, 2, 0, 1])
    matrix = SparseMatrix.of_entries(rows, columns, np.array([1.0, 5.0, 3.0, 2.0]), 3)
    assert matrix.window(slice(0, 3), slice(0, 3)).tolist() == [[0, 0, 5], [0, 0, 0], [3, 3, 0]]
    empty = SparseMatrix.of_entries(rows[:0], columns[:0], np.empty(0), 3)
    assert not empty.window(slice(0, 3), slice(0, 3)).any()
