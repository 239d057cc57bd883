"""What the wiring page draws: the controls that edit a wiring, and what it still reaches."""

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, wirings
from app.components import (
    SparseMatrix,
    growth_view,
    matrix_view,
    pressed_cell,
    ring_view,
)
from app.patterns import FEWEST_LINKS, TITLES, most_links
from paramixer_core.analysis.coverage import Coverage, coverage, wiring_graph
from paramixer_core.analysis.generic_rank import GenericRank, generic_rank
from paramixer_core.analysis.graphs import GraphMeasures, graph_measures
from paramixer_core.analysis.wiring import MAX_LINKS, Wiring
from paramixer_core.analysis.wiring_examples import wiring_examples
from paramixer_core.config import Residual
from paramixer_core.protocols import Protocol, link_columns

GROUP = "wiring"
MATRIX = "edit"
QUICK_TOKENS = 64
DRAWS = 8
FEW_DRAWS = 2


@st.cache_data(max_entries=64, show_spinner=False)
def graph(text: str) -> GraphMeasures:
    """The measures of all links as one graph."""
    wiring = Wiring.parse(text)
    return graph_measures(wiring_graph(wiring), wirings.title(wiring))


@st.cache_data(max_entries=64, show_spinner=False)
def covered(text: str, residual: Residual) -> Coverage:
    """Who reads whom through all factors with this residual."""
    return coverage(Wiring.parse(text), residual=residual)


@st.cache_data(max_entries=256, show_spinner=False)
def rank(text: str, residual: Residual) -> GenericRank:
    """The rank for almost all weights, over several draws."""
    wiring = Wiring.parse(text)
    draws = DRAWS if wiring.seq_len <= QUICK_TOKENS else FEW_DRAWS
    return generic_rank(wiring.supports(), residual=residual, draws=draws)


