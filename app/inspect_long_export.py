"""Take parts of a long sequence's matrix with you: numbers, a picture, and the run's card."""

import json
from collections.abc import Sequence

import streamlit as st

from app import controls
from app.inspect_choice import Looked
from app.inspect_export import card_of, csv_text, npy, svg
from app.inspect_shown import ShownMatrix
from paramixer_core.cards import card_markdown


def draw(looked: Looked, step: int, pieces: Sequence[ShownMatrix]) -> None:
    """A choice of the part, and buttons for its files."""
    titles = {str(place): piece.title for place, piece in enumerate(pieces)}
    part = pieces[int(controls.choice("Part", "part", list(titles), default="0", titles=titles))]
    subject = looked.subject.replace(" ", "-")
    name = f"{looked.run.id}-{subject}-block{looked.block + 1}-{looked.kind}-{step}-{part.key}"
    with st.container(horizontal=True, gap="small"):
        st.download_button("NumPy (.npy)", npy(part.matrix), f"{name}.npy", on_click="ignore")
        st.download_button("CSV", csv_text(part.matrix), f"{name}.csv", on_click="ignore")
        st.download_button(
            "SVG",
            svg(part, "down the part", "across the part"),
            f"{name}.svg",
            "image/svg+xml",
            on_click="ignore",
        )
        card = card_of(looked)
        text = json.dumps(card, indent=1)
        st.download_button("Card, JSON", text, f"{looked.run.id}.json", on_click="ignore")
        markdown = card_markdown(card)
        st.download_button("Card, Markdown", markdown, f"{looked.run.id}.md", on_click="ignore")
