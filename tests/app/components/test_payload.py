"""Arrays survive the trip, and comments of the code stay at home."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.components.payload import pack, script, unpack


@given(
    hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=2, max_side=9)),
    hnp.arrays(np.uint8, st.integers(0, 13)),
    st.text(max_size=9),
)
def test_unpack_gives_back_what_pack_took(
    floats: np.ndarray, levels: np.ndarray, text: str
) -> None:
    header, arrays = unpack(pack({"title": text}, {"a": levels, "b": floats}))
    assert header == {"title": text}
    np.testing.assert_array_equal(arrays["a"], levels)
    np.testing.assert_array_equal(arrays["b"], floats)


def test_every_array_starts_at_a_multiple_of_its_item_size() -> None:
    payload = pack({"x": "odd"}, {"a": np.ones(3, np.uint8), "b": np.ones(2, np.float32)})
    length = int.from_bytes(payload[:4], "little")
    assert (4 + length) % 8 == 0
    assert len(payload) == 4 + length + 8 + 8


def test_headers_hold_no_numbers_that_json_lacks() -> None:
    with pytest.raises(ValueError, match="JSON"):
        pack({"limit": float("nan")}, {})


@pytest.mark.parametrize("name", ["lines", "matrix", "ring", "feed", "kit"])
def test_code_travels_without_comment_lines(name: str) -> None:
    code = script(name)
    assert code
    assert not any(line.startswith(("//", " ")) or not line for line in code.splitlines())
