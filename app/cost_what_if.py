"""What if: predicted time and memory at any N, on this machine's model or an accelerator."""

import dataclasses

import numpy as np
import streamlit as st

from app import controls, cost_machines, cost_parts, cost_sets, names, say
from app.cost_checks import LEAST_CHECKED, MOST_CHECKED, between, check_rows
from app.escape import plain
from app.figures.lines import Curve, Mark, curves_figure
from paramixer_core.cost import CostShape
from paramixer_core.csv_text import csv_text
from paramixer_core.measure.accelerators import ACCELERATORS
from paramixer_core.measure.calibration import (
    Calibration,
    Check,
    Sample,
    calibrate,
    check,
    median_error,
    samples_of,
)
from paramixer_core.measure.files import Measurements
from paramixer_core.measure.roofline import Rates, distance
from paramixer_core.measure.what_if import Prediction, on_accelerator, on_measured
from paramixer_core.runs.memory import readable_size, total_memory

MEASURED = "measured"
LONGEST_POWER = 24
TIME, MEMORY = "time", "memory"
QUANTITIES = {TIME: "time of a training step", MEMORY: "memory of a training step"}


def draw() -> None:
    """The whole part."""
    left, right = st.columns([1, 3], gap="large")
    with left:
        where = controls.choice(
            "On", "where", [MEASURED, *ACCELERATORS], default=MEASURED, titles=places()
        )
        measured = choose_measured() if where == MEASURED else cost_sets.shipped()
        mixers = cost_parts.choose_beside_attention()
        show = controls.choice("Show", "show", list(QUANTITIES), default=TIME, titles=QUANTITIES)
        shape = choose_shape()
    if measured is None:
        return
    with right:
        found = {
            mixer: predict(dataclasses.replace(shape, mixer=mixer), where, measured)
            for mixer in mixers
        }
        totals(found, show, shape.seq_len)
        curves(shape, where, measured, mixers, show)
        notes(where, measured)
        cost_machines.draw()


def places() -> dict[str, str]:
    """Where a step can be imagined."""
    return {
        MEASURED: "the machine that was measured",
        **{name: machine.name for name, machine in ACCELERATORS.items()},
    }


def choose_measured() -> Measurements | None:
    """The set whose machine is modelled."""
    titles = cost_sets.titles()
    name = controls.choice(
        "Measurements", "set", list(titles), default=cost_sets.SHIPPED, titles=titles
    )
    return cost_sets.read(name)


def choose_shape() -> CostShape:
    """N and the rest of the setting."""
    power = controls.slider("Tokens N = 2^", "power", low=5, high=LONGEST_POWER, default=16)
    return CostShape(
        mixer="chord",
        seq_len=2**power,
        batch=controls.whole_number("Batch", "batch", low=1, high=4096, default=8),
        channels=controls.whole_number("Channels D", "d", low=1, high=1024, default=32),
        hidden=controls.whole_number("Hidden units H", "h", low=1, high=1024, default=32),
        rival_size=controls.whole_number("Rivals' size k", "size", low=2, high=1024, default=32),
    )


def predict(shape: CostShape, where: str, measured: Measurements) -> Prediction:
    """One mixer at one N."""
    if where != MEASURED:
        return on_accelerator(shape, ACCELERATORS[where])
    return predict_measured(shape, measured.digest, measured)


@st.cache_data(max_entries=1024, show_spinner=False)
def predict_measured(shape: CostShape, digest: str, _measured: Measurements) -> Prediction:
    """One mixer at one N by the model of a set."""
    calibration, _ = model(digest, _measured)
    return on_measured(shape, Rates.of(_measured.machine), calibration, total_memory())


@st.cache_resource(max_entries=8, show_spinner=False)
def model(digest: str, _measured: Measurements) -> tuple[Calibration, list[Check]]:
    """A set's machine as a model, and each point as predicted from the other lengths."""
    samples = samples_of(_measured)
    return calibrate(samples), check(samples)


def shown(found: Prediction, show: str) -> float:
    """The figure that is drawn."""
    if show == MEMORY:
        return float(found.memory)
    return found.least if found.seconds is None else found.seconds


def totals(found: dict[str, Prediction], show: str, seq_len: int) -> None:
    """Each mixer's prediction at the chosen N."""
    titles = names.mixer_titles(wired=False)
    columns = st.columns(min(4, len(found)))
    for place, (mixer, one) in enumerate(found.items()):
        value = readable_size(one.memory) if show == MEMORY else say.short_time(shown(one, show))
        columns[place % 4].metric(
            f"{titles[mixer]}, predicted",
            value,
            delta=None if one.fits else "does not fit",
            delta_color="off",
            delta_arrow="off",
            help=f"One training step at N = {seq_len:,}: at least {say.short_time(one.least)} by "
            f"the roofline, {readable_size(one.memory)} of memory.",
        )


