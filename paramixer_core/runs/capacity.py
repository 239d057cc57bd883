"""How many runs this machine trains at once."""

import os

from paramixer_core.errors import ParamixerError


def cores() -> int:
    """CPU cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def setting(name: str, default: int, least: int) -> int:
    """A whole number from the environment; raises ParamixerError for anything else."""
    text = os.environ.get(name, "")
    if not text:
        return default
    if not text.isdigit() or int(text) < least:
        raise ParamixerError(f"{name} as a whole number from {least}", repr(text), "set it so")
    return int(text)
