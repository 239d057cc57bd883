"""Take it with you: matrix, picture, the view as one file, the run's card."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls, engine, history
from app.components import Cell, DenseMatrix
from app.components.matrix import detail_payload, levels, view_payload
from app.components.tokens import choice_payload, tokens_payload
from app.figures.matrix_svg import matrix_svg
from app.inspect_choice import KINDS, Looked
from app.inspect_shown import GROUP, Shown, ShownMatrix, shown_at
from app.quantities import numeral
from app.standalone import SavedFrame, standalone_page
from app.theme import Scale, colour_table
from paramixer_core.cards import card_markdown, card_rows, run_card
from paramixer_core.runs.lineage import lineage

CSV_SIDE = 256
FILM_BYTES = 24 * 2**20
"""Matrices of a saved film, all steps together, uncompressed."""


def draw(looked: Looked, step: int, cell: Cell) -> None:
    """Download buttons, each with what it holds."""
    shown = shown_at(looked, step)
    matrix = shown.matrices[0]
    subject = looked.subject.replace(" ", "-")
    name = f"{looked.run.id}-{subject}-block{looked.block + 1}-{looked.kind}-{step}"
    numbers, picture, page, card = st.columns(4, gap="medium")
    with numbers:
        st.markdown("**Matrix**")
        st.download_button("NumPy (.npy)", npy(matrix.matrix), f"{name}.npy", on_click="ignore")
        if looked.seq_len <= CSV_SIDE:
            st.download_button("CSV", csv_text(matrix.matrix), f"{name}.csv", on_click="ignore")
        else:
            st.caption(f"CSV is offered up to N = {CSV_SIDE}.")
    with picture:
        st.markdown("**Picture**")
        st.download_button("SVG", svg(matrix), f"{name}.svg", "image/svg+xml", on_click="ignore")
        st.caption("For a PNG, press **PNG** on any matrix above: it saves what you see.")
    with page:
        st.markdown("**This view as one file**")
        steps = (
            film_steps(looked)
            if controls.choice("Steps", "film_file", ("this", "all"), default="this", row=True)
            == "all"
            else [step]
        )
        st.download_button(
            "HTML",
            lambda: saved_page(looked, steps, cell),
            f"{name}.html",
            "text/html",
            on_click="ignore",
            help="Opens in any browser, offline, with hovering, zooming and linked selection.",
        )
    with card:
        st.markdown("**The run's card**")
        held = card_of(looked)
        text = json.dumps(held, indent=1)
        st.download_button("JSON", text, f"{looked.run.id}.json", on_click="ignore")
        markdown = card_markdown(held)
        st.download_button("Markdown", markdown, f"{looked.run.id}.md", on_click="ignore")


def npy(matrix: NDArray[np.floating]) -> bytes:
    """The matrix as `numpy.load` reads it."""
    file = io.BytesIO()
    np.save(file, matrix, allow_pickle=False)
    return file.getvalue()


def csv_text(matrix: NDArray[np.floating]) -> str:
    """One line per row; each number the shortest decimal that is this very float."""
    file = io.StringIO()
    csv.writer(file).writerows([[str(value) for value in row] for row in matrix])
    return file.getvalue()


def svg(
    one: ShownMatrix, row_label: str = "output token i", column_label: str = "input token j"
) -> str:
    """The matrix in its colours."""
    scale = Scale.SIGNED if one.matrix.min() < 0 else Scale.SEQUENTIAL
    top = numeral(one.limit)
    return matrix_svg(
        levels(one.matrix.astype(np.float32), one.limit, scale),
        colour_table(scale, dark=False),
        title=one.title,
        row_label=row_label,
        column_label=column_label,
        ends=(f"−{top}", "0", top) if scale is Scale.SIGNED else ("0", "", top),
        unit="mixing weight",
        caption=one.caption,
    )


def film_steps(looked: Looked) -> list[int]:
    """As many snapshots as a file may hold, the last always among them."""
    steps = history.steps_with(looked.run, looked.example)
    frame = looked.seq_len**2 * 4 * (1 if looked.rival is None else 2)
    return steps[-max(1, FILM_BYTES // frame) :]


def saved_page(looked: Looked, steps: list[int], cell: Cell) -> str:
    """Tokens and matrices of these steps as one HTML file."""
    frames = []
    shown = None
    for step in steps:
        shown = shown_at(looked, step)
        frames.append(
            SavedFrame(f"{step:,}", [tokens_bytes(shown), *map(matrix_bytes, shown.matrices)])
        )
    when = f"step {steps[-1]:,}" if len(steps) == 1 else "at the training step of the slider"
    feeds = {"tokens": choice_payload("tokens", cell, {})}
    for one in shown.matrices if shown else ():
        feeds[one.key] = detail_payload(DenseMatrix(one.matrix), one.key, cell, None)
    return standalone_page(
        f"{looked.title}, {looked.subject}",
        ["tokens", *["matrix"] * (len(feeds) - 1)],
        frames,
        feeds,
        card_rows(card_of(looked)),
        f"Block {looked.block + 1}, {KINDS[looked.kind]}, {when}. Saved from Paramixer Lab; this "
        "file needs no network.",
        beside=None
        if looked.rival is None
        else card_rows(card_of(replace(looked, run=looked.rival))),
    )


def tokens_bytes(shown: Shown) -> bytes:
    """The payload of the tokens."""
    texts = {
        "key": "tokens",
        "title": "The input, token by token",
        "group": GROUP,
        "caption": "",
    }
    return tokens_payload(shown.form, shown.sources, texts)


def matrix_bytes(one: ShownMatrix) -> bytes:
    """The payload of a matrix with all its exact values."""
    texts = {
        "key": one.key,
        "title": one.title,
        "rowLabel": "output token i",
        "columnLabel": "input token j",
        "valueLabel": "mixing weight",
        "caption": one.caption,
        "group": GROUP,
        "report": False,
        "compact": False,
        "maxSize": 520,
    }
    return view_payload(
        DenseMatrix(one.matrix),
        signed=None,
        limit=one.limit,
        texts=texts,
        value_bytes=one.matrix.nbytes,
    )


def card_of(looked: Looked) -> dict[str, object]:
    """The card of the run, with the versions that made it where they are known."""
    gallery, run = history.gallery(), looked.run
    made_with = gallery.card(run.id)["versions"] if gallery.holds(run.id) else None
    segments = [] if gallery.holds(run.id) else lineage(engine.store(), run.id)
    return run_card(run, history.shelf(run.id).evaluations(run.id), segments, made_with)
