"""The story of the patterns: its parts, their settings, and what the core says, cached."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app import controls
from app.compute import Wired
from app.guarded import said
from app.quantities import fixed
from paramixer_core.analysis.counts import PatternCount, pattern_counts
from paramixer_core.analysis.graphs import GraphMeasures, compare_graphs, ring_diameter
from paramixer_core.analysis.patterns import pattern_costs
from paramixer_core.analysis.reach import ring_fill, ring_steps
from paramixer_core.config import MAX_SEQ_LEN
from paramixer_core.protocols import Protocol, num_factors, protocol_graph, protocol_offsets

MOST_TOKENS = 1024
LONGEST_RING = 16_384
MOST_COMPARED = 256
MOST_MEASURED = 65  # links a token: networkx measures 1,024 tokens with so many in seconds
FEWEST_LINKS = 3
CROWDED_LINKS = 33
TITLES = {Protocol.CHORD: "CHORD", Protocol.CDIL: "CDIL"}


@dataclass(frozen=True)
class Part:
    """A step of the story: its name in the link, its button, its heading, what it lets change."""

    name: str
    button: str
    title: str
    pattern: bool = False
    links: bool = False
    most_tokens: int = MOST_TOKENS
    most_links: int = MAX_SEQ_LEN
    protocol: Protocol = Protocol.CHORD


PARTS = (
    Part("attention", "1 Attention", "Attention links every token to every other"),
    Part(
        "factor", "2 One factor", "One CHORD factor: a few links a token", most_tokens=LONGEST_RING,
    ),
    Part("product", "3 The product", "The product of m factors fills up", pattern=True),
    Part(
        "cdil", "4 CDIL", "CDIL: nearer links first, as many as you like", links=True,
        protocol=Protocol.CDIL, most_tokens=LONGEST_RING,
    ),
    Part("count", "5 The count", "The exact count", links=True, most_tokens=MAX_SEQ_LEN),
    Part(
        "graph", "6 The graph", "The same links as one graph", pattern=True,
        most_links=MOST_MEASURED,
    ),
    Part(
        "compare", "7 Beside others", "Beside the patterns of others", links=True,
        most_tokens=MOST_COMPARED,
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """How a pattern spreads: what one frame of the comparison shows."""

    name: str
    summary: str
    source: str
    steps: NDArray[np.int16]
    fill: tuple[float, ...]
    nonzeros: int
    full_after: int | None


def choose_part() -> Part:
    """The step of the story that the reader is at."""
    by_name = {part.name: part for part in PARTS}
    name = controls.choice(
        "Steps of the story",
        "part",
        list(by_name),
        default=PARTS[0].name,
        titles={part.name: part.button for part in PARTS},
        row=True,
    )
    return by_name[name]


def choose_wired(part: Part) -> Wired:
    """The pattern, N and K, as far as this part lets them change."""
    protocol = part.protocol
    if part.pattern:
        protocol = controls.choice(
            "Pattern",
            "protocol",
            list(Protocol),
            default=Protocol.CHORD,
            titles=TITLES,
            tip="CHORD reaches 1, 2, 4, 8 ... ahead in every factor. CDIL reaches to both sides, "
            "twice as far in each next factor.",
            row=True,
        )
    seq_len = controls.whole_number(
        "Tokens N", "n", low=2, high=part.most_tokens, default=16, tip="Any number, prime or not."
    )
    num_links = FEWEST_LINKS
    if part.links or (part.pattern and protocol is Protocol.CDIL):
        num_links = choose_links(
            most_links(seq_len, part.most_links if seq_len <= MOST_TOKENS else MOST_MEASURED)
        )
    return Wired(protocol, seq_len, num_links)


def choose_links(most: int) -> int:
    """K of CDIL."""
    return controls.odd_number(
        "CDIL links a token K",
        "k",
        low=FEWEST_LINKS,
        high=most,
        default=FEWEST_LINKS,
        tip=f"Odd: the token itself and as many to each side, up to {most:,} here. The figure of "
        "the paper has 3, its code 9.",
    )


def most_links(seq_len: int, limit: int) -> int:
    """The largest odd K that a ring of N tokens has room for, and at most `limit`.

    On a short ring a few more are offered, to see links coincide.

    >>> [most_links(seq_len, 200) for seq_len in (2, 35, 128, 500)]
    [33, 35, 127, 199]
    """
    return (min(max(seq_len, CROWDED_LINKS), limit) + 1) // 2 * 2 - 1


def facts(wired: Wired) -> list[str]:
    """What always holds for these settings."""
    factors = num_factors(wired.seq_len)
    return [f"M = ⌈log₂ {wired.seq_len:,}⌉ = {factors} factor{'s' * (factors > 1)}"]


def turn_pages(part: Part) -> None:
    """Buttons to the step before and the step after."""
    place = PARTS.index(part)
    with st.container(horizontal=True, horizontal_alignment="distribute"):
        if place:
            turn_to(PARTS[place - 1], f"Back: {PARTS[place - 1].button}", "back")
        if place + 1 < len(PARTS):
            turn_to(PARTS[place + 1], f"Next: {PARTS[place + 1].button}", "next")


def turn_to(part: Part, label: str, key: str) -> None:
    """A button to a step."""

    def go() -> None:
        st.session_state["part"] = part.name

    icon = ":material/arrow_forward:" if key == "next" else ":material/arrow_back:"
    st.button(
        label,
        key=f"turn-{key}",
        on_click=said(go),
        icon=icon,
        type="primary" if key == "next" else "secondary",
    )


@st.cache_data(max_entries=64, show_spinner=False)
def steps(wired: Wired) -> NDArray[np.int16]:
    """After how many factors row i reads column (i + d) mod N, for each distance d."""
    return ring_steps(wired.offsets, wired.seq_len)


@st.cache_data(max_entries=64, show_spinner=False)
def fill(wired: Wired) -> tuple[float, ...]:
    """The percentage of pairs that the first m factors link, m = 0..M."""
    return ring_fill(wired.offsets, wired.seq_len)


@st.cache_data(max_entries=64, show_spinner=False)
def counts(seq_len: int, num_links: int) -> tuple[PatternCount, ...]:
    """Attention's, CHORD's and CDIL's links."""
    return pattern_counts(seq_len, num_links)


