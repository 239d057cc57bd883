"""The table of machines that one may not have, with where each figure is from."""

import streamlit as st

from paramixer_core.measure.accelerators import ACCELERATORS


def rows() -> list[dict[str, str]]:
    """One row a machine."""
    return [
        {
            "Machine": machine.name,
            "TFLOP/s": f"{machine.flops / 1e12:g}",
            "GB/s": f"{machine.bandwidth / 1e9:,.0f}",
            "GB": f"{machine.memory / 1e9:g}",
            "W": f"{machine.watts:g}",
            "Document": machine.source,
            "How it was read": machine.read,
        }
        for machine in ACCELERATORS.values()
    ]


def draw() -> None:
    """The table, one click away."""
    with st.expander("All machines of the table, and where their figures are from"):
        st.table(rows(), border="horizontal", hide_index=True)
        st.caption(
            "TFLOP/s in float32 outside of the tensor cores, which is how PyTorch multiplies "
            "float32 by default; bandwidth and size of the memory; the board's power limit. All "
            "are peaks that the maker states."
        )
