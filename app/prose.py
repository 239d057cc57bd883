"""The prose of the lessons: Markdown files in assets/, read once."""

from pathlib import Path

import streamlit as st

ASSETS = Path(__file__).resolve().parent.parent / "assets"


@st.cache_data
def prose(lesson: str, part: str) -> str:
    """The text of a part of a lesson: assets/LESSON/PART.md."""
    return (ASSETS / lesson / f"{part}.md").read_text(encoding="utf-8")
