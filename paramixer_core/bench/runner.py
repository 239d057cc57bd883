"""How it is measured: warm-up, interleaved bursts, medians, and peak memory on its own."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import torch

from paramixer_core.bench.cases import BASELINE, Group, Row, groups

MIN_REPEATS, MAX_REPEATS = 3, 40
BURST_SECONDS = 0.01
"""How long a row is called at a time, at least once, before the next row has its turn."""


@dataclass(frozen=True)
class Limits:
    """What the machine can do at most: bytes copied and float operations multiplied, a second."""

    copy_bytes: float
    matmul_flops: float

    def least_seconds(self, row: Row) -> float:
        """No way to do the row's work is faster."""
        return max(row.work.bytes / self.copy_bytes, row.work.flops / self.matmul_flops)


@dataclass(frozen=True)
class Result:
    """One measured row. Seconds per call; speed-ups over the group's baseline, where it has one."""

    group: str
    row: str
    seconds: float
    spread: float  # half the distance between the quartiles, as a share of the median
    repeats: int  # bursts of calls
    speed_up: float | None
    limit_distance: float  # how many times the least possible time it takes
    extra_memory: int | None = None  # bytes beyond the inputs, at the peak, in a fresh process


def header(device: torch.device) -> dict[str, object]:
    """Machine, device, versions and date."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": named[0] if named else platform.processor(),
        "cores": len(named) or None,
        "threads": torch.get_num_threads(),
        "device": gpu or str(device),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }


def measure_limits(device: torch.device) -> Limits:
    """Copy 256 MB and multiply two 2048 x 2048 matrices, the best of some tries."""
    source = torch.ones(2**26, device=device)
    target = torch.empty_like(source)
    left = torch.ones(2048, 2048, device=device)
    copy = min(seconds_of(lambda: target.copy_(source), device) for _ in range(8))
    multiply = min(seconds_of(lambda: left @ left, device) for _ in range(8))
    return Limits(2 * source.nbytes / copy, 2 * 2048.0**3 / multiply)


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Wall time of one call, the device's work included."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    started = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - started


def seconds_per_call(call: Callable[[], object], device: torch.device) -> float:
    """The mean of a burst of calls, after one that does not count.

    The row before has left its own data in the caches and holes of its own sizes in the heap. In
    training a step follows its like, so what it takes to clear up after another is no part of it.
    """
    call()
    spent = [seconds_of(call, device)]
    while sum(spent) < BURST_SECONDS:
        spent.append(seconds_of(call, device))
    return statistics.mean(spent)


def measure(group: Group, limits: Limits, device: torch.device, budget: float) -> Iterator[Result]:
    """Run all rows in turn until the budget of seconds is spent, at least MIN_REPEATS times."""
    calls = {name: row.build() for name, row in group.rows.items()}
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + budget
    for repeat in range(MAX_REPEATS):
        if repeat >= MIN_REPEATS and time.perf_counter() > end:
            break
        for name, call in calls.items():
            times[name].append(seconds_per_call(call, device))
    medians = {name: statistics.median(found) for name, found in times.items()}
    for name, found in times.items():
        first, _, third = statistics.quantiles(found, n=4)
        base = baseline_of(name, medians)
        yield Result(
            group=group.name,
            row=name,
            seconds=medians[name],
            spread=(third - first) / 2 / medians[name],
            repeats=len(found),
            speed_up=None if base is None else base / medians[name],
            limit_distance=medians[name] / limits.least_seconds(group.rows[name]),
        )


def baseline_of(name: str, medians: dict[str, float]) -> float | None:
    """The authors' time for the same work: that of the same mixer, or the group's, or none."""
    mixer = name.partition(" ")[0]
    return medians.get(f"{mixer} {BASELINE}", medians.get(BASELINE))


def extra_memory(group: str, row: str, device: torch.device) -> int | None:
    """Peak bytes beyond the inputs while a row runs once, in a process of its own."""
    code = "import sys; from paramixer_core.bench import runner; runner.print_peak(*sys.argv[1:])"
    command = [sys.executable, "-W", "ignore", "-c", code, group, row, str(device)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout) if done.returncode == 0 else None


def print_peak(group: str, row: str, device_name: str) -> None:
    """Entry of the fresh process: build, settle, run once, write the peak's bytes."""
    device = torch.device(device_name)
    found = {each.name: each for each in groups(device)}
    small = next(each for name, each in found.items() if name.startswith(f"op {group.split()[1]}"))
    if row in small.rows:
        small.rows[row].build()()  # what is loaded and made once must not count
    call = found[group].rows[row].build()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        call()
        sys.stdout.write(str(torch.cuda.max_memory_allocated(device) - before))
        return
    clear = Path("/proc/self/clear_refs")
    if clear.exists():
        clear.write_text("5")  # the peak starts anew from here
    before = peak_bytes()
    call()
    sys.stdout.write(str(peak_bytes() - before))


def peak_bytes() -> int:
    """The most memory this process has held so far."""
    status = Path("/proc/self/status")
    if status.exists():
        held = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(held[0].split()[1]) * 1024
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return 0
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
