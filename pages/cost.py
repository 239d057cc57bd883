"""Cost: what mixing costs as N grows, computed, measured and predicted."""

import streamlit as st

from app import cost_forms, cost_measured, cost_parts, cost_what_if
from app.prose import prose

DRAW = {
    "forms": cost_forms.draw,
    "measured": cost_measured.draw,
    "what_if": cost_what_if.draw,
}

st.title("What mixing costs")
part = cost_parts.choose_part()
st.markdown(prose("cost", part))
DRAW[part]()
