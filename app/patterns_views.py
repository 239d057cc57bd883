"""What each step of the story draws; `DRAW` holds one function a step."""

import streamlit as st

from app import compute, controls, patterns, quantities
from app.components import growth_view, matrix_view, pattern_of_offsets, ring_view
from app.compute import Wired
from app.figures.lines import Curve, Mark, curves_figure
from app.patterns import all_offsets
from paramixer_core.protocols import Protocol

GROUP = "patterns"
RING_OF_ALL = 64
ROW, COLUMN = "token i", "reads token j"


def attention(wired: Wired) -> None:
    """All N^2 links."""
    full = compute.counts(wired).full
    st.markdown(f"**{wired.seq_len:,} tokens, {full:,} links.**")
    ring, matrix = st.columns(2, gap="medium")
    with matrix:
        matrix_view(
            pattern_of_offsets(all_offsets(wired.seq_len), wired.seq_len),
            title=f"Attention: all {full:,} cells are links",
            key="full",
            group=GROUP,
            report=False,
            row_label=ROW,
            column_label=COLUMN,
        )
    with ring:
        if wired.seq_len > RING_OF_ALL:
            st.info(
                f"With {wired.seq_len:,} tokens the ring would be solid ink: its {full:,} links "
                f"are drawn up to N = {RING_OF_ALL}."
            )
            return
        ring_view(
            wired.seq_len,
            [all_offsets(wired.seq_len)],
            title="Every token reads every token",
            key="ring-full",
            group=GROUP,
            report=False,
        )


def factor(wired: Wired) -> None:
    """One CHORD factor."""
    links = compute.counts(wired)
    st.markdown(
        f"**{links.per_factor[0]:,} links in this factor** instead of {links.full:,}: each token "
        f"reads {patterns.reaches(wired, 1)}."
    )
    one_factor(wired, 1)


def one_factor(wired: Wired, number: int) -> None:
    """The ring and the matrix of one factor, linked."""
    ring, matrix = st.columns(2, gap="medium")
    offsets = wired.offsets
    with ring:
        ring_view(
            wired.seq_len,
            offsets,
            factor=number,
            title=f"Links of factor {number}",
            key="ring-factor",
            group=GROUP,
            report=False,
        )
    with matrix:
        matrix_view(
            pattern_of_offsets(offsets[number - 1], wired.seq_len),
            title=f"Factor W{number}: where its non-zeros are",
            key="factor",
            group=GROUP,
            report=False,
            row_label=ROW,
            column_label=COLUMN,
        )


def product(wired: Wired) -> None:
    """How the product of the first m factors fills up."""
    factors = patterns.factors_of(wired)
    linked = controls.linked_whole_number("Factors m", "m", 0, factors, 0)
    ring, matrix = st.columns(2, gap="medium")
    found = patterns.steps(wired)
    with ring:
        ring_view(
            wired.seq_len,
            wired.offsets,
            title="Who has read the source token",
            steps=found,
            led=True,
            key="ring-product",
            group=GROUP,
            report=False,
        )
    with matrix:
        now = growth_view(
            found,
            factors,
            title="Who reads whom after m factors",
            hop=st.session_state[linked.key],
            key="growth",
            group=GROUP,
            locked=linked.locked,
        )
    st.session_state[linked.key] = linked.keep(now)


def cdil(wired: Wired) -> None:
    """CDIL's factors one by one."""
    number = controls.slider("Factor m", "f", low=1, high=patterns.factors_of(wired), default=1)
    links, filled = compute.counts(wired), patterns.fill(wired)
    st.markdown(
        f"**Factor {number}** reads {patterns.reaches(wired, number)}: "
        f"{links.per_factor[number - 1]:,} links. With it, {filled[number]:.4g} % of all pairs are "
        "linked."
    )
    one_factor(wired, number)


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
        "Attention's line is twice as steep: where the others cross it, they have fewer links from "
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
            "Spectral gap": [f"{row.spectral_gap:.4g}" for row in rows],
            "Links": [f"{row.edges:,}" for row in rows],
        },
        hide_index=True,
        border="horizontal",
    )
    own, lattice = rows[0], rows[1]
    st.markdown(
        f"In **{own.name}** two tokens are at most **{own.diameter:g} hops** apart; on a ring "
        f"lattice, where each token reads only its neighbours, {lattice.diameter:g}. Self links "
        "are left out."
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


def compare(wired: Wired) -> None:
    """Six patterns in one frame: what each reaches in m steps and what it costs."""
    factors = patterns.factors_of(wired)
    linked = controls.linked_whole_number("Factors m", "m", 0, factors, 0)
    looks = patterns.looks(wired.seq_len, wired.num_links)
    now = growth_view(
        looks[0].steps,
        factors,
        title="All patterns together",
        hop=st.session_state[linked.key],
        key="scrubber",
        group="compare",
        locked=linked.locked,
        mode="scrubber",
    )
    st.session_state[linked.key] = linked.keep(now)
    for start in range(0, len(looks), 3):
        for place, column in enumerate(st.columns(3, gap="medium"), start=start):
            with column:
                growth_view(
                    looks[place].steps,
                    factors,
                    title=looks[place].name,
                    hop=now,
                    key=f"look-{place}",
                    group="compare",
                    report=False,
                    mode="small",
                    max_size=300,
                    caption=f"Reads {looks[place].summary}.",
                )
    st.table(
        {
            "Pattern": [look.name for look in looks],
            f"Links in {factors} factors": [f"{look.nonzeros:,}" for look in looks],
            "Pairs linked": [f"{look.fill[-1]:.4g} %" for look in looks],
            "All after": [
                "never" if look.full_after is None else f"m = {look.full_after}" for look in looks
            ],
            "Source": [look.source for look in looks],
        },
        hide_index=True,
        border="horizontal",
    )


DRAW = {
    "attention": attention,
    "factor": factor,
    "product": product,
    "cdil": cdil,
    "count": count,
    "graph": graph,
    "compare": compare,
}
