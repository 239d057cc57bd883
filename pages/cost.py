"""Cost: what mixing costs as N grows, computed, measured and predicted."""

import streamlit as st

from app import cost_forms, cost_parts
from app.prose import prose

DRAW = {"forms": cost_forms.draw}

st.title("What mixing costs")
part = cost_parts.choose_part()
st.markdown(prose("cost", part))
DRAW[part]()
