"""A sweep over N: warm-up, interleaved repeats, peak memory, and a time budget that is kept."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch

from paramixer_core.bench.runner import header, seconds_of
from paramixer_core.cost.report import BYTES_PER_NUMBER
from paramixer_core.device import choose_device
from paramixer_core.measure.memory_peak import is_out_of_memory, memory_limit, peak_of
from paramixer_core.measure.record import Clock, Machine, Outcome, Plan, Point, Work
from paramixer_core.mixing import prepare
from paramixer_core.runs.memory import available_memory
from paramixer_core.training import Trainer

LEAST_REPEATS, MOST_REPEATS = 3, 25
LEAST_PEAK = 4 * 2**20
"""Bytes from which a measured peak tells more than the closed forms."""

WARM_UPS = 2
GROWTH = 1.3
"""How much more time each length gets than the one before it."""
SPARE_MEMORY = 0.85
OVERHEAD_BYTES = 50_000_000


def machine_of(device: torch.device, clock: Clock) -> Machine:
    """This machine, with its best rates: 128 MB copied, two 1024 x 1024 matrices multiplied."""
    found = header(device)
    source = torch.ones(2**25, device=device)
    target = torch.empty_like(source)
    left = torch.ones(1024, 1024, device=device)
    copy = min(timed(lambda: target.copy_(source), device, clock) for _ in range(6))
    multiply = min(timed(lambda: left @ left, device, clock) for _ in range(6))
    return Machine(
        date=str(found["date"]),
        processor=str(found["processor"]),
        cores=int(str(found["cores"] or 1)),
        threads=torch.get_num_threads(),
        device=str(found["device"]),
        system=str(found["system"]),
        python=str(found["python"]),
        torch=str(found["torch"]),
        copy_bytes=2 * source.nbytes / copy,
        matmul_flops=2 * 1024.0**3 / multiply,
    )


def timed(call: Callable[[], object], device: torch.device, clock: Clock) -> float:
    """Seconds of one call, the device's work included."""
    if clock is Clock.WALL:
        return seconds_of(call, device)
    started = time.process_time()
    call()
    return time.process_time() - started


@dataclass(slots=True)
class Entrant:
    """A mixer on its way through the lengths."""

    mixer: str
    latest: Point | None = None
    wall: float = 0.0
    out: bool = False
    times: list[float] = field(default_factory=list)
    memory: int | None = None
    call: Callable[[], object] | None = None


def sweep(plan: Plan) -> Iterator[Machine | Point]:
    """Measure a plan: first the machine, then every point as soon as its length is done.

    All mixers run in turn at one N, so that a busy machine is busy for all alike. A mixer whose
    next point cannot fit the memory, or the time that is left, gets a point that says so, and no
    longer ones. Raises ParamixerError for a device that is not here.
    """
    started = time.perf_counter()
    device = choose_device(plan.device)
    prepare()
    threads = torch.get_num_threads()
    own = 1 if plan.clock is Clock.CPU else plan.threads  # CPU seconds of several would add up
    try:
        torch.set_num_threads(own or threads)
        yield machine_of(device, plan.clock)
        entrants = [Entrant(mixer) for mixer in plan.mixers]
        for place, seq_len in enumerate(plan.lengths):
            left = started + plan.seconds - time.perf_counter()
            weights = [GROWTH**later for later in range(len(plan.lengths) - place)]
            share = left / sum(weights)
            yield from measure_length(plan, device, entrants, seq_len, share, left)
    finally:
        torch.set_num_threads(threads)


def measure_length(
    plan: Plan,
    device: torch.device,
    entrants: list[Entrant],
    seq_len: int,
    share: float,
    left: float,
) -> Iterator[Point]:
    """All mixers at one N: in `share` seconds if the fewest repeats allow, never beyond `left`."""
    end = time.perf_counter() + share
    racing = []
    for entrant in entrants:
        if entrant.out:
            continue
        needed = bytes_needed(plan, entrant, seq_len)
        wanted = seconds_needed(plan, entrant, seq_len)
        if needed > memory_left(plan, device):
            yield leave(entrant, seq_len, Outcome.OUT_OF_MEMORY, needed)
        elif wanted > left:
            yield leave(entrant, seq_len, Outcome.OUT_OF_TIME, needed)
        elif warm(plan, device, entrant, seq_len):
            left -= wanted
            racing.append(entrant)
        else:  # it ran out, so it needs more than there was, whatever was foretold
            needed = max(needed, memory_left(plan, device) + 1)
            yield leave(entrant, seq_len, Outcome.OUT_OF_MEMORY, needed)
    for repeat in range(MOST_REPEATS):
        if repeat >= LEAST_REPEATS and time.perf_counter() > end:
            break
        for entrant in racing:
            assert entrant.call is not None
            began = time.perf_counter()
            entrant.times.append(timed(entrant.call, device, plan.clock))
            entrant.wall = time.perf_counter() - began
    for entrant in racing:
        entrant.call = None
        entrant.latest = Point(
            mixer=entrant.mixer,
            seq_len=seq_len,
            times=tuple(float(f"{seconds:.4g}") for seconds in entrant.times),
            memory=entrant.memory,
            needed=bytes_needed(plan, entrant, seq_len),
        )
        yield entrant.latest


