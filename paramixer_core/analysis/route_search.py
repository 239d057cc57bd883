"""The strongest routes behind one entry of the product, found without trying all of them."""

import heapq
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, Shaped
from scipy.sparse import csr_array

from paramixer_core.analysis.supports import Factors


@dataclass(frozen=True, slots=True)
class Route:
    """One route: `tokens` from row i to column j (M + 1 of them), `weights` of factor M to 1.

    Where every factor adds V_0, a route may enter after the first `waited` factors: until then
    its token is the column and its weights are 1.
    """

    tokens: tuple[int, ...]
    weights: tuple[float, ...]
    value: float
    waited: int = 0


class Layer(NamedTuple):
    """The edges of one factor, row by row: `rows[e]` reads `columns[e]` with `weights[e]`."""

    rows: Int[np.ndarray, " edges"]
    columns: Int[np.ndarray, " edges"]
    weights: Shaped[np.ndarray, " edges"]


def edges_of(factor: csr_array) -> Layer:
    """The stored places of a factor; every one is an edge, whatever it weighs."""
    rows = np.repeat(np.arange(factor.shape[0]), np.diff(factor.indptr))
    return Layer(rows, factor.indices, factor.data.astype(np.float64))


def strongest_routes(
    factors: Factors,
    layers: tuple[Layer, ...],
    row: int,
    column: int,
    count: int,
    *,
    first: bool = False,
) -> tuple[Route, ...]:
    """The `count` routes of largest absolute value, exactly, largest first.

    Best-first search from the row down. What is still to come is known exactly beforehand,
    best_m[t] = max over edges of |A_m[t, u]| best_{m-1}[u], so each listed route costs M steps.
    With `first` a route may also enter after any factor, which is worth 1 at the column.
    """
    unreachable = -1.0
    best = [np.full(factors[0].shape[0], unreachable)]
    best[0][column] = 1.0
    for layer in layers:
        ahead = best[-1][layer.columns]
        values = np.where(ahead < 0, unreachable, np.abs(layer.weights) * ahead)
        best.append(np.full(len(best[0]), unreachable))
        np.maximum.at(best[-1], layer.rows, values)
        if first:
            best[-1][column] = max(best[-1][column], 1.0)
    found: list[Route] = []
    # (minus the bound, layers to go, order of arrival, value so far, tokens, weights, waited)
    queue: list[tuple[float, int, int, float, tuple[int, ...], tuple[float, ...], int]] = []
    if best[-1][row] >= 0:
        queue.append((-float(best[-1][row]), len(factors), 0, 1.0, (row,), (), 0))
    arrivals = 0
    while queue and len(found) < count:
        _, to_go, _, value, tokens, weights, waited = heapq.heappop(queue)
        if to_go == 0:
            found.append(Route(tokens, weights, value, waited))
            continue
        if first and tokens[-1] == column:
            arrivals += 1
            whole = tokens + (column,) * to_go, weights + (1.0,) * to_go
            heapq.heappush(queue, (-abs(value), 0, arrivals, value, *whole, to_go))
        factor, bounds = factors[to_go - 1], best[to_go - 1]
        edges = slice(*factor.indptr[tokens[-1] : tokens[-1] + 2])
        for token, weight in zip(
            factor.indices[edges].tolist(), factor.data[edges].tolist(), strict=True
        ):
            if bounds[token] >= 0:
                arrivals += 1
                bound = abs(value * weight) * float(bounds[token])
                reached = (*tokens, token), (*weights, weight)
                heapq.heappush(queue, (-bound, to_go - 1, arrivals, value * weight, *reached, 0))
    return tuple(found)
