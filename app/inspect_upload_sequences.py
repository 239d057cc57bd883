"""The box that takes a file of labelled sequences: what was read, how, and what becomes of it."""

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import engine, reading
from app.escape import plain
from app.inspect_upload_choices import LAST, chosen, draw_choices, draw_label, forget_choices
from app.linked import settings_of
from app.navigation import link_to
from paramixer_core.uploads import choices as limits
from paramixer_core.uploads import preparing, tokens
from paramixer_core.uploads.choices import SequencesFound
from paramixer_core.uploads.door import SplitChoices, UploadChoices
from paramixer_core.uploads.splitting import Conflicts
from paramixer_core.uploads.what_was_read import SequencesRead, UploadKind

USED = "data_used"
PREVIEWED = 5
BEGINNING = 40
MEBI = 2**20
CONFLICTS = {
    Conflicts.LEAVE_OUT: "Leave them out",
    Conflicts.MAJORITY: "Keep them under their commonest label",
}


def draw() -> None:
    """A file of labelled sequences becomes a task of the Train page."""
    st.caption(
        "A table (CSV, TSV or text: a label and a text or numbers on each line), FASTA or FASTQ, "
        f"plain or in gzip. At most {limits.MAX_BYTES // MEBI} MiB unpacked, "
        f"{limits.MAX_SEQUENCES:,} sequences, {limits.MAX_TOKENS:,} tokens each, "
        f"{tokens.MAX_SYMBOLS - 1:,} different symbols, {preparing.MAX_CLASSES} classes. The "
        "file stays on this server; whoever has the task's link can train on it."
    )
    file = st.file_uploader("Sequences", type=None, key="data_file")
    reading.ready()
    if file is None:
        return
    forget_choices(file.file_id)
    choices = UploadChoices(kind=UploadKind.SEQUENCES, sequences=chosen(), split=chosen_split())
    read = reading.read(file, choices, "data-job")
    if isinstance(read, SequencesRead):
        st.session_state[LAST] = read
    last: SequencesRead | None = st.session_state.get(LAST)
    if last is None:
        if reading.failed("data-job"):
            draw_choices(None)
        return
    with st.container():  # what was read last keeps its controls while it is read otherwise
        if draw_read(last) and read is last:
            use(file, choices, last)


def chosen_split() -> SplitChoices:
    """What the controls of the split hold; before they are first drawn, nothing."""
    held = st.session_state
    share = held.get("data_share")
    return SplitChoices(
        seq_len=held.get("data_n"),
        test_share=None if share is None else share / 100,
        conflicts=held.get("data_conflicts"),
    )


def draw_read(read: SequencesRead) -> bool:
    """What was read, and a control for every choice; whether it can be used."""
    found = read.found
    preview(found)
    for question in found.questions:
        st.warning(plain(question), icon=":material/help:")
    draw_label(read)
    for warning in found.warnings:
        st.caption(f":orange[:material/warning:] {plain(warning)}")
    draw_choices(found)
    if found.questions:
        return False
    settle(read)
    return read.prepared is not None


def preview(found: SequencesFound) -> None:
    """The first rows as they were read."""
    shown = [
        {"line": line, "label": label, "tokens": tokens.length(row, found.tokens),
         "begins with": beginning(row)}
        for line, label, row in zip(found.lines, found.labels, found.rows[:PREVIEWED], strict=False)
    ]  # fmt: skip
    st.dataframe(shown, hide_index=True)


def beginning(row: limits.Row) -> str:
    """The first tokens of a row."""
    if isinstance(row, str):
        return repr(row[:BEGINNING])[1:-1]
    return " ".join(f"{one:g}" if not isinstance(one, str) else one for one in row[:8])


def settle(read: SequencesRead) -> None:
    """N, the share of tests and what becomes of conflicts; what the data set then is."""
    st.number_input("Tokens N", 2, limits.MAX_TOKENS, read.fitting, key="data_n")
    st.slider("Kept for the test", 5, 50, 20, format="%d %%", key="data_share")
    prepared = read.prepared
    if "data_conflicts" in st.session_state or (prepared and prepared.conflicts):
        st.selectbox(
            "Sequences under more than one label",
            list(Conflicts),
            format_func=lambda choice: CONFLICTS[choice],
            key="data_conflicts",
        )
    if prepared is None:
        st.error(plain(read.problem), icon=":material/upload_file:")
        return
    best, right = prepared.majority
    kinds = f"{len(prepared.symbols):,} symbols" if prepared.symbols else "numbers"
    st.markdown(
        f"**{prepared.trained:,}** sequences to train on, **{prepared.tests:,}** to test, "
        f"{len(prepared.classes)} classes, {kinds}. Always answering “{plain(best)}” would be "
        f"right on **{right:.0%}** of the tests."
    )
    rows = [
        {"class": name, "train": count, "test": prepared.test_classes[name]}
        for name, count in prepared.train_classes.items()
    ]
    st.dataframe(rows, hide_index=True, height=min(220, 36 * (len(rows) + 1) + 2))
    for note in prepared.notes:
        st.caption(plain(note))


def use(file: UploadedFile, choices: UploadChoices, read: SequencesRead) -> None:
    """Keep the data set, and lead to the Train page."""
    if st.button("Use these sequences", type="primary", key="data_use"):
        st.session_state[USED] = choices
        st.session_state.pop("data-keep", None)
    if st.session_state.get(USED) == choices:
        kept = reading.keep(file, choices, "data-keep")
        if kept is not None:
            del st.session_state[USED]
            settings_of("train")["task"] = kept.name
    if read.prepared is not None and read.prepared.name in engine.brought():
        st.success("They are a task of the **Train** page now.")
        link_to("train.py", "Train on them")
