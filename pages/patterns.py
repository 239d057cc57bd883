"""Patterns: how few links reach every token, as a story in steps."""

import streamlit as st

from app import patterns
from app.navigation import link_to
from app.patterns_views import DRAW
from app.prose import prose

st.title("How few links reach every token")
part = patterns.choose_part()
settings, view = st.columns([1, 4], gap="large")
with settings:
    wired = patterns.choose_wired(part)
    for fact in patterns.facts(wired):
        st.caption(fact)
with view:
    st.subheader(part.title, anchor=False)
    st.markdown(prose("patterns", part.name))
    DRAW[part.name](wired)
patterns.turn_pages(part)
if part is patterns.PARTS[-1]:
    link_to("wiring.py", "**Wiring** - now lay and cut links yourself")
    link_to("routes.py", "**Routes** - see which paths make one entry of the product")
