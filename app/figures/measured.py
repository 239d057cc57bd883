"""Measured points on log-log axes: medians with quartile bars, fitted lines, what ran out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go, literal
from app.theme import ink

SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "star", "hexagon", "pentagon")


ABOVE = 1.5
"""How much higher each further cross of the same N stands."""

DECADES = 100
"""Where values span less than this, 2 and 5 are ticks beside 1: a decade may lie outside."""


@dataclass(frozen=True)
class Measured:
    """A mixer's medians and quartiles at rising N, and its fitted line (two points) if there is
    one. `faint` lines belong to the set that is shown beside."""

    name: str
    x: NDArray[np.int64]
    middle: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    meaning: str
    fit: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
    faint: bool = False


@dataclass(frozen=True)
class Beyond:
    """A point that could not be measured: where, for whom, why."""

    name: str
    x: int
    why: str
    meaning: str


def measured_figure(
    lines: Sequence[Measured],
    beyond: Sequence[Beyond],
    *,
    title: str,
    y_label: str,
    notes: Sequence[str],
    unit: str,
    dark: bool = False,
) -> go.Figure:
    """Points with bars, fits as wide faint lines; what ran out is a cross at the upper edge, those
    of one N above each other.

    `notes` stand below: what was timed, on which machine, when.
    """
    figure = go.Figure()
    for order, line in enumerate(lines):
        pen = ink(line.meaning, order)
        colour = pen.colour(dark)
        dash = pen.plotly_dash
        figure.add_scatter(
            x=line.x,
            y=line.middle,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": line.high - line.middle,
                "arrayminus": line.middle - line.low,
                "thickness": 1.5,
            },
            name=literal(line.name),
            mode="lines+markers",
            opacity=0.45 if line.faint else 1,
            marker={
                "symbol": SYMBOLS[order % len(SYMBOLS)] + ("-open" if line.faint else ""),
                "size": 8,
            },
            line={"color": colour, "width": 1.5, "dash": dash},
            hovertemplate=f"{literal(line.name)}: %{{y:.4~s}}{unit}<extra></extra>",
        )
        if line.fit is not None:
            figure.add_scatter(
                x=line.fit[0],
                y=line.fit[1],
                mode="lines",
                line={"color": colour, "width": 5},
                opacity=0.25,
                hoverinfo="skip",
                showlegend=False,
            )
    top = max((float(line.high.max()) for line in lines if len(line.x)), default=1.0)
    for order, point in enumerate(beyond):
        pen = ink(point.meaning, order)
        below = sum(earlier.x == point.x for earlier in beyond[:order])
        figure.add_scatter(
            x=[point.x],
            y=[2 * top * ABOVE**below],
            mode="markers",
            marker={
                "symbol": "x",
                "size": 12,
                "color": pen.colour(dark),
            },
            name=literal(f"{point.name}: {point.why}"),
            hovertemplate=literal(f"{point.name}, N = {point.x:,}: {point.why}")
            + "<extra></extra>",
        )
    ticks = sorted({int(x) for line in lines for x in line.x} | {point.x for point in beyond})
    figure.update_xaxes(
        title="Tokens N (log scale)",
        type="log",
        tickvals=ticks[:: max(1, len(ticks) // 8)],
        tickformat=",d",
        showgrid=True,
    )
    least = min((float(line.low.min()) for line in lines if len(line.x)), default=top)
    if top < DECADES * least:
        low, high = int(np.floor(np.log10(least))), int(np.ceil(np.log10(top))) + 1
        steps = [m * 10.0**power for power in range(low, high) for m in (1, 2, 5)]
        # Plotly leaves the suffix out where ticks are set, so they are written here.
        figure.update_yaxes(tickvals=steps, ticktext=[with_unit(at, unit) for at in steps])
    else:
        figure.update_yaxes(dtick=1)
    figure.update_yaxes(
        title=literal(f"{y_label} (log scale)"), type="log", tickformat="~s", ticksuffix=unit
    )
    figure.update_layout(
        height=440 + 16 * len(notes),
        hovermode="x unified",
        title={"text": literal(title), "font": {"size": 15}, "yref": "container", "y": 0.98},
        margin={"l": 10, "r": 10, "t": 90, "b": 90 + 16 * len(notes)},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
    figure.add_annotation(
        text="<br>".join(map(literal, notes)),
        xref="paper",
        yref="paper",
        x=0,
        y=0,
        yshift=-70,
        yanchor="top",
        align="left",
        showarrow=False,
        font={"size": 11, "color": "gray"},
        xanchor="left",
    )
    return figure


def with_unit(value: float, unit: str) -> str:
    """A positive number of a unit with the prefix that fits.

    >>> with_unit(0.02, "s"), with_unit(5e-6, "s"), with_unit(2e8, "B"), with_unit(1, "s")
    ('20ms', '5µs', '200MB', '1s')
    """
    power = min(4, max(-4, math.floor(math.log10(value) / 3 + 1e-9)))
    prefix = ("p", "n", "µ", "m", "", "k", "M", "G", "T")[power + 4]
    return f"{value / 1000.0**power:.3g}{prefix}{unit}"
