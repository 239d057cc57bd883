"""What each step of the story draws; `DRAW` holds one function a step."""

import streamlit as st

from app import compute, controls, patterns, patterns_figures
from app.components import growth_view, matrix_view, pattern_of_offsets, ring_view
from app.compute import Wired
from paramixer_core.protocols import num_factors

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
            pattern_of_offsets(tuple(range(wired.seq_len)), wired.seq_len),
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
            [tuple(range(wired.seq_len))],
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
    factors = num_factors(wired.seq_len)
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
    number = controls.slider("Factor m", "f", low=1, high=num_factors(wired.seq_len), default=1)
    links, filled = compute.counts(wired), patterns.fill(wired)
    st.markdown(
        f"**Factor {number}** reads {patterns.reaches(wired, number)}: "
        f"{links.per_factor[number - 1]:,} links. With it, {filled[number]:.4g} % of all pairs are "
        "linked."
    )
    one_factor(wired, number)


def compare(wired: Wired) -> None:
    """Six patterns in one frame: what each reaches in m steps and what it costs."""
    factors = num_factors(wired.seq_len)
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
    "count": patterns_figures.count,
    "graph": patterns_figures.graph,
    "compare": compare,
}
