"""Wiring: switch links, break tokens, zero factors, and see what still reaches what."""

import streamlit as st

from app import controls, wiring_answers, wiring_views, wirings
from app.navigation import link_to

st.title("Edit the wiring")
st.markdown(
    "Lay your own links. **Click a link** to cut it, change a factor's offsets, break a token, "
    "zero a factor: what is still reached, and at what rank, answers at once. The page's link "
    "holds the wiring, and it can be trained."
)
wiring = wirings.current()
settings, view = st.columns([1, 3], gap="large")
with settings:
    wiring_views.start_over(wiring)
    last = len(wiring.offsets)
    factor = controls.slider("Factor m", "f", low=1, high=last, default=1)
    wiring_views.switch_clicked(factor)
    wiring = wirings.current()
    wiring_views.edit_factor(wiring, factor)
    wiring_views.edit_whole(wiring)
    residual = wiring_answers.choose_residual()
with view:
    with st.container():
        wiring_answers.verdict(wiring, residual)
    rank = wiring_answers.figures(wiring, residual)
    wiring_views.draw_factor(wiring, factor)
    reach, keep = st.columns(2, gap="medium")
    with reach:
        wiring_views.draw_reach(wiring, residual)
    with keep:
        wiring_answers.explain()
        st.caption("In the link, this wiring is")
        st.code(wiring.as_text(), language=None, wrap_lines=True)
        link_to("train.py", "Train this wiring beside CHORD", **wirings.to_train(wiring, residual))
wiring_answers.fill_rank(rank, wiring, residual)
