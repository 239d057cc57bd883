"""Rank: how far the low-rank bottleneck of attention is true, measured."""

import streamlit as st

from app import rank_decide, rank_exercises, rank_fresh, rank_runs, rank_singular, ranks
from app.prose import prose

DRAW = {
    "trained": rank_runs.draw,
    "fresh": rank_fresh.draw,
    "singular": rank_singular.draw,
    "decide": rank_decide.draw,
    "predict": rank_exercises.draw,
}

st.title("Rank, measured")
part = ranks.choose_part()
st.markdown(prose("rank", part))
DRAW[part]()
