"""Plotly's figures, for all who draw them, and the text that is put into them.

Plotly asks which modules are loaded, and takes pandas for whole if it is among them. While the
script of another visitor was importing pandas, a figure could not be built. So it is whole first.
"""

import html
from importlib import import_module

from plotly import graph_objects as go

__all__ = ["go", "literal"]

import_module("pandas")  # Streamlit brings it, and loads it for the first chart that it shows


def literal(text: str) -> str:
    """Text that Plotly shows as it is: in titles, names and notes it reads some HTML.

    The braces of a hover template's `%{x}` are broken up too.

    >>> literal('<a href="x">%{y}</a>')
    '&lt;a href="x"&gt;%&#123;y}&lt;/a&gt;'
    """
    return html.escape(text, quote=False).replace("%{", "%&#123;")
