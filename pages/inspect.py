"""Inspect: the matrices that a trained network mixes one example with."""

import streamlit as st

st.title("What a trained model mixes")
st.markdown(
    "The link MLPs compute every weight **from the input**, so each example is mixed by matrices "
    "of its own. Choose a run and a test example; point at a token or at a cell to see what is "
    "read, and move or play **Training step** to watch the matrix being learned."
)

# A fresh server needs seconds to load PyTorch: the title is on the screen by then.
from app import inspect_choice, inspect_film, inspect_long, inspect_panels, inspect_upload  # noqa: E402

with st.container(key="view-first"):
    settings, view = st.columns([1, 3], gap="large")
with settings:
    looked = inspect_choice.choose()
with view:
    if looked.dense:
        inspect_film.film(looked, inspect_panels.below)
    else:
        inspect_long.draw(looked)
st.subheader("Bring your own")
inspect_upload.draw()
