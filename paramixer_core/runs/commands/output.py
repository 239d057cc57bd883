"""What a command writes: results to standard output, progress and reasons to standard error."""

import sys
from collections.abc import Sequence
from contextlib import suppress


def say(text: str) -> None:
    """A line of the result. Raises BrokenPipeError once nobody reads it."""
    sys.stdout.write(text + "\n")


def tell(text: str, end: str = "\n") -> None:
    """A line about the work. A terminal that is gone keeps nothing from being done."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text + end)
        sys.stderr.flush()


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Rows under headings, columns aligned.

    >>> print(table(["mixer", "loss"], [["chord", "0.1"], ["cdil", "0.25"]]))
    mixer  loss
    chord  0.1
    cdil   0.25
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
