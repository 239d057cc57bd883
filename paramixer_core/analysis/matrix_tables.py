"""A matrix in a text file: what separates its numbers, and which rows and columns are labels."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from paramixer_core.analysis.matrix_choices import REMEDY, MatrixChoices, require_size
from paramixer_core.errors import ParamixerError

DELIMITERS = (";", "\t", "|", ",", " ")
NAMES = {" ": "blanks", "\t": "tabs", ",": "commas", ";": "semicolons", "|": "upright bars"}
COMMENT = re.compile(r"\s*[#%]")
SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
WHOLE = re.compile(r"[+-]?\d+")
SAMPLED = 64
"""So many lines are looked at before the layout is guessed."""
INDEX_NAMES = {"index", "id", "row", "unnamed: 0"}
Line = tuple[int, str]
"""A line's number in the file, from 1, and its text."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How a table is written: `header` and `index` say whether labels come first."""

    delimiter: str
    decimal: str
    header: bool
    index: bool

    def fields(self, text: str) -> list[str]:
        """The fields of a line, without blanks around them or an empty one at its end."""
        if self.delimiter == " ":
            return next(csv.reader([" ".join(text.split())], delimiter=" "), [])
        row = next(csv.reader([text], delimiter=self.delimiter, skipinitialspace=True), [])
        return [field.strip() for field in row]

    def number(self, text: str) -> float:
        """The number that a field stands for. Raises ValueError where it is none."""
        plain = text.replace("−", "-")
        if self.decimal == ",":
            if "." in plain or plain.endswith(","):
                raise ValueError(text)
            plain = plain.replace(",", ".")
        if "_" in plain:  # Python's own numbers may have them, a file's may not
            raise ValueError(text)
        return float(plain)

    def is_number(self, text: str) -> bool:
        """Whether a field is a number."""
        try:
            self.number(text)
        except ValueError:
            return False
        return True


