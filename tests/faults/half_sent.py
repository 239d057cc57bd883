"""Hundreds of requests that are half sent and then left."""

import contextlib
import io

from tests.faults.fault import Fault
from tests.load import half_sent

SEEN = "each let go within 30 s, everybody else answered"


def left() -> str:
    """Send the halves and ask for other things meanwhile; what was measured if it failed."""
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = half_sent.main([])
    return printed.getvalue().strip() if status else SEEN


FAULTS = (
    Fault(
        "half-sent",
        f"{half_sent.CONNECTIONS} connections send a part of a request, then nothing",
        SEEN,
        left,
    ),
)
