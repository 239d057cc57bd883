"""Bring your own weights, or your own labelled sequences to train on."""

from collections.abc import Callable

import streamlit as st

from app import engine, inspect_upload_weights, inspect_uploaded
from app.escape import plain
from app.linked import settings_of
from app.navigation import link_to
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads import dataset, sequences
from paramixer_core.uploads.columns import guess_columns
from paramixer_core.uploads.sequences import FileKind, Sequences

PREVIEWED = 5
MEBI = 2**20


def draw() -> None:
    """Two boxes that stay closed until they are wanted."""
    left, right = st.columns(2, gap="large")
    with left, st.expander("Upload weights"):
        explained(inspect_upload_weights.draw)
    with right, st.expander("Upload sequences to train on"):
        explained(data)
    explained(inspect_uploaded.draw)


def explained(box: Callable[[], None]) -> None:
    """Draw a box; what is wrong with an upload becomes a sentence in it."""
    try:
        box()
    except ParamixerError as error:
        st.error(plain(error), icon=":material/upload_file:")


def data() -> None:
    """A file of labelled sequences becomes a task of the Train page."""
    st.caption(
        "CSV with a header line, text lines of label and text, or FASTA with the label as the last "
        f"word of each `>` line. At most {sequences.MAX_BYTES // MEBI} MiB, "
        f"{sequences.MAX_SEQUENCES:,} sequences, {sequences.MAX_TOKENS:,} tokens each, "
        f"{dataset.MAX_SYMBOLS - 1} different letters, {dataset.MAX_CLASSES} classes. The "
        "file stays on this server; whoever has the task's link can train on it."
    )
    file = st.file_uploader("Sequences", type=None, key="data_file")
    if file is None:
        return
    text = sequences.decoded(file.getvalue())
    kinds = list(FileKind)
    at = kinds.index(sequences.kind_of(file.name, text))
    kind = st.selectbox("Format", kinds, at, key="data_kind") or kinds[at]
    found = parsed(kind, text)
    if found is None:
        return
    shown = [
        {"label": label, "tokens": len(row), "begins with": str(row[:40])}
        for label, row in zip(found.labels[:PREVIEWED], found.rows[:PREVIEWED], strict=True)
    ]
    st.dataframe(shown, hide_index=True)
    longest = min(found.longest, sequences.MAX_TOKENS)
    seq_len = st.number_input("Tokens N", 2, sequences.MAX_TOKENS, max(2, longest), key="data_n")
    share = st.slider("Kept for the test", 5, 50, 20, format="%d %%", key="data_share")
    prepared = dataset.prepare(found, int(seq_len), share / 100, file.name)
    st.caption(
        f"{prepared.trained:,} sequences to train on, {prepared.tests:,} to test; "
        f"{len(prepared.classes)} classes; {len(prepared.symbols) or 'no'} symbols. "
        f"{prepared.cut:,} longer ones are cut, {prepared.padded:,} shorter ones filled up, "
        f"{prepared.repeated:,} repeated ones left out."
    )
    if st.button("Use these sequences", type="primary", key="data_use"):
        name = dataset.keep(prepared, engine.store().folder)
        engine.claim(name)
        settings_of("train")["task"] = name
    if prepared.name in engine.brought():
        st.success("They are a task of the **Train** page now.")
        link_to("train.py", "Train on them")


def parsed(kind: FileKind, text: str) -> Sequences | None:
    """The file's sequences, once its columns are chosen."""
    match kind:
        case FileKind.TEXT:
            return sequences.read_text(text)
        case FileKind.FASTA:
            return sequences.read_fasta(text)
        case FileKind.CSV:
            columns = sequences.columns_of(text)
            guessed, sequence = guess_columns(text)
            label = st.selectbox(
                "Column of the label", columns, columns.index(guessed), key="data_label"
            )
            rest = [column for column in columns if column != label]
            first = [sequence] if sequence in rest else rest[:1]
            parts = st.multiselect(
                "Columns of the sequence, in order", rest, default=first, key="data_parts"
            )
            everything = st.checkbox(f"All {len(rest)} other columns", key="data_all")
            chosen = rest if everything else parts
            return sequences.read_csv(text, label, chosen) if chosen else None
