"""A page of views for the browser tests; `?show=` picks which."""

import numpy as np
import streamlit as st

from app.components import (
    DenseMatrix,
    Line,
    live_lines,
    matrix_view,
    pattern_of_offsets,
    ring_view,
)
from paramixer_core.analysis.reach import ring_steps
from paramixer_core.protocols import Protocol, protocol_offsets

OFFSETS = protocol_offsets(Protocol.CDIL, 16, 3)


def numbers(rows: int, columns: int) -> np.ndarray:
    return np.random.default_rng(5).normal(size=(rows, columns)).astype(np.float32)


@st.cache_resource
def large() -> DenseMatrix:
    return DenseMatrix(numbers(1000, 1000))


def linked() -> None:
    left, middle, right = st.columns(3)
    with left:
        cell = matrix_view(
            numbers(16, 16),
            title="Factor",
            key="factor",
            group="wiring",
            row_label="to token i",
            column_label="from token j",
            value_label="weight",
        )
        st.text(f"Python has {None if cell is None else tuple(cell)}")
    with middle:
        pattern = pattern_of_offsets(OFFSETS[0], 16)
        matrix_view(pattern, title="Pattern", key="pattern", group="wiring", report=False)
    with right:
        steps = ring_steps(OFFSETS, 16)
        source = ring_view(16, OFFSETS, title="Ring", key="ring", group="wiring", steps=steps)
        st.text(f"Python has source {source}")


@st.fragment(run_every=0.3)
def tick() -> None:
    st.session_state.ticks = st.session_state.get("ticks", 0) + 1
    x = np.arange(1, 20 + min(580, st.session_state.ticks))
    lines = [
        Line("CHORD", x, 2 / np.sqrt(x) + 0.05 * np.sin(x), "chord"),
        Line("Attention", x, 2.2 / np.sqrt(x), "attention"),
    ]
    live_lines(lines, title="Loss", x_label="step", y_label="nats", key="loss", smoothing=0.9)


def live() -> None:
    matrix_view(numbers(3, 3), title="Still", key="still")
    tick()
    live_lines([], title="Empty", x_label="step", y_label="norm", key="none", empty="No steps yet.")


st.set_page_config(page_title="Views", layout="wide")
match st.query_params.get("show"):
    case "linked":
        if st.checkbox("Show them", value=True):
            linked()
    case "live":
        live()
    case "largest":
        matrix_view(numbers(256, 256), title="Exact", key="exact")
    case "large":
        matrix_view(large(), title="Large", key="large")
    case "long":
        long = protocol_offsets(Protocol.CHORD, 16384)
        matrix_view(pattern_of_offsets(long[0], 16384), title="Long", key="long")
        ring_view(16384, long, title="Long ring", key="ring", steps=ring_steps(long, 16384))
