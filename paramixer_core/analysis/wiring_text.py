"""How a wiring is written in a URL: letters, digits and `. - _ ~`, nothing to be quoted."""

import re

from paramixer_core.config import require_whole
from paramixer_core.protocols import Offsets

MAX_FACTORS = 32


def write_offsets(offsets: Offsets) -> str:
    """Factors joined by `-`, equal ones in a row written once with their number."""
    written: list[tuple[str, int]] = []
    for row in offsets:
        text = ".".join(map(str, row))
        if written and written[-1][0] == text:
            written[-1] = (text, written[-1][1] + 1)
        else:
            written.append((text, 1))
    return "-".join(text + (f"x{times}" if times > 1 else "") for text, times in written)


def parse_offsets(text: str) -> Offsets:
    """Read `write_offsets`; ValueError for anything else."""
    rows: list[tuple[int, ...]] = []
    for part in text.split("-"):
        row, cross, times = part.partition("x")
        repeats = int(times) if cross else 1
        require_whole("the number of factors", len(rows) + repeats, 1, MAX_FACTORS)
        rows += [numbers(row)] * repeats
    return tuple(rows)


def groups(text: str) -> list[str]:
    """The parts between `-`; none of an empty text."""
    return text.split("-") if text else []


def numbers(text: str) -> tuple[int, ...]:
    """The whole numbers between `.`; ValueError for anything else."""
    return tuple(int(part) for part in text.split(".")) if text else ()


def escape(name: str) -> str:
    """Letters and digits as they are, every other byte of the UTF-8 form as ~ and two digits."""
    return re.sub(rb"[^0-9A-Za-z]", lambda m: b"~%02x" % m[0][0], name.encode()).decode()


def unescape(text: str) -> str:
    """Read `escape`; ValueError for anything else."""
    plain, *coded = text.split("~")
    pieces = [bytes.fromhex(part[:2]) + part[2:].encode() for part in coded]
    return (plain.encode() + b"".join(pieces)).decode()
