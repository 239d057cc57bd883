"""How many runs this machine trains at once."""

import os

from paramixer_core.errors import ParamixerError


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def workers_wanted() -> int:
    """PARAMIXER_WORKERS, else one worker per core."""
    text = os.environ.get("PARAMIXER_WORKERS", "")
    if not text:
        return cores()
    if not text.isdigit() or int(text) < 1:
        raise ParamixerError("PARAMIXER_WORKERS as a whole number from 1", text, "set it so")
    return int(text)
