"""Home."""

import streamlit as st

from app.controls import choice, slider, whole_number

st.title("Paramixer Lab")
n = slider("Tokens N", "n", low=2, high=256, default=16)
k = choice("K", "k", (3, 5, 7, 9), default=3, row=True)
p = choice(
    "Pattern",
    "protocol",
    ("chord", "cdil"),
    default="chord",
    titles={"chord": "CHORD links", "cdil": "CDIL links"},
)
m = whole_number("Factor m", "m", low=1, high=8, default=1)
st.write(n, k, p, m)
