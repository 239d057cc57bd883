"""What stands between the cells of a table, and which of its lines are comments."""

from itertools import zip_longest

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.choices import (
    REMEDY,
    Separator,
    SequenceChoices,
    SequencesFound,
    counted,
)
from paramixer_core.uploads.columns import has_classes
from paramixer_core.uploads.numerals import is_number
from paramixer_core.uploads.tables import (
    Cut,
    Lines,
    cut_rows_at,
    numbered_lines,
    quoted_or_not,
    rows_of,
    starts,
)

COMMENT_SIGNS = ("#", "%")
SAMPLED = 200
STEADY, LOOSE = 0.9, 0.5
"""The share of rows of the usual width, from which on a separator is taken, and may be one."""

WORDS = {
    Separator.COMMA: "commas",
    Separator.SEMICOLON: "semicolons",
    Separator.TAB: "tabs",
    Separator.PIPE: "vertical bars",
    Separator.BLANKS: "blanks",
    Separator.FIRST_BLANK: "the first blank of each line",
}
MARKS = [Separator.TAB, Separator.SEMICOLON, Separator.COMMA, Separator.PIPE]


def cut_rows(text: str, choices: SequenceChoices, found: SequencesFound) -> Cut:
    """The rows of a table, with separator, quotes and comments as chosen or guessed.

    Raises ParamixerError for overlong lines, too many rows or columns, or quotes that do not close.
    """
    lines = numbered_lines(text)
    lines, named = without_sep_line(lines)
    sign = comment_sign(lines) if choices.comment is None else choices.comment
    if choices.separator or named:
        separator = choices.separator or named
        why = "as chosen" if choices.separator else "as its first line `sep=` says"
        certain = True
    else:
        separator, certain = guessed_separator(lines, sign, choices.quotes)
        why = "which give the steadiest columns"
    assert separator is not None
    cut = quoted_or_not(lines, separator, sign, choices.quotes)
    if not cut.lines:
        raise ParamixerError("a table with rows", "none", REMEDY)
    found.decide(
        "separator", separator.value, f"Cells are apart by {WORDS[separator]}, {why}.",
        certain=certain,
    )  # fmt: skip
    if '"' in text and separator is not Separator.FIRST_BLANK:
        said = "hold a cell together and are taken off" if cut.quotes else "are ordinary letters"
        found.decide("quotes", str(cut.quotes), f"Double quotes {said}.", certain=False)
    if cut.comments:
        found.decide(
            "comment", sign,
            f"{counted(len(cut.comments), 'line')} that begin with {sign} are comments.",
            certain=False,
        )  # fmt: skip
    return cut


def without_sep_line(lines: Lines) -> tuple[Lines, Separator | None]:
    """The lines after Excel's `sep=;`, and its separator, if there is one."""
    first = lines[0][1].rstrip("\n").strip('"').lower() if lines else ""
    mark = first.removeprefix("sep=")[:1]
    if first.startswith("sep=") and mark in list(Separator) and len(first) <= 5:
        return lines[1:], Separator(mark)
    return lines, None


def comment_sign(lines: Lines) -> str:
    """The sign that the first line with anything in it begins with, if it is one of comments.

    A sign further down counts only where the whole table is steadier without its lines.
    """
    first = next((line for _, line in lines if line.strip()), "").lstrip()
    if first[:1] in COMMENT_SIGNS:
        return first[0]
    for sign in COMMENT_SIGNS:
        marked = [line for _, line in lines if line.startswith(sign)]
        others = [line for _, line in lines[:SAMPLED] if not line.startswith(sign)]
        marks = [mark for mark in MARKS if mark in others[0]] if others else []
        if marked and marks and not any(mark in line for line in marked for mark in marks):
            return sign
    return ""


def guessed_separator(lines: Lines, sign: str, quotes: bool | None) -> tuple[Separator, bool]:
    """The separator that gives the steadiest, cleanest columns, and whether no other does."""
    sample = lines[:SAMPLED]
    scores: dict[Separator, float] = {}
    broken: list[Separator] = []
    first = next((line for _, line in sample if line.strip() and not starts(line, sign)), "")
    for mark in MARKS:
        try:
            cut = quoted_or_not(sample, mark, sign, quotes, partial=len(lines) > len(sample))
        except ParamixerError:
            broken.extend([mark] if mark.value in first else [])
            continue
        if cut.steady >= STEADY or has_header_of_width(cut):
            scores[mark] = cut.steady * (1 + cleanness(cut, mark) + holds_label(cut))
    if scores:
        best = max(scores, key=lambda mark: scores[mark])
        return best, len(scores) == 1
    if broken:  # whoever cuts with it says which quote does not close
        return max(broken, key=lambda mark: first.count(mark.value)), False
    rows = [line.split() for _, line in sample if line.strip() and not starts(line, sign)]
    numeric = [sum(is_number(word) for word in row) for row in rows]
    if rows and all(len(row) > 2 for row in rows[1:]) and sum(
        count >= len(row) - 1 for count, row in zip(numeric, rows, strict=True)
    ) >= STEADY * len(rows):  # fmt: skip
        return Separator.BLANKS, True
    loose = [
        mark for mark in MARKS
        if cut_rows_at(sample, mark, sign, quotes=False, partial=True).steady >= LOOSE
    ]  # fmt: skip
    labelled = has_classes([row[0] for row in rows if row])
    blanks = sum(len(row) > 1 for row in rows) >= STEADY * len(rows)
    if loose and not (blanks and labelled):
        return loose[0], False
    return Separator.FIRST_BLANK, not loose


def has_header_of_width(cut: Cut) -> bool:
    """Whether the first row is as wide as the widest: rows may be shorter than the header."""
    return cut.width > 2 and cut.widths[0] == cut.width and min(cut.widths) > 1


def holds_label(cut: Cut) -> bool:
    """Whether a column has a few values again and again, as the label must."""
    columns = zip_longest(*rows_of(cut), fillvalue="")
    return any(has_classes([cell.strip() for cell in column[1:]]) for column in columns)


def cleanness(cut: Cut, mark: Separator) -> float:
    """The share of cells that hold no other separator inside."""
    others = [other for other in MARKS if other is not mark]
    cells = [cell.strip() for row in rows_of(cut) for cell in row]
    clean = sum(not any(other in cell for other in others) for cell in cells)
    return clean / max(1, len(cells))
