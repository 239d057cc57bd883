"""Measured cost on the Cost page: points, slopes and crossings of a set of measurements."""

import statistics
from collections.abc import Sequence

import numpy as np
import streamlit as st

from app import controls, cost_sets, cost_sweep, names, say
from app.escape import plain
from app.figures.measured import Beyond, Measured, measured_figure
from app.quantities import fixed
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.fits import MeasuredCrossing, Order, fit_slope, longer_half
from paramixer_core.measure.fits import measured_crossing as crossing
from paramixer_core.measure.record import Clock, Outcome, Plan, Point, Sweep, Work

WIDE = 0.5
TIME, MEMORY = "time", "memory"
SHOWN = {TIME: "time", MEMORY: "peak memory"}
CLOCKS = {Clock.WALL: "wall time", Clock.CPU: "time of one CPU thread"}


def draw() -> None:
    """The whole part."""
    cost_sweep.draw()
    left, right = st.columns([1, 3], gap="large")
    with left:
        name, beside = cost_sets.choose()
        measured = cost_sets.read(name)
        if measured is None:
            return
        sweep = choose_sweep(measured)
        titles = names.mixer_titles(wired=False)
        there = [mixer for mixer in titles if any(p.mixer == mixer for p in sweep.points)]
        first = [mixer for mixer in there if mixer in ("chord", "cdil", "attention")] or there
        mixers = controls.several("Mixers", "lines", there, default=first, titles=titles)
        shown = controls.choice("Show", "show", list(SHOWN), default=TIME, titles=SHOWN, row=True)
    other = None if beside == cost_sets.NONE else cost_sets.read(beside)
    with right:
        chart(measured, sweep, other, mixers, shown)
        if shown == TIME:
            slopes(sweep, mixers)
            crossings(sweep, mixers)
        cost_sets.files(name, measured)


def merged(measured: Measurements) -> list[Sweep]:
    """The set's sweeps, those that asked for the same of other mixers or lengths put together."""
    groups: dict[object, Sweep] = {}
    for sweep in measured.sweeps:
        key = sweep.plan.same()
        before = groups.get(key)
        points = sweep.points if before is None else (*before.points, *sweep.points)
        groups[key] = Sweep(sweep.plan if before is None else before.plan, points)
    return [Sweep(sweep.plan, without_overtaken(sweep.points)) for sweep in groups.values()]


def without_overtaken(points: Sequence[Point]) -> tuple[Point, ...]:
    """Without the gaps that a later sweep has filled."""
    timed = {(point.mixer, point.seq_len) for point in points if point.times}
    return tuple(
        point for point in points if point.times or (point.mixer, point.seq_len) not in timed
    )


def choose_sweep(measured: Measurements) -> Sweep:
    """One of a set's sweeps."""
    sweeps = merged(measured)
    titles = {str(place): plan_title(sweep.plan) for place, sweep in enumerate(sweeps)}
    if len(sweeps) == 1:
        st.caption(plain(titles["0"]))
        return sweeps[0]
    return sweeps[int(controls.choice("Of", "of", list(titles), default="0", titles=titles))]


def plan_title(plan: Plan) -> str:
    """What was timed, in a line."""
    what = "training step" if plan.work is Work.TRAINING else "forward pass"
    blocks = f", {plan.blocks} blocks" if plan.blocks > 1 else ""
    return (
        f"{what}, batch {plan.batch}, D = {plan.channels}, H = {plan.hidden}{blocks}, "
        f"{plan.precision}"
    )


def chart(
    measured: Measurements,
    sweep: Sweep,
    other: Measurements | None,
    mixers: tuple[str, ...],
    shown: str,
) -> None:
    """The points, with those of another set beside them where it timed the same."""
    titles = names.mixer_titles(wired=False)
    lines = [line(titles[mixer], mixer, sweep.measured(mixer), shown) for mixer in mixers]
    notes = [plan_title(sweep.plan), *machine_lines(measured, sweep.plan)]
    if other is not None:
        same = [one for one in merged(other) if one.plan.work is sweep.plan.work]
        notes.append("faint: " + ("" if same else "other work, not shown, on"))
        notes += machine_lines(other, (same or merged(other))[0].plan)
        for one in same[:1]:
            lines += [
                line(f"{titles[mixer]}, beside", mixer, one.measured(mixer), shown, faint=True)
                for mixer in mixers
            ]
    beyond = [
        Beyond(titles[point.mixer], point.seq_len, "out of memory", point.mixer)
        for point in sweep.points
        if point.outcome is Outcome.OUT_OF_MEMORY and point.mixer in mixers
    ]
    st.plotly_chart(
        measured_figure(
            [one for one in lines if len(one.x)],
            beyond,
            title=f"Measured {SHOWN[shown]}",
            y_label="time a call" if shown == TIME else "bytes beyond those held before",
            unit="s" if shown == TIME else "B",
            notes=notes,
            dark=controls.dark_theme(),
        ),
        key="measured",
        config={"displayModeBar": False},
    )
    st.caption(
        "Points are medians, bars the quartiles of the calls; all mixers took turns after a "
        "warm-up. Wide faint lines are the fitted slopes. A cross: it ran out of memory there."
    )
    if unsteady(sweep, mixers):
        st.warning(
            "The quartiles are wide: something else kept this machine busy. Measure again when it "
            "is quiet.",
            icon=":material/hourglass:",
        )
    late = [p for p in sweep.points if p.outcome is Outcome.OUT_OF_TIME and p.mixer in mixers]
    if late:
        words = [f"{titles[point.mixer]} from N = {point.seq_len:,}" for point in late]
        st.caption(f"Left out, beyond the time budget: {'; '.join(words)}.")