def curves(
    shape: CostShape, where: str, measured: Measurements, mixers: tuple[str, ...], show: str
) -> None:
    """Predictions over N, and the measured points that they can be held against."""
    titles = names.mixer_titles(wired=False)
    lengths = np.array([2**power for power in range(5, LONGEST_POWER + 1)])
    found = []
    for mixer in mixers:
        values = [
            shown(
                predict(
                    dataclasses.replace(shape, mixer=mixer, seq_len=int(length)), where, measured
                ),
                show,
            )
            for length in lengths
        ]
        found.append(Curve(f"{titles[mixer]}, predicted", lengths, np.array(values), mixer))
    if where == MEASURED and show == TIME:
        found += measured_points(measured, shape, mixers)
    st.plotly_chart(
        curves_figure(
            found,
            x_label="Tokens N (log scale)",
            y_label=f"{QUANTITIES[show].capitalize()}, {'s' if show == TIME else 'bytes'} (log)",
            log_x=True,
            log_y=True,
            marks=[Mark(shape.seq_len, f"N = {shape.seq_len:,}")],
            dark=controls.dark_theme(),
        ),
        key="what_if",
        config={"displayModeBar": False},
    )
    rows = [(curve.name, *at) for curve in found for at in zip(curve.x, curve.y, strict=True)]
    st.download_button(
        "These curves, CSV",
        csv_text(("curve", "N", "bytes" if show == MEMORY else "seconds"), rows),
        "what-if.csv",
        key="what-if-csv",
        on_click="ignore",
    )


def measured_points(
    measured: Measurements, shape: CostShape, mixers: tuple[str, ...]
) -> list[Curve]:
    """What was measured at this setting."""
    titles = names.mixer_titles(wired=False)
    found = []
    for mixer in mixers:
        own = [s for s in samples_of(measured) if s.config.mixer == mixer and alike(s, shape)]
        if own:
            lengths = np.array([sample.config.seq_len for sample in own])
            times = np.array([sample.point.median for sample in own])
            found.append(Curve(f"{titles[mixer]}, measured", lengths, times, mixer, points=True))
    return found


def alike(sample: Sample, shape: CostShape) -> bool:
    """Whether a point was measured at this setting."""
    config = sample.config
    return (config.batch, config.channels, config.hidden, config.rival_size, config.blocks) == (
        shape.batch,
        shape.channels,
        shape.hidden,
        shape.rival_size,
        shape.blocks,
    )


def notes(where: str, measured: Measurements) -> None:
    """How far to trust it, in sentences with the numbers."""
    machine = measured.machine
    off = distance(samples_of(measured), machine)
    if where == MEASURED:
        checks = model(measured.digest, measured)[1]
        error, inside = median_error(checks), median_error(between(checks))
        if error is None or inside is None:
            st.caption("Too few points were measured for a model: measure four lengths or more.")
        else:
            st.markdown(
                f"**Predicted** by a model of {plain(machine.name)}: per mixer, a constant and "
                "rates for its dense products, its mixing, what it keeps, what it keeps in tensors "
                "of 32 MiB and more (for these the system clears new pages at every step) and its "
                f"parameters, fitted to {len(checks)} measured points. Each point was also "
                f"predicted from the other lengths alone: the **median error is {error:.0%}**, "
                f"and {inside:.0%} for N = {LEAST_CHECKED:,} to {MOST_CHECKED:,}."
            )
            st.dataframe(check_rows(checks), hide_index=True)
    else:
        chosen = ACCELERATORS[where]
        st.markdown(
            f"**Predicted, not measured.** {chosen.name}: {chosen.flops / 1e12:g} TFLOP/s in "
            f"float32 without tensor cores, {chosen.bandwidth / 1e9:g} GB/s, "
            f"{readable_size(chosen.memory)} ({chosen.source}). The roofline is a bound: no step "
            "is faster. The app ships no measurement of any GPU: none was at hand."
        )
        if off is not None:
            st.caption(
                f"On the measured machine ({plain(machine.name)}) a step takes {off:.1f} times its "
                "roofline in the median; a GPU with short sequences is further from its own, for "
                "each kernel must be launched."
            )
