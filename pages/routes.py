"""Routes: which paths through the factors make one entry of the product."""

import streamlit as st

from app import controls, routes, routes_views
from app.prose import prose

st.title("The routes behind one entry")
st.markdown(prose("routes", "intro"))
settings, view = st.columns([1, 4], gap="large")
with settings:
    source = routes.choose_source()
chain = routes.chain(source)
last = len(chain.factors)
with view:
    product, graph = st.columns([5, 6], gap="medium")
with product:
    picked = routes_views.pick_entry(source, last, routes.entry_in_link(source, chain.seq_len))
with settings:
    cell = routes.choose_entry(picked, chain.seq_len)
    listed = controls.slider("Strongest routes listed", "top", low=1, high=50, default=10)
report = routes.trace(source, cell.row, cell.column, listed)
with graph:
    routes_views.tell(report, source.residual)
    routes_views.draw(report, chain.seq_len)
with product, st.expander("Totals link by link"):
    factor = controls.slider("Factor m", "f", low=1, high=last, default=1)
    routes_views.totals(report, factor, chain.seq_len)
