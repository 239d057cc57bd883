"""What a wiring still reaches and costs, in sentences and figures."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from app import controls, quantities, wirings
from app.escape import plain
from app.prose import prose
from app.wiring_views import covered, graph, rank
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual

SHOWN = {
    "operator": Residual.PER_FACTOR,
    "first": Residual.FIRST,
    "product": Residual.NONE,
}
"""What the page may look at, by its name in the link."""
TITLES = {"operator": "every factor", "first": "V₀ at each", "product": "bare"}
PRODUCTS = {
    Residual.PER_FACTOR: "residuals included",
    Residual.FIRST: "V₀ added at every factor",
    Residual.NONE: "without residuals",
}


def choose_residual() -> Residual:
    """With which residual the wiring is looked at."""
    shown = controls.choice(
        "Residual",
        "show",
        list(SHOWN),
        default="operator",
        titles=TITLES,
        tip="After every factor, the block's operator is (I + WM) ... (I + W1); with V₀ added at "
        "each factor it is WM (... (W1 + I) ...) + I; the bare product is WM ... W1.",
        row=True,
    )
    return SHOWN[shown]


def verdict(wiring: Wiring, residual: Residual) -> None:
    """Whether everyone still reaches everyone, with an example where not; a refused change."""
    if refused := wirings.said():
        st.warning(plain(refused), icon=":material/block:")
    found = covered(wiring.as_text(), residual)
    name = plain(wirings.title(wiring))
    sentence = f"**{name}** ({PRODUCTS[residual]}): {found.sentence}"
    if found.example is None:
        st.success(sentence, icon=":material/check_circle:")
    else:
        st.warning(sentence, icon=":material/link_off:")
    if not found.self_links:
        st.caption(
            "Some token has no self link in some factor: without the residual it would forget "
            "itself there."
        )


def figures(wiring: Wiring, residual: Residual) -> DeltaGenerator:
    """Counts and distances; returns the place for the rank, which takes longest."""
    text = wiring.as_text()
    links = graph(text)
    found = covered(text, residual)
    first, second, third, fourth, fifth = st.columns(5)
    first.metric(
        "Links on",
        f"{found.links_on:,}",
        help=f"of {found.links_listed:,} laid out; attention has {found.full:,}",
    )
    second.metric("Pairs linked", f"{found.reach.fill[-1]:.4g} %", help="of all N² pairs")
    third.metric("Diameter", quantities.hops(links.diameter), help="hops, all links as one graph")
    fourth.metric("Mean path", quantities.hops(links.mean_path), help="hops between two tokens")
    place: DeltaGenerator = fifth.empty()
    place.metric("Generic rank", "...")
    return place


def explain() -> None:
    """What the figures mean."""
    st.markdown(prose("wiring", "figures"))


def fill_rank(place: DeltaGenerator, wiring: Wiring, residual: Residual) -> None:
    """The rank for almost all weights, once everything else is on the screen."""
    found = rank(wiring.as_text(), residual)
    place.metric(
        "Generic rank",
        f"{found.rank:,} of {found.size:,}",
        help="The product's rank for almost all weights, exact: "
        f"{len(found.draws)} random draws modulo 2^31 - 1 gave {min(found.draws)} to "
        f"{max(found.draws)}. A trained product can only have less.",
    )
