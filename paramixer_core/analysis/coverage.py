"""What an edited wiring still reaches, said in numbers and in a sentence with an example."""

from dataclasses import dataclass

import networkx as nx
import numpy as np

from paramixer_core.analysis.reach import ReachReport, reach_report
from paramixer_core.analysis.wiring import Wiring
from paramixer_core.config import Residual


@dataclass(frozen=True, slots=True)
class Coverage:
    """Coverage of the whole product, residuals in unless stated otherwise.

    `links_on` counts links that are switched on, `links_listed` those of the offsets,
    `places` the distinct non-zeros of all factors, `full` N^2. `among_whole` counts the unreached
    pairs (row, column) of two unbroken tokens and `example` is the first of them; `reach` speaks
    of all pairs. `self_links` says whether every unbroken token reads itself in every factor.
    `sentence` says it all to a person.
    """

    reach: ReachReport
    links_on: int
    links_listed: int
    places: int
    full: int
    among_whole: int
    example: tuple[int, int] | None
    self_links: bool
    sentence: str


def coverage(wiring: Wiring, *, residual: Residual | bool = True) -> Coverage:
    """Follow the wiring's pattern through all factors; N up to 4,096. See `reach_report`."""
    supports = wiring.supports()
    reach = reach_report(supports, residual=residual)
    whole = np.array([token not in wiring.broken for token in range(wiring.seq_len)])
    missing = np.argwhere(reach.missing & whole[:, None] & whole[None, :])
    example = (int(missing[0, 0]), int(missing[0, 1])) if len(missing) else None
    return Coverage(
        reach=reach,
        links_on=sum(int(factor.data.sum()) for factor in supports),
        links_listed=wiring.seq_len * sum(map(len, wiring.offsets)),
        places=sum(factor.nnz for factor in supports),
        full=wiring.seq_len**2,
        among_whole=len(missing),
        example=example,
        self_links=all(bool(factor.diagonal()[whole].all()) for factor in supports),
        sentence=coverage_sentence(wiring, len(missing), example, reach.full_after),
    )


def coverage_sentence(
    wiring: Wiring, missing: int, example: tuple[int, int] | None, full_after: int | None
) -> str:
    """One sentence: who cannot read whom, or after how many factors everyone reads everyone."""
    factors = len(wiring.offsets)
    who = "every unbroken token" if wiring.broken else "every token"
    if example is None:
        when = factors if full_after is None else full_after
        return f"After {when} of {factors} factors {who} reads {who}."
    others = f", and {missing - 1:,} more pairs are unreached" if missing > 1 else ""
    return (
        f"Token {example[0]} cannot read token {example[1]} through all {factors} factors{others}."
    )


def wiring_graph(wiring: Wiring) -> nx.DiGraph:
    """Tokens as nodes, an edge wherever some factor still links row to column (see `graphs`)."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(wiring.seq_len))
    for factor in wiring.supports():
        rows, columns = factor.nonzero()
        graph.add_edges_from(zip(rows.tolist(), columns.tolist(), strict=True))
    return graph
