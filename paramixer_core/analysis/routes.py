"""The routes behind one entry of the product: counted, added up link by link, the strongest listed.

A route of entry (i, j) is a chain i = t_M -> t_{M-1} -> ... -> t_0 = j that uses one edge of each
factor, factor M first; its value is the product of the edges' weights, and the entry is the sum
over all routes. There are too many to list (25 million per entry for CHORD at N = 1024), but the
sums through each edge need only the row e_i A_M ... A_{m+1} and the column A_{m-1} ... A_1 e_j.

Where every factor adds V_0 (`first`), a route may also enter after any factor: it waits at j until
then, and uses the edges of the later factors alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

from paramixer_core.analysis.arrays import Numbers, float64_array
from paramixer_core.analysis.route_search import Layer, Route, edges_of, strongest_routes
from paramixer_core.analysis.supports import Factors, ring_factors
from paramixer_core.config import Residual
from paramixer_core.errors import ParamixerError

MAX_LISTED = 1000


@dataclass(frozen=True, slots=True, eq=False)
class LinkTotals:
    """Of one factor, every edge that some route uses: `totals` is the sum of those routes.

    The totals of one factor add up to the entry, whichever the factor; `routes` counts them.
    `waiting` is the sum of the routes that enter only after this factor and use none of its edges
    (0 unless every factor adds V_0).
    """

    factor: int
    rows: Int[np.ndarray, " edges"]
    columns: Int[np.ndarray, " edges"]
    weights: Float[np.ndarray, " edges"]
    totals: Float[np.ndarray, " edges"]
    routes: tuple[int, ...]
    waiting: float = 0.0

    @property
    def total(self) -> float:
        """The sum of all totals and of what still waits: entry - direct."""
        return float(self.totals.sum()) + self.waiting

    def strongest(self, count: int) -> Int[np.ndarray, " places"]:
        """Where the `count` links of largest absolute total are, largest first."""
        order: np.ndarray = np.argsort(-np.abs(self.totals), kind="stable")
        return order[:count]


@dataclass(frozen=True, slots=True, eq=False)
class RouteReport:
    """Entry (row, column) of the product taken apart; all numbers are float64.

    entry = `direct` + sum over routes = `direct` + sum of `strongest` + `remainder`. `direct` is 1
    on the diagonal when the residual goes around the block, else 0. `absolute` adds up the routes'
    absolute values; `cancellation` is 1 - |sum of routes| / `absolute`: 0 when all routes
    agree in sign, 1 when they cancel out. `count` includes routes over edges that weigh 0.
    """

    row: int
    column: int
    entry: float
    direct: float
    count: int
    absolute: float
    cancellation: float
    strongest: tuple[Route, ...]
    remainder: float
    links: tuple[LinkTotals, ...]

    @property
    def listed(self) -> float:
        """The sum of `strongest`: entry = direct + listed + remainder."""
        return sum(route.value for route in self.strongest)


def trace_routes(
    weights: Numbers,
    offsets: Sequence[Sequence[int]],
    row: int,
    column: int,
    *,
    residual: Residual = Residual.PER_FACTOR,
    strongest: int = 10,
) -> RouteReport:
    """Take entry (row, column) of a block's operator apart; tokens are counted from 0.

    `weights` (M, N, K), tensor or array, are one example's link weights. Time and memory O(N M K).
    Raises ParamixerError for a token that does not exist or weights that are not finite.
    """
    kind = Residual(residual)
    factors = ring_factors(float64_array(weights), offsets, residual=kind is Residual.PER_FACTOR)
    return trace_factors(factors, row, column, strongest=strongest, residual=kind)


def trace_factors(
    factors: Factors,
    row: int,
    column: int,
    *,
    strongest: int = 10,
    residual: Residual = Residual.NONE,
) -> RouteReport:
    """The same for any sparse factors, the one applied first at place 0.

    With a residual per factor these are I + W_m; with the others, W_m.
    """
    first = residual is Residual.FIRST
    direct = float(row == column and residual is Residual.AROUND_BLOCK)
    seq_len = factors[0].shape[0]
    for name, token in (("row", row), ("column", column)):
        if not 0 <= token < seq_len:
            raise ParamixerError(f"a {name} from 0 to {seq_len - 1}", token, "choose one of them")
    if not 0 <= strongest <= MAX_LISTED:
        raise ParamixerError(f"0 to {MAX_LISTED} listed routes", strongest, "ask for fewer")
    if not all(np.isfinite(factor.data).all() for factor in factors):
        raise ParamixerError("finite weights", "NaN or infinity", "pick an earlier snapshot")
    layers = tuple(edges_of(factor) for factor in factors)
    signed = both_ways(layers, row, column, seq_len, first)
    sizes = both_ways(with_weights(layers, np.abs), row, column, seq_len, first)
    absolute = float(sizes.suffixes[-1][row])
    ones = with_weights(layers, counter(factors, first))
    counted = both_ways(ones, row, column, seq_len, first)
    total = float(signed.suffixes[-1][row])
    listed = strongest_routes(factors, layers, row, column, strongest, first=first)
    return RouteReport(
        row=row,
        column=column,
        entry=total + direct,
        direct=direct,
        count=int(counted.suffixes[-1][row]),
        absolute=absolute,
        cancellation=1 - min(abs(total) / absolute, 1.0) if absolute else 0.0,
        strongest=listed,
        remainder=total - sum(route.value for route in listed),
        links=tuple(
            link_totals(place, layer, signed, counted, column if first else None)
            for place, layer in enumerate(layers)
        ),
    )


class BothWays(NamedTuple):
    """prefixes[m] = e_row^T A_M ... A_{m+1} and suffixes[m] = A_m ... A_1 e_column, m = 0..M.

    Where every factor adds V_0, suffixes[m] = A_m suffixes[m-1] + e_column.
    """

    prefixes: list[Shaped[np.ndarray, " seq"]]
    suffixes: list[Shaped[np.ndarray, " seq"]]


def with_weights(
    layers: tuple[Layer, ...], change: Callable[[np.ndarray], np.ndarray]
) -> tuple[Layer, ...]:
    """The same edges, their weights changed."""
    return tuple(layer._replace(weights=change(layer.weights)) for layer in layers)


def counter(factors: Factors, first: bool = False) -> Callable[[np.ndarray], np.ndarray]:
    """Make every weight 1, in int64 where that counts all routes, else in whole Python numbers."""
    most = math.prod(max(int(np.diff(factor.indptr).max()), 1) + first for factor in factors)
    dtype = np.int64 if most < 2**63 else object
    return lambda weights: np.ones(len(weights), dtype=dtype)


def both_ways(
    layers: tuple[Layer, ...], row: int, column: int, seq_len: int, first: bool = False
) -> BothWays:
    """All prefix rows and suffix columns of one entry: 2 M sparse matrix-vector products."""
    dtype = layers[0].weights.dtype
    start, end = np.zeros(seq_len, dtype=dtype), np.zeros(seq_len, dtype=dtype)
    start[row], end[column] = 1, 1
    prefixes, suffixes = [start], [end]
    for layer in layers:
        found = np.zeros(seq_len, dtype=dtype)
        np.add.at(found, layer.rows, layer.weights * suffixes[-1][layer.columns])
        if first:
            found[column] += 1
        suffixes.append(found)
    for layer in reversed(layers):
        found = np.zeros(seq_len, dtype=dtype)
        np.add.at(found, layer.columns, layer.weights * prefixes[-1][layer.rows])
        prefixes.append(found)
    return BothWays(prefixes[::-1], suffixes)


def link_totals(
    place: int, layer: Layer, signed: BothWays, counted: BothWays, enters: int | None = None
) -> LinkTotals:
    """prefix[row] A[row, column] suffix[column] for each edge that some route uses.

    `enters` is the token at which later factors still add V_0, if they do.
    """
    through = counted.prefixes[place + 1][layer.rows] * counted.suffixes[place][layer.columns]
    used = through > 0
    rows, columns, weights = layer.rows[used], layer.columns[used], layer.weights[used]
    return LinkTotals(
        factor=place + 1,
        rows=rows,
        columns=columns,
        weights=weights,
        totals=signed.prefixes[place + 1][rows] * weights * signed.suffixes[place][columns],
        routes=tuple(through[used].tolist()),
        waiting=0.0
        if enters is None
        else math.fsum(prefix[enters] for prefix in signed.prefixes[place + 1 :]),
    )