@st.cache_data(max_entries=32, show_spinner=False)
def count_curves(num_links: int) -> dict[str, tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """By name, N = 2, 4 .. 2^17 and the links at each."""
    lengths = [2**exponent for exponent in range(1, 18)]
    table = [pattern_counts(length, num_links) for length in lengths]
    return {
        column[0].name: (np.array(lengths), np.array([float(count.total) for count in column]))
        for column in zip(*table, strict=True)
    }


@st.cache_data(max_entries=64, show_spinner="Measuring the graphs ...")
def measures(wired: Wired) -> Sequence[GraphMeasures]:
    """The pattern's graph beside a ring lattice, a random regular and a complete graph."""
    graph = protocol_graph(wired.offsets, wired.seq_len)
    return compare_graphs(graph, TITLES[wired.protocol], ring=True)


@st.cache_data(max_entries=64, show_spinner=False)
def diameters(wired: Wired) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """N = 8, 16 .. 1024 and the diameter of the pattern's graph at each."""
    lengths = np.array([2**exponent for exponent in range(3, 11)])
    found = []
    for length in lengths.tolist():
        at = replace(wired, seq_len=length)
        found.append(ring_diameter(at.offsets, length))
    return lengths, np.array(found)


@st.cache_data(max_entries=16, show_spinner="Following six patterns ...")
def looks(seq_len: int, num_links: int) -> list[Look]:
    """CHORD, CDIL, sliding window, strided, BigBird-like, butterfly: reach and cost."""
    return [
        Look(
            cost.pattern.name,
            cost.pattern.summary,
            cost.pattern.source,
            cost.reach.steps,
            cost.reach.fill,
            cost.nonzeros,
            cost.reach.full_after,
        )
        for cost in pattern_costs(seq_len, num_links=num_links)
    ]


def reaches(wired: Wired, factor: int) -> str:
    """What a token reads in a factor, as places on the ring counted from itself."""
    offsets = protocol_offsets(wired.protocol, wired.seq_len, wired.num_links)[factor - 1]
    half = wired.seq_len // 2
    around = sorted({(offset + half) % wired.seq_len - half for offset in offsets}, key=abs)
    named = [fixed(place, 0, sign=True) if place else "itself" for place in around]
    return ", ".join(named if len(named) <= 20 else [*named[:16], "...", *named[-2:]])
