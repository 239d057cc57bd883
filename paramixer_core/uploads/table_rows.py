"""The rows and labels of a table, once its lines, columns and numbers are understood."""

import numpy as np

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads import columns as guessing
from paramixer_core.uploads.cells import first_cells, is_missing, number_cells, text_cells
from paramixer_core.uploads.choices import (
    REMEDY,
    Missing,
    NumberForm,
    SequenceChoices,
    SequencesFound,
    Tokens,
    counted,
)
from paramixer_core.uploads.numerals import is_number, number_form
from paramixer_core.uploads.separators import cut_rows
from paramixer_core.uploads.tables import Cut

SAMPLED = 1000
MOST_SAMPLED = 2**16
"""Rows, and cells, from which columns are guessed."""


def read_table(text: str, choices: SequenceChoices, found: SequencesFound) -> None:
    """The rows and labels of a table into `found`."""
    cut = cut_rows(text, choices, found)
    if cut.width < 2:
        raise ParamixerError(
            f"a label and a sequence in line {cut.lines[0]:,}, apart by a comma, semicolon, tab, "
            "vertical bar or blank",
            cut.text.partition("\n")[0], REMEDY,
        )  # fmt: skip
    cells = first_cells(cut, max(50, min(SAMPLED, MOST_SAMPLED // cut.width)) + 1)
    header = guessing.has_header(cells, choices, found)
    body = [column[int(header) :] for column in cells]
    if not body[0]:
        raise ParamixerError("rows below the header line", "none", REMEDY)
    first = [column[0] for column in cells] if header else from_comment(cut)
    names = found.columns = guessing.column_names(first, cut.width)
    label, parts = guessing.chosen_columns(body, names, choices, found)
    skip = int(header)
    numeric = [guessing.is_numeric(body[part]) for part in parts]
    if choices.tokens is Tokens.NUMBERS or (len(parts) > 1 and any(numeric)):
        wanted = Tokens.NUMBERS
    else:
        wanted = choices.tokens or Tokens.LETTERS
    require_cells(cut, [label, *parts] if wanted is not Tokens.NUMBERS else [label], skip)
    if header or wanted is not Tokens.NUMBERS:
        require_no_more(cut, cut.widths[0] if header else cut.usual, skip)
    found.lines = cut.lines[skip:]
    several = wanted is Tokens.NUMBERS and len(parts) > 1
    texts = text_cells(cut, [label] if several else [label, *parts], skip)
    found.labels = whole_labels(texts[0], found) if texts else []
    if several:
        sample = (cell for part in parts for cell in body[part])
        form = number_form(sample, choices, found, points_part=cut.separator == ",")
        read_numbers(cut, parts, form, choices, found, header=header)
    elif len(parts) == 1:
        if numeric[0] and choices.tokens is None:
            raise ParamixerError(
                "a column of text, or several of numbers", "one number a line",
                "choose all columns of the sequence, or letters as tokens",
            )  # fmt: skip
        found.rows = list(texts[1])
    else:
        found.rows = [" ".join(row) for row in zip(*texts[1:], strict=True)]
    leave_out_blank(cut, found)


def from_comment(cut: Cut) -> list[str] | None:
    """Column names from the last comment before the rows, where it has as many as they."""
    if not cut.comments:
        return None
    words = cut.comments[-1].lstrip("#% ").rstrip()
    names = (
        words.split() if cut.separator in ("blanks", "first blank") else words.split(cut.separator)
    )
    return names if len(names) == cut.width and not any(map(is_number, names)) else None


def whole_labels(labels: list[str], found: SequencesFound) -> list[str]:
    """Labels that are whole numbers in one form: 1 for 1.0 and 1.0000000e+00."""
    held = [label for label in labels if not is_missing(label)]
    if not held or not all(is_number(label, NumberForm.POINT) for label in held):
        return labels
    values = {label: float(label) for label in held}
    whole = {label: str(int(value)) for label, value in values.items() if value.is_integer()}
    changed = [label for label, name in whole.items() if "." in label or "e" in label.lower()]
    if len(whole) < len(values) or not changed:
        return labels
    found.warnings.append(f"Labels such as {changed[0]} are whole numbers: {whole[changed[0]]}.")
    return [whole.get(label, label) for label in labels]


def require_cells(cut: Cut, needed: list[int], skip: int) -> None:
    """Raise ParamixerError for a row that is too short for these columns."""
    for line, width in zip(cut.lines[skip:], cut.widths[skip:], strict=True):
        if width <= max(needed):
            raise ParamixerError(
                f"{counted(cut.width, 'column')} in line {line:,}", width,
                "complete the line, or choose another separator",
            )  # fmt: skip


def require_no_more(cut: Cut, width: int, skip: int) -> None:
    """Raise ParamixerError for a row with something in more cells than there are columns."""
    wide = [at for at, cells in enumerate(cut.widths[skip:]) if cells > width]
    if not wide:
        return
    beyond = text_cells(cut, list(range(width, cut.width)), skip)
    for at in wide:
        if any(column[at] for column in beyond):
            raise ParamixerError(
                f"{counted(width, 'column')} in line {cut.lines[skip + at]:,}",
                cut.widths[skip + at],
                "put texts in quotes, or choose another separator",
            )


def leave_out_blank(cut: Cut, found: SequencesFound) -> None:
    """Rows of separators alone, as spreadsheets write them, are none."""
    kept = [
        at for at, row in enumerate(found.rows)
        if found.labels[at] or (row.strip() if isinstance(row, str) else len(row))
    ]  # fmt: skip
    found.select(kept)


def read_numbers(
    cut: Cut, parts: list[int], form: NumberForm, choices: SequenceChoices, found: SequencesFound,
    *, header: bool,
) -> None:  # fmt: skip
    """Rows of numbers, one column a token, as NaN where missing; ends may be cut off."""
    values = number_cells(cut, parts, form, int(header))
    found.tokens = Tokens.NUMBERS
    found.decide("tokens", "numbers", "Tokens are numbers, one a column.", certain=False)
    gaps = np.isnan(values)
    ends = np.where(gaps, 0, np.arange(1, values.shape[1] + 1)).max(axis=1, initial=0)
    inside = gaps.sum(axis=1) > values.shape[1] - ends
    widths = np.array(cut.widths[int(header) :])
    ragged = bool((widths < cut.width).any())
    shorten = choices.missing is Missing.SHORTEN or (
        choices.missing is None and not header and ragged
        and not inside.any() and bool((ends > 0).all())
    )  # fmt: skip
    if shorten and (ends < values.shape[1]).any():
        short_rows = int((ends < values.shape[1]).sum())
        found.decide(
            "missing", Missing.SHORTEN.value,
            f"{counted(short_rows, 'row')} with gaps at the end are shorter sequences.",
            certain=choices.missing is not None,
        )  # fmt: skip
        found.rows = [row[:end] for row, end in zip(values, ends.tolist(), strict=True)]
    else:
        found.rows = [
            row if end else row[:0] for row, end in zip(values, ends.tolist(), strict=True)
        ]
