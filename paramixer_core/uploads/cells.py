"""The cells of a table by pandas: a sample as text, whole columns as text or as numbers."""

import csv
import io
import math
from collections.abc import Iterator

import numpy as np
from jaxtyping import Float

from paramixer_core.uploads.choices import NumberForm, Separator
from paramixer_core.uploads.numerals import LARGEST, require_number
from paramixer_core.uploads.tables import Cut

MISSING = frozenset({"", "na", "n/a", "nan", "-nan", "null", "<na>", "#n/a", "#na", "?"})
"""What stands for a missing label or value, in small letters."""

CHUNK = 500
DIGITS = frozenset("0123456789+-.eE")


def is_missing(cell: str) -> bool:
    """Whether a cell says that there is nothing.

    >>> is_missing(" NA "), is_missing("none")
    (True, False)
    """
    return cell.strip().lower() in MISSING


def text_cells(cut: Cut, columns: list[int], skip: int = 0) -> list[list[str]]:
    """Whole columns as text without blanks around, without the first `skip` rows; gaps are ""."""
    rows = [row for chunk in text_chunks(cut, columns) for row in chunk]
    return [list(column) for column in zip(*rows[skip:], strict=True)]


def first_cells(cut: Cut, rows: int) -> list[list[str]]:
    """The first rows of every column as text."""
    chunk = next(text_chunks(cut, list(range(cut.width)), rows))
    return [list(column) for column in zip(*chunk, strict=True)]


def text_chunks(cut: Cut, columns: list[int], rows: int = CHUNK) -> Iterator[list[list[str]]]:
    """The cells of a few rows at a time."""
    import pandas as pd

    if cut.separator is Separator.FIRST_BLANK:
        lines = cut.text.split("\n")[:-1]
        for start in range(0, len(lines), rows):
            pairs = [[*line.split(maxsplit=1), ""] for line in lines[start : start + rows]]
            yield [[pair[column].strip() for column in columns] for pair in pairs]
        return
    blanks = cut.separator is Separator.BLANKS
    # With columns to use, pandas refuses a chunk in which no row has them all.
    ragged = min(cut.widths) < cut.width
    with pd.read_csv(
        io.StringIO(cut.text),
        sep=r"\s+" if blanks else cut.separator.value,
        quoting=csv.QUOTE_MINIMAL if cut.quotes else csv.QUOTE_NONE,
        skipinitialspace=True,
        skip_blank_lines=False,
        header=None,
        names=range(cut.width),
        index_col=False,
        usecols=None if ragged else columns,
        dtype=object,
        keep_default_na=False,
        na_filter=False,
        chunksize=rows,
    ) as chunks:
        for chunk in chunks:
            cells = chunk[columns].to_numpy(dtype=object).tolist()
            yield [[cell.strip() if isinstance(cell, str) else "" for cell in row] for row in cells]


def number_cells(
    cut: Cut, columns: list[int], form: NumberForm, skip: int
) -> Float[np.ndarray, "rows columns"]:
    """Cells as numbers, missing ones as NaN; raises ParamixerError with the line of what is none.

    Each is rounded as Python rounds it. Only a few rows are held as text at any time.
    """
    values = np.full((len(cut.lines) - skip, len(columns)), np.nan)
    at = -skip
    for chunk in text_chunks(cut, columns):
        for cells in chunk:
            if at >= 0:
                values[at] = numbers_of(cells, form, cut.lines[skip + at])
            at += 1
    return values


def numbers_of(cells: list[str], form: NumberForm, line: int) -> list[float]:
    """A row's numbers: all at once where that is safe, else one by one."""
    if form is NumberForm.POINT and DIGITS.issuperset("".join(cells)):
        try:
            values = [float(cell) for cell in cells]
        except ValueError:
            values = []
        if max(map(abs, values), default=LARGEST) < LARGEST:
            return values
    return [math.nan if is_missing(cell) else require_number(cell, form, line) for cell in cells]