def from_table(
    content: bytes, choices: MatrixChoices
) -> tuple[Float[np.ndarray, "rows columns"], list[str]]:
    """Rows of numbers, with or without labels, in any common layout; errors name file lines."""
    text, notes = text_of(content, choices.encoding)
    lines = [
        (number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()
    ]
    if not lines:
        raise ParamixerError("rows of numbers", "a file of blank lines", REMEDY)
    delimiter = choices.delimiter
    if found := SEPARATOR_LINE.fullmatch(lines[0][1]):
        delimiter = delimiter or found[1]
        lines = lines[1:]
    rows = [line for line in lines if not COMMENT.match(line[1])]
    if len(rows) < len(lines):
        marks = len(lines) - len(rows)
        notes.append(f"Comments, skipped: {marks:,} line{'s' * (marks > 1)} with # or % in front.")
    if not rows:
        raise ParamixerError("rows of numbers", "a file of comments", REMEDY)
    layout = layout_of(rows, delimiter, choices)
    return numbers_of(rows, layout), [*notes, *said(layout)]


def text_of(content: bytes, encoding: str | None) -> tuple[str, list[str]]:
    """The text of a file: in the named encoding, else UTF-8, else what it looks like."""
    if encoding is not None:
        try:
            return content.decode(encoding), []
        except (UnicodeDecodeError, LookupError) as error:
            raise ParamixerError(
                f"a text file in {encoding}", "other bytes", "choose another encoding"
            ) from error
    wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as error:
        return detected(content, error)
    if "\0" in text:
        raise ParamixerError("a text file in UTF-8", "bytes that are no text", REMEDY)
    return text, ["The file's encoding is UTF-16."] if wide else []


def detected(content: bytes, error: UnicodeDecodeError) -> tuple[str, list[str]]:
    """Text that is no UTF-8, in the encoding that it most likely has."""
    # Imported here: the library reads everything else without it.
    from charset_normalizer import from_bytes

    best = from_bytes(content[: 2**16]).best() if b"\0" not in content else None
    try:
        if best is None:
            raise error
        return content.decode(best.encoding), [f"The file is read as {best.encoding}: a guess."]
    except UnicodeDecodeError as failed:
        raise ParamixerError(
            "a text file in UTF-8 or another known encoding", "other bytes", REMEDY
        ) from failed


def layout_of(rows: list[Line], delimiter: str | None, choices: MatrixChoices) -> Layout:
    """The layout that reads the most fields of the first lines as numbers."""
    delimiters = (delimiter,) if delimiter else DELIMITERS
    decimals = (choices.decimal,) if choices.decimal else (".", ",")
    layouts = [Layout(mark, decimal, False, False) for mark in delimiters for decimal in decimals]
    sample = [text for _, text in rows[:SAMPLED]]
    best = max(layouts, key=lambda layout: fit(layout, sample))
    fields = [best.fields(text) for text in sample]
    header = has_header(best, fields) if choices.header is None else choices.header
    index = has_index(best, fields, header) if choices.index is None else choices.index
    return Layout(best.delimiter, best.decimal, header, index)


def fit(layout: Layout, sample: list[str]) -> tuple[float, bool, float, int]:
    """How well a layout explains lines: numbers, any split at all, even rows, fields a row."""
    fields = [layout.fields(text) for text in sample]
    cells = [field for row in fields for field in row]
    numbers = sum(map(layout.is_number, cells)) / max(1, len(cells))
    width = max(map(len, fields))
    even = sum(len(row) == width for row in fields) / len(fields)
    return round(numbers, 3), width > 1, even, width


def has_header(layout: Layout, fields: list[list[str]]) -> bool:
    """Whether the first row is of names: words, an empty corner, or 0, 1, 2, ... over decimals."""
    first, rest = fields[0], fields[1:]
    if not rest or not rest[0]:
        return False
    named = [row[0] for row in rest]
    labelled = counts_up(named) or not any(map(layout.is_number, named))
    if not any(map(layout.is_number, first)):
        return any(map(layout.is_number, rest[0]))
    if len(first) == len(rest[0]) - 1:
        return counts_up(first) and labelled
    if not first[0]:
        return True
    if layout.is_number(first[0]):
        return counts_up(first) and not any(WHOLE.fullmatch(cell) for row in rest for cell in row)
    return counts_up(first[1:]) and labelled


def has_index(layout: Layout, fields: list[list[str]], header: bool) -> bool:
    """Whether the first column is of names, or of row numbers that the header tells apart."""
    body = fields[1:] if header else fields
    if not body or min(map(len, body)) < 2:
        return False
    named = [row[0] for row in body]
    if not any(layout.is_number(name) for name in named if name):
        return True
    if not header:
        return False
    first = fields[0]
    if len(first) == len(body[0]) - 1 or not first[0]:
        return True
    if first[0].lower() in INDEX_NAMES:
        return all(map(WHOLE.fullmatch, named))
    return not layout.is_number(first[0]) and counts_up(first[1:]) and counts_up(named)


def counts_up(names: list[str]) -> bool:
    """Whether they are 0, 1, 2, ... or 1, 2, 3, ..."""
    return any(names == [str(start + k) for k in range(len(names))] for start in (0, 1))


def numbers_of(rows: list[Line], layout: Layout) -> Float[np.ndarray, "rows columns"]:
    """The numbers of a table, line by line; an empty last column is left out."""
    body = rows[1:] if layout.header else rows
    if not body:
        raise ParamixerError("rows of numbers below the names", "none", REMEDY)
    first = layout.fields(body[0][1])
    skipped = int(layout.index)
    ends = layout.delimiter != " " and len(first) > 1 and not first[-1]
    width = len(first) - skipped - ends
    require_size((len(body), width))
    values = np.empty((len(body), width))
    for place, (number, fields) in enumerate(split(body, layout)):
        given = fields[skipped:]
        if ends and len(given) == width + 1 and not given[-1]:
            given = given[:-1]
        if len(given) != width:
            raise ParamixerError(
                f"{width} numbers in every row",
                f"{len(given)} in row {number}",
                "fill the gaps or remove what is too much",
            )
        for column, text in enumerate(given):
            try:
                values[place, column] = layout.number(text)
            except ValueError as error:
                shown = repr(text[:20]) if text else "an empty cell"
                raise ParamixerError(
                    "numbers only",
                    f"{shown} in row {number}, column {column + skipped + 1}",
                    "fill it with a number, or say where the labels are and what the decimal mark "
                    "is",
                ) from error
    return values


def split(body: list[Line], layout: Layout) -> Iterator[tuple[int, list[str]]]:
    """Each line's number in the file and its fields."""
    for number, text in body:
        yield number, layout.fields(text)


def said(layout: Layout) -> list[str]:
    """How the table was read, in a sentence."""
    labels = [
        what
        for what, there in (("first row", layout.header), ("first column", layout.index))
        if there
    ]
    mark = NAMES.get(layout.delimiter, repr(layout.delimiter))
    decimal = "comma" if layout.decimal == "," else "point"
    left_out = f"; the {' and the '.join(labels)} are labels" if len(labels) == 2 else ""
    if len(labels) == 1:
        left_out = f"; the {labels[0]} is labels"
    return [f"Read as a table: {mark} between the numbers, a decimal {decimal}{left_out}."]
