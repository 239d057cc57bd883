"""patterns."""

import streamlit as st

st.title("patterns")
