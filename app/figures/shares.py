"""Stacked shares of a whole over N."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go, literal
from app.theme import SPARE_INKS


@dataclass(frozen=True)
class Share:
    """A named part; `percent` at every N."""

    name: str
    percent: NDArray[np.float64]


PATTERNS = ("", "/", ".", "\\", "x", "-", "|", "+")


def shares_figure(
    shares: Sequence[Share],
    lengths: NDArray[np.int64],
    *,
    title: str,
    y_label: str,
    mark: int,
    dark: bool = False,
) -> go.Figure:
    """One bar per N, stacked to 100 %; patterns tell the parts apart without colour."""
    figure = go.Figure()
    names = [f"{length:,}" for length in lengths]
    for order, share in enumerate(shares):
        pen = SPARE_INKS[order % len(SPARE_INKS)]
        figure.add_bar(
            x=names,
            y=share.percent,
            name=literal(share.name),
            marker={
                "color": pen.colour(dark),
                "pattern": {
                    "shape": PATTERNS[order % len(PATTERNS)],
                    "fillmode": "overlay",
                    "fgopacity": 0.4,
                    "solidity": 0.25,
                },
            },
            hovertemplate=f"{literal(share.name)}: %{{y:.3g}} %<extra></extra>",
        )
    if f"{mark:,}" in names:
        figure.add_vline(x=names.index(f"{mark:,}"), line={"color": "gray", "dash": "dot"})
    figure.update_layout(
        barmode="stack",
        bargap=0.1,
        height=360,
        title={"text": literal(title), "font": {"size": 15}, "yref": "container", "y": 0.97},
        hovermode="x unified",
        margin={"l": 10, "r": 10, "t": 120, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.update_xaxes(title="Tokens N", type="category")
    figure.update_yaxes(title=literal(y_label), range=[0, 100])
    return figure
