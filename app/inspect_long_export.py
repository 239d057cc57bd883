"""Take parts of a long sequence's matrix with you: numbers, a picture, and the run's card."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls
from app.components.matrix import levels
from app.figures.matrix_svg import matrix_svg
from app.inspect_choice import Looked
from app.inspect_export import card_of, csv_text, npy
from app.quantities import plain
from app.theme import Scale, colour_table
from paramixer_core.cards import card_markdown


@dataclass(frozen=True, eq=False)
class Piece:
    """A shown part of the matrix; its colours end at `limit`."""

    name: str
    title: str
    matrix: NDArray[np.float64]
    limit: float


def draw(looked: Looked, step: int, pieces: Sequence[Piece]) -> None:
    """A choice of the part, and buttons for its files."""
    titles = {str(place): piece.title for place, piece in enumerate(pieces)}
    part = pieces[int(controls.choice("Part", "part", list(titles), default="0", titles=titles))]
    subject = looked.subject.replace(" ", "-")
    name = f"{looked.run.id}-{subject}-block{looked.block + 1}-{looked.kind}-{step}-{part.name}"
    with st.container(horizontal=True, gap="small"):
        st.download_button("NumPy (.npy)", npy(part.matrix), f"{name}.npy", on_click="ignore")
        st.download_button("CSV", csv_text(part.matrix), f"{name}.csv", on_click="ignore")
        st.download_button("SVG", svg(part), f"{name}.svg", "image/svg+xml", on_click="ignore")
        card = card_of(looked)
        text = json.dumps(card, indent=1)
        st.download_button("Card, JSON", text, f"{looked.run.id}.json", on_click="ignore")
        markdown = card_markdown(card)
        st.download_button("Card, Markdown", markdown, f"{looked.run.id}.md", on_click="ignore")


def svg(piece: Piece) -> str:
    """The part in its colours."""
    scale = Scale.SIGNED if piece.matrix.min() < 0 else Scale.SEQUENTIAL
    top = plain(piece.limit)
    return matrix_svg(
        levels(piece.matrix.astype(np.float32), piece.limit, scale),
        colour_table(scale, dark=False),
        title=piece.title,
        row_label="down the part",
        column_label="across the part",
        ends=(f"−{top}", "0", top) if scale is Scale.SIGNED else ("0", "", top),
        unit="mixing weight",
    )
