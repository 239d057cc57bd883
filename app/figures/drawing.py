"""Plotly's figures, for all who draw them.

Plotly asks which modules are loaded, and takes pandas for whole if it is among them. While the
script of another visitor was importing pandas, a figure could not be built. So it is whole first.
"""

from importlib import import_module

from plotly import graph_objects as go

__all__ = ["go"]

import_module("pandas")  # Streamlit brings it, and loads it for the first chart that it shows
