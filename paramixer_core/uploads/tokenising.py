"""From texts as read to sequences of tokens: case, and letters, words, bytes or numbers."""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np

from paramixer_core.uploads.choices import (
    Case,
    FileKind,
    SequenceChoices,
    SequencesFound,
    Tokens,
    counted,
)
from paramixer_core.uploads.numerals import is_number, number_form, require_number
from paramixer_core.uploads.tokens import letters_of, words_of

MAX_GUESSED_LETTERS = 255
"""More different letters than these are read as bytes, unless letters are chosen."""

MANY_WORDS = 64
LONGEST_WORD = 2
SAMPLED = 1000


def fold(found: SequencesFound, choices: SequenceChoices) -> None:
    """Small letters into capitals, or the reverse, as chosen; FASTA's are, as they mask repeats."""
    fasta = found.kind is not FileKind.TABLE
    found.case = choices.case or (Case.UPPER if fasta else Case.KEEP)
    before = found.rows
    if found.case is not Case.KEEP:
        found.rows = [
            row.upper() if found.case is Case.UPPER else row.lower()
            for row in before if isinstance(row, str)
        ]  # fmt: skip
    changed = sum(old != new for old, new in zip(before, found.rows, strict=True))
    if changed or choices.case:
        said = {
            Case.KEEP: "Capital and small letters stay apart",
            Case.UPPER: f"Small letters became capitals in {counted(changed, 'sequence')}",
            Case.LOWER: f"Capitals became small letters in {counted(changed, 'sequence')}",
        }[found.case]
        found.decide("case", found.case.value, f"{said}.", certain=choices.case is not None)


def tokenise(found: SequencesFound, choices: SequenceChoices) -> None:
    """Texts into words or numbers where that is what they are; letters and bytes stay texts."""
    texts = [row for row in found.rows if isinstance(row, str)]
    split = [[piece for piece in re.split(r"[\s;]+|,\s+", text) if piece] for text in texts]
    numeric = choices.tokens is Tokens.NUMBERS or (
        choices.tokens is None and lists_of_numbers(split[:SAMPLED])
    )
    if numeric:
        found.tokens = Tokens.NUMBERS
        said = "Tokens are numbers, several in one cell."
        found.decide("tokens", "numbers", said, certain=choices.tokens is not None)
        if all(len(pieces) < 2 for pieces in split) and any("," in text for text in texts):
            split = [[piece.strip() for piece in text.split(",")] for text in texts]
        form = number_form((p for row in split for p in row), choices, found, points_part=False)
        lines = found.lines
        found.rows = [
            np.array([require_number(p, form, lines[at]) for p in row], dtype=np.float64)
            for at, row in enumerate(split)
        ]  # fmt: skip
        return
    tokens, why, certain = (
        (choices.tokens, "as chosen", True) if choices.tokens else guess_tokens(texts)
    )
    found.tokens = tokens
    found.decide("tokens", tokens.value, f"Tokens are {tokens}, {why}.", certain=certain)
    if tokens is Tokens.WORDS:
        found.rows = [words_of(text) for text in texts]


def lists_of_numbers(split: list[list[str]]) -> bool:
    """Whether cells hold several numbers each, more than words that happen to be digits."""
    several = [pieces for pieces in split if len(pieces) > 2]
    pointed = any("." in piece or "," in piece for pieces in several for piece in pieces)
    alike = all(is_number(piece) for pieces in split for piece in pieces)
    values = {piece for pieces in several for piece in pieces}
    return 2 * len(several) > len(split) and alike and (pointed or len(values) > 64)


def guess_tokens(rows: Sequence[str]) -> tuple[Tokens, str, bool]:
    """What the tokens of texts are, why, and whether that is certain."""
    sample = [words_of(row) for row in rows[:SAMPLED]]
    several = sum(len(words) > 1 for words in sample)
    words = Counter(word for row in sample for word in row)
    if any(word.startswith("[") and len(word) > 1 for word in words) and "]" in words:
        return Tokens.WORDS, "apart by blanks, as brackets such as [MAX stand in them", True
    few = 1 < len(words) <= MANY_WORDS and max(map(len, words)) <= LONGEST_WORD
    if few and 2 * several >= len(sample):
        return Tokens.WORDS, "apart by blanks, as few and short ones come again", False
    letters = {letter for row in rows for letter in letters_of(row)}
    if len(letters) > MAX_GUESSED_LETTERS:
        return (
            Tokens.BYTES,
            f"as {len(letters):,} different letters are more than {MAX_GUESSED_LETTERS}; letters "
            "may be chosen, with rare ones as one symbol",
            False,
        )
    return Tokens.LETTERS, f"{len(letters):,} different ones", True
