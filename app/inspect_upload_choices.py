"""How a file of sequences is read: what was guessed, and a control to change each guess."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from app.escape import plain
from paramixer_core.uploads.choices import (
    Case,
    FileKind,
    Missing,
    NumberForm,
    Separator,
    SequenceChoices,
    SequencesFound,
    Tokens,
    counted,
)
from paramixer_core.uploads.encoding import OFFERED
from paramixer_core.uploads.what_was_read import HeaderPart, SequencesRead

FILE, LAST = "data_file_id", "data_last"
FIELDS = SequenceChoices.__dataclass_fields__

KINDS = {FileKind.TABLE: "table", FileKind.FASTA: "FASTA", FileKind.FASTQ: "FASTQ"}
SEPARATORS = {
    Separator.COMMA: "comma ,",
    Separator.SEMICOLON: "semicolon ;",
    Separator.TAB: "tab",
    Separator.PIPE: "vertical bar |",
    Separator.BLANKS: "blanks",
    Separator.FIRST_BLANK: "the first blank of a line",
}
HEADERS = {True: "names the columns", False: "is data"}
QUOTES = {True: "hold a cell together", False: "are ordinary letters"}
COMMENTS = {"": "no comments", "#": "#", "%": "%", ";": ";", "//": "//"}
TOKENS = {
    Tokens.LETTERS: "letters",
    Tokens.WORDS: "words",
    Tokens.BYTES: "bytes",
    Tokens.NUMBERS: "numbers",
}
CASES = {Case.KEEP: "both", Case.UPPER: "capitals only", Case.LOWER: "small letters only"}
MISSINGS = {
    Missing.REFUSE: "refuse the file, name the line",
    Missing.SKIP: "leave the row out",
    Missing.SHORTEN: "gaps at the end: shorter sequence",
    Missing.KEEP: "NA and the like are ordinary words",
}
KEPT = {None: "all of them", 31: "the 31 most frequent", 255: "the 255 most frequent",
        1023: "the 1,023 most frequent", 4095: "the 4,095 most frequent"}  # fmt: skip


def chosen() -> SequenceChoices:
    """What the controls hold; before they are first drawn, nothing: all is guessed."""
    held = {field: st.session_state.get(f"data_{field}") for field in FIELDS}
    held["columns"] = tuple(held["columns"] or ()) or None
    if pattern := st.session_state.get("data_pattern"):
        held["label"] = f"regex {pattern}"
    return SequenceChoices(**held)


def forget_choices(file: str) -> None:
    """Guess anew for a new file."""
    if st.session_state.get(FILE) != file:
        for field in (*FIELDS, "pattern", "n", "share", "conflicts"):
            st.session_state.pop(f"data_{field}", None)
        st.session_state.pop(LAST, None)
        st.session_state[FILE] = file


def draw_label(read: SequencesRead) -> None:
    """Which column, or part of the header, is the label; which columns are the sequence."""
    found = read.found
    if found.headers:
        header_part(read)
        return
    left, right = st.columns(2)
    with left:
        choose("label", "Column of the label", {name: name for name in found.columns}, found)
    label = found.guessed("label")
    rest = [name for name in found.columns if not label or name != label.value]
    parts = found.guessed("columns")
    right.multiselect(
        "Columns of the sequence, in order",
        rest,
        placeholder=f"as guessed: {parts.value}" if parts else "as guessed",
        key="data_columns",
    )


def header_part(read: SequencesRead) -> None:
    """The part of FASTA headers that is the label, with what each would give."""
    parts = {part.name: preview_of(part) for part in read.parts}
    choose("label", "Label: which part of the header", parts, read.found, "choose one")
    st.text_input(
        "or what a pattern finds",
        key="data_pattern",
        placeholder=r"OX=(\d+)",
        help="A regular expression with one group in parentheses: the group is the label.",
    )
    if read.pattern is not None:
        st.caption(plain(preview_of(read.pattern)))


def preview_of(part: HeaderPart) -> str:
    """A part's name with its first values and how many there are."""
    some = ", ".join((value or "nothing")[:24] for value in part.values)
    more = ", ..." if part.classes > len(part.values) else ""
    return f"{part.name}: {some}{more} ({counted(part.classes, 'class', 'classes')})"


def draw_choices(found: SequencesFound | None) -> None:
    """What was guessed, a sentence each, and the controls that change it."""
    if found:
        lines = [
            f"- {'' if guess.certain else ':orange[:material/help:] '}{plain(guess.sentence)}"
            for guess in found.guesses
        ]
        st.caption("\n".join(lines))
        if not st.toggle("Change how it is read", key="data_change"):
            return
    left, right = st.columns(2)
    table = not found or found.kind is FileKind.TABLE
    with left:
        choose("kind", "Format", KINDS, found)
        choose("encoding", "Encoding", dict(zip(OFFERED, OFFERED, strict=True)), found)
        choose("tokens", "Tokens", TOKENS, found)
        choose("case", "Small and capital letters", CASES, found)
        choose("missing", "Missing values", MISSINGS, found, MISSINGS[Missing.REFUSE])
        st.selectbox("Different symbols kept", list(KEPT), format_func=KEPT.__getitem__,
                     key="data_letters_kept", help="All others become one symbol.")  # fmt: skip
    with right:
        if table:
            choose("separator", "Between cells", SEPARATORS, found)
            choose("header", "The first line", HEADERS, found)
            choose("quotes", "Double quotes", QUOTES, found)
            choose("comment", "Comment lines begin with", COMMENTS, found)
            forms = {form: form.value for form in NumberForm}
            choose("numbers", "Numbers look like", forms, found)


def choose(
    field: str,
    label: str,
    options: dict[Any, str],
    found: SequencesFound | None,
    unguessed: str = "as guessed",
) -> None:
    """A control for one choice; its first option is the guess."""
    guess = found.guessed(field) if found else None
    st.selectbox(
        label,
        [None, *options],
        format_func=naming(options, guess.value if guess else "", unguessed),
        key=f"data_{field}",
    )


def naming(options: dict[Any, str], guessed: str, unguessed: str) -> Callable[[Any], str]:
    """How options are shown: the first says what was guessed."""
    spoken = {str(value): name for value, name in options.items()}
    first = f"as guessed: {spoken.get(guessed, guessed)}" if guessed else unguessed
    return lambda value: first if value is None else options[value]
