"""Sentences about numbers: how a page says what it computed."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from paramixer_core.errors import ParamixerError
from paramixer_core.runs.race_curves import Band, RaceAxis
from paramixer_core.runs.races import Spread, Verdict
from paramixer_core.runs.run import Run, RunState
from paramixer_core.tasks import known_task

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


def count(value: float) -> str:
    """A measured number of tokens with the three digits that it can bear.

    >>> [count(v) for v in (41.27, 312.4, 2534.0)]
    ['41', '312', '2,530']
    """
    return f"{float(f'{value:.3g}'):,.0f}"


def short_time(seconds: float, digits: int = 3) -> str:
    """A time of any size with a few digits and the unit that fits.

    >>> [short_time(v) for v in (3.21e-5, 0.0123, 4.5, 300, 9_000, 400_000)]
    ['32.1 µs', '12.3 ms', '4.5 s', '5 min', '2.5 h', '4.63 days']
    """
    for limit, unit, name in (
        (1e-3, 1e-6, "µs"),
        (1, 1e-3, "ms"),
        (120, 1, "s"),
        (7200, 60, "min"),
        (172_800, 3600, "h"),
    ):
        if seconds < limit:
            return f"{float(f'{seconds / unit:.{digits}g}'):g} {name}"
    return f"{float(f'{seconds / 86_400:.{digits}g}'):g} days"


def roughly(seconds: float) -> str:
    """A time with the two digits that an estimate can bear.

    >>> [roughly(v) for v in (0.4, 42.3, 517, 6_400, 7_300)]
    ['1 s', '42 s', '8.6 min', '110 min', '2 h']
    """
    return short_time(max(1.0, seconds), digits=2)


def energy(watt_hours: float) -> str:
    """Watt hours with one digit, for what is guessed.

    >>> [energy(v) for v in (0.0004, 0.034, 2.6, 340.0)]
    ['under 0.01 Wh', '0.03 Wh', '3 Wh', '300 Wh']
    """
    return "under 0.01 Wh" if watt_hours < 0.01 else f"{float(f'{watt_hours:.1g}'):g} Wh"


def rate(per_second: float) -> str:
    """Steps per second with the digits that one can trust.

    >>> [rate(v) for v in (0.0, 0.25, 7.056, 99.12, 1234.5)]
    ['-', '0.25', '7.1', '99', '1,234']
    """
    if per_second <= 0:
        return "-"
    if per_second < 1:
        return f"{per_second:.2f}"
    return f"{per_second:.1f}" if per_second < 10 else f"{per_second:,.0f}"


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


STATES = {
    RunState.QUEUED: ("hourglass", "waits"),
    RunState.RUNNING: ("play_circle", "trains"),
    RunState.PAUSED: ("pause_circle", "paused"),
    RunState.FINISHED: ("check_circle", "finished"),
    RunState.STOPPED: ("stop_circle", "stopped"),
    RunState.FAILED: ("error", "failed"),
    RunState.INTERRUPTED: ("power_off", "interrupted"),
}
"""The Material icon and the word of every state."""


PLURAL = {RunState.QUEUED: "wait", RunState.RUNNING: "train"}
"""The word of a state that several runs are in, where it is another one."""


def states(runs: Sequence[Run]) -> list[tuple[str, str]]:
    """Where runs of one setting are, icon and words, with the reason where all have the same."""
    found = []
    for state in dict.fromkeys(run.state for run in runs):
        own = [run for run in runs if run.state is state]
        icon, word = STATES[state]
        if len(own) > 1:
            word = PLURAL.get(state, word)
        many = f"{len(own)} of {len(runs)} " if len(own) < len(runs) else ""
        reasons = {run.reason for run in own}
        reason = reasons.pop() if len(reasons) == 1 else ""
        found.append((icon, many + word + (f" - {reason}" if reason else "")))
    return found


def steps(runs: Sequence[Run]) -> str:
    """How far runs of one setting are; several seeds at different steps say so."""
    made = sorted({run.step for run in runs})
    text = f"{made[0]:,}" if len(made) == 1 else f"{made[0]:,} to {made[-1]:,}"
    seeds = f", {len(runs)} seeds" if len(runs) > 1 else ""
    return f"step {text} of {max(run.config.steps for run in runs):,}{seeds}"


def ends(bands: Mapping[str, Band], over: RaceAxis) -> str:
    """Where the curves of several seeds end before their slowest seed does, and why."""
    words = []
    for name, band in bands.items():
        last = float(band.x[-1])
        if band.seeds < 2 or last >= band.longest:
            continue
        unit = {RaceAxis.SECONDS: " s", RaceAxis.MULTIPLY_ADDS: " multiply-adds"}.get(over, "")
        shown, longest = (f"{short(end)}{unit}" for end in (last, band.longest))
        words.append(f"{name} at {shown} (its other seeds go on to {longest})")
    if not words:
        return ""
    first = "its fastest seed" if over is RaceAxis.SECONDS else "the seed with the fewest steps"
    return f"A curve over seeds ends with {first}: {'; '.join(words)}."


def not_finite(values: NDArray[np.float32]) -> str:
    """How many numbers of a matrix have no size, as a further sentence; nothing if all have.

    >>> not_finite(np.array([1.0, np.nan, np.inf], dtype=np.float32))
    ' **2 of 3 numbers are not finite** (NaN or infinite): this network has diverged.'
    """
    odd = int((~np.isfinite(values)).sum())
    if not odd:
        return ""
    numbers = f"{odd:,} of {values.size:,} numbers are not finite"
    return f" **{numbers}** (NaN or infinite): this network has diverged."


def share(figure: Spread | None) -> str:
    """A share in percent, with its deviation over seeds where there are several.

    >>> share(None), share(Spread(0.943, 0.0, 1)), share(Spread(0.943, 0.012, 3))
    ('-', '94.3%', '94.3% ± 1.2')
    """
    if figure is None:
        return "-"
    deviation = f" ± {100 * figure.deviation:.1f}" if figure.count > 1 else ""
    return f"{figure.mean:.1%}{deviation}"


def duration(seconds: float | None) -> str:
    """A time in the two units that matter.

    >>> [duration(s) for s in (None, 4.2, 75, 7_300)]
    ['-', '4 s', '1:15 min', '2:01 h']
    """
    if seconds is None:
        return "-"
    whole = int(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02} h"


def setting(runs: Sequence[Run]) -> str:
    """What runs of one setting are, in one line."""
    run = runs[0]
    seeds = ", ".join(str(run.config.seed) for run in runs)
    words = [task(run), f"seed{'s' * (len(runs) > 1)} {seeds}"]
    if run.parameters:
        words.append(f"{run.parameters:,} parameters")
    if run.parent:
        words.append(f"forked from {run.parent}")
    if (rates := {other.learning_rate for other in runs}) != {run.config.learning_rate}:
        words.append(f"learning rate now {', '.join(f'{rate:g}' for rate in sorted(rates))}")
    if run.device:
        words.append(run.device)
    if run.memory:
        words.append(f"{run.memory / 2**20:,.0f} MiB")
    return " · ".join(words)


def task(run: Run) -> str:
    """What a run learns, and at which length."""
    try:
        title = known_task(run.config.task).title
    except ParamixerError:  # a data set that was uploaded once and is no longer there
        title = run.config.task
    return f"{title}, N = {run.config.seq_len:,}"


def listed(names: Sequence[str]) -> str:
    """Names as people list them.

    >>> listed(["learning_rate", "batch", "seed"])
    'learning rate, batch and seed'
    """
    words = [name.replace("_", " ") for name in names]
    return ", ".join(words[:-1]) + f" and {words[-1]}" if len(words) > 1 else words[0]


def figure(value: Spread | None, digits: int = 4) -> str:
    """A number to some digits, with its deviation over seeds where there are several.

    >>> figure(None), figure(Spread(0.12345, 0.0, 1)), figure(Spread(140.0, 3.21, 3))
    ('-', '0.1235', '140 ± 3.2')
    """
    if value is None:
        return "-"
    deviation = f" ± {value.deviation:.2g}" if value.count > 1 else ""
    return f"{value.mean:.{digits}g}{deviation}"


def verdict(found: Verdict, title: str) -> str:
    """Who is best on one quantity, and whether that is clear of the spread over seeds."""
    certainty = "" if found.clear else ", but the spreads overlap: not clear"
    return f"Best on {found.quantity}: **{title}**{certainty}."
