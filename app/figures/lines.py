"""Still curves: one line per mixer over N or over an index, in the mixers' fixed inks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go, literal
from app.theme import ink


@dataclass(frozen=True)
class Curve:
    """A named curve, or with `points` the points alone; `meaning` picks its ink, e.g. "chord"."""

    name: str
    x: NDArray[np.generic]
    y: NDArray[np.generic]
    meaning: str = ""
    points: bool = False


@dataclass(frozen=True)
class Mark:
    """A vertical line at `x` with a short text."""

    x: float
    text: str


def curves_figure(
    curves: Sequence[Curve],
    *,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    marks: Sequence[Mark] = (),
    dark: bool = False,
) -> go.Figure:
    """Curves with their legend above, exact values on hover and vertical marks."""
    figure = go.Figure()
    for order, curve in enumerate(curves):
        pen = ink(curve.meaning, order)
        figure.add_scatter(
            x=curve.x,
            y=curve.y,
            name=literal(curve.name),
            mode="markers" if curve.points else "lines",
            marker={"size": 9, "color": pen.colour(dark)},
            line={
                "color": pen.colour(dark),
                "width": 2.5,
                "dash": pen.plotly_dash,
            },
            hovertemplate=f"{literal(curve.name)}: %{{y:,.6~g}}<extra></extra>",
        )
    for mark in marks:
        figure.add_vline(x=mark.x, line={"color": "gray", "width": 1, "dash": "dot"})
        # Plotly places annotations, unlike lines, by the logarithm on a log axis.
        figure.add_annotation(
            x=np.log10(mark.x) if log_x else mark.x,
            y=1,
            yref="paper",
            text=mark.text,
            font={"size": 12},
            showarrow=False,
            xanchor="left",
            yanchor="top",
        )
    figure.update_xaxes(title=literal(x_label), type="log" if log_x else "linear", showgrid=True)
    figure.update_yaxes(
        title=literal(y_label), type="log" if log_y else "linear", exponentformat="SI"
    )
    if log_x and curves:
        ticks = [int(x) for x in curves[0].x if int(x) & (int(x) - 1) == 0]
        figure.update_xaxes(tickvals=ticks[:: max(1, len(ticks) // 8)], tickformat=",d")
    figure.update_layout(
        height=380,
        hovermode="x unified",
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.08, "yanchor": "bottom", "x": 0},
    )
    return figure
