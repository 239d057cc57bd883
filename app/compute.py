"""The cached border between the lessons on patterns and the core; light: it needs no torch."""

from dataclasses import dataclass

import streamlit as st

from paramixer_core.analysis.reach import LinkCounts, ReachReport, link_counts, protocol_reach
from paramixer_core.protocols import Offsets, Protocol, protocol_offsets


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
