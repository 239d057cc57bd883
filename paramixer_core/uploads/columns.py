"""Which columns of a CSV hold what, guessed before anyone is asked."""

import itertools

from paramixer_core.uploads.sequences import columns_of, csv_rows

SAMPLED = 1000
LABEL_NAMES = ("label", "class", "target", "y", "category")
SEQUENCE_NAMES = ("sequence", "text", "seq", "tokens", "x")


def guess_columns(text: str) -> tuple[str, str]:
    """The column of the label and the one of the sequence, from names and the first lines.

    A label is named so or, of what repeats in fewest forms, the first; a sequence is named so or is
    what is longest. Both are columns of the file; they differ wherever there are two.
    """
    names = columns_of(text)
    rows = list(itertools.islice(csv_rows(text), 1, SAMPLED + 1))
    cells = {name: [row[at] for row in rows if at < len(row)] for at, name in enumerate(names)}
    forms = {name: len(set(held)) for name, held in cells.items()}
    lengths = {name: sum(map(len, held)) for name, held in cells.items()}
    label = named(names, LABEL_NAMES) or min(
        names, key=lambda name: forms[name] if forms[name] > 1 else SAMPLED + 1
    )
    others = [name for name in names if name != label] or [label]
    return label, named(others, SEQUENCE_NAMES) or max(others, key=lambda name: lengths[name])


def named(names: list[str], usual: tuple[str, ...]) -> str | None:
    """The first column that has one of these names."""
    return next((name for name in names if name.lower() in usual), None)
