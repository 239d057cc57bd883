"""Does every fault to a real server and says what was seen: python -m tests.faults [name ...]

Ends with 1 if anything else was seen than expected.
"""

import argparse
import os
import socket
import sys
import time
from itertools import zip_longest
from textwrap import wrap

WIDTHS = (34, 34, 34)
"""Of the columns fault, expected and seen, in characters."""


def main() -> int:
    """Do the faults whose names contain one of the words given, or all; print the table."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("name", nargs="*", help="parts of names; without any, all faults")
    parser.add_argument("--quick", action="store_true", help="only those of the test suite")
    asked = parser.parse_args()
    os.environ.setdefault("PARAMIXER_LOAD_PORT", str(free_port()))
    from tests.faults.table import FAULTS  # it reads the port

    chosen = [
        fault
        for fault in FAULTS
        if (fault.quick or not asked.quick)
        and (not asked.name or any(word in fault.name for word in asked.name))
    ]
    wrong = 0
    sys.stdout.write(row("fault", "expected", "seen", "seconds"))
    for fault in chosen:
        began = time.monotonic()
        found = fault.see()
        wrong += found != fault.expected
        mark = "" if found == fault.expected else "DIFFERS "
        seconds = f"{time.monotonic() - began:.0f}"
        sys.stdout.write(row(f"{fault.name}: {fault.done}", fault.expected, mark + found, seconds))
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - wrong} of {len(chosen)} as expected\n")
    return 1 if wrong or not chosen else 0


def row(fault: str, expected: str, seen: str, seconds: str) -> str:
    """A line of the table, or several where a cell is long."""
    cells = [
        wrap(text, width) or [""]
        for text, width in zip((fault, expected, seen), WIDTHS, strict=True)
    ]
    cells.append([f"{seconds:>7}"])
    lines = zip_longest(*cells, fillvalue="")
    padded = (
        " | ".join(f"{text:<{width}}" for text, width in zip(line, (*WIDTHS, 7), strict=True))
        for line in lines
    )
    return "\n".join(line.rstrip() for line in padded) + "\n"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())
