"""A matrix that the reader brings as a file: its upload, how it was read, what can be changed."""

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import controls, reading
from app.escape import plain
from paramixer_core.analysis.matrix_upload import (
    Background,
    MatrixChoices,
    MatrixKind,
    Squared,
    kind_by_name,
)
from paramixer_core.uploads.door import UploadChoices
from paramixer_core.uploads.what_was_read import MatrixRead, UploadKind

TYPES = [
    *("npy", "npz", "mtx", "csv", "tsv", "txt", "dat", "gz"),
    *("png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "webp"),
]
GUESS = "guess"
MARKS = {",": "comma", ";": "semicolon", "\t": "tab", " ": "blanks", "|": "upright bar"}
DECIMALS = {".": "point: 0.5", ",": "comma: 0,5"}
YES, NO = "yes", "no"
LABELS = {GUESS: "guess", YES: "labels", NO: "numbers"}
BEGINNING = 64
WHOLE, ONE = "matrix-job", "matrix-array-job"
ENCODINGS = ("utf-8", "utf-16", "cp1252", "latin-1")


@dataclass(frozen=True, eq=False)
class MatrixFile:
    """An uploaded file's name and what was read of it, made square as chosen."""

    name: str
    read: MatrixRead


def choose() -> MatrixFile | None:
    """The uploaded matrix; None while there is none, with a sentence on the page that says why."""
    reading.ready()
    file = st.file_uploader(
        "Picture, array or table",
        type=TYPES,
        key="matrix-file",
        help="Pictures, NumPy's .npy and .npz, MatrixMarket's .mtx, CSV and other tables of "
        "numbers. Read on this server and kept for this tab alone. Nothing is unpickled.",
    )
    if file is None:
        st.info("Bring a file, or choose another target.")
        return None
    below = st.container()
    kind = kind_by_name(file.getbuffer()[:BEGINNING].tobytes(), file.name)
    tables = kind in (MatrixKind.TABLE, MatrixKind.PICTURE)
    with st.expander("How it is read") if tables else st.container():
        chosen = choices_of(kind)
    choices = UploadChoices(kind=UploadKind.MATRIX, matrix=chosen)
    with below:
        choices = with_array(file, choices)
        read = read_chosen(file, choices, ONE if choices.matrix.array else WHOLE)
        if read is None:
            return None
        st.caption("  \n".join(plain(note) for note in read.notes))
    rows, columns = read.shape
    if rows != columns:
        how = controls.choice(
            f"{rows:,} x {columns:,} is not square",
            "square",
            list(Squared),
            default=Squared.CROP,
            titles={Squared.CROP: "crop it", Squared.PAD: "pad with zeros"},
            row=True,
        )
        if how is not Squared.CROP:
            read = read_chosen(file, replace(choices, squared=how), "matrix-padded")
    return None if read is None else MatrixFile(file.name, read)


def with_array(file: UploadedFile, choices: UploadChoices) -> UploadChoices:
    """The same with the array that is chosen among those of an archive."""
    names = reading.arrays(reading.job(file, choices, WHOLE))
    if not names:
        return choices
    picked = st.selectbox("Array of the archive", names, index=None, key="matrix-array")
    return choices if picked is None else replace(choices, matrix=MatrixChoices(array=picked))


def read_chosen(file: UploadedFile, choices: UploadChoices, place: str) -> MatrixRead | None:
    """The matrix as the reader wants it read."""
    read = reading.read(file, choices, place)
    return read if isinstance(read, MatrixRead) else None


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
