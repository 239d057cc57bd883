"""Matrix lab: approximate any matrix by low rank and by sparse factors at one budget."""

import streamlit as st

from app import matrix_lab, matrix_lab_sweep, matrix_lab_views
from app.escape import plain
from app.prose import prose

st.title("Matrix lab")
st.markdown(prose("rank", "lab"))
settings, view = st.columns([1, 3], gap="large")
with settings:
    aim = matrix_lab.choose_aim()
    setting = matrix_lab.choose_setting(aim.side) if aim else None
with view:
    if aim and setting:
        st.markdown(f"**{plain(aim.title)}**, {aim.side} × {aim.side}. {aim.known}")
        matrix_lab_views.fit(aim, setting)
        matrix_lab_sweep.sweep(aim, setting)
