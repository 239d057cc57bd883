"""Still figures of ranks: spreads over seeds, runs as points, eigenvalues around the ring."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go, literal
from app.theme import ink


@dataclass(frozen=True)
class Spread:
    """A curve with the range around it; `meaning` picks its ink."""

    name: str
    x: NDArray[np.generic]
    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    meaning: str = ""


@dataclass(frozen=True)
class Points:
    """Runs of one kind as points; `notes` are what hovering says, `widths` make them larger."""

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    notes: Sequence[str]
    meaning: str = ""
    widths: NDArray[np.generic] | None = None


SYMBOLS = ("circle", "diamond", "square", "triangle-up", "cross", "x", "star", "hexagon")


def spreads_figure(
    spreads: Sequence[Spread],
    *,
    x_label: str,
    y_label: str,
    title: str,
    bound: tuple[NDArray[np.generic], NDArray[np.generic], str] | None = None,
    dark: bool = False,
) -> go.Figure:
    """Means with bars from the smallest to the largest, both axes logarithmic.

    `bound`, (x, y, name), is drawn as a dotted line: what a curve cannot exceed.
    """
    figure = go.Figure()
    for order, spread in enumerate(spreads):
        pen = ink(spread.meaning, order)
        figure.add_scatter(
            x=spread.x,
            y=spread.mean,
            error_y={
                "type": "data",
                "symmetric": False,
                "array": spread.high - spread.mean,
                "arrayminus": spread.mean - spread.low,
                "thickness": 1,
            },
            name=literal(spread.name),
            mode="lines+markers",
            marker={"symbol": SYMBOLS[order % len(SYMBOLS)], "size": 8},
            line={
                "color": pen.colour(dark),
                "width": 2,
                "dash": pen.plotly_dash,
            },
            hovertemplate="%{y:.4g}<extra></extra>",
        )
    if bound is not None:
        figure.add_scatter(
            x=bound[0],
            y=bound[1],
            name=bound[2],
            mode="lines",
            line={"color": "gray", "width": 1.5, "dash": "dot"},
            hovertemplate="%{y:.4g}<extra></extra>",
        )
    ticks = spreads[0].x if spreads else np.array([1])
    figure.update_xaxes(title=literal(x_label), type="log", tickvals=ticks, tickformat=",d")
    figure.update_yaxes(title=literal(y_label), type="log")
    return framed(figure, title)


def points_figure(
    groups: Sequence[Points], *, x_label: str, y_label: str, title: str, dark: bool = False
) -> go.Figure:
    """One point a run, a symbol and an ink per kind; nothing is fitted through them."""
    figure = go.Figure()
    for order, group in enumerate(groups):
        pen = ink(group.meaning, order)
        figure.add_scatter(
            x=group.x,
            y=group.y,
            name=literal(group.name),
            mode="markers",
            marker={
                "symbol": SYMBOLS[order % len(SYMBOLS)],
                "size": 12 if group.widths is None else 5 + 2.5 * np.log2(1 + group.widths),
                "opacity": 0.8,
                "color": pen.colour(dark),
                "line": {"width": 1, "color": "white" if not dark else "black"},
            },
            text=[literal(note) for note in group.notes],
            hovertemplate="%{text}<br>rank %{x:.4g}, accuracy %{y:.2%}<extra></extra>",
        )
    figure.update_xaxes(title=literal(x_label), rangemode="tozero")
    figure.update_yaxes(title=literal(y_label), tickformat=".0%", range=[-0.03, 1.05])
    framed(figure, title)
    return figure.update_layout(hovermode="closest")


def waves_figure(
    sizes: Sequence[tuple[str, NDArray[np.float64], str]], *, title: str, dark: bool = False
) -> go.Figure:
    """|eigenvalue| of each wave around the ring, a line per (name, sizes, ink)."""
    figure = go.Figure()
    for order, (name, values, meaning) in enumerate(sizes):
        pen = ink(meaning, order)
        figure.add_scatter(
            x=np.arange(len(values)),
            y=values,
            name=literal(name),
            mode="lines+markers",
            marker={"size": 7, "symbol": SYMBOLS[order]},
            line={"color": pen.colour(dark), "width": 1.5},
            hovertemplate="wave %{x}: %{y:.4g}<extra></extra>",
        )
    figure.update_xaxes(title="wave j: turns around the ring")
    figure.update_yaxes(title="size of the eigenvalue |λ_j|", rangemode="tozero")
    return framed(figure, title)


def framed(figure: go.Figure, title: str) -> go.Figure:
    """The frame that all of these share."""
    return figure.update_layout(
        title={"text": literal(title), "font": {"size": 15}, "x": 0, "xanchor": "left", "y": 0.98},
        height=400,
        hovermode="x unified",
        margin={"l": 10, "r": 10, "t": 90, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
    )
