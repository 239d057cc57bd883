"""rank."""

import streamlit as st

st.title("rank")
