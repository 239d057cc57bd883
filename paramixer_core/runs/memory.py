"""How much memory a run will need, and how much there is: asked before the start."""

import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from paramixer_core.config import RunConfig
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import num_factors
from paramixer_core.schedule import evaluation_batch

BASE = 600 * 2**20
"""What a worker holds before it trains: Python, PyTorch and their buffers (590 MiB measured)."""

FLOAT = 4


def estimate_memory(config: RunConfig) -> int:
    """Bytes that training this run will take at its peak, the worker itself included.

    From the closed forms of `paramixer_core.cost`: four copies of the weights (weight, gradient,
    Adam's two), and what is alive at once, in training or in evaluation, whichever is more. In
    training that is all that is kept for the backward pass, and two gradients of its largest part
    while it goes through that; in evaluation the largest part alone, for as many sequences as are
    evaluated at once.
    Raises ParamixerError for a run that could not be built: an unknown mixer, an unfit N.
    """
    return _estimate(config.replace(seed=0, steps=1, learning_rate=1.0))  # what sizes depend on


@lru_cache(maxsize=512)
def _estimate(config: RunConfig) -> int:
    from paramixer_core.cost import CostShape, cost_report  # these import PyTorch, which a list
    from paramixer_core.tasks import make_task  # of runs or a command does without

    report = cost_report(CostShape.of(config, make_task(config.task, config.seq_len)))
    largest = FLOAT * max(part.kept for part in report.parts) // config.blocks
    training = report.activation_bytes + 2 * largest
    evaluation = 2 * largest * evaluation_batch(config) // config.batch
    # A probe of the first test sequence may hold up to a few dense matrices up to N = 512.
    probe = 12 * FLOAT * min(config.seq_len, 512) ** 2 * num_factors(config.seq_len)
    return BASE + 4 * report.weight_bytes + max(training, evaluation) + probe


def total_memory() -> int:
    """Bytes that this process and its workers may use together: the machine's, or its limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limits = [total]
    for path in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        limits += [int(text) for text in _words(path) if text.isdigit()]
    if own := os.environ.get("PARAMIXER_MEMORY"):
        limits.append(parse_size("PARAMIXER_MEMORY", own))
    return min(limits)


def available_memory() -> int:
    """Bytes that are free now, as far as the system tells; else all of them."""
    lines = [line.split() for line in _lines("/proc/meminfo")]
    free = [int(words[1]) * 1024 for words in lines if words[0] == "MemAvailable:"]
    return min([total_memory(), *free])


def require_fits(config: RunConfig) -> None:
    """Raise ParamixerError, with the estimate, if the run can never fit in this machine."""
    needed, total = estimate_memory(config), total_memory()
    if needed > total:
        raise ParamixerError(
            f"a run that fits in this machine's {readable_size(total)} of memory",
            f"one that needs about {readable_size(needed)}",
            "use a smaller batch, a shorter sequence or fewer channels",
        )


def has_room(config: RunConfig, held: Sequence[int]) -> bool:
    """Whether a run fits beside those that hold so many bytes each; alone, it may always try."""
    needed = estimate_memory(config)
    return not held or (sum(held) + needed <= total_memory() and needed <= available_memory())


def parse_size(name: str, text: str) -> int:
    """Bytes from a text like "800 MB" or "2.5 GB" (powers of 1000) or plain bytes.

    >>> parse_size("PARAMIXER_DISK", "2.5 GB")
    2500000000
    """
    number = text.strip().upper().removesuffix("B").strip()
    powers = {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
    factor = powers.get(number[-1:], 1)
    try:
        size = int(float(number.rstrip("KMGT")) * factor)
    except (ValueError, OverflowError):
        size = 0
    if size <= 0:
        raise ParamixerError(f'{name} as a size like "10 GB"', repr(text), "write it so")
    return size


def readable_size(size: float) -> str:
    """A size for people.

    >>> readable_size(1_234_000_000)
    '1.2 GB'
    """
    for unit, factor in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size / 1000:.0f} kB"


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _words(path: str) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]
