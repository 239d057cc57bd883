"""Results as a table for people and as JSON for programs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from paramixer_core.bench.runner import Limits, Result

COLUMNS = "{:28} {:>11} {:>8} {:>10} {:>10} {:>12}"


def as_json(header: dict[str, object], limits: Limits, results: Sequence[Result]) -> str:
    """Everything that was measured."""
    found = {
        "header": header,
        "limits": asdict(limits),
        "results": [asdict(result) for result in results],
    }
    return json.dumps(found, indent=1)


def heading(header: dict[str, object], limits: Limits) -> Iterable[str]:
    """What was measured on, and what this machine can do at most."""
    yield from (f"{name:10} {value}" for name, value in header.items())
    yield f"{'copy':10} {limits.copy_bytes / 1e9:.1f} GB/s, read and write counted"
    yield f"{'matmul':10} {limits.matmul_flops / 1e9:.0f} GFLOP/s"


def table(results: Sequence[Result]) -> Iterable[str]:
    """One group: time, spread, speed-up over the authors, distance from the limit, memory."""
    yield ""
    yield results[0].group
    yield COLUMNS.format("", "ms", "spread", "x authors", "x limit", "extra MB")
    for result in results:
        yield COLUMNS.format(
            result.row,
            f"{result.seconds * 1e3:.3f}",
            f"{result.spread:.0%}",
            "" if result.speed_up is None else f"{result.speed_up:.2f}",
            f"{result.limit_distance:.1f}",
            "" if result.extra_memory is None else f"{result.extra_memory / 1e6:.1f}",
        )
