"""The story's numbers: counts of links over N, and the links as one graph beside others."""

import streamlit as st

from app import controls, patterns, quantities
from app.compute import Wired
from app.figures.lines import Curve, Mark, curves_figure
from paramixer_core.protocols import Protocol


def count(wired: Wired) -> None:
    """N^2, N M (M + 1) and N M K on this N."""
    found = patterns.counts(wired.seq_len, wired.num_links)
    for column, at in zip(st.columns(3), found, strict=True):
        with column, st.container(border=True, key=f"count-{at.name.lower()}"):
            st.metric(f"{at.name}: {at.formula}", f"{at.total:,}")
            worked = f"{at.seq_len:,} × {at.factors} × {at.links}"
            if at.cheaper_from is None:
                st.caption(f"{at.seq_len:,} × {at.seq_len:,}")
            else:
                st.caption(
                    f"{worked}: {at.share:.3g} % of N². Fewer links than attention for every N "
                    f"from **{at.cheaper_from:,}** on."
                )

    st.plotly_chart(
        curves_figure(
            [
                Curve(name, x, y, meaning=name.lower())
                for name, (x, y) in patterns.count_curves(wired.num_links).items()
            ],
            x_label="tokens N (log scale)",
            y_label="links (log scale)",
            log_x=True,
            log_y=True,
            marks=[Mark(wired.seq_len, f"N = {wired.seq_len:,}")],
            dark=controls.dark_theme(),
        ),
        width="stretch",
        key="count-curves",
        alt="Links over N for attention, CHORD and CDIL, with a line at the chosen N.",
    )
    st.caption(
        "Attention's line is the steepest: where it crosses the others, they have fewer links from "
        "there on."
    )


def graph(wired: Wired) -> None:
    """Diameter, mean path, degree and spectral gap beside other graphs."""
    rows = patterns.measures(wired)
    st.table(
        {
            "Graph": [row.name for row in rows],
            "Links a token": [f"{row.mean_degree:g}" for row in rows],
            "Diameter": [quantities.hops(row.diameter) for row in rows],
            "Mean path": [quantities.hops(row.mean_path) for row in rows],
            "Neighbours": [f"{row.neighbours:g}" for row in rows],
            "Spectral gap": [f"{row.spectral_gap:.4g}" for row in rows],
            "Links": [f"{row.edges:,}" for row in rows],
        },
        hide_index=True,
        border="horizontal",
    )
    own, lattice = rows[0], rows[1]
    st.markdown(
        f"In **{own.name}** two tokens are at most **{own.diameter:g} hops** apart; on a ring "
        f"lattice, where each token reads only the nearest, {lattice.diameter:g}. Self links are "
        "left out. The gap is that of a walk that ignores directions, so a link that leads one way "
        "counts for both of its tokens: compare gaps of graphs with as many **neighbours**."
    )
    st.plotly_chart(
        curves_figure(
            [
                Curve(name, *patterns.diameters(at), meaning=at.protocol)
                for name, at in (
                    ("CHORD", Wired(Protocol.CHORD, 2, 3)),
                    (
                        f"CDIL, K = {wired.num_links}",
                        Wired(Protocol.CDIL, 2, wired.num_links),
                    ),
                )
            ],
            x_label="tokens N (log scale)",
            y_label="diameter in hops",
            log_x=True,
            dark=controls.dark_theme(),
        ),
        width="stretch",
        key="diameters",
        alt="Diameter in hops over N from 8 to 1024 for CHORD and CDIL.",
    )
    st.caption("The diameter grows by about one hop each time that N doubles, or slower.")
