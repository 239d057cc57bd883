"""A matrix that the reader brings as a file: its upload, how it was read, what can be changed."""

from dataclasses import dataclass

import streamlit as st

from app import controls
from app.escape import plain
from paramixer_core.analysis.matrix_upload import (
    Background,
    MatrixChoices,
    MatrixFound,
    MatrixKind,
    SeveralArraysError,
    kind_of,
    read_matrix,
)
from paramixer_core.errors import ParamixerError

TYPES = [
    *("npy", "npz", "mtx", "csv", "tsv", "txt", "dat", "gz"),
    *("png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp"),
]
GUESS = "guess"
MARKS = {",": "comma", ";": "semicolon", "\t": "tab", " ": "blanks", "|": "upright bar"}
DECIMALS = {".": "point: 0.5", ",": "comma: 0,5"}
YES, NO = "yes", "no"
LABELS = {GUESS: "guess", YES: "labels", NO: "numbers"}
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")


@dataclass(frozen=True, eq=False)
class MatrixFile:
    """An uploaded file's name and what was found in it."""

    name: str
    found: MatrixFound


def choose() -> MatrixFile | None:
    """The uploaded matrix; None while there is none, with a sentence on the page that says why."""
    held = st.file_uploader(
        "Picture, array or table",
        type=TYPES,
        key="matrix-file",
        help="Pictures, NumPy's .npy and .npz, MatrixMarket's .mtx, CSV and other tables of "
        "numbers. Read on this server and kept for this tab alone. Nothing is unpickled.",
    )
    if held is None:
        st.info("Bring a file, or choose another target.")
        return None
    below = st.container()
    try:
        found = read_chosen(held.getvalue(), held.name)
    except ParamixerError as error:
        below.error(plain(error), icon=":material/error:")
        return None
    below.caption("  \n".join(plain(note) for note in found.notes))
    return MatrixFile(held.name, found)


def read_chosen(content: bytes, name: str) -> MatrixFound:
    """The matrix as the reader wants it read; an archive's arrays are offered by their names."""
    if not content:
        return read_matrix(content, name)
    kind = kind_of(content, name)
    with (
        st.expander("How it is read")
        if kind
        in (
            MatrixKind.TABLE,
            MatrixKind.PICTURE,
        )
        else st.container()
    ):
        chosen = choices_of(kind)
    try:
        return read_matrix(content, name, chosen)
    except SeveralArraysError as several:
        picked = st.selectbox("Array of the archive", several.names, index=None, key="matrix-array")
        if picked is None:
            raise
        return read_matrix(content, name, MatrixChoices(array=picked))


def choices_of(kind: MatrixKind) -> MatrixChoices:
    """What may be chosen for a file of that kind."""
    if kind is MatrixKind.PICTURE:
        background = controls.choice(
            "Behind transparent parts",
            "background",
            list(Background),
            default=Background.WHITE,
            row=True,
        )
        return MatrixChoices(background=background)
    if kind is not MatrixKind.TABLE:
        return MatrixChoices()
    guess = {GUESS: "guess"}
    delimiter = controls.choice(
        "Between the numbers", "mark", [GUESS, *MARKS], default=GUESS, titles=guess | MARKS
    )
    decimal = controls.choice(
        "Decimal mark", "decimal", [GUESS, *DECIMALS], default=GUESS, titles=guess | DECIMALS
    )
    header = controls.choice("First row", "header", list(LABELS), default=GUESS, titles=LABELS)
    index = controls.choice("First column", "index", list(LABELS), default=GUESS, titles=LABELS)
    encoding = controls.choice(
        "Encoding", "encoding", [GUESS, *ENCODINGS], default=GUESS, titles=guess
    )
    return MatrixChoices(
        delimiter=chosen_or_none(delimiter),
        decimal=chosen_or_none(decimal),
        header=None if header == GUESS else header == YES,
        index=None if index == GUESS else index == YES,
        encoding=chosen_or_none(encoding),
    )


def chosen_or_none(name: str) -> str | None:
    """None stands for a guess."""
    return None if name == GUESS else name
