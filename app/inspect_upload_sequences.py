"""The box that takes a file of labelled sequences: what was read, how, and what becomes of it."""

import streamlit as st

from app import engine
from app.escape import plain
from app.inspect_upload_choices import chosen, draw_choices, draw_label, forget_choices
from app.linked import settings_of
from app.navigation import link_to
from paramixer_core.errors import ParamixerError
from paramixer_core.uploads import choices as limits
from paramixer_core.uploads import dataset, preparing, tokens
from paramixer_core.uploads.choices import SequenceChoices, SequencesFound
from paramixer_core.uploads.preparing import Prepared
from paramixer_core.uploads.sequences import read_sequences
from paramixer_core.uploads.splitting import Conflicts

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
    if file is None:
        return
    forget_choices(file.file_id)
    try:
        found = read(file.getvalue(), file.name, chosen())
    except ParamixerError as error:
        st.error(plain(error), icon=":material/upload_file:")
        draw_choices(None)
        return
    preview(found)
    for question in found.questions:
        st.warning(plain(question), icon=":material/help:")
    draw_label(found)
    for warning in found.warnings:
        st.caption(f":orange[:material/warning:] {plain(warning)}")
    draw_choices(found)
    if found.questions:
        return
    prepared = settle(found, file.name)
    use(prepared)


@st.cache_resource(max_entries=4, show_spinner="Reading the file ...")
def read(content: bytes, name: str, choices: SequenceChoices) -> SequencesFound:
    """The file as read; the same file and choices are read once."""
    return read_sequences(content, name, choices)


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


def settle(found: SequencesFound, title: str) -> Prepared:
    """N, the share of tests and what becomes of conflicts; what the data set then is."""
    fitting = preparing.fitting_length(found)
    seq_len = st.number_input("Tokens N", 2, limits.MAX_TOKENS, fitting, key="data_n")
    share = st.slider("Kept for the test", 5, 50, 20, format="%d %%", key="data_share")
    kept = st.session_state.get("data_conflicts") or Conflicts.LEAVE_OUT
    prepared = preparing.prepare(found, int(seq_len), share / 100, title, kept)
    if prepared.conflicts:
        st.selectbox(
            "Sequences under more than one label",
            list(Conflicts),
            format_func=lambda choice: CONFLICTS[choice],
            key="data_conflicts",
        )
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
    return prepared


def use(prepared: Prepared) -> None:
    """Keep the data set, and lead to the Train page."""
    if st.button("Use these sequences", type="primary", key="data_use"):
        with engine.claiming(prepared.name, len(prepared.content)) as held:
            name = dataset.keep(prepared, engine.store().folder, held)
        settings_of("train")["task"] = name
    if prepared.name in engine.brought():
        st.success("They are a task of the **Train** page now.")
        link_to("train.py", "Train on them")
