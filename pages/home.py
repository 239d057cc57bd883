"""Home: what this is, one figure to touch, and where to go."""

import streamlit as st

from app import compute, controls
from app.components import matrix_view, ring_view
from app.navigation import PAGES, link_to
from paramixer_core.protocols import Protocol

st.title("Mix tokens without attention")
st.markdown(
    "A Transformer compares **every** token with every other: N² weights. **Paramixer** lets each "
    "token talk to a handful of others, log₂ N times over. The product of these sparse matrices "
    "links all tokens; small MLPs, which are what is trained, compute its weights from the tokens. "
    "Here you can touch all of it: wiring, "
    "training, matrices, rank and cost, in real PyTorch, where every number is the tensor's own."
)
seq_len = controls.slider("Tokens N", "n", low=4, high=64, default=16)
wired = compute.Wired(Protocol.CHORD, seq_len, 3)
reached, links = compute.reach(wired), compute.counts(wired)
ring, matrix = st.columns(2, gap="large")
with ring:
    ring_view(
        seq_len,
        wired.offsets,
        title="Pick a token, press play",
        steps=reached.steps,
        key="home_ring",
        group="home",
        caption="Its message travels along the links, one sparse factor at a time.",
    )
with matrix:
    matrix_view(
        reached.steps,
        title="How many factors until token i hears token j",
        row_label="token i",
        column_label="hears token j",
        value_label="factors",
        key="home_steps",
        group="home",
        caption=f"{links.listed:,} links in {len(wired.offsets)} factors reach all "
        f"{links.full:,} pairs.",
    )
st.subheader("Walk through it")
for entry in PAGES[1:]:
    link_to(entry.file)
st.caption(
    "Paramixer: Yu, Khalitov, Cheng, Yang, CVPR 2022, pp. 691-700 (arXiv 2204.10670). This lab is "
    "an independent implementation."
)
