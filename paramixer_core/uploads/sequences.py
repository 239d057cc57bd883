"""Labelled sequences from a file: unpacked, decoded, read as chosen or as guessed."""

import numpy as np

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.cells import is_missing
from paramixer_core.uploads.choices import (
    MAX_BYTES,
    MAX_LABEL,
    MAX_TOKENS,
    REMEDY,
    FileKind,
    Missing,
    SequenceChoices,
    SequencesFound,
    counted,
)
from paramixer_core.uploads.encoding import decoded
from paramixer_core.uploads.fasta import fasta_records, fastq_records, kind_of
from paramixer_core.uploads.headers import label_headers, short
from paramixer_core.uploads.table_rows import read_table
from paramixer_core.uploads.tokenising import fold, tokenise
from paramixer_core.uploads.unpacking import unpacked

SAMPLED = 1000
NEARLY = 0.5
"""Classes for each row from which on a label is doubtful."""


def read_sequences(
    content: bytes, name: str, choices: SequenceChoices | None = None
) -> SequencesFound:
    """Everything that a file of sequences holds, and how it was read.

    Each choice that is None is guessed, and the guess is in `guesses`; what cannot be guessed is in
    `questions`. Raises ParamixerError, with the file's own line, for what is wrong.
    """
    choices = choices or SequenceChoices()
    found = SequencesFound(FileKind.TABLE, [], [])
    plain, packed = unpacked(content, MAX_BYTES)
    if packed:
        found.warnings.append(packed)
    text = decoded(plain, choices.encoding, found)
    found.kind = kind_of(name, text, found, choices)
    match found.kind:
        case FileKind.TABLE:
            read_table(text, choices, found)
        case FileKind.FASTA:
            fasta_records(text, found)
            label_headers(found, choices)
        case FileKind.FASTQ:
            fastq_records(text, found)
            label_headers(found, choices)
    if len(found.rows) < 2:
        raise ParamixerError("at least two labelled sequences", len(found.rows), REMEDY)
    if not found.numeric:
        fold(found, choices)
        tokenise(found, choices)
    leave_out_missing(found, choices)
    if len(found.rows) < 2:
        raise ParamixerError("at least two labelled sequences", len(found.rows), REMEDY)
    judge_labels(found)
    found.letters_kept = choices.letters_kept
    return found


def leave_out_missing(found: SequencesFound, choices: SequenceChoices) -> None:
    """Rows without a label or a whole sequence: refused with their line or left out, counted."""
    keep_words = choices.missing is Missing.KEEP
    table = found.kind is FileKind.TABLE
    kept: list[int] = []
    for at, (label, row) in enumerate(zip(found.labels, found.rows, strict=True)):
        missing_label = not label.strip() if keep_words else is_missing(label)
        whole = isinstance(row, str) and not (
            is_missing(row) if table and not keep_words else not row.strip()
        )
        if not isinstance(row, str):
            whole = len(row) > 0 and not (found.numeric and np.isnan(np.asarray(row)).any())
        if whole and not missing_label:
            kept.append(at)
        elif choices.missing is not Missing.SKIP:
            thing = "a label" if missing_label else "a sequence"
            if found.numeric and not missing_label:
                thing = "numbers in all columns of the sequence"
            raise ParamixerError(
                f"{thing} in line {found.lines[at]:,}",
                (label if missing_label else row if isinstance(row, str) else "a missing value")
                or "an empty one",
                "complete or remove the line, or choose to leave such rows out",
            )
    found.skipped = len(found.rows) - len(kept)
    if found.skipped:
        found.warnings.append(f"{counted(found.skipped, 'row')} with missing values left out.")
    found.select(kept)


def judge_labels(found: SequencesFound) -> None:
    """Refuse overlong labels, and warn where there are nearly as many classes as rows."""
    for label, line in zip(found.labels, found.lines, strict=True):
        if len(label) > MAX_LABEL and not found.questions:
            raise ParamixerError(
                f"a label of 1 to {MAX_LABEL} letters in line {line:,}", label, "name the class"
            )
    classes = len(set(found.labels))
    found.labels = [short(label) for label in found.labels]
    if classes > max(2, NEARLY * len(found.rows)):
        found.warnings.append(
            f"{counted(classes, 'class', 'classes')} for {counted(len(found.rows), 'row')}: "
            "this may not be the label."
        )
    if found.longest > MAX_TOKENS:
        found.warnings.append(
            f"The longest has {found.longest:,} tokens; N is at most {MAX_TOKENS:,}."
        )
