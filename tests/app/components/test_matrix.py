"""What a matrix view sends: true values, honest levels, never more than its budget."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app.components import DenseMatrix, MatrixSource, SparseMatrix, StreamedMatrix, matrix_view
from app.components.client import CODE, FEED_CODE, LOAD_CODE, VIEW_CODE
from app.components.matrix import (
    WINDOW_SIDE,
    Cell,
    detail_payload,
    levels,
    view_payload,
)
from app.components.matrix_sources import pattern_of_offsets, strongest
from app.components.payload import FIRST_VIEW_BYTES, unpack
from app.theme import Scale
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, link_columns, num_factors, protocol_offsets

TEXTS = {"title": "T" * 200, "caption": "c" * 1000, "key": "k" * 50}


def send(source: MatrixSource, **options: object) -> tuple[dict, dict]:
    return unpack(view_payload(source, **{"signed": None, "limit": None, "texts": {}, **options}))


def chord(seq_len: int, *, valued: bool, ragged: bool = False) -> SparseMatrix:
    columns = link_columns(protocol_offsets(Protocol.CHORD, seq_len), seq_len)[0].copy()
    if ragged:
        columns[0, 1:] = -1
    values = np.random.default_rng(0).normal(size=columns.shape) if valued else None
    return SparseMatrix(columns, values)


def streamed(seq_len: int) -> StreamedMatrix:
    return StreamedMatrix(
        (seq_len, seq_len), lambda start, stop: np.full((stop - start, seq_len), 0.5, np.float32)
    )


@pytest.mark.parametrize("seq_len", [2, 3, 7, 100, 256, 257, 384, 385, 1000, 1024, 4096, 16384])
@pytest.mark.parametrize("kind", ["dense", "valued", "pattern", "offsets"])
def test_the_first_view_costs_less_than_its_budget(seq_len: int, kind: str) -> None:
    source: MatrixSource
    if kind == "dense":
        source = streamed(seq_len)
    elif kind == "offsets":
        source = pattern_of_offsets(protocol_offsets(Protocol.CHORD, seq_len)[0], seq_len)
    else:
        source = chord(seq_len, valued=kind == "valued")
    first = view_payload(source, signed=None, limit=None, texts=TEXTS)
    feed = detail_payload(source, "k" * 50, Cell(1, 1), None)
    code = len(CODE) + len((LOAD_CODE + VIEW_CODE + FEED_CODE).encode())
    assert len(first) + len(feed) + code < FIRST_VIEW_BYTES
    asked = detail_payload(source, "k" * 50, Cell(1, 1), (seq_len // 2, seq_len // 2))
    assert len(asked) <= WINDOW_SIDE**2 * 4 + 300


def test_small_matrices_travel_exactly() -> None:
    values = np.random.default_rng(0).normal(size=(256, 256)).astype(np.float32)
    header, arrays = send(DenseMatrix(values))
    assert header["kind"] == "values"
    np.testing.assert_array_equal(arrays["values"], values)
    assert header["scale"] == "signed"
    assert header["limit"] == np.abs(values).max()


def test_large_matrices_travel_as_the_strongest_entry_of_each_tile() -> None:
    values = np.random.default_rng(0).normal(size=(1000, 700)).astype(np.float32)
    header, arrays = send(DenseMatrix(values))
    tile = header["tile"]
    assert header["kind"] == "tiles"
    assert arrays["levels"].shape == (-(-1000 // tile), -(-700 // tile))
    block = values[2 * tile : 3 * tile, 5 * tile : 6 * tile]
    top = block.flat[np.abs(block).argmax()]
    assert arrays["levels"][2, 5] == np.rint(127 + 127 * top / header["limit"])


@given(hnp.arrays(np.float32, (7, 5), elements=st.floats(-9, 9, width=32)), st.integers(1, 8))
def test_the_strongest_entry_is_found_in_ragged_tiles(values: np.ndarray, tile: int) -> None:
    grid = strongest(values, tile)
    for i, j in np.ndindex(grid.shape):
        block = values[i * tile : (i + 1) * tile, j * tile : (j + 1) * tile]
        assert abs(grid[i, j]) == np.abs(block).max()
        assert grid[i, j] in block


def test_a_value_that_is_not_finite_stays_visible_in_its_tile() -> None:
    values = np.ones((600, 600), np.float32)
    values[300, 300] = np.nan
    header, arrays = send(DenseMatrix(values))
    assert header["odd"]
    assert (arrays["levels"] == 255).sum() == 1


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(-2, 2, width=32)))
def test_signed_levels_are_centred_on_zero_and_keep_the_sign(values: np.ndarray) -> None:
    there = levels(values, 2.0, Scale.SIGNED).astype(int)
    back = levels(-values, 2.0, Scale.SIGNED).astype(int)
    np.testing.assert_array_equal(there + back, 254)
    assert (np.sign(there - 127) * np.sign(values) >= 0).all()


def test_levels_end_at_the_limit_and_mark_what_is_not_finite() -> None:
    values = np.array([[0, 1, 5, np.nan, np.inf]], np.float32)
    np.testing.assert_array_equal(levels(values, 1.0, Scale.SEQUENTIAL), [[0, 254, 254, 255, 255]])
    np.testing.assert_array_equal(levels(-values, 1.0, Scale.SIGNED), [[127, 0, 0, 255, 255]])


@pytest.mark.parametrize("seq_len", [2, 3, 7, 100, 513])
@pytest.mark.parametrize("protocol", list(Protocol))
def test_a_pattern_is_the_sum_of_its_links_coinciding_ones_included(
    protocol: Protocol, seq_len: int
) -> None:
    offsets = protocol_offsets(protocol, seq_len)[0]
    dense = sum(np.roll(np.eye(seq_len), offset, axis=1) for offset in offsets)
    source = pattern_of_offsets(offsets, seq_len)
    everything = slice(0, seq_len)
    np.testing.assert_array_equal(source.window(everything, everything), dense)
    rows, columns, counts = source.entries()
    np.testing.assert_array_equal(dense[rows, columns], counts)
    assert counts.sum() == seq_len * len(offsets)
    assert source.grid(3).sum() == counts.sum()


def test_sparse_values_that_coincide_add_up_before_the_strongest_is_taken() -> None:
    source = SparseMatrix(np.array([[0, 0], [1, -1]]), np.array([[3.0, -5.0], [1.0, 9.0]]))
    np.testing.assert_array_equal(source.window(slice(0, 2), slice(0, 2)), [[-2, 0], [0, 1]])
    np.testing.assert_array_equal(source.grid(2), [[-2]])


def test_links_travel_with_their_gaps() -> None:
    header, arrays = send(chord(600, valued=True, ragged=True))
    assert header["kind"] == "links"
    assert arrays["links"].shape == (600, num_factors(600) + 1)
    assert (arrays["links"][0, 1:] == 65_535).all()
    assert header["scale"] == "signed"


def test_a_ring_pattern_of_any_size_costs_only_its_offsets() -> None:
    source = pattern_of_offsets(protocol_offsets(Protocol.CHORD, 16384)[0], 16384)
    assert len(view_payload(source, signed=None, limit=None, texts={})) < 2_500


def test_streamed_rows_are_asked_for_in_strips_and_only_once() -> None:
    asked: list[tuple[int, int]] = []

    def rows(start: int, stop: int) -> np.ndarray:
        asked.append((start, stop))
        return np.arange(start, stop, dtype=np.float32)[:, None] * np.ones(1000, np.float32)

    source = StreamedMatrix((1000, 1000), rows)
    first, again = source.grid(3), source.grid(3)
    assert first is again
    assert max(stop - start for start, stop in asked) == 3
    assert sum(stop - start for start, stop in asked) == 1000
    np.testing.assert_array_equal(source.window(slice(998, 1126), slice(5, 6)), [[998], [999]])


def test_a_detail_holds_the_exact_cell_and_window() -> None:
    values = np.random.default_rng(0).normal(size=(300, 400)).astype(np.float32)
    header, arrays = unpack(detail_payload(DenseMatrix(values), "k", Cell(7, 399), (250, 300)))
    assert header == {"key": "k", "selection": [7, 399], "corner": [250, 300]}
    assert arrays["cell"][0, 0] == values[7, 399]
    np.testing.assert_array_equal(arrays["window"], values[250:378, 300:428])


def test_a_matrix_of_zeros_has_a_scale_and_says_that_it_is_blank() -> None:
    header, _ = send(DenseMatrix(np.zeros((4, 4))))
    assert (header["blank"], header["limit"], header["scale"]) == (True, 1.0, "sequential")


@pytest.mark.parametrize(
    ("matrix", "selection", "message"),
    [
        (np.zeros(4), None, "a matrix with at least one row"),
        (np.zeros((0, 4)), None, "a matrix with at least one row"),
        (np.zeros((3, 4)), (3, 0), "a cell inside of 3 rows and 4 columns"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_a_sentence(
    matrix: np.ndarray, selection: tuple[int, int] | None, message: str
) -> None:
    with pytest.raises(ParamixerError, match=message):
        matrix_view(matrix, title="t", key="k", selection=selection)


def test_columns_outside_the_matrix_are_refused() -> None:
    with pytest.raises(ParamixerError, match="column indices from -1 to 1"):
        SparseMatrix(np.array([[0], [2]]))
