"""Which classes are taken for which, and how far off answers are that are numbers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go
from app.theme import INKS, Scale, colour_table

MAX_WRITTEN = 16
"""Classes up to which every cell says its count and its share."""

HEIGHT_OF_FRAME = 220
BINS = 61


def confusion_figure(
    counts: NDArray[np.float64],
    shares: NDArray[np.float64],
    classes: Sequence[str],
    *,
    title: str,
    subject: str = "",
    deviations: NDArray[np.float64] | None = None,
    dark: bool = False,
) -> go.Figure:
    """A row per true class, a column per answer. Colours are shares of the row, 0 to 100 %.

    `deviations` are those of the counts over seeds, of which `counts` are then the means.
    """
    table = colour_table(Scale.SEQUENTIAL, dark=dark)
    marks = np.linspace(0, len(table) - 1, 9).round().astype(int)
    colours = [[i / 8, "rgb({},{},{})".format(*table[mark])] for i, mark in enumerate(marks)]
    names = [_short(name) for name in classes]
    places = list(range(len(names)))
    written = len(names) <= MAX_WRITTEN
    offs = _deviations(counts, deviations)
    told = [
        [
            f"true {true}, answered {answered}: {_count(count)}{off} ({share:.1%} of the row)"
            for answered, count, off, share in zip(classes, *cells, strict=True)
        ]
        for true, *cells in zip(classes, counts, offs, shares, strict=True)
    ]
    figure = go.Figure(
        go.Heatmap(
            z=100 * shares,
            x=places,
            y=places,
            customdata=counts,
            zmin=0,
            zmax=100,
            colorscale=colours,
            xgap=1,
            ygap=1,
            text=told,
            hovertemplate="%{text}<extra></extra>",
            colorbar={
                "title": {"text": "share of the row, %", "side": "top"},
                "orientation": "h",
                "thickness": 10,
                "y": -0.22,
                "yanchor": "top",
            },
        )
    )
    if written:
        for i, row in enumerate(counts):
            for j, count in enumerate(row):
                if count:
                    strong = shares[i, j] > 0.5
                    off = offs[i][j].replace(" ", "<br>", 1)
                    figure.add_annotation(
                        x=j,
                        y=i,
                        text=f"{_count(count)}{off}<br>{shares[i, j]:.0%}",
                        showarrow=False,
                        font={
                            "size": 13 if len(names) <= 6 else 9,
                            "color": "#ffffff" if strong != dark else "#14171c",
                        },
                    )
    side = min(46 * len(names), 480) if len(names) > 4 else 70 * len(names)
    ticks = {"tickmode": "array", "tickvals": places, "ticktext": names, "showgrid": False}
    figure.update_layout(
        title={"text": f"{title}<br><sub>{subject}</sub>", "font": {"size": 15}},
        height=max(260, side + HEIGHT_OF_FRAME),
        margin={"l": 10, "r": 10, "t": 64, "b": 10},
        plot_bgcolor="rgba(128, 128, 128, 0.3)",  # seen in the gaps between cells
    )
    figure.update_xaxes(title="answered", **(ticks if written else {}), zeroline=False)
    figure.update_yaxes(
        title="true class", autorange="reversed", **(ticks if written else {}), zeroline=False
    )
    return figure


def errors_figure(
    errors: NDArray[np.float64],
    baseline: NDArray[np.float64],
    tolerance: float,
    *,
    title: str,
    ink: str,
    dark: bool = False,
) -> go.Figure:
    """How far off the answers are, beside those of always answering the mean."""
    most = max(float(np.abs(np.concatenate([errors, baseline])).max()), tolerance)
    edges = np.linspace(-most, most, BINS + 1)
    centres = (edges[1:] + edges[:-1]) / 2
    figure = go.Figure()
    figure.add_vrect(
        x0=-tolerance,
        x1=tolerance,
        fillcolor=INKS["neutral"].colour(dark),
        opacity=0.18,
        line_width=0,
        annotation_text=f"within ±{tolerance:g}: right",
        annotation_position="top",
    )
    for values, name, meaning, dash in (
        (baseline, "always the mean", "neutral", "dot"),
        (errors, "this model", ink, "solid"),
    ):
        heights = 100 * np.histogram(values, edges)[0] / len(values)
        colour = INKS.get(meaning, INKS["neutral"]).colour(dark)
        figure.add_scatter(
            x=centres,
            y=heights,
            name=name,
            mode="lines",
            line={"shape": "hvh", "color": colour, "dash": dash, "width": 2},
            hovertemplate=f"{name}: %{{y:.1f}} % near %{{x:.3g}}<extra></extra>",
        )
    figure.update_layout(
        title={"text": title, "font": {"size": 15}},
        height=320,
        margin={"l": 10, "r": 10, "t": 70, "b": 10},
        legend={"orientation": "h", "y": 1.14, "yanchor": "bottom", "x": 1, "xanchor": "right"},
    )
    figure.update_xaxes(title="answer − target")
    figure.update_yaxes(title="% of the test set", rangemode="tozero")
    return figure


def _count(count: float) -> str:
    """A count, or a mean of counts with one digit after the point."""
    return f"{count:,.0f}" if count == int(count) else f"{count:,.1f}"


def _deviations(
    counts: NDArray[np.float64], deviations: NDArray[np.float64] | None
) -> list[list[str]]:
    """What stands behind every count: its deviation, where there is one."""
    if deviations is None:
        return [[""] * len(row) for row in counts]
    return [[f" ± {value:,.1f}" for value in row] for row in deviations]


def _short(name: str) -> str:
    return name if len(name) <= 14 else f"{name[:13]}…"
