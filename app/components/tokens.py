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
from app.theme import INKS, Scale, colour_table
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

    @property
    def count(self) -> int:
        """N."""
        return len(self.labels) or len(self.values)


Lines = Mapping[str, tuple[NDArray[Any], NDArray[Any]]]
"""By a matrix view's key, the exact row and column of the selected cell."""


@dataclass(frozen=True)
class TokenValues:
    """One number per token, shown as such: `values` (N,), signed or from zero up."""

    name: str
    values: NDArray[Any]
    value_label: str


def values_view(
    tokens: TokenForm,
    panels: Sequence[TokenValues],
    *,
    title: str,
    key: str,
    group: str = "",
    caption: str = "",
) -> None:
    """Draw the tokens once per panel, coloured by its numbers; hovering reads them."""
    arrays: dict[str, NDArray[Any]] = {}
    sources = []
    for order, panel in enumerate(panels):
        arrays[f"own{order}"] = np.asarray(panel.values, np.float32)
        scale = Scale.SIGNED if np.min(panel.values, initial=0) < 0 else Scale.SEQUENTIAL
        arrays[f"light{order}"] = colour_table(scale, dark=False)
        arrays[f"dark{order}"] = colour_table(scale, dark=True)
        sources.append(
            {
                "key": f"own{order}",
                "name": panel.name,
                "own": order,
                "label": panel.value_label,
                "scale": scale,
            }
        )
    header, drawn = _described(tokens)
    header |= {"key": key, "title": title, "caption": caption, "group": group, "sources": sources}
    with st.container(gap=None):
        mount_view(key, pack(header, {**drawn, **arrays}))
        mount_code()


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
    count = tokens.count
    if not (0 <= selection[0] < count and 0 <= selection[1] < count):
        raise ParamixerError(f"tokens from 0 to {count - 1}", selection, "choose one of them")
    with st.container(gap=None):
        texts = {"key": key, "title": title, "group": group, "caption": caption}
        state = mount_view(key, tokens_payload(tokens, sources, texts), "selection")
        now = latest_choice(
            key, Cell(*selection), _clicked(state.get("selection"), selection, count)
        )
        mount_feed(key, choice_payload(key, now, lines or {}))
        mount_code()
    return now


def tokens_payload(
    tokens: TokenForm, sources: Mapping[str, str], texts: Mapping[str, str]
) -> bytes:
    """What the view sends: the tokens in their form and which matrices to show on them."""
    header, arrays = _described(tokens)
    named = [{"key": name, "name": text} for name, text in sources.items()]
    return pack({**header, **texts, "sources": named}, arrays)


def choice_payload(key: str, selection: Cell, lines: Lines) -> bytes:
    """The selected cell, and exact rows and columns where the browser has no numbers."""
    return pack({"key": key, "selection": list(selection)}, _exact(lines))


def _described(tokens: TokenForm) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    count = tokens.count
    marks = np.zeros(count, bool) if tokens.marks is None else tokens.marks
    header = {
        "view": "tokens",
        "seqLen": count,
        "form": tokens.form,
        "wide": tokens.wide,
        "labels": tokens.labels,
        "most": float(np.abs(np.nan_to_num(tokens.values)).max(initial=0)) or 1.0,
        "selectionInk": [INKS["selection"].light, INKS["selection"].dark],
    }
    return header, {"values": tokens.values.astype(np.float32), "marks": marks.astype(np.uint8)}


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
