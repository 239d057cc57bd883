"""Closed forms on the Cost page: totals, curves, crossings, and what each part has of them."""

from collections.abc import Sequence

import streamlit as st

from app import controls, cost_parts, costs, names, say
from app.figures.lines import Curve, Mark, curves_figure
from app.figures.shares import Share, shares_figure
from paramixer_core.cost import CostShape, Quantity
from paramixer_core.csv_text import csv_text
from paramixer_core.models import MIXERS

QUANTITIES = {
    Quantity.FORWARD: "Multiply-adds, forward",
    Quantity.TRAINING: "Multiply-adds, training step",
    Quantity.PARAMETERS: "Parameters",
    Quantity.ACTIVATION_BYTES: "Activation bytes",
    Quantity.WEIGHT_BYTES: "Weight bytes",
}
OURS = "our code, from the paper on Paramixer (Yu et al. 2022), mixing in our own kernels"
WHOSE = {
    "chord": OURS,
    "cdil": OURS,
    "attention": "our block around PyTorch's `scaled_dot_product_attention`",
    "plain_attention": "our code, written out from Vaswani et al. 2017, equation 1",
    "linformer": "our code, from Wang et al. 2020, equation 7; attends by PyTorch's kernel",
    "performer": "our code, from Choromanski et al. 2021, section 2 (FAVOR+)",
    "nystromformer": "our code, from Xiong et al. 2021, equations 13 and 15",
    "reformer": "our code, from Kitaev et al. 2020, section 2, one hash round",
    "linear_attention": "our code, from Katharopoulos et al. 2020, equations 5 and 7",
    "local_window": "our code, from Beltagy et al. 2020, section 3.1 (Longformer)",
}
"""Whose code runs when a mixer is trained or measured here."""


def draw() -> None:
    """The whole part."""
    left, right = st.columns([1, 3], gap="large")
    with left:
        mixers = cost_parts.choose_beside_attention()
        quantity = controls.choice(
            "Count", "count", list(QUANTITIES), default=Quantity.FORWARD, titles=QUANTITIES
        )
        shape = choose_shape()
    with right:
        totals(shape, quantity, mixers)
        curves(shape, quantity, mixers)
        crossings(shape, quantity, mixers)
    split(shape, quantity, mixers)
    exact(shape, mixers)
    whose_code(mixers)


def choose_shape() -> CostShape:
    """N and the widths that the formulas read."""
    return CostShape(
        mixer="chord",
        seq_len=controls.whole_number("Tokens N", "n", low=2, high=2**24, default=1024),
        channels=controls.whole_number("Channels D", "d", low=1, high=1024, default=32),
        hidden=controls.whole_number("Hidden units H", "h", low=1, high=1024, default=32),
        num_links=controls.choice(
            "CDIL links K", "k", cost_parts.NUMBER_CHOICES, default=9, row=True
        ),
        rival_size=controls.whole_number("Rivals' size k", "size", low=2, high=1024, default=32),
    )


def totals(shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]) -> None:
    """Each mixer's number at the chosen N, beside attention's."""
    titles = names.mixer_titles(wired=False)
    found = costs.cost_totals(shape, quantity, mixers)
    columns = st.columns(min(len(found), 4))
    for place, (mixer, total) in enumerate(found.items()):
        columns[place % 4].metric(
            titles[mixer],
            say.short(total),
            delta=None if mixer == "attention" else say.ratio(found, mixer, "attention"),
            delta_color="off",
            delta_arrow="off",
            help=f"{total:,} {say.UNITS[quantity]} at N = {shape.seq_len:,}, one sequence",
        )


def curves(shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]) -> None:
    """The quantity over N."""
    titles = names.mixer_titles(wired=False)
    found = costs.cost_curves(shape, quantity, mixers)
    st.plotly_chart(
        curves_figure(
            [Curve(titles[mixer], x, y, mixer) for mixer, (x, y) in found.items()],
            x_label="Tokens N (log scale)",
            y_label=f"{QUANTITIES[quantity]} (log scale)",
            log_x=True,
            log_y=True,
            marks=[Mark(shape.seq_len, f"N = {shape.seq_len:,}")],
            dark=controls.dark_theme(),
        ),
        key="cost_curves",
        config={"displayModeBar": False},
    )
    rows = [
        (mixer, n, f"{value:.0f}")
        for mixer, (x, y) in found.items()
        for n, value in zip(x, y, strict=True)
    ]
    save_rows("These curves, CSV", "cost", ("mixer", "N", "value"), rows)


def crossings(shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]) -> None:
    """Where each mixer falls below attention, and what attention wins."""
    titles = names.mixer_titles(wired=False)
    for mixer, first in costs.cost_crossings(shape, quantity, mixers).items():
        st.markdown(f"- {say.crossing(titles[mixer], first)}")
    if quantity is Quantity.ACTIVATION_BYTES:
        st.caption(
            "Fused attention never writes its N x N matrix: it keeps queries, keys, values, its "
            "output and one number a row and head. Paramixer is counted on its portable path; on "
            "a CPU its native kernels keep only the inputs of the MLPs."
        )


def split(shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]) -> None:
    """Which part of one mixer costs how much, as N grows."""
    st.subheader("Which part costs it?", anchor=False)
    titles = names.mixer_titles(wired=False)
    mixer = controls.choice(
        "Split", "split", list(mixers), default=mixers[0], titles=titles, row=True
    )
    lengths, parts = costs.part_shares(shape, quantity, mixer)
    st.plotly_chart(
        shares_figure(
            [Share(name, values) for name, values in parts.items()],
            lengths,
            title=f"{QUANTITIES[quantity]}: share of each part",
            y_label="share, %",
            mark=shape.seq_len,
            dark=controls.dark_theme(),
        ),
        key="cost_shares",
        config={"displayModeBar": False},
    )
    st.caption(costs.dearest_part(shape, quantity, mixer))
    rows = [
        (mixer, part, n, f"{value:.6g}")
        for part, values in parts.items()
        for n, value in zip(lengths, values, strict=True)
    ]
    save_rows("These shares, CSV", "cost-shares", ("mixer", "part", "N", "percent"), rows)


def save_rows(
    label: str, name: str, header: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """A download of what a chart shows."""
    text = csv_text(header, rows)
    st.download_button(label, text, f"{name}.csv", key=f"{name}-csv", on_click="ignore")


def exact(shape: CostShape, mixers: tuple[str, ...]) -> None:
    """Formulas and numbers."""
    with st.expander("Part by part: formulas and exact numbers"):
        st.markdown(
            "N tokens, D channels, H hidden units, h heads, d = D / h, k the rivals' size, "
            "M = ceil(log2 N) factors, K links a row, F input features, C answers. A multiply-add "
            "is one multiplication with its addition. Tests compare these forms with the "
            "operations that PyTorch counts and with the tensors that it keeps."
        )
        st.dataframe(costs.cost_parts(shape, mixers), hide_index=True)


def whose_code(mixers: tuple[str, ...]) -> None:
    """Who wrote what runs."""
    with st.expander("Whose code runs?"):
        for mixer in mixers:
            st.markdown(f"- **{MIXERS[mixer].title}**: {WHOSE[mixer]}.")
        st.caption(
            "Their published packages are unmaintained or seed themselves globally, and cannot "
            "show their matrix; ours are tested against their own dense matrices."
        )
