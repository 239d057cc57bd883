"""Error against the number of parameters: the line of low rank and the fits of sparse factors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from app.figures.drawing import go, literal
from app.figures.ranks import SYMBOLS, framed
from app.theme import ink


@dataclass(frozen=True)
class BudgetPoints:
    """The fits of one family."""

    name: str
    parameters: NDArray[np.generic]
    errors: NDArray[np.generic]
    notes: Sequence[str]
    meaning: str


def budgets_figure(
    low_rank: NDArray[np.float64], families: Sequence[BudgetPoints], *, dark: bool = False
) -> go.Figure:
    """`low_rank` holds the error of rank 0, 1, ..., N of an N x N matrix; rank r costs 2 N r."""
    side = len(low_rank) - 1
    pen = ink("attention")
    figure = go.Figure()
    figure.add_scatter(
        x=2 * side * np.arange(side + 1),
        y=low_rank,
        name="best low rank",
        mode="lines",
        showlegend=True,
        line={"color": pen.colour(dark), "width": 2.5, "dash": "dot"},
        text=[f"rank {rank}" for rank in range(side + 1)],
        hovertemplate="%{text}: %{y:.4f}<extra></extra>",
    )
    for order, family in enumerate(families):
        pen = ink(family.meaning)
        figure.add_scatter(
            x=family.parameters,
            y=family.errors,
            name=literal(family.name),
            mode="lines+markers",
            marker={"symbol": SYMBOLS[order], "size": 10},
            line={"color": pen.colour(dark), "width": 1},
            text=list(family.notes),
            hovertemplate="%{text}: %{y:.4f}<extra></extra>",
        )
    figure.add_vline(
        x=side * side,
        line={"color": "gray", "width": 1, "dash": "dot"},
        annotation={"text": "as many as entries", "font": {"size": 12}, "xanchor": "right"},
    )
    figure.update_xaxes(title="parameters", range=[0, 1.15 * side * side], tickformat=",d")
    figure.update_yaxes(title="relative error |A − B|F / |A|F", range=[0, 1.05])
    return framed(figure, "Who needs how many parameters")
