"""The closed forms of cost as curves and rows, cached."""

import dataclasses

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from paramixer_core.cost import CostShape, Quantity, cost_report
from paramixer_core.crossover import crossover
from paramixer_core.models import MIXERS

COST_EXPONENTS = range(1, 18)


@st.cache_data(max_entries=64)
def cost_curves(
    shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]
) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Per mixer, N = 2 .. 2^17 and the quantity at each, all else as in `shape`."""
    lengths = np.array([2**exponent for exponent in COST_EXPONENTS])
    return {
        mixer: (
            lengths,
            np.array(
                [
                    float(
                        getattr(
                            cost_report(
                                dataclasses.replace(shape, mixer=mixer, seq_len=int(length))
                            ),
                            quantity,
                        )
                    )
                    for length in lengths
                ]
            ),
        )
        for mixer in mixers
    }


@st.cache_data(max_entries=64)
def cost_parts(shape: CostShape, mixers: tuple[str, ...]) -> list[dict[str, object]]:
    """One row per mixer and part at the shape's own N: formula and exact numbers."""
    return [
        {
            "Mixer": MIXERS[mixer].title,
            "Part": part.part,
            "Multiply-adds, one forward pass": part.forward,
            "Formula": part.formula,
            "Parameters": part.parameters,
            "Numbers kept for backward": part.kept,
        }
        for mixer in mixers
        for part in cost_report(dataclasses.replace(shape, mixer=mixer)).parts
    ]


@st.cache_data(max_entries=64)
def cost_totals(shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]) -> dict[str, int]:
    """The quantity of every mixer at the shape's own N."""
    return {
        mixer: int(getattr(cost_report(dataclasses.replace(shape, mixer=mixer)), quantity))
        for mixer in mixers
    }


@st.cache_data(max_entries=64)
def cost_crossings(
    shape: CostShape, quantity: Quantity, mixers: tuple[str, ...]
) -> dict[str, int | None]:
    """From which N on each mixer stays below attention; None if it never does up to 2^24."""
    rival = dataclasses.replace(shape, mixer="attention")
    return {
        mixer: crossover(dataclasses.replace(shape, mixer=mixer), rival, quantity).for_good
        for mixer in mixers
        if mixer != "attention"
    }


FIELDS = {
    Quantity.FORWARD: "forward",
    Quantity.TRAINING: "training",
    Quantity.PARAMETERS: "parameters",
    Quantity.ACTIVATION_BYTES: "kept",
    Quantity.WEIGHT_BYTES: "parameters",
}
"""What of a part adds up to a quantity."""


@st.cache_data(max_entries=64)
def part_shares(
    shape: CostShape, quantity: Quantity, mixer: str
) -> tuple[NDArray[np.int64], dict[str, NDArray[np.float64]]]:
    """N = 2 .. 2^17, and per part its share of the quantity in percent; parts of none left out."""
    lengths = np.array([2**exponent for exponent in COST_EXPONENTS])
    reports = [
        cost_report(dataclasses.replace(shape, mixer=mixer, seq_len=int(length)))
        for length in lengths
    ]
    shares = {
        part.part: np.array([100 * report.share(part.part, FIELDS[quantity]) for report in reports])
        for part in reports[0].parts
    }
    return lengths, {name: values for name, values in shares.items() if values.any()}


def dearest_part(shape: CostShape, quantity: Quantity, mixer: str) -> str:
    """Which part takes most at the shape's own N, in a sentence."""
    report = cost_report(dataclasses.replace(shape, mixer=mixer))
    shares = {part.part: report.share(part.part, FIELDS[quantity]) for part in report.parts}
    name = max(shares, key=lambda part: shares[part])
    return (
        f"At N = {shape.seq_len:,} most goes to **{name}**: {shares[name]:.0%} of "
        f"{getattr(report, quantity):,}."
    )
