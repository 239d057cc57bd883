"""Which columns of a table hold what: the header line, the label and the sequence."""

from paramixer_core.errors import ParamixerError
from paramixer_core.uploads.cells import is_missing
from paramixer_core.uploads.choices import MAX_LABEL, SequenceChoices, SequencesFound
from paramixer_core.uploads.numerals import is_number

Columns = list[list[str]]
"""A table's cells, a list for each column."""

LABEL_NAMES = (
    "label", "labels", "class", "classes", "target", "y", "category", "sentiment", "outcome",
    "class_label", "labelid", "klasse", "etikett",
)  # fmt: skip
SEQUENCE_NAMES = ("sequence", "text", "seq", "tokens", "x", "source", "review", "message", "dna")
COUNTING_NAMES = ("id", "index", "idx", "no", "nr", "unnamed: 0", "row")
MOST_CLASSES = 100
NUMERIC_SHARE = 0.9
SHOWN = 8


def has_header(columns: Columns, choices: SequenceChoices, found: SequencesFound) -> bool:
    """Whether the first row names the columns; decided by what stands below it, and noted."""
    header, why = (choices.header, "as chosen") if choices.header is not None else judged(columns)
    said = "names the columns" if header else "is data: columns have no names"
    found.decide(
        "header", str(header), f"The first line {said}, {why}.", certain=choices.header is not None
    )
    return bool(header)


def judged(columns: Columns) -> tuple[bool, str]:
    """Whether the first row is a header, and by what that was told."""
    first, body = [column[0] for column in columns], [column[1:] for column in columns]
    held = [cell.lower() for cell in first if cell]
    whole = [int(cell) for cell in held if cell.isdecimal() and len(cell) < 9]
    if len(whole) > 2 and whole == list(range(whole[0], whole[0] + len(whole))) and whole[0] < 2:
        return True, "as it counts the columns"
    numeric = [place for place in range(len(body)) if is_numeric(body[place])]
    spoken = [place for place in numeric if first[place] and not gap_or_number(first[place])]
    if spoken:
        return True, f"as “{first[spoken[0]][:20]}” stands above numbers"
    if len(numeric) > 1 or (numeric and is_number(first[numeric[0]])):
        return False, "as numbers stand in it where numbers stand below"
    known = [
        cell for cell in held if cell in (*LABEL_NAMES, *SEQUENCE_NAMES, *COUNTING_NAMES, "name")
    ]
    if known:
        return True, f"as “{known[0]}” is a usual name"
    for place in range(len(body)):
        below = body[place]
        if 1 < len(set(below)) <= len(below) // 2:
            if first[place] in below:
                return False, f"as “{first[place][:20]}” occurs again below it"
            return True, f"as “{first[place][:20]}” does not occur again below it"
    return False, "as nothing tells it from the lines below"


def gap_or_number(cell: str) -> bool:
    """Whether a cell may stand in a column of numbers."""
    return is_number(cell) or is_missing(cell)


def is_numeric(column: list[str]) -> bool:
    """Whether nearly all cells that are not missing are numbers."""
    held = [cell for cell in column if not is_missing(cell)]
    wrong = len(held) - sum(map(is_number, held))
    return wrong < len(held) and wrong <= max(len(held) > 3, (1 - NUMERIC_SHARE) * len(held))


def column_names(first: list[str] | None, width: int) -> list[str]:
    """Distinct names: those of the header line, and numbers where it has none."""
    names: list[str] = []
    for at in range(width):
        name = first[at].strip().lstrip("#").strip()[:MAX_LABEL] if first else ""
        if not name:
            names.append(f"column {at + 1}")
        else:
            names.append(name if name not in names else f"{name} (column {at + 1})")
    return names


def guess_label(body: Columns, names: list[str]) -> tuple[int, str, bool]:
    """The column of the label, why, and whether that is certain."""
    filled = [place for place in range(len(body)) if any(body[place])]
    for usual in LABEL_NAMES:
        for place in filled:
            if names[place].lower() == usual and len(set(body[place])) > 1:
                return place, "as its name says", True
    few = [place for place in filled if has_classes(body[place])]
    spoken = [place for place in few if not is_numeric(body[place])]
    if len(spoken) > 1:
        spoken = sorted(spoken, key=lambda place: (len(set(body[place])), place))
    if spoken:
        return spoken[0], "as its few words come again and again", len(spoken) == 1
    whole = [place for place in few if all(map(is_whole, body[place]))]
    ends = [place for place in (filled[:1] + filled[-1:]) if place in whole]
    if ends:
        return ends[0], "as it holds few whole numbers", len(whole) == 1
    if whole:
        return whole[0], "as it holds few whole numbers", False
    forms = {place: len(set(body[place])) for place in filled}
    place = min(
        filled or [0], key=lambda at: forms[at] if forms.get(at, 0) > 1 else len(body[0]) + 1
    )
    return place, "as it has the fewest different words", False


