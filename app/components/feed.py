"""An invisible element through which small changes reach a big view without sending it again."""

import streamlit as st

from app.components.payload import script

FEED_CODE = script("feed")

feed = st.components.v2.component("paramixer_feed", js=FEED_CODE)
"""Mount with data=pack({"key": key of the view, ...}, arrays) right behind the view."""
