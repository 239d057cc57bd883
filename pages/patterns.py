"""Patterns: how few links reach every token."""

import streamlit as st

from app import compute, controls
from app.components import matrix_view, pattern_of_offsets, ring_view
from paramixer_core.protocols import Protocol

st.title("How few links reach every token")
st.markdown(
    "Attention links every token to every other. Paramixer multiplies **M = ceil(log2 N)** sparse "
    "matrices instead: each links a token to a handful of others on a ring, and their product "
    "links it to all. Choose a pattern, then move through its factors."
)
left, right = st.columns([1, 3], gap="large")
with left:
    protocol = controls.choice(
        "Pattern",
        "protocol",
        list(Protocol),
        default=Protocol.CHORD,
        titles={Protocol.CHORD: "CHORD", Protocol.CDIL: "CDIL"},
        tip="CHORD reaches 1, 2, 4, 8 ... ahead in every factor. CDIL reaches to both sides, "
        "twice as far in each next factor.",
        row=True,
    )
    seq_len = controls.slider("Tokens N", "n", low=2, high=256, default=16)
    num_links = (
        controls.choice("Links a row K", "k", (3, 5, 7, 9), default=3, row=True)
        if protocol is Protocol.CDIL
        else 3
    )
    wired = compute.Wired(protocol, seq_len, num_links)
    factors = len(wired.offsets)
    factor = controls.slider("Factor m", "m", low=1, high=factors, default=1)
    links, reached, graph = compute.counts(wired), compute.reach(wired), compute.graph_of(wired)
with right:
    for column, (name, value, tip) in zip(
        st.columns(4),
        (
            ("Links in all factors", f"{links.listed:,}", "N M K, the self-links included"),
            ("Attention's links", f"{links.full:,}", "N times N"),
            ("Factors M", f"{factors}", "ceil(log2 N)"),
            ("Hops on the graph", f"{graph.diameter}", "the longest shortest path, by networkx"),
        ),
        strict=True,
    ):
        column.metric(name, value, help=tip)
    ring, matrix = st.columns(2)
    with ring:
        ring_view(
            seq_len,
            wired.offsets[factor - 1],
            title=f"Links of factor {factor}",
            hops=reached.steps,
            key="ring",
            group="patterns",
        )
    with matrix:
        matrix_view(
            pattern_of_offsets(wired.offsets[factor - 1], seq_len),
            title=f"Factor W{factor}: where its non-zeros are",
            row_label="token",
            column_label="reads token",
            key="factor",
            group="patterns",
        )
st.subheader(f"The product of the first {factor} factor{'s' * (factor > 1)}")
filled, story = st.columns([1, 1], gap="large")
with filled:
    matrix_view(
        reached.support(factor),
        title=f"What (I + W{factor}) ... (I + W1) can fill" if factor > 1 else "What I + W1 fills",
        row_label="token",
        column_label="hears token",
        key="filled",
        group="patterns",
    )
with story:
    st.metric("Filled", f"{reached.fill[factor]:.4g} %")
    st.markdown(
        f"After **{factor} of {factors}** factors, {reached.fill[factor]:.4g} % of all "
        f"{links.full:,} pairs of tokens are linked. "
        + (
            "Every token hears every other: the product is as dense as attention."
            if reached.fill[factor] == 100
            else "Move **Factor m** on to see the rest fill up."
        )
    )
