"""A sequence in its own form, on the weights that one of its tokens is read or reads with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.choice import latest_choice, whole_number
from app.components.client import mount_code, mount_feed, mount_view
from app.components.matrix import Cell
from app.components.payload import pack
from app.theme import INKS
from paramixer_core.errors import ParamixerError


class Form(StrEnum):
    """How tokens are drawn."""

    IMAGE = "image"  # pixels of a square picture, ink 0..1
    NUMBERS = "numbers"  # bars up and down
    SYMBOLS = "symbols"  # letters


@dataclass(frozen=True)
class TokenForm:
    """N tokens to draw: `values` (N,), or `labels` of one letter each; `marks` (N,)."""

    form: Form
    values: NDArray[Any]
    labels: tuple[str, ...] = ()
    marks: NDArray[np.bool_] | None = None
    wide: int = 0


Lines = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
"""By a matrix view's key, the exact row and column of the selected cell."""


def tokens_view(
    tokens: TokenForm,
    sources: Mapping[str, str],
    *,
    title: str,
    key: str,
    selection: Cell,
    group: str = "",
    lines: Lines | None = None,
    caption: str = "",
) -> Cell:
    """Draw the tokens once per matrix, coloured by its weights; return the selected cell.

    The reader chooses an output token and sees what it reads (a row of the matrix), or an input
    token and sees where it goes (a column); views of the same `group` follow in the same frame.

    Args:
        sources: names of the panels by the key of the `matrix_view` whose numbers they show.
        selection: the output token (row) and the input token (column) chosen at first, and from
            now on if it changed since the last run.
        lines: exact rows and columns of the selection, for matrices above N = 256, whose numbers
            aren't all in the browser.
    """
    count = len(tokens.values) or len(tokens.labels)
    if not (0 <= selection[0] < count and 0 <= selection[1] < count):
        raise ParamixerError(f"tokens from 0 to {count - 1}", selection, "choose one of them")
    marks = tokens.marks if tokens.marks is not None else np.zeros(count, bool)
    header: dict[str, Any] = {
        "view": "tokens",
        "key": key,
        "title": title,
        "caption": caption,
        "group": group,
        "seqLen": count,
        "form": tokens.form,
        "wide": tokens.wide,
        "labels": tokens.labels,
        "most": float(np.abs(tokens.values).max(initial=0)) or 1.0,
        "sources": [{"key": name, "name": text} for name, text in sources.items()],
        "selectionInk": [INKS["selection"].light, INKS["selection"].dark],
    }
    arrays: dict[str, NDArray[Any]] = {
        "values": tokens.values.astype(np.float32),
        "marks": marks.astype(np.uint8),
    }
    with st.container(gap=None):
        state = mount_view(key, pack(header, arrays), "selection")
        now = latest_choice(
            key, Cell(*selection), _clicked(state.get("selection"), selection, count)
        )
        mount_feed(key, pack({"key": key, "selection": list(now)}, _exact(lines or {})))
        mount_code()
    return now


def _exact(lines: Lines) -> dict[str, NDArray[Any]]:
    arrays = {}
    for name, (row, column) in lines.items():
        arrays[f"{name}.reads"] = np.asarray(row, np.float32)
        arrays[f"{name}.goes"] = np.asarray(column, np.float32)
    return arrays


def _clicked(
    state: dict[str, Any] | None, given: Sequence[int], count: int
) -> tuple[Cell, int] | None:
    click = whole_number((state or {}).get("click"))
    if state is None or click is None:
        return None
    picked = [whole_number(state.get(name)) for name in ("row", "column")]
    row, column = (
        old if new is None or not 0 <= new < count else new
        for new, old in zip(picked, given, strict=True)
    )
    return Cell(row, column), click
