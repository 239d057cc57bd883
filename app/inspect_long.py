"""Long sequences: an overview, exact blocks, rows and columns of a matrix that is never formed."""

import time

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, history, inspect_long_export
from app.components import matrix_view
from app.inspect_choice import Looked
from app.inspect_shown import ShownMatrix
from app.quantities import numeral
from paramixer_core.analysis.entries import colour_limit
from paramixer_core.analysis.operators import Operator
from paramixer_core.analysis.overview import Overview, mean_overview
from paramixer_core.inspection import (
    Example,
    compact_example,
    compacts_of,
    sparse_operator,
)

SIDE = 128
SCALE_STEPS = 4
SCALE_ROWS = 16
"""Snapshots, and rows of each, that the colours of exact entries are fitted to at most."""
LINE = 128
"""A row of N weights is drawn as lines of so many tokens, so that each is a cell."""


@st.cache_resource(max_entries=4, show_spinner="Reading the long sequence")
def operator(run_id: str, step: int, example: Example, block: int, kind: str) -> Operator:
    """A block's operator, applied when asked."""
    where = history.shelf(run_id)
    config = where.run(run_id).config
    if isinstance(example, int) and history.in_probe(run_id, step, example):
        compact = compacts_of(config, where.probe(run_id, step), example)[block]
    else:
        compact = compact_example(config, where.state(run_id, step), example)[block]
    return sparse_operator(config, compact, bare=kind == "product")


@st.cache_data(max_entries=8, show_spinner="Averaging the whole matrix")
def overview(run_id: str, step: int, example: Example, block: int, kind: str) -> Overview:
    """The mean of every tile."""
    return mean_overview(operator(run_id, step, example, block, kind), SIDE)


@st.cache_data(max_entries=64, show_spinner="Fitting one colour scale")
def entries_limit(
    run_id: str, steps: tuple[int, ...], example: Example, block: int, kind: str
) -> float:
    """Where the colours of exact entries end: a few rows of each of these steps are looked at."""
    rows = []
    for step in steps:
        op = operator(run_id, step, example, block, kind)
        some = np.linspace(0, op.seq_len - 1, SCALE_ROWS).astype(int)
        rows.append(op.rows(sorted({int(row) for row in some})))
    return colour_limit(*rows)


def scale_steps(looked: Looked, step: int) -> tuple[int, ...]:
    """The snapshots that the colours are fitted to, by the reader's choice: a few, or this one."""
    if not looked.one_scale:
        return (step,)
    steps = history.steps_with(looked.run, looked.example)
    return tuple(sorted({*steps[:: -(-len(steps) // SCALE_STEPS)], steps[-1]}))


def draw(looked: Looked) -> None:
    """Overview, the exact block behind a tile, one row and one column, and their files."""
    step = history.pick_step(looked.run, example=looked.example)
    which = (looked.run.id, step, looked.example, looked.block, looked.kind)
    op, tiles = operator(*which), overview(*which)
    fitted = scale_steps(looked, step)
    limit = entries_limit(looked.run.id, fitted, looked.example, looked.block, looked.kind)
    over = "at every step" if looked.one_scale and len(fitted) > 1 else "fitted to this step"
    ends = f"The colours end at {numeral(limit)}, {over}: 99 % of the entries looked at stay below."
    tiles_limit = colour_limit(tiles.values)
    tile_ends = f"The colours end at {numeral(tiles_limit)}, fitted to the tiles of this step."
    st.caption(
        f"N = {looked.seq_len:,}: the matrix would have {looked.seq_len**2:,} entries. It is never "
        "formed; the sparse factors are applied to unit vectors instead, so every number below is "
        "exact."
    )
    left, right = st.columns(2, gap="large")
    with left:
        tile = matrix_view(
            tiles.values,
            title="The whole matrix, averaged over tiles",
            row_label=f"{tiles.height} output tokens each",
            column_label=f"{tiles.width} input tokens each",
            value_label="mean weight of the tile",
            key="overview",
            limit=tiles_limit,
            selection=(0, 0),
            caption="Signs cancel within a tile. Select a tile to see its entries beside it. "
            + tile_ends,
        )
    with right:
        rows, columns = spans(tiles, tile or (0, 0), looked.seq_len)
        entries = op.block(rows, columns)
        matrix_view(
            entries,
            limit=limit,
            title=f"Output tokens {rows[0]:,} to {rows[-1]:,}, input {columns[0]:,} to "
            f"{columns[-1]:,}",
            row_label=f"output token − {rows[0]:,}",
            column_label=f"input token − {columns[0]:,}",
            value_label="mixing weight",
            key="block",
            report=False,
            caption=f"Exact entries of the selected tile. {ends}",
        )
    token = controls.whole_number("Token", "token", low=0, high=looked.seq_len - 1, default=0)
    left, right = st.columns(2, gap="large")
    with left:
        started = time.perf_counter()
        row = op.rows([token])[0]
        line(row, f"What output token {token:,} reads", "row", took(started), limit)
    with right:
        started = time.perf_counter()
        column = op.columns([token])[:, 0]
        line(column, f"Where input token {token:,} goes", "column", took(started), limit)
    st.subheader("Take it with you", anchor=False)
    inspect_long_export.draw(
        looked,
        step,
        [
            ShownMatrix(
                "overview", "Overview: the mean of every tile", tiles.values, tiles_limit, tile_ends
            ),
            ShownMatrix("tile", "Entries of the selected tile", entries, limit, ends),
            ShownMatrix(
                f"row{token}", f"What output token {token:,} reads", row[None], limit, ends
            ),
            ShownMatrix(
                f"column{token}", f"Where input token {token:,} goes", column[:, None], limit, ends
            ),
        ],
    )


def spans(tiles: Overview, tile: tuple[int, int], seq_len: int) -> tuple[list[int], list[int]]:
    """The tokens of a tile, down and across."""
    row, column = (min(at, len(tiles.values) - 1) for at in tile)
    rows = range(row * tiles.height, min((row + 1) * tiles.height, seq_len))
    columns = range(column * tiles.width, min((column + 1) * tiles.width, seq_len))
    return list(rows), list(columns)


def took(started: float) -> str:
    """How long it took since then."""
    return f"Computed in {1000 * (time.perf_counter() - started):.0f} ms."


def line(values: NDArray[np.float64], title: str, key: str, caption: str, limit: float) -> None:
    """N numbers in lines of 128; the last line may end in cells that are no tokens."""
    padded = np.full(-(-len(values) // LINE) * LINE, np.nan)
    padded[: len(values)] = values
    matrix_view(
        padded.reshape(-1, LINE),
        title=title,
        row_label=f"token // {LINE}",
        column_label=f"token % {LINE}",
        value_label="mixing weight",
        limit=limit,
        key=f"long-{key}",
        report=False,
        caption=f"{caption} Token = {LINE} x row + column.",
    )
