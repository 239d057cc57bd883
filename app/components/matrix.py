"""Matrices that can be hovered, clicked, zoomed and linked, drawn in the browser from few bytes."""

from typing import Any, NamedTuple

import numpy as np
import streamlit as st
from jaxtyping import Float32, UInt8
from numpy.typing import NDArray

from app.components.choice import latest_choice, whole_number
from app.components.client import mount_code, mount_feed, mount_view
from app.components.matrix_sources import NO_LINK, DenseMatrix, MatrixSource, SparseMatrix
from app.components.payload import pack
from app.theme import INKS, Scale, colour_table
from paramixer_core.errors import ParamixerError

VALUE_BYTES = 262_144
"""Up to here all exact values travel with the first view: N = 256 in float32."""

LINK_BYTES = 232_000
"""Up to here a sparse matrix travels as its links."""

COARSE_SIDE = 384
"""Rows and columns of the coarse grid of a larger matrix, at most."""

WINDOW_SIDE = 128
"""Rows and columns of the exact window that a zoomed view of a larger matrix asks for."""


class Cell(NamedTuple):
    """A place in a matrix, both counted from 0."""

    row: int
    column: int


def levels(
    values: Float32[np.ndarray, "rows columns"], limit: float, scale: Scale
) -> UInt8[np.ndarray, "rows columns"]:
    """Colour levels: 127 is zero of a SIGNED scale that ends at 0 = -limit and 254 = +limit; a
    SEQUENTIAL scale goes from 0 = zero to 254 = limit. 255 marks values that are not finite."""
    if scale is Scale.SIGNED:
        places = np.rint(127 + 127 * np.clip(values / limit, -1, 1))
    else:
        places = np.rint(254 * np.clip(values / limit, 0, 1))
    out: UInt8[np.ndarray, "rows columns"] = np.where(np.isfinite(values), places, 255).astype(
        np.uint8
    )
    return out