@st.cache_data(max_entries=64, show_spinner=False)
def switches(text: str, factor: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Of one factor, the (N, K) column of every listed link and +1 (on) or -1 (off)."""
    wiring = Wiring.parse(text)
    ahead = wiring.offsets[factor - 1]
    columns = link_columns((ahead,), wiring.seq_len)[0]
    on = wiring.mask()[factor - 1, :, : len(ahead)]
    return columns, np.where(on, 1, -1).astype(np.float32)


def start_over(wiring: Wiring) -> None:
    """Lay out a pattern anew, or take an example."""
    with st.popover("Start from ...", icon=":material/restart_alt:", width="stretch"):
        protocol = st.segmented_control(
            "Pattern",
            list(Protocol),
            default=Protocol.CHORD,
            format_func=lambda name: TITLES[name],
            required=True,
        )
        seq_len = st.number_input("Tokens N", 2, wirings.MOST_TOKENS, wiring.seq_len)
        most = most_links(int(seq_len), MAX_LINKS)
        num_links = st.number_input(
            f"CDIL links a token K, odd, up to {most}", FEWEST_LINKS, most, step=2
        )
        st.button(
            "Lay out",
            type="primary",
            on_click=wirings.change,
            args=(wirings.lay_out(protocol or Protocol.CHORD, int(seq_len), int(num_links) | 1),),
        )
        st.caption("Or look at one of these, on as many tokens as now:")
        for title in wiring_examples(wiring.seq_len):
            st.button(
                title, type="tertiary", on_click=wirings.change, args=(wirings.example(title),)
            )


def edit_factor(wiring: Wiring, factor: int) -> None:
    """Offsets of one factor, its switch, and the number of factors."""
    fixed = wirings.locked()
    text = wirings.written(wiring, factor)
    # A field of its own for every content: it shows what the wiring holds, also after an undo.
    field = f"offsets-{factor}-{text}"
    st.text_input(
        f"Offsets of factor {factor}",
        text,
        key=field,
        disabled=fixed,
        help="How far ahead on the ring each link reaches; -1 is the token before.",
        on_change=lambda: wirings.change(wirings.offsets_from(st.session_state[field], factor)),
    )
    zeroed = factor in wiring.zeroed
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Bring it back" if zeroed else "Zero it",
            key="zero",
            icon=":material/power:" if zeroed else ":material/power_off:",
            disabled=fixed,
            on_click=wirings.change,
            args=(lambda old: old.toggle_factor(factor),),
        )
        st.button(
            "Use in all factors",
            key="everywhere",
            disabled=fixed or len(wiring.offsets) == 1,
            on_click=wirings.change,
            args=(wirings.everywhere(factor),),
        )


def edit_whole(wiring: Wiring) -> None:
    """Broken tokens, number of factors, name, undo."""
    fixed = wirings.locked()
    broken = sorted(wiring.broken)
    tokens = f"broken-{wiring.seq_len}-{broken}"
    st.multiselect(
        "Broken tokens",
        range(wiring.seq_len),
        broken,
        key=tokens,
        disabled=fixed,
        placeholder="none",
        on_change=lambda: wirings.change(wirings.broken(st.session_state[tokens])),
    )
    count = f"factors-{len(wiring.offsets)}"
    st.number_input(
        "Factors M",
        1,
        16,
        len(wiring.offsets),
        key=count,
        disabled=fixed,
        on_change=lambda: wirings.change(
            lambda old: old.with_factors(int(st.session_state[count]))
        ),
    )
    name = f"name-{wiring.name}"
    st.text_input(
        "Name",
        wiring.name,
        key=name,
        max_chars=40,
        disabled=fixed,
        placeholder="none yet",
        on_change=lambda: wirings.change(wirings.named(st.session_state[name])),
    )
    st.button(
        "Undo",
        key="undo",
        icon=":material/undo:",
        disabled=fixed or not wirings.can_undo(),
        on_click=wirings.undo,
    )


def switch_clicked(factor: int) -> None:
    """Switch the link that was just clicked in the matrix, if clicks do that."""
    cell = pressed_cell(MATRIX)
    if cell is None or wirings.locked():
        return
    wirings.change(lambda old: old.toggle_link(factor, cell.row, cell.column))


def draw_factor(wiring: Wiring, factor: int) -> None:
    """The ring and the matrix of one factor; a click in the matrix switches a link."""
    text = wiring.as_text()
    columns, on = switches(text, factor)
    everyone = [
        np.where(held > 0, at, -1)
        for at, held in (switches(text, m) for m in range(1, len(wiring.offsets) + 1))
    ]
    ring, matrix = st.columns(2, gap="medium")
    with ring:
        ring_view(
            wiring.seq_len,
            everyone,
            factor=factor,
            title=f"Links of factor {factor} that are on",
            key="ring-wiring",
            group=GROUP,
            report=False,
        )
    with matrix:
        matrix_view(
            SparseMatrix(columns, on),
            title=f"Factor W{factor}: click a link to switch it",
            signed=True,
            limit=2,
            row_label="token i",
            column_label="reads token j",
            value_label="links",
            key=MATRIX,
            group=GROUP,
            caption="1 is a link that is on, −1 one that is off, 2 two links that coincide, 0 no "
            "link: add an offset to lay one. With the keyboard: arrows, then Enter.",
        )


def draw_reach(wiring: Wiring, residual: Residual) -> None:
    """How the product fills up, or where the bare product is non-zero."""
    text = wiring.as_text()
    found = covered(text, residual)
    if residual is Residual.NONE:
        matrix_view(
            (~found.reach.missing).astype(np.float32),
            title="Where the bare product is non-zero",
            row_label="token i",
            column_label="reads token j",
            value_label="1: non-zero",
            key="bare",
            group=GROUP,
            report=False,
        )
        return
    factors = len(wiring.offsets)
    linked = controls.linked_whole_number("Factors m", "m", 0, factors, factors)
    now = growth_view(
        found.reach.steps,
        factors,
        title="Who reads whom after m factors",
        hop=st.session_state[linked.key],
        key="growth-wiring",
        group=GROUP,
        locked=linked.locked,
    )
    st.session_state[linked.key] = linked.keep(now)
