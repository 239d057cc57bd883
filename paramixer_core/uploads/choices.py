"""What may be chosen about a file of sequences, and what was found in it, with reasons."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from jaxtyping import Float

MAX_BYTES = 20 * 2**20
MAX_LINE = 2**20
MAX_SEQUENCES = 20_000
MAX_TOKENS = 16_384
MAX_COLUMNS = MAX_TOKENS + 64
MAX_LABEL = 60
REMEDY = "see the formats and limits beside the upload"

Row = str | tuple[str, ...] | Float[np.ndarray, "..."]
"""One sequence: letters, words or numbers."""


class FileKind(StrEnum):
    """What lies in a file."""

    TABLE = "table"  # one sequence a line: a label, and one text or several numbers
    FASTA = "fasta"  # ">header", then lines of letters
    FASTQ = "fastq"  # "@header", letters, "+", qualities


class Separator(StrEnum):
    """What stands between the cells of a table."""

    COMMA = ","
    SEMICOLON = ";"
    TAB = "\t"
    PIPE = "|"
    BLANKS = "blanks"  # one or more, between numbers
    FIRST_BLANK = "first blank"  # a label, a blank or tab, then a text with blanks of its own


class NumberForm(StrEnum):
    """How numbers are written."""

    POINT = "1234.5"
    POINT_GROUPED = "1,234.5"
    COMMA = "1234,5"
    COMMA_GROUPED = "1.234,5"

    @property
    def decimal(self) -> str:
        """The decimal mark."""
        return self.value[-2]

    @property
    def thousands(self) -> str | None:
        """The mark between groups of three digits, if there is one."""
        return self.value[1] if len(self.value) > 6 else None


class Tokens(StrEnum):
    """What one token of a sequence is."""

    LETTERS = "letters"
    WORDS = "words"  # apart by blanks; parentheses are dropped, as in the papers' ListOps
    BYTES = "bytes"  # of the text in UTF-8
    NUMBERS = "numbers"


class Case(StrEnum):
    """Whether small and capital letters are different tokens."""

    KEEP = "keep"
    UPPER = "upper"
    LOWER = "lower"


class Missing(StrEnum):
    """What happens to a row whose label or sequence is missing, in whole or in part."""

    REFUSE = "refuse"  # the file is refused and the line is named
    SKIP = "skip"  # the row is left out and counted
    SHORTEN = "shorten"  # gaps at the end of numbers mean a shorter sequence; others are refused
    KEEP = "keep"  # words such as NA are ordinary labels and texts


@dataclass(frozen=True)
class SequenceChoices:
    """How to read a file of sequences; None means: guess, and say what was guessed.

    `label` is a column's name or number in a table, a part of the header in FASTA ("word 2",
    "field 2", "key OX", "whole", "regex ..."). `comment` is the sign that begins a comment line, ""
    for none. `letters_kept` keeps the most frequent letters only; all others become one symbol.
    """

    kind: FileKind | None = None
    encoding: str | None = None
    separator: Separator | None = None
    header: bool | None = None
    quotes: bool | None = None
    comment: str | None = None
    numbers: NumberForm | None = None
    label: str | None = None
    columns: tuple[str, ...] | None = None
    tokens: Tokens | None = None
    case: Case | None = None
    missing: Missing | None = None
    letters_kept: int | None = None


@dataclass(frozen=True)
class Guess:
    """One thing that was decided: which choice, what, a sentence why, and whether it is certain."""

    choice: str
    value: str
    sentence: str
    certain: bool = True


@dataclass
class SequencesFound:
    """Labelled sequences as read, and everything that was decided on the way.

    `questions` are sentences about what the file leaves open: `prepare` refuses until each is
    answered by a choice. `lines` are the file's own line numbers, one a row.
    """

    kind: FileKind
    rows: list[Row]
    labels: list[str]
    lines: list[int] = field(default_factory=list)
    tokens: Tokens = Tokens.LETTERS
    encoding: str = "utf-8"
    columns: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    case: Case = Case.KEEP
    letters_kept: int | None = None
    skipped: int = 0
    guesses: list[Guess] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)

    @property
    def numeric(self) -> bool:
        """Whether tokens are numbers."""
        return self.tokens is Tokens.NUMBERS

    @property
    def longest(self) -> int:
        """Tokens of the longest sequence."""
        from paramixer_core.uploads.tokens import length

        return max((length(row, self.tokens) for row in self.rows), default=0)

    @property
    def classes(self) -> dict[str, int]:
        """How many rows each label has, the labels in order."""
        counts: dict[str, int] = {}
        for label in sorted(self.labels):
            counts[label] = counts.get(label, 0) + 1
        return counts

    @property
    def notes(self) -> list[str]:
        """Everything that a reader of the file should know, a sentence each."""
        return [*(guess.sentence for guess in self.guesses), *self.warnings, *self.questions]

    def guessed(self, choice: str) -> Guess | None:
        """What was decided about one choice."""
        return next((guess for guess in self.guesses if guess.choice == choice), None)

    def select(self, kept: list[int]) -> None:
        """Keep these rows with their labels and lines."""
        self.rows = [self.rows[at] for at in kept]
        self.labels = [self.labels[at] for at in kept]
        self.lines = [self.lines[at] for at in kept]
        self.headers = [self.headers[at] for at in kept] if self.headers else []

    def decide(self, choice: str, value: str, sentence: str, *, certain: bool = True) -> None:
        """Note a decision."""
        self.guesses.append(Guess(choice, value, sentence, certain))


def counted(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
