"""The benchmark's command line for sweeps: measure over N, keep the result as a file."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

from paramixer_core.config import Precision
from paramixer_core.cost.shape import COSTED_MIXERS
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
from paramixer_core.measure.sweep import sweep


def run(arguments: list[str], say: Callable[[str], None]) -> None:
    """Measure what the arguments ask for and write it, or add it to a file of this machine."""
    parser = argparse.ArgumentParser(
        prog="python -m paramixer_core.bench sweep", description=__doc__
    )
    parser.add_argument(
        "file", type=Path, help="where to write; an existing file gets a sweep more"
    )
    parser.add_argument("--mixers", default="chord,cdil,attention", help="names, or 'all'")
    parser.add_argument("--from", dest="low", type=int, default=5, help="least log2 N")
    parser.add_argument("--to", dest="high", type=int, default=13, help="largest log2 N")
    parser.add_argument("--work", type=Work, default=Work.TRAINING, help="forward or training")
    parser.add_argument("--precision", type=Precision, default=Precision.FLOAT32)
    parser.add_argument("--clock", type=Clock, default=Clock.WALL, help="wall, or cpu: one thread")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=float, default=50.0, help="time budget")
    parser.add_argument("--memory", type=int, default=0, help="bytes it may hold; 0: what is free")
    for name in SHAPE_FIELDS:
        default = getattr(Plan(), name)
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    chosen = vars(parser.parse_args(arguments))
    path, low, high = chosen.pop("file"), chosen.pop("low"), chosen.pop("high")
    names = chosen.pop("mixers")
    plan = Plan(
        mixers=COSTED_MIXERS if names == "all" else tuple(names.split(",")),
        lengths=tuple(2**power for power in range(low, high + 1)),
        **chosen,
    )
    earlier = Measurements.from_json(path.read_text()).sweeps if path.exists() else ()
    machine, points, began = None, [], time.perf_counter()
    for found in sweep(plan):
        if isinstance(found, Machine):
            machine = found
            say(machine.name)
        else:
            points.append(found)
            say(f"{time.perf_counter() - began:6.1f} s  {line(found)}")
    assert machine is not None
    path.write_text(Measurements(machine, (*earlier, Sweep(plan, tuple(points)))).to_json())


def line(point: Point) -> str:
    """A point for the terminal."""
    name = f"{point.mixer:18} N={point.seq_len:<7}"
    if point.outcome is not Outcome.MEASURED:
        return f"{name} {point.outcome.value.replace('_', ' ')}"
    low, high = point.quartiles
    memory = "" if point.memory is None else f"  {point.memory / 1e6:9.1f} MB"
    times = f"{1e3 * point.median:9.3f} ms  ({1e3 * low:.3f} - {1e3 * high:.3f})"
    return f"{name} {times}  {len(point.times):2} calls{memory}"
