"""What the ring sends: links and steps that fit N, few bytes for a long ring."""

import numpy as np
import pytest

from app.components.payload import unpack
from app.components.ring import ring_payload, ring_view
from paramixer_core.analysis.reach import ring_steps
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, link_columns, protocol_offsets


def test_ring_patterns_of_any_length_send_offsets_and_one_row_of_steps() -> None:
    offsets = protocol_offsets(Protocol.CHORD, 16384)
    payload = ring_payload(16384, offsets, ring_steps(offsets, 16384), {})
    header, arrays = unpack(payload)
    assert header["factors"][0] == list(offsets[0])
    assert (header["every"], header["steps"]) == (128, "ring")
    assert arrays["steps"].max() == 14
    assert len(payload) < 20_000


def test_column_arrays_send_the_links_of_the_drawn_rows_alone() -> None:
    columns = link_columns(protocol_offsets(Protocol.CDIL, 300, 3), 300)
    header, arrays = unpack(ring_payload(300, list(columns), None, {}))
    assert header["every"] == 3
    np.testing.assert_array_equal(arrays["links2"], columns[2][::3])


@pytest.mark.parametrize(("seq_len", "shape"), [(256, "table"), (257, "column")])
def test_a_table_of_steps_is_sent_whole_only_while_small(seq_len: int, shape: str) -> None:
    steps = np.full((seq_len, seq_len), -1)
    header, arrays = unpack(ring_payload(seq_len, [(0, 1)], steps, {}))
    assert header["steps"] == shape
    if shape == "table":
        assert (arrays["steps"] == 255).all()
    else:
        assert "steps" not in arrays


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"factor": 3}, "a factor from 1 to 2"),
        ({"source": 8}, "a token from 0 to 7"),
        ({"seq_len": 70_000}, "tokens"),
    ],
)
def test_what_is_not_there_is_refused(options: dict[str, int], message: str) -> None:
    settings = {"seq_len": 8, "factors": [(0, 1), (0, 2)], "title": "t", "key": "k", **options}
    with pytest.raises(ParamixerError, match=message):
        ring_view(**settings)
