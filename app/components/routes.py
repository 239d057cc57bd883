"""The routes behind one entry: a layered graph, token by factor, and the list of the strongest."""

from typing import Any

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from app.components.client import mount_code, mount_view
from app.components.payload import pack
from app.theme import INKS
from paramixer_core.analysis.routes import RouteReport

DRAWN_PER_FACTOR = 300
"""Links drawn of each factor, at most: the strongest."""


def routes_payload(report: RouteReport, seq_len: int, texts: dict[str, Any]) -> bytes:
    """The strongest links of each factor as arrays; the listed routes in the header."""
    arrays: dict[str, NDArray[Any]] = {}
    factors = []
    for place, links in enumerate(report.links):
        at = links.strongest(DRAWN_PER_FACTOR)
        arrays[f"rows{place}"] = links.rows[at].astype(np.uint16)
        arrays[f"columns{place}"] = links.columns[at].astype(np.uint16)
        arrays[f"weights{place}"] = links.weights[at].astype(np.float32)
        arrays[f"totals{place}"] = links.totals[at].astype(np.float32)
        arrays[f"through{place}"] = np.array(
            [float(links.routes[link]) for link in at.tolist()], dtype=np.float32
        )
        factors.append({"count": len(at)})
    header = {
        **texts,
        "view": "routes",
        "seqLen": seq_len,
        "layers": len(report.links),
        "row": report.row,
        "column": report.column,
        "factors": factors,
        "drawn": sum(factor["count"] for factor in factors),
        "used": sum(len(links.rows) for links in report.links),
        "routes": [
            {
                "tokens": route.tokens,
                "weights": route.weights,
                "value": route.value,
                "waited": route.waited,
            }
            for route in report.strongest
        ],
        "inks": {
            name: [INKS[name].light, INKS[name].dark]
            for name in ("positive", "negative", "selection")
        },
    }
    return pack(header, arrays)


def routes_view(
    report: RouteReport, seq_len: int, *, title: str, key: str, caption: str = "", group: str = ""
) -> None:
    """Draw the routes of an entry from the token read (left) to its reader (right).

    Every line is a link with the sum of all routes over it; of a long ring only the strongest are
    drawn, and the view says so. Pointing at a line, or at a route in the list, shows its numbers
    and lights up the other, and its tokens in the matrices of the same `group`; a cell that is
    pointed at there lights up its link (of a factor's matrix) or its two tokens (of the product's).
    """
    texts = {"key": key, "title": title, "caption": caption, "group": group}
    with st.container(gap=None):
        mount_view(key, routes_payload(report, seq_len, texts))
        mount_code()
