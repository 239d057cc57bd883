"""Cost: what mixing costs as N grows, in closed forms that equal what PyTorch counts."""

import streamlit as st

from app import controls, costs, names, say
from app.figures.lines import Curve, Mark, curves_figure
from paramixer_core.cost import CostShape, Quantity

QUANTITIES = {
    Quantity.FORWARD: "Multiply-adds, forward",
    Quantity.TRAINING: "Multiply-adds, training step",
    Quantity.PARAMETERS: "Parameters",
    Quantity.ACTIVATION_BYTES: "Activation bytes",
    Quantity.WEIGHT_BYTES: "Weight bytes",
}

st.title("What mixing costs")
st.markdown(
    "Attention compares every token with every other: its cost grows with **N²**. Paramixer's "
    "links grow with **N log N** (CDIL) or **N log² N** (CHORD), but each factor needs an MLP of "
    "its own. So short sequences favour attention and long ones Paramixer. Find the crossing."
)
left, right = st.columns([1, 3], gap="large")
with left:
    titles = names.mixer_titles()
    rivals = [name for name in titles if name != "attention"]
    chosen = controls.several(
        "Beside attention", "mixers", rivals, default=("chord", "cdil"), titles=titles
    )
    mixers = (*chosen, "attention")
    quantity = controls.choice(
        "Count", "count", list(QUANTITIES), default=Quantity.FORWARD, titles=QUANTITIES
    )
    seq_len = controls.whole_number("Tokens N", "n", low=2, high=2**24, default=1024)
    channels = controls.whole_number("Channels D", "d", low=1, high=1024, default=32)
    hidden = controls.whole_number("Hidden units H", "h", low=1, high=1024, default=32)
    num_links = controls.choice("CDIL links K", "k", (3, 5, 7, 9), default=9, row=True)
    size = controls.whole_number("Rivals' size k", "size", low=2, high=1024, default=32)
shape = CostShape(
    mixer="chord",
    seq_len=seq_len,
    channels=channels,
    hidden=hidden,
    num_links=num_links,
    rival_size=size,
)
totals = costs.cost_totals(shape, quantity, mixers)
with right:
    for column, (mixer, total) in zip(st.columns(len(totals)), totals.items(), strict=True):
        column.metric(
            titles[mixer],
            say.short(total),
            delta=None if mixer == "attention" else say.ratio(totals, mixer, "attention"),
            delta_color="off",
            delta_arrow="off",
            help=f"{total:,} {say.UNITS[quantity]} at N = {seq_len:,}, one sequence",
        )
    curves = costs.cost_curves(shape, quantity, mixers)
    st.plotly_chart(
        curves_figure(
            [Curve(titles[mixer], x, y, mixer) for mixer, (x, y) in curves.items()],
            x_label="Tokens N (log scale)",
            y_label=f"{QUANTITIES[quantity]} (log scale)",
            log_x=True,
            log_y=True,
            marks=[Mark(seq_len, f"N = {seq_len:,}")],
            dark=controls.dark_theme(),
        ),
        key="cost_curves",
        config={"displayModeBar": False},
    )
for mixer, first in costs.cost_crossings(shape, quantity, mixers).items():
    st.markdown(f"- {say.crossing(titles[mixer], first)}")
with st.expander("Part by part: formulas and exact numbers"):
    st.markdown(
        "N tokens, D channels, H hidden units, M = ceil(log2 N) factors, K links a row. A multiply-"
        "add is one multiplication with its addition. Tests compare these with PyTorch's counts."
    )
    st.dataframe(costs.cost_parts(shape, mixers), hide_index=True)
