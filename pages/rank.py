"""Rank: how steep the spectra of learned mixing matrices are."""

import streamlit as st

from app import controls, history, ranks
from app.figures.lines import curves_figure
from app.navigation import link_to

st.title("Rank, measured")
st.markdown(
    "Dot-product logits QKᵀ/√d have rank at most **d**, whatever N. Softmax works entry by entry, "
    "so attention can be full-rank again, but its spectrum stays steep. Each Paramixer factor, and "
    "so their product, is full-rank for almost all weights. How true is that of trained networks?"
)
runs = history.runs_with_snapshots()
if not runs:
    st.info("There is no trained run on this server yet. Train one: it takes a few seconds.")
    link_to("train.py")
    st.stop()
settings, view = st.columns([1, 3], gap="large")
with settings:
    ours, rival = ranks.pair(runs)
    first = history.pick_run("Run", "run", runs, ours)
    second = history.pick_run("Beside it", "beside", runs, rival)
    exponent = controls.slider(
        "Tolerance 10^-k of the largest, k", "tol", low=1, high=15, default=6
    )
    log_y = controls.choice("Axis", "axis", ("log", "linear"), default="log", row=True) == "log"
rows = [*ranks.rows(first, exponent), *(ranks.rows(second, exponent) if second != first else [])]
with view:
    st.plotly_chart(
        curves_figure(
            [row.curve for row in rows],
            x_label="index of the singular value",
            y_label="singular value / the largest" + (" (log scale)" if log_y else ""),
            log_y=log_y,
            dark=controls.dark_theme(),
        ),
        key="spectra",
        config={"displayModeBar": False},
    )
    st.dataframe([row.figures for row in rows], hide_index=True)
    st.caption(
        "Numerical rank counts singular values above the tolerance. Effective rank is exp of the "
        "entropy of the normalised spectrum (Roy and Vetterli 2007). Stable rank is the squared "
        "Frobenius norm over the squared largest singular value. All of the first test example, "
        "last block, newest snapshot; the matrices are float32, their spectra float64."
    )
