"""Inspect: the matrices that a trained network mixes one example with."""

import streamlit as st

from app import controls, history, tokens
from app.components import matrix_view
from app.navigation import link_to

st.title("What a trained model mixes")
runs = history.runs_with_snapshots()
if not runs:
    st.info("There is no trained run on this server yet. Train one: it takes a few seconds.")
    link_to("train.py")
    st.stop()
settings, view = st.columns([1, 3], gap="large")
with settings:
    run = history.pick_run("Run", "run", runs, runs[0])
    step = history.pick_step(run)
    last = history.examples(run.id) - 1
    example = controls.whole_number("Test example", "example", low=0, high=last, default=0)
    block = controls.slider("Block", "block", low=1, high=run.config.blocks, default=1) - 1
    seen = history.views(run.id, step, example)
    tokens.draw(run.config.task, seen)
matrices = seen.blocks[block]
with view:
    bare = controls.choice(
        "Mixing matrix",
        "show",
        ("operator", "product"),
        default="operator",
        titles={"operator": "with the residual", "product": "bare product"},
        tip="The block's true operator is (I + WM) ... (I + W1); the bare product is WM ... W1. "
        "For attention: I + A, or the attention matrix A.",
        row=True,
    )
    matrix_view(
        matrices[bare],
        title="Row i: what output token i reads" + (", residual included" * (bare == "operator")),
        row_label="output token i",
        column_label="input token j",
        value_label="mixing weight",
        key="mixing",
        group="inspect",
        caption="Orange adds the input token, purple subtracts it, paper white is zero: these "
        "weights are signed, there is no softmax."
        if "factors" in matrices
        else "Attention's weights are positive and each row sums to one (before the residual).",
    )
    if "factors" in matrices:
        st.subheader("Factor by factor")
        st.caption("Each holds a few weights a row, computed from that row's token by a small MLP.")
        columns = st.columns(3)
        for number, factor in enumerate(matrices["factors"], start=1):
            with columns[(number - 1) % 3]:
                matrix_view(
                    factor,
                    title=f"W{number}",
                    row_label="output token i",
                    column_label="input token j",
                    value_label="link weight",
                    key=f"factor-{number}",
                    group="inspect",
                    report=False,
                    compact=True,
                )