def unsteady(sweep: Sweep, mixers: tuple[str, ...]) -> bool:
    """Whether the middle half of the calls of a typical point spans more than half its median."""
    points = [point for mixer in mixers for point in sweep.measured(mixer)]
    return bool(points) and statistics.median(point.spread for point in points) > WIDE


def machine_lines(measured: Measurements, plan: Plan) -> list[str]:
    """The machine, then its versions, the date and the clock."""
    machine = measured.machine
    where = machine.processor if machine.device == "cpu" else machine.device
    return [
        f"{where}, {machine.threads} thread{'s' * (machine.threads > 1)} of {machine.cores} cores",
        f"torch {machine.torch}, {machine.date[:10]}, {CLOCKS[plan.clock]}",
    ]


def line(
    title: str, mixer: str, points: Sequence[Point], shown: str, *, faint: bool = False
) -> Measured:
    """A mixer's points as a line."""
    if shown == MEMORY:
        points = [point for point in points if point.memory]
        middle = low = high = np.array([float(point.memory or 0) for point in points])
    else:
        middle = np.array([point.median for point in points])
        low = np.array([point.quartiles[0] for point in points])
        high = np.array([point.quartiles[1] for point in points])
    lengths = np.array([point.seq_len for point in points])
    fit = None
    if shown == TIME and not faint:
        used = longer_half(points)
        slope = fit_slope([p.seq_len for p in used], [p.median for p in used])
        if slope is not None:
            ends = np.array([float(slope.first), float(slope.last)])
            fit = (ends, np.array([slope.at(end) for end in ends]))
    return Measured(title, lengths, middle, low, high, mixer, fit, faint)


def slopes(sweep: Sweep, mixers: tuple[str, ...]) -> None:
    """Measured slopes beside those of the closed forms over the same N."""
    rows = []
    for mixer in mixers:
        used = longer_half(sweep.measured(mixer))
        slope = fit_slope([p.seq_len for p in used], [p.median for p in used])
        if slope is None:
            continue
        counts = [sweep.plan.multiply_adds(mixer, point.seq_len) for point in used]
        theory = fit_slope([p.seq_len for p in used], counts)
        rows.append(
            {
                "Mixer": names.mixer_titles(wired=False)[mixer],
                "time ~ N^p, p": fixed(slope.value, 2),
                "95 % interval": f"{fixed(slope.low, 2)} to {fixed(slope.high, 2)}",
                "p of the multiply-adds": "-" if theory is None else fixed(theory.value, 2),
                "over N": f"{slope.first:,} to {slope.last:,}",
            }
        )
    if rows:
        st.dataframe(rows, hide_index=True)
        st.caption(
            "Slopes are fitted to the longer half of the lengths. N log N and N log² N are no "
            "powers of N: over these lengths they look like the p beside them."
        )
    else:
        st.caption("Too few points for a slope: measure at least three lengths.")


def crossings(sweep: Sweep, mixers: tuple[str, ...]) -> None:
    """From which N on each Paramixer is faster than each rival."""
    titles = names.mixer_titles(wired=False)
    ours = [mixer for mixer in mixers if mixer in ("chord", "cdil")]
    for mixer in ours:
        for rival in mixers:
            if rival in ours:
                continue
            found = crossing(sweep.measured(mixer), sweep.measured(rival))
            if found is not None:
                st.markdown(f"- {crossing_sentence(titles[mixer], titles[rival], found)}")


def crossing_sentence(title: str, rival: str, found: MeasuredCrossing) -> str:
    """Where two measured lines cross, and how sure that is."""
    span = f"N = {found.first:,} to {found.last:,}"
    unsure = "" if found.share >= 0.95 else f" (in {found.share:.0%} of the resamples)"
    if found.order is Order.ALWAYS:
        return f"{title}: faster than {rival} at every measured {span}{unsure}."
    if found.order is Order.NEVER or found.at is None:
        return f"{title}: **not faster than {rival}** at the longest measured, {span}{unsure}."
    sure = "" if found.low is None else f" (95 %: {say.count(found.low)} to "
    sure += "" if found.high is None else f"{say.count(found.high)})"
    return f"{title}: faster than {rival} from **N = {say.count(found.at)}** on{sure}{unsure}."
