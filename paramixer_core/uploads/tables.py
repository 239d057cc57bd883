"""Where the rows of a table begin in its file: comment lines, the separator, and quotes.

Rows are cut by `csv.reader`, since it alone tells on which line a row begins; pandas then reads the
cells (`cells.py`).
"""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import (
    MAX_BYTES,
    MAX_COLUMNS,
    MAX_LINE,
    MAX_SEQUENCES,
    Separator,
)

COMMENT_SIGNS = ("#", "%")


@dataclass(frozen=True)
class Cut:
    """A table cut into rows: the text of its rows alone, their first lines and numbers of cells."""

    text: str
    separator: Separator
    quotes: bool
    lines: list[int]
    widths: list[int]
    comments: list[str]

    @property
    def width(self) -> int:
        """Cells of the widest row."""
        return max(self.widths, default=0)

    @property
    def usual(self) -> int:
        """The commonest number of cells in a row."""
        return Counter(self.widths).most_common(1)[0][0] if self.widths else 0

    @property
    def steady(self) -> float:
        """The share of rows that have the commonest number of cells, if that is two or more."""
        return self.widths.count(self.usual) / len(self.widths) if self.usual > 1 else 0.0


Lines = list[tuple[int, str]]
"""Lines with their numbers in the file, their ends included as "\\n"."""


def numbered_lines(text: str) -> Lines:
    """All lines; raises ParamixerError for an overlong one."""
    lines = list(enumerate(io.StringIO(text, newline=None), start=1))
    for number, line in lines:
        if len(line) > MAX_LINE:
            raise ParamixerError(
                f"lines of at most {MAX_LINE:,} letters",
                f"{len(line):,} in line {number:,}",
                "put every sequence on a line of its own",
            )
    return lines


def rows_of(cut: Cut) -> Iterator[list[str]]:
    """The cells of a cut by `csv.reader`: for small samples."""
    lines = io.StringIO(cut.text, newline=None)
    return iter(csv.reader(lines, style(cut.separator, cut.quotes)))


def style(mark: Separator, quotes: bool) -> type[csv.Dialect]:
    """How `csv.reader` treats separators, blanks behind them, and double quotes."""

    class Style(csv.excel):
        delimiter = mark.value
        quoting = csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
        strict = quotes
        skipinitialspace = True

    return Style


def quoted_or_not(
    lines: Lines, mark: Separator, sign: str, quotes: bool | None, *, partial: bool = False
) -> Cut:
    """The rows with quotes that hold cells together, or with quotes as ordinary letters.

    Letters they are where they do not close as they should, or where each line is a whole row
    without them: in a text with a stray quote, lines would else be swallowed up to the next one.
    `partial` lines may end in the midst of a quoted cell.
    """
    if quotes is False or mark in (Separator.BLANKS, Separator.FIRST_BLANK):
        return cut_rows_at(lines, mark, sign, quotes=False)
    try:
        quoted = cut_rows_at(lines, mark, sign, quotes=True, partial=partial)
    except ParamixerError:
        if quotes:
            raise
        plain = cut_rows_at(lines, mark, sign, quotes=False)
        if plain.steady < 1:
            raise
        return plain
    if quotes is None and len(quoted.lines) < quoted.text.count("\n"):
        plain = cut_rows_at(lines, mark, sign, quotes=False)
        if plain.steady == 1 and len(plain.lines) > len(quoted.lines):
            return plain
    return quoted


def cut_rows_at(
    lines: Lines, mark: Separator, sign: str, *, quotes: bool, partial: bool = False
) -> Cut:
    """Where each row begins; blank lines and comments between rows are left out."""
    comments: list[str] = []
    kept: list[str] = []
    starts_at: list[int] = []
    widths: list[int] = []
    at_start, complete = True, 0
    csv.field_size_limit(MAX_BYTES)

    def delivered() -> Iterator[str]:
        nonlocal at_start
        for number, line in lines:
            if at_start:
                if starts(line, sign):
                    comments.append(line.strip())
                    continue
                if not line.strip():
                    continue
                starts_at.append(number)
                at_start = False
            kept.append(line if line.endswith("\n") else line + "\n")
            yield line

    reader: Iterator[list[str]]
    if mark in (Separator.BLANKS, Separator.FIRST_BLANK):
        parts = -1 if mark is Separator.BLANKS else 1
        reader = (line.split(maxsplit=parts) for line in delivered())
    else:
        reader = csv.reader(delivered(), style(mark, quotes))
    try:
        for row in reader:
            widths.append(len(row))
            at_start, complete = True, len(kept)
            require_limits(widths)
    except csv.Error as error:
        if not (partial and "unexpected end" in str(error)):
            raise ParamixerError(
                f"quotes that close in the row that begins in line {starts_at[-1]:,}", error,
                "close or double them, or read quotes as ordinary letters",
            ) from error  # fmt: skip
    del starts_at[len(widths) :]
    return Cut("".join(kept[:complete]), mark, quotes, starts_at, widths, comments)


def require_limits(widths: list[int]) -> None:
    """Raise ParamixerError for a row of too many cells, or too many rows."""
    if widths[-1] > MAX_COLUMNS:
        raise ParamixerError(f"at most {MAX_COLUMNS:,} columns", f"{widths[-1]:,}", "send fewer")
    if len(widths) > MAX_SEQUENCES + 1:
        raise ParamixerError(
            f"at most {MAX_SEQUENCES:,} sequences", "more", "send a part of the file"
        )


def starts(line: str, sign: str) -> bool:
    """Whether a line is a comment."""
    return bool(sign) and line.lstrip().startswith(sign)
