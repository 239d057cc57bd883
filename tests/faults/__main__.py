"""Does every fault to a real server and says what was seen: python -m tests.faults [name ...]

Ends with 1 if anything else was seen than expected.
"""

import argparse
import os
import socket
import sys
import time


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
    for fault in chosen:
        began = time.monotonic()
        found = fault.see()
        wrong += found != fault.expected
        mark = "as expected" if found == fault.expected else "DIFFERS"
        sys.stdout.write(
            f"{fault.name:<14} {mark:<12} {time.monotonic() - began:5.0f} s  {fault.done}\n"
            f"{'':<14} expected: {fault.expected}\n{'':<14} seen:     {found}\n"
        )
        sys.stdout.flush()
    sys.stdout.write(f"{len(chosen) - wrong} of {len(chosen)} as expected\n")
    return 1 if wrong or not chosen else 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    sys.exit(main())
