"""Where a matrix view gets its numbers: dense arrays, sparse links, offsets or streamed rows.

A source never makes an N x N array of its own: it answers with its shape, with a coarse grid of
tiles and with small exact windows.
"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int
from numpy.typing import NDArray

from paramixer_core.errors import ParamixerError

MAX_SIDE = 65_535
"""Rows and columns at most: column indices travel as uint16, 65,535 itself meaning no link."""

NO_LINK = 65_535


@runtime_checkable
class MatrixSource(Protocol):
    """What a matrix view needs to know of R x C numbers."""

    @property
    def shape(self) -> tuple[int, int]:
        """R and C."""

    def grid(self, tile: int) -> Float32[np.ndarray, "tile_rows tile_columns"]:
        """The strongest entry (largest magnitude, with its sign) of every tile x tile block."""

    def window(
        self, rows: slice, columns: slice
    ) -> Float32[np.ndarray, "window_rows window_columns"]:
        """The exact entries of a small part."""


class DenseMatrix:
    """An array of R x C numbers, kept as float32."""

    def __init__(self, values: NDArray[Any]) -> None:
        if values.ndim != 2 or 0 in values.shape:
            raise ParamixerError(
                "a matrix with at least one row and column",
                f"an array of shape {values.shape}",
                "pass one matrix, e.g. factors[m, example]",
            )
        self.values = np.ascontiguousarray(values, dtype=np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        """R and C."""
        return self.values.shape[0], self.values.shape[1]

    def grid(self, tile: int) -> Float32[np.ndarray, "tile_rows tile_columns"]:
        """The strongest entry of every tile; a tile with a value that is not finite shows that."""
        return strongest(self.values, tile)

    def window(
        self, rows: slice, columns: slice
    ) -> Float32[np.ndarray, "window_rows window_columns"]:
        """The exact entries of a part."""
        return self.values[rows, columns]


class StreamedMatrix:
    """R x C numbers that are computed a few rows at a time, never all at once.

    Args:
        shape: R and C.
        rows: rows(start, stop) returns the rows start..stop-1 as (stop - start, C) numbers, e.g.
            by applying an operator to unit vectors.
    """

    def __init__(self, shape: tuple[int, int], rows: Callable[[int, int], NDArray[Any]]) -> None:
        self.shape = shape
        self._rows = rows
        self._grids: dict[int, NDArray[np.float32]] = {}

    def grid(self, tile: int) -> Float32[np.ndarray, "tile_rows tile_columns"]:
        """The strongest entry of every tile, computed once per tile size in strips of rows."""
        if tile not in self._grids:
            strips = [
                strongest(np.asarray(self._rows(start, stop), np.float32), tile)
                for start in range(0, self.shape[0], tile)
                if (stop := min(start + tile, self.shape[0]))
            ]
            self._grids[tile] = np.concatenate(strips)
        return self._grids[tile]

    def window(
        self, rows: slice, columns: slice
    ) -> Float32[np.ndarray, "window_rows window_columns"]:
        """The exact entries of a part."""
        start, stop, _ = rows.indices(self.shape[0])
        return np.asarray(self._rows(start, stop), np.float32)[:, columns]


class SparseMatrix:
    """At most K entries in each of R rows: where they are and, unless all are 1, their values.

    Entries of a row that fall on the same column add up, as coinciding links do.

    Args:
        columns: (R, K) column index of each entry; -1 where a row has fewer.
        values: (R, K) their values; None counts the links of a pattern.
        num_columns: C; R by default.
        offsets: if row i's columns are (i + offset) mod R in this order, only these are sent.
    """

    def __init__(
        self,
        columns: Int[np.ndarray, "rows links"],
        values: NDArray[Any] | None = None,
        *,
        num_columns: int | None = None,
        offsets: Sequence[int] | None = None,
    ) -> None:
        self.shape = (len(columns), num_columns or len(columns))
        if max(self.shape) >= MAX_SIDE:
            raise ParamixerError(
                f"fewer than {MAX_SIDE} rows and columns", self.shape, "choose less"
            )
        if columns.size and (columns.max() >= self.shape[1] or columns.min() < -1):
            raise ParamixerError(
                f"column indices from -1 to {self.shape[1] - 1}",
                f"{columns.min()} to {columns.max()}",
                "take indices modulo the number of columns",
            )
        self.columns = columns
        self.values = None if values is None else np.asarray(values, dtype=np.float32)
        self.offsets = offsets

    @classmethod
    def of_entries(
        cls,
        rows: Int[np.ndarray, " entries"],
        columns: Int[np.ndarray, " entries"],
        values: NDArray[Any],
        num_rows: int,
    ) -> "SparseMatrix":
        """From a list of entries of a square matrix, in any order."""
        order = np.argsort(rows, kind="stable")
        counts = np.bincount(rows, minlength=num_rows)
        place = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
        most = max(1, int(counts.max(initial=0)))
        held = np.full((num_rows, most), -1, dtype=np.int64)
        weights = np.zeros((num_rows, most), dtype=np.float32)
        held[rows[order], place] = columns[order]
        weights[rows[order], place] = values[order]
        return cls(held, weights)

    @property
    def is_pattern(self) -> bool:
        """Whether entries have no values of their own."""
        return self.values is None

    def entries(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Row, column and value of every place with an entry, coinciding ones added up."""
        rows = np.broadcast_to(np.arange(self.shape[0])[:, None], self.columns.shape)
        there = self.columns >= 0
        flat = rows[there] * self.shape[1] + self.columns[there]
        places, which = np.unique(flat, return_inverse=True)
        weights = None if self.values is None else self.values[there].astype(np.float64)
        totals = np.bincount(which, weights, len(places)).astype(np.float32)
        return places // self.shape[1], places % self.shape[1], totals

    def grid(self, tile: int) -> Float32[np.ndarray, "tile_rows tile_columns"]:
        """The strongest entry of every tile; of a pattern the number of its links."""
        rows, columns, values = self.entries()
        high, wide = (-(-size // tile) for size in self.shape)
        at = (rows // tile) * wide + columns // tile
        grid = np.zeros(high * wide, np.float32)
        if self.is_pattern:
            grid = np.bincount(at, values, high * wide).astype(np.float32)
        else:
            order = np.argsort(np.abs(values), kind="stable")
            grid[at[order]] = values[order]
        return grid.reshape(high, wide)

    def window(
        self, rows: slice, columns: slice
    ) -> Float32[np.ndarray, "window_rows window_columns"]:
        """The exact entries of a part, zeros included."""
        row_start, row_stop, _ = rows.indices(self.shape[0])
        start, stop, _ = columns.indices(self.shape[1])
        part = self.columns[row_start:row_stop]
        out = np.zeros((row_stop - row_start, stop - start), np.float32)
        at_row, at_link = np.nonzero((part >= start) & (part < stop))
        values = (
            np.float32(1)
            if self.values is None
            else self.values[row_start:row_stop][at_row, at_link]
        )
        np.add.at(out, (at_row, part[at_row, at_link] - start), values)
        return out


def pattern_of_offsets(offsets: Sequence[int], seq_len: int) -> SparseMatrix:
    """The N x N pattern in which row i links to (i + offset) mod N: one factor of a protocol."""
    columns = (np.arange(seq_len)[:, None] + np.asarray(offsets)[None, :]) % seq_len
    return SparseMatrix(columns, offsets=[int(offset) % seq_len for offset in offsets])


def strongest(
    values: Float32[np.ndarray, "rows columns"], tile: int
) -> Float32[np.ndarray, "tile_rows tile_columns"]:
    """The entry of largest magnitude of every tile x tile block, with its sign."""
    if tile == 1:
        return values
    at = [np.arange(0, size, tile) for size in values.shape]
    low = np.minimum.reduceat(np.minimum.reduceat(values, at[0], axis=0), at[1], axis=1)
    high = np.maximum.reduceat(np.maximum.reduceat(values, at[0], axis=0), at[1], axis=1)
    return np.where(high >= -low, high, low)