def has_classes(column: list[str]) -> bool:
    """Whether a column has several values, each of them often."""
    held = [cell for cell in column if not is_missing(cell)]
    return 1 < len(set(held)) <= min(MOST_CLASSES, max(2, len(held) // 2))


def is_whole(cell: str) -> bool:
    """Whether a cell is a whole number, as classes are numbered."""
    text = cell.removesuffix(".0").lstrip("+-")
    return is_missing(cell) or text.isdecimal() or cell.lower().endswith("e+00")


def guess_sequence(body: Columns, names: list[str], label: int) -> tuple[list[int], str, bool]:
    """The columns of the sequence in order, why, and whether that is certain."""
    others = [place for place in range(len(body)) if place != label and any(body[place])]
    numeric = [place for place in others if is_numeric(body[place])]
    texts = [place for place in others if place not in numeric]
    for usual in SEQUENCE_NAMES:
        for place in others:
            if names[place].lower() == usual and (place in texts or len(numeric) == 1):
                return [place], "as its name says", True
    counting = [place for place in numeric if counts_rows(body[place], names[place])]
    numbers = [place for place in numeric if place not in counting]
    longest = max(texts, key=lambda at: mean_length(body[at]), default=None)
    ids_only = longest is None or (
        len(numbers) > 2 and mean_length(body[longest]) < 2 * len(numbers)
    )
    if ids_only and numbers:
        return numbers, "which hold numbers", not texts and not counting
    if longest is not None:
        return [longest], "as it holds the longest texts", len(texts) == 1
    return others[:1], "as nothing else is left", False


def mean_length(cells: list[str]) -> float:
    """Letters a cell, on average."""
    return sum(map(len, cells)) / max(1, len(cells))


def counts_rows(cells: list[str], name: str) -> bool:
    """Whether a column only numbers the rows."""
    if name.lower() in COUNTING_NAMES:
        return True
    if not all(cell.isdecimal() and len(cell) < 9 for cell in cells) or len(cells) < 3:
        return False
    whole = [int(cell) for cell in cells]
    return whole == list(range(whole[0], whole[0] + len(whole)))


def place_of(wanted: str, names: list[str]) -> int:
    """A column by its name, or its number from 1; raises ParamixerError if there is none."""
    text = wanted.strip()
    folded = [name.lower() for name in names]
    if text in names:
        return names.index(text)
    if text.lower() in folded:
        return folded.index(text.lower())
    if text.isdecimal() and 1 <= int(text) <= len(names):
        return int(text) - 1
    raise ParamixerError(f"columns among {names[:20]}", wanted, "choose columns of the file")


def chosen_columns(
    body: Columns, names: list[str], choices: SequenceChoices, found: SequencesFound
) -> tuple[int, list[int]]:
    """The places of the label and of the sequence, as chosen or guessed, and noted."""
    label, why, certain = (
        (place_of(choices.label, names), "as chosen", True)
        if choices.label
        else guess_label(body, names)
    )
    found.decide(
        "label", names[label], f"The label is in column “{names[label]}”, {why}.", certain=certain
    )
    if choices.columns:
        parts, why, certain = [place_of(one, names) for one in choices.columns], "as chosen", True
    else:
        parts, why, certain = guess_sequence(body, names, label)
    if not parts or label in parts:
        raise ParamixerError(
            "one column with the label and others with the sequence",
            [names[part] for part in parts], "choose them apart",
        )  # fmt: skip
    shown = ", ".join(names[part] for part in parts[:SHOWN])
    if len(parts) > SHOWN:
        shown = f"{names[parts[0]]} ... {names[parts[-1]]} ({len(parts):,} columns)"
    found.decide("columns", shown, f"The sequence is in {shown}, {why}.", certain=certain)
    left = [names[at] for at in range(len(body)) if at != label and at not in parts]
    empty = {names[at] for at in range(len(body)) if not any(body[at])}
    if unused := [name for name in left if name not in empty]:
        found.warnings.append(
            f"Not used: {', '.join(unused[:SHOWN])}{' ...' * (len(unused) > SHOWN)}."
        )
    return label, parts
