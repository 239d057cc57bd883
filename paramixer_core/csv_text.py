"""Rows as CSV text, quoted where a field needs it."""

import csv
import io
from collections.abc import Iterable


def csv_text(header: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A header line and a line per row, each with as many fields as it was given.

    >>> print(csv_text(["curve", "N"], [["CHORD, predicted", 8]]), end="")
    curve,N
    "CHORD, predicted",8
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