def leave(entrant: Entrant, seq_len: int, outcome: Outcome, needed: int) -> Point:
    """The mixer's last point: it goes no further."""
    entrant.out, entrant.call = True, None
    return Point(mixer=entrant.mixer, seq_len=seq_len, outcome=outcome, needed=needed)


def warm(plan: Plan, device: torch.device, entrant: Entrant, seq_len: int) -> bool:
    """Build the mixer's call, run it a few times, note its peak; False if memory runs out."""
    entrant.times, entrant.call = [], None
    limit = memory_left(plan, device) if device.type == "cpu" else 0
    try:
        if limit:
            with memory_limit(limit):
                build_and_warm(plan, device, entrant, seq_len)
        else:
            build_and_warm(plan, device, entrant, seq_len)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        entrant.call = None
        if device.type == "cuda":
            torch.cuda.empty_cache()
        return False
    return True


def build_and_warm(plan: Plan, device: torch.device, entrant: Entrant, seq_len: int) -> None:
    """The call, its warm-ups and its peak."""
    call = call_of(plan, device, entrant.mixer, seq_len)
    for _ in range(WARM_UPS - 1):
        call()
    entrant.memory = peak_of(call, device)
    entrant.call = call


def call_of(plan: Plan, device: torch.device, mixer: str, seq_len: int) -> Callable[[], object]:
    """What is timed: a step of a real training run, or the network on one of its batches."""
    trainer = Trainer(plan.config(mixer, seq_len), device)
    inputs = trainer.batch(1).to(device).inputs

    def forward() -> object:
        with torch.no_grad():
            return trainer.accelerated.evaluate(inputs)

    return trainer.step if plan.work is Work.TRAINING else forward


def seconds_needed(plan: Plan, entrant: Entrant, seq_len: int) -> float:
    """Time of the fewest calls, from the point before and what the closed forms say of growth."""
    if entrant.latest is None:
        return 0.0
    before = plan.report(entrant.mixer, entrant.latest.seq_len).training
    growth = plan.report(entrant.mixer, seq_len).training / before
    return (LEAST_REPEATS + WARM_UPS) * growth * entrant.wall


def bytes_needed(plan: Plan, entrant: Entrant, seq_len: int) -> int:
    """What a call will hold: what the closed forms count, corrected by what was measured before.

    They count the portable path, and the fast ones keep less. A peak of less than LEAST_PEAK is
    lost in the pages that a process takes anyway, and corrects nothing.
    """
    counted = counted_bytes(plan, entrant.mixer, seq_len)
    if entrant.latest is None:
        return counted
    peak = entrant.latest.memory or 0
    if peak < LEAST_PEAK:
        return counted
    return counted * peak // counted_bytes(plan, entrant.mixer, entrant.latest.seq_len)


def counted_bytes(plan: Plan, mixer: str, seq_len: int) -> int:
    """Weights, and what the closed forms keep beside them; forward, the largest part alone."""
    report = plan.report(mixer, seq_len)
    if plan.work is Work.FORWARD:
        widest = max(part.kept for part in report.parts)
        return report.weight_bytes + BYTES_PER_NUMBER * widest // plan.blocks
    return report.weight_bytes + report.optimiser_bytes + report.activation_bytes


def memory_left(plan: Plan, device: torch.device) -> int:
    """Bytes that may still be taken."""
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        return min(free, plan.memory) if plan.memory else free
    free = int(SPARE_MEMORY * available_memory()) - OVERHEAD_BYTES
    return min(free, plan.memory) if plan.memory else free
