"""The benchmark's command line for sweeps: measure over N, keep the result as a file.

With --shipped it makes the whole set that comes with the app, anew: all mixers, 2^5 .. 2^17.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from paramixer_core.config import Precision
from paramixer_core.cost.shape import COSTED_MIXERS
from paramixer_core.errors import ParamixerError
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.record import (
    SHAPE_FIELDS,
    Clock,
    Machine,
    Outcome,
    Plan,
    Point,
    Sweep,
    Work,
)
from paramixer_core.measure.shipped import SHIPPED_SECONDS, shipped_plans
from paramixer_core.measure.sweep import sweep

SECONDS = 50.0
Say = Callable[[str], None]


def run(arguments: list[str], say: Say) -> None:
    """Measure what the arguments ask for and write it, or add it to a file of this machine.

    Raises ParamixerError for a plan that cannot be, and for a file of another machine.
    """
    parser = argparse.ArgumentParser(
        prog="python -m paramixer_core.bench sweep", description=__doc__
    )
    parser.add_argument(
        "file", type=Path, help="where to write; an existing file gets a sweep more"
    )
    parser.add_argument(
        "--shipped",
        action="store_true",
        help="the set that ships with the app, instead of the settings below; the file is written "
        f"anew, in about {SHIPPED_SECONDS / 60:.0f} minutes or in --seconds",
    )
    parser.add_argument("--mixers", default="chord,cdil,attention", help="names, or 'all'")
    parser.add_argument("--from", dest="low", type=int, default=5, help="least log2 N")
    parser.add_argument("--to", dest="high", type=int, default=13, help="largest log2 N")
    parser.add_argument("--work", type=Work, default=Work.TRAINING, help="forward or training")
    parser.add_argument("--precision", type=Precision, default=Precision.FLOAT32)
    parser.add_argument("--clock", type=Clock, default=Clock.WALL, help="wall, or cpu: one thread")
    parser.add_argument("--device", default="auto")
    parser.add_argument(
        "--threads", type=int, default=0, help="of the CPU; 0: as many as PyTorch takes"
    )
    parser.add_argument("--seconds", type=float, help=f"time budget; {SECONDS:.0f} by default")
    parser.add_argument("--memory", type=int, default=0, help="bytes it may hold; 0: what is free")
    for name in SHAPE_FIELDS:
        default = getattr(Plan(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    chosen = vars(parser.parse_args(arguments))
    path, low, high = chosen.pop("file"), chosen.pop("low"), chosen.pop("high")
    names, seconds = chosen.pop("mixers"), chosen.pop("seconds")
    if chosen.pop("shipped"):
        measured = None
        plans = shipped_plans(SHIPPED_SECONDS if seconds is None else seconds)
    else:
        measured = Measurements.from_json(path.read_text()) if path.exists() else None
        plan = Plan(
            mixers=COSTED_MIXERS if names == "all" else tuple(names.split(",")),
            lengths=tuple(2**power for power in range(low, high + 1)),
            seconds=SECONDS if seconds is None else seconds,
            **chosen,
        )
        plans = (plan,)
    for plan in plans:
        measured = measure(plan, measured, say)
        path.write_text(measured.to_json())


def measure(plan: Plan, earlier: Measurements | None, say: Say) -> Measurements:
    """What was measured earlier, on the same machine, with one sweep more."""
    machine, points, began = None, [], time.perf_counter()
    for found in sweep(plan):
        if isinstance(found, Machine):
            machine = found
            say(f"{machine.name}: {plan.work}, batch {plan.batch}, D = {plan.channels}")
            if earlier is not None:
                require_same(earlier.machine, machine)
        else:
            points.append(found)
            say(f"{time.perf_counter() - began:6.1f} s  {line(found)}")
    assert machine is not None
    swept = Sweep(plan, tuple(points))
    if earlier is None:
        return Measurements(machine, (swept,))
    return Measurements(earlier.machine, (*earlier.sweeps, swept))


def require_same(earlier: Machine, now: Machine) -> None:
    """A file holds one machine; raises ParamixerError if this is another."""
    for name in ("processor", "device", "threads", "torch"):
        if getattr(earlier, name) != getattr(now, name):
            raise ParamixerError(
                f"a file of the same machine, with {name} {getattr(now, name)}",
                getattr(earlier, name),
                "name another file",
            )


def line(point: Point) -> str:
    """A point for the terminal."""
    name = f"{point.mixer:18} N={point.seq_len:<7}"
    if point.outcome is not Outcome.MEASURED:
        return f"{name} {point.outcome.value.replace('_', ' ')}"
    low, high = point.quartiles
    memory = "" if point.memory is None else f"  {point.memory / 1e6:9.1f} MB"
    times = f"{1e3 * point.median:9.3f} ms  ({1e3 * low:.3f} - {1e3 * high:.3f})"
    return f"{name} {times}  {len(point.times):2} calls{memory}"