def view_payload(
    source: MatrixSource,
    *,
    signed: bool | None,
    limit: float | None,
    texts: dict[str, Any],
    value_bytes: int = VALUE_BYTES,
) -> bytes:
    """What the first view of a matrix sends: colours, texts, and values, links or a coarse grid.

    The size stays under FIRST_VIEW_BYTES for every shape, unless `value_bytes` allows more for
    exact values (a view that will have no server to ask).
    """
    rows, columns = source.shape
    sparse = source if isinstance(source, SparseMatrix) else None
    small = rows * columns * 4 <= value_bytes
    tile = 1 if small else -(-max(rows, columns) // COARSE_SIDE)
    kind = "values" if small else _kind_of_large(sparse)
    grid = source.grid(tile) if sparse is None or kind in ("values", "tiles") else None
    numbers = sparse.entries()[2] if sparse is not None and kind != "tiles" else grid
    finite = numbers[np.isfinite(numbers)] if numbers is not None else np.empty(0)
    if signed is None:
        signed = bool(finite.min(initial=0) < 0)
    scale = Scale.SIGNED if signed else Scale.SEQUENTIAL
    own = limit if limit is not None and np.isfinite(limit) else None
    top = own or float(np.abs(finite).max(initial=0)) or 1.0
    header: dict[str, Any] = {
        **texts,
        "view": "matrix",
        "kind": kind,
        "rows": rows,
        "columns": columns,
        "scale": scale,
        "pattern": sparse is not None and sparse.is_pattern,
        "limit": top,
        "blank": numbers is not None and not numbers.any(),
        "odd": numbers is not None and finite.size < numbers.size,
        "tile": tile,
        "windowSide": WINDOW_SIDE,
        "selectionInk": [INKS["selection"].light, INKS["selection"].dark],
    }
    arrays: dict[str, NDArray[Any]] = {
        "light": colour_table(scale, dark=False),
        "dark": colour_table(scale, dark=True),
    }
    if kind == "values" and grid is not None:
        arrays["values"] = grid
    elif kind == "tiles" and grid is not None:
        arrays["levels"] = levels(grid, top, scale)
    elif kind == "offsets" and sparse is not None:
        header["offsets"] = list(sparse.offsets or ())
    elif sparse is not None:
        arrays["links"] = np.where(sparse.columns < 0, NO_LINK, sparse.columns).astype(np.uint16)
        if sparse.values is not None:
            arrays["weights"] = sparse.values
    return pack(header, arrays)


def _kind_of_large(sparse: SparseMatrix | None) -> str:
    if sparse is None:
        return "tiles"
    if sparse.is_pattern and sparse.offsets is not None:
        return "offsets"
    return (
        "links" if sparse.columns.size * (2 if sparse.is_pattern else 6) <= LINK_BYTES else "tiles"
    )


def detail_payload(
    source: MatrixSource, key: str, selection: Cell | None, corner: tuple[int, int] | None
) -> bytes:
    """What follows a click or a zoom: the selection with its exact value, and an exact window."""
    arrays: dict[str, NDArray[Any]] = {}
    if selection is not None:
        row, column = selection
        arrays["cell"] = source.window(slice(row, row + 1), slice(column, column + 1))
    if corner is not None:
        row, column = corner
        arrays["window"] = source.window(
            slice(row, row + WINDOW_SIDE), slice(column, column + WINDOW_SIDE)
        )
    header = {"key": key, "selection": selection, "corner": corner}
    return pack(header, arrays)


def matrix_view(
    matrix: NDArray[Any] | MatrixSource,
    *,
    title: str,
    key: str,
    signed: bool | None = None,
    limit: float | None = None,
    row_label: str = "row i",
    column_label: str = "column j",
    value_label: str = "value",
    caption: str = "",
    group: str = "",
    selection: tuple[int, int] | None = None,
    report: bool = True,
    compact: bool = False,
    max_size: int = 460,
    factor: int = 0,
) -> Cell | None:
    """Draw a matrix and return the cell that is selected in it.

    The reader hovers for row, column and exact value, clicks or uses the arrow keys (or the row and
    column inputs) to select, zooms with the wheel or the buttons, drags to move, double-clicks for
    the whole. Views with the same `group` light up the same row and column in the same frame.

    Args:
        matrix: (R, C) numbers, or a source: `DenseMatrix`, `SparseMatrix`, `pattern_of_offsets`,
            `StreamedMatrix`. Dense up to N = 256 is sent exactly; larger ones as the strongest
            entry of each tile, with exact values for what is selected or zoomed to.
        signed: a scale centred on zero (purple, orange) or one from zero up; None looks.
        limit: value at the end of the scale, for matrices that share one; None takes the largest.
        value_label: what the numbers are, with their unit.
        caption: a plain sentence on what to see.
        selection: the cell selected at first, or from now on if it changed since the last run.
        report: whether a selection reaches Python (and reruns); False keeps it in the browser.
        compact: only title, matrix and readout, for a row of small matrices.
        max_size: of the drawing in pixels.
        factor: which factor's links the cells are, in a group that tells factors apart; else 0.

    Raises:
        ParamixerError: not a matrix, or an empty one; a selection outside of it.
    """
    source = matrix if isinstance(matrix, MatrixSource) else DenseMatrix(np.asarray(matrix))
    given = None if selection is None else Cell(*selection)
    if given is not None and not _inside(given, source.shape):
        raise ParamixerError(
            f"a cell inside of {source.shape[0]} rows and {source.shape[1]} columns",
            tuple(given),
            "count rows and columns from 0",
        )
    texts = {
        "key": key,
        "title": title,
        "rowLabel": row_label,
        "columnLabel": column_label,
        "valueLabel": value_label,
        "caption": caption,
        "group": group,
        "report": report,
        "compact": compact,
        "maxSize": max_size,
        "factor": factor,
    }
    payload = view_payload(source, signed=signed, limit=limit, texts=texts)
    with st.container(gap=None):
        state = mount_view(key, payload, "selection", "corner")
        now = latest_choice(key, given, _clicked(state.get("selection")))
        if now is not None and not _inside(now, source.shape):
            now = None
        corner = _corner(state.get("corner"), source.shape)
        mount_feed(key, detail_payload(source, key, now, corner))
        mount_code()
    return now


def pressed_cell(key: str) -> Cell | None:
    """The cell that the reader clicked (or chose with Enter) just now, before the view is drawn.

    Each click is told once. Moving the selection with arrow keys or the number inputs is no click.
    """
    state = (st.session_state.get(key) or {}).get("selection") or {}
    found = _clicked(state)
    told = f"{key}-told"
    if found is None or found[1] == st.session_state.get(told):
        return None
    st.session_state[told] = found[1]
    return found[0] if state.get("pressed") is True else None


def _clicked(state: dict[str, Any] | None) -> tuple[Cell | None, int] | None:
    click = whole_number((state or {}).get("click"))
    if state is None or click is None:
        return None
    row, column = whole_number(state.get("row")), whole_number(state.get("column"))
    return (None if row is None or column is None else Cell(row, column)), click


def _corner(state: Any, shape: tuple[int, int]) -> tuple[int, int] | None:
    if not isinstance(state, list) or len(state) != 2:
        return None
    row, column = (whole_number(at) for at in state)
    if row is None or column is None or not _inside(Cell(row, column), shape):
        return None
    return row, column


def _inside(cell: Cell, shape: tuple[int, int]) -> bool:
    return 0 <= cell.row < shape[0] and 0 <= cell.column < shape[1]
