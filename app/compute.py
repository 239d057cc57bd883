"""The cached border between the pages and the core: frozen settings in, arrays and rows out."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from paramixer_core.analysis.graphs import GraphMeasures, ring_measures
from paramixer_core.analysis.reach import LinkCounts, ReachReport, link_counts, protocol_reach
from paramixer_core.cost import BLOCK_COSTS, CostShape, Quantity, cost_report
from paramixer_core.crossover import crossover
from paramixer_core.device import available_devices
from paramixer_core.models import MIXERS
from paramixer_core.protocols import Offsets, Protocol, protocol_graph, protocol_offsets
from paramixer_core.tasks import TASKS

COST_EXPONENTS = range(1, 18)


@st.cache_resource
def device_names() -> tuple[str, ...]:
    """The devices of this machine, best first."""
    return tuple(device.value for device in available_devices())


def mixer_titles() -> dict[str, str]:
    """Every mixer's title by its name, in the registry's order."""
    return {name: kind.title for name, kind in MIXERS.items()}


@st.cache_data(max_entries=64)
def cost_curves(
    shape: CostShape, quantity: Quantity
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
        for mixer in BLOCK_COSTS
    }


@st.cache_data(max_entries=64)
def cost_parts(shape: CostShape) -> list[dict[str, object]]:
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
        for mixer in BLOCK_COSTS
        for part in cost_report(dataclasses.replace(shape, mixer=mixer)).parts
    ]


@st.cache_data(max_entries=64)
def cost_totals(shape: CostShape, quantity: Quantity) -> dict[str, int]:
    """The quantity of every mixer at the shape's own N."""
    return {
        mixer: int(getattr(cost_report(dataclasses.replace(shape, mixer=mixer)), quantity))
        for mixer in BLOCK_COSTS
    }


@st.cache_data(max_entries=64)
def cost_crossings(shape: CostShape, quantity: Quantity) -> dict[str, int | None]:
    """From which N on each mixer stays below attention; None if it never does up to 2^24."""
    rival = dataclasses.replace(shape, mixer="attention")
    return {
        mixer: crossover(dataclasses.replace(shape, mixer=mixer), rival, quantity).for_good
        for mixer in BLOCK_COSTS
        if mixer != "attention"
    }


@dataclass(frozen=True, slots=True)
class Wired:
    """A protocol at a length: what the pages on patterns show."""

    protocol: Protocol
    seq_len: int
    num_links: int

    @property
    def offsets(self) -> Offsets:
        """Link offsets of every factor."""
        return protocol_offsets(self.protocol, self.seq_len, self.num_links)


@st.cache_data(max_entries=32)
def reach(wired: Wired) -> ReachReport:
    """Which tokens reach which after how many factors."""
    return protocol_reach(wired.offsets, wired.seq_len)


@st.cache_data(max_entries=256)
def counts(wired: Wired) -> LinkCounts:
    """How many links there are."""
    return link_counts(wired.offsets, wired.seq_len)


@st.cache_data(max_entries=64)
def graph_of(wired: Wired) -> GraphMeasures:
    """Diameter, mean path and the rest of the protocol's graph, from networkx."""
    return ring_measures(protocol_graph(wired.offsets, wired.seq_len), wired.protocol.value.upper())


def task_titles() -> dict[str, str]:
    """Every task's title by its name, in the registry's order."""
    return {name: task.title for name, task in TASKS.items()}
