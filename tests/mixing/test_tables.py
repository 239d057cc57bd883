"""The tables of the fast CPU paths lead every row to what the equation reads, once."""

from hypothesis import given
from hypothesis import strategies as st

from paramixer_core.mixing.tables import BLOCK_ROWS, row_blocks, table_of
from paramixer_core.protocols import Protocol, protocol_offsets


@given(
    seq=st.integers(2, 300),
    links=st.sampled_from([3, 5, 9]),
    protocol=st.sampled_from(list(Protocol)),
    row_bytes=st.sampled_from([8, 4096]),
    turned=st.booleans(),
)
def test_every_row_reads_what_the_equation_says(seq, links, protocol, row_bytes, turned):
    for ahead in protocol_offsets(protocol, seq, links):
        count, *numbers = table_of(ahead, seq, row_bytes, turned)
        width = 2 + 2 * len(ahead)
        assert len(numbers) == count * width
        lines = [numbers[at : at + width] for at in range(0, len(numbers), width)]
        rows = [row for first, last, *_ in lines for row in range(first, last)]
        assert sorted(rows) == list(range(seq))
        for first, last, *shifts in lines:
            values, weights = shifts[: len(ahead)], shifts[len(ahead) :]
            for row in (first, last - 1):
                for k, each in enumerate(ahead):
                    reached = (row - each if turned else row + each) % seq
                    assert row + values[k] == reached
                    owner = reached if turned else row
                    assert row * len(ahead) + weights[k] == owner * len(ahead) + k


def test_rows_a_step_apart_follow_each_other_where_links_span_more_than_the_cache():
    step, seq = 1024, 8192
    reach = [place * step % seq for place in range(-3, 4)]
    blocks = row_blocks(reach, seq, row_bytes=128)
    assert blocks[:2] == [(0, BLOCK_ROWS), (step, step + BLOCK_ROWS)]
    assert row_blocks([0, 1, 2], seq, row_bytes=128) == [(0, seq)]
