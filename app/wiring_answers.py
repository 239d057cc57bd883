"""What a wiring still reaches and costs, in sentences and figures."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import quantities, wirings
from app.escape import plain
from app.prose import prose
from app.wiring_views import answer, bare_coverage, rank
from paramixer_core.analysis.wiring import Wiring


def verdict(wiring: Wiring, bare: bool) -> None:
    """Whether everyone still reaches everyone, with an example where not; a refused change."""
    if refused := wirings.said():
        st.warning(plain(refused), icon=":material/block:")
    text = wiring.as_text()
    found = bare_coverage(text) if bare else answer(text).coverage
    product = "without residuals" if bare else "residuals included"
    sentence = f"**{plain(wirings.title(wiring))}** ({product}): {plain(found.sentence)}"
    if found.example is None:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.warning(sentence, icon=":material/link_off:")
    if not found.self_links:
        st.caption(
            "Some token has no self link in some factor: without the residual it would forget "
            "itself there."
        )


def figures(wiring: Wiring, bare: bool) -> DeltaGenerator:
    """Counts and distances; returns the place for the rank, which takes longest."""
    text = wiring.as_text()
    whole = answer(text)
    found = bare_coverage(text) if bare else whole.coverage
    first, second, third, fourth, fifth = st.columns(5)
    first.metric(
        "Links on",
        f"{found.links_on:,}",
        help=f"of {found.links_listed:,} laid out; attention has {found.full:,}",
    )
    second.metric("Pairs linked", f"{found.reach.fill[-1]:.4g} %", help="of all N² pairs")
    third.metric(
        "Diameter", quantities.hops(whole.graph.diameter), help="hops, all links as one graph"
    )
    fourth.metric(
        "Mean path", quantities.hops(whole.graph.mean_path), help="hops between two tokens"
    )
    place: DeltaGenerator = fifth.empty()
    place.metric("Generic rank", "...")
    return place


def explain() -> None:
    """What the figures mean."""
    st.markdown(prose("wiring", "figures"))


def fill_rank(place: DeltaGenerator, wiring: Wiring, bare: bool) -> None:
    """The rank for almost all weights, once everything else is on the screen."""
    found = rank(wiring.as_text(), not bare)
    place.metric(
        "Generic rank",
        f"{found.rank:,} of {found.size:,}",
        help="The product's rank for almost all weights, exact: "
        f"{len(found.draws)} random draws modulo 2^31 - 1 gave {min(found.draws)} to "
        f"{max(found.draws)}. A trained product can only have less.",
    )
