"""Sentences about numbers: how a page says what it computed."""

from collections.abc import Mapping

UNITS = {
    "forward": "multiply-adds",
    "training": "multiply-adds",
    "parameters": "numbers",
    "activation_bytes": "bytes",
    "weight_bytes": "bytes",
}


def short(value: float) -> str:
    """A count with at most four significant digits and an SI letter.

    >>> [short(v) for v in (7, 999, 12_345, 3_400_000)]
    ['7', '999', '12.35k', '3.4M']
    """
    for limit, letter in ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.4g}{letter}"
    return f"{value:.4g}"


def crossing(title: str, seq_len: int | None) -> str:
    """Where a mixer becomes cheaper than attention for good."""
    if seq_len is None:
        return f"{title}: never below attention up to N = 2^24. **Attention wins on this count.**"
    return f"{title}: below attention for every N from **{seq_len:,}** on."


def ratio(totals: Mapping[str, int], mixer: str, rival: str) -> str:
    """How two totals compare, the larger over the smaller."""
    ours, theirs = totals[mixer], totals[rival]
    if ours <= theirs:
        return f"{theirs / ours:.2f}x less than attention"
    return f"{ours / theirs:.2f}x more than attention"
