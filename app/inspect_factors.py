"""The sparse factors of a Paramixer block, one by one, and their product so far."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, history, inspect_compute
from app.components import Cell, matrix_view
from app.inspect_choice import Looked
from paramixer_core.config import LinkSource, Residual

GROUP = "inspect"


def draw(looked: Looked, step: int, cell: Cell) -> None:
    """Factor m and the product of the first m, linked with the matrices above."""
    config = looked.run.config
    count = history.num_factors(looked.run.id)
    if not count:
        heads(looked, step, cell)
        return
    residual = config.residual if looked.kind == "operator" else Residual.NONE
    m = controls.slider("Factor m", "m", low=1, high=count, default=1)
    shown = history.factor(looked.run.id, step, looked.example, looked.block, m, residual)
    whole = inspect_compute.matrix_of(looked.run, step, looked.example, looked.block, looked.kind)
    limit, legend = inspect_compute.limit_of(looked, looked.run, whole)
    left, right = st.columns(2, gap="large")
    with left:
        matrix_view(
            shown.factor,
            title=f"Factor W{m}",
            row_label="output token i",
            column_label="input token j",
            value_label="link weight",
            key="factor",
            group=GROUP,
            selection=cell,
            report=False,
            caption=f"Row i holds the few weights that the link MLP computed {read_from(looked)}. "
            "The colours end at this step's largest weight.",
        )
    with right:
        matrix_view(
            shown.product,
            title=product_title(m, residual),
            row_label="output token i",
            column_label="input token j",
            value_label="mixing weight",
            key="so_far",
            limit=limit,
            group=GROUP,
            selection=cell,
            report=False,
            caption=f"The product of the first {m} of {count} factors: with the last it is the "
            "whole mixing matrix"
            + (
                " above."
                if residual is not Residual.AROUND_BLOCK
                else ", to which the block adds its residual."
            )
            + f" {legend.split(',')[0]}, as above.",
        )


def product_title(m: int, residual: Residual) -> str:
    """What the first m factors make of V_0, as a formula.

    >>> [product_title(m, Residual.FIRST).partition(": ")[2] for m in (1, 2, 3)]
    ['W1 + I', 'W2 (W1 + I) + I', 'W3 (... (W1 + I) ...) + I']
    """
    if residual is Residual.FIRST:
        inner = {1: "W1 + I", 2: "W2 (W1 + I) + I"}.get(m, f"W{m} (... (W1 + I) ...) + I")
        return f"The product so far: {inner}"
    per_factor = residual is Residual.PER_FACTOR
    last, first = (f"(I + W{m})", "(I + W1)") if per_factor else (f"W{m}", "W1")
    if m == 1:
        return f"The product so far: {first}"
    return (
        f"The product so far: {last} ... {first}"
        if m > 2
        else f"The product so far: {last} {first}"
    )


def read_from(looked: Looked) -> str:
    """What the link MLPs of the shown block read."""
    if looked.block and looked.run.config.link_source is LinkSource.CURRENT:
        return (
            "from what reaches this block at place i, into which earlier blocks have mixed other "
            "tokens"
        )
    return "from the embedding of token i alone"


def heads(looked: Looked, step: int, cell: Cell) -> None:
    """Attention has no factors: its heads are shown instead."""
    seen = history.views(looked.run.id, step, looked.example)
    attention: NDArray[np.float32] = seen.blocks[looked.block]["attention"]
    head = controls.slider("Head", "head", low=1, high=len(attention), default=1)
    matrix_view(
        attention[head - 1],
        title=f"Attention of head {head} of {len(attention)}",
        row_label="output token i",
        column_label="input token j",
        value_label="probability",
        key="factor",
        group=GROUP,
        selection=cell,
        report=False,
        caption="Attention has no factors: one dense matrix per head, each row a softmax.",
    )
