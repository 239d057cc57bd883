"""The links as a graph: distances, degrees and spectral gap, beside well-known graphs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from jaxtyping import Float
from scipy.sparse.csgraph import shortest_path

from paramixer_core.analysis.known_graphs import (
    one_way_lattice,
    random_one_way,
    random_regular,
    ring_lattice,
)
from paramixer_core.analysis.supports import require_dense_size


@dataclass(frozen=True, slots=True)
class GraphMeasures:
    """What is measured of one graph; self links are left out of every number.

    Distances follow the direction of the links (row reads column), in hops through the graph of
    all factors together: a hop may use any factor's link. `diameter` and `mean_path` are inf
    where some token cannot be reached. `edges` counts directed edges (an undirected one twice).
    `spectral_gap` is 1 - lambda_2, where lambda_2 is the second largest eigenvalue of the
    normalised adjacency D^-1/2 S D^-1/2 of the graph with directions dropped (S = 1 where
    either direction is linked): that of the random walk on it. 0 means disconnected, larger mixes
    faster; the complete graph has N / (N - 1). Source: Chung, Spectral Graph Theory, 1997.
    `neighbours` is the mean degree of that graph without directions: up to twice `mean_degree`.
    Gaps may be compared only between graphs with about as many neighbours.
    """

    name: str
    nodes: int
    edges: int
    min_degree: int
    max_degree: int
    mean_degree: float
    diameter: float
    mean_path: float
    spectral_gap: float
    neighbours: float


def graph_measures(graph: nx.Graph | nx.DiGraph, name: str) -> GraphMeasures:
    """Measure any graph of 2 to 4,096 nodes; degrees are out-degrees (what a token reads)."""
    adjacency = _without_directions(graph)
    neighbours = float(adjacency.sum() / len(adjacency))
    return _measures(graph, name, _distances(graph), spectral_gap(graph), neighbours)


def ring_measures(graph: nx.DiGraph, name: str) -> GraphMeasures:
    """Measure a graph whose every node looks alike (a ring pattern): one node's distances do.

    Distances come from networkx's breadth-first search, the spectrum from the closed form for
    circulant matrices, lambda_j = mean over neighbours o of cos(2 pi j o / N).
    """
    seq_len = graph.number_of_nodes()
    found = nx.single_source_shortest_path_length(graph, 0)
    distances = np.full((1, seq_len), np.inf)
    distances[0, list(found)] = list(found.values())
    ahead = np.zeros(seq_len)
    ahead[[column for column in graph.successors(0) if column]] = 1
    either = np.maximum(ahead, np.roll(ahead[::-1], 1))
    spectrum = np.fft.fft(either).real / max(either.sum(), 1.0)
    gap = 1 - float(np.delete(spectrum, 0).max()) if either.any() else 0.0
    return _measures(graph, name, distances, max(gap, 0.0), float(either.sum()))


def ring_diameter(offsets: Sequence[Sequence[int]], seq_len: int) -> float:
    """The most hops between two tokens of a ring pattern, all factors' links in one graph; inf if
    some never meet. O(N) memory, any N; `ring_measures` finds the same on the graph."""
    ahead = sorted({offset % seq_len for row in offsets for offset in row} - {0})
    reached = np.zeros(seq_len, dtype=bool)
    reached[0] = True
    for hops in range(seq_len):
        if reached.all():
            return float(hops)
        joined = reached.copy()
        for offset in ahead:
            joined |= np.roll(reached, offset)
        if joined.sum() == reached.sum():
            break
        reached = joined
    return math.inf


def spectral_gap(graph: nx.Graph | nx.DiGraph) -> float:
    """1 - lambda_2 of the normalised adjacency with directions dropped (see GraphMeasures)."""
    symmetric = _without_directions(graph)
    degrees = symmetric.sum(axis=1)
    if not degrees.all():
        return 0.0
    scale = 1 / np.sqrt(degrees)
    spectrum = np.linalg.eigvalsh(scale[:, None] * symmetric * scale[None, :])
    return max(1 - float(spectrum[-2]), 0.0)


def compare_graphs(
    graph: nx.DiGraph, name: str, *, ring: bool, seed: int = 0
) -> Sequence[GraphMeasures]:
    """The graph's measures, then those of comparison graphs with as many directed links a token.

    Links that lead both ways make one neighbour, others two: a graph whose links are all one-way
    is compared with graphs of one-way links, so that dropping directions flatters none of them.
    `ring` says that all its nodes look alike, which is quicker to measure.
    """
    own = ring_measures(graph, name) if ring else graph_measures(graph, name)
    degree = max(own.max_degree, 1)
    both_ways = 2 * degree - round(own.neighbours)
    if both_ways >= degree:
        lattice = ring_lattice(own.nodes, degree).to_directed()
        random: nx.Graph = random_regular(own.nodes, degree, seed)
    else:
        lattice = one_way_lattice(own.nodes, degree)
        random = random_one_way(own.nodes, degree, both_ways, seed)
    return (
        own,
        ring_measures(lattice, "Ring lattice"),
        graph_measures(random, "Random regular graph"),
        complete_measures(own.nodes),
    )


def complete_measures(seq_len: int) -> GraphMeasures:
    """The complete graph's measures in closed form: every distance 1, gap N / (N - 1)."""
    degree = seq_len - 1
    return GraphMeasures(
        name="Complete graph",
        nodes=seq_len,
        edges=seq_len * degree,
        min_degree=degree,
        max_degree=degree,
        mean_degree=float(degree),
        diameter=1.0,
        mean_path=1.0,
        spectral_gap=seq_len / degree,
        neighbours=float(degree),
    )


def _measures(
    graph: nx.Graph | nx.DiGraph,
    name: str,
    distances: Float[np.ndarray, "sources nodes"],
    gap: float,
    neighbours: float,
) -> GraphMeasures:
    nodes = graph.number_of_nodes()
    loops = set(nx.nodes_with_selfloops(graph))
    out_degree = graph.out_degree if graph.is_directed() else graph.degree
    loop_weight = 1 if graph.is_directed() else 2
    degrees = [degree - loop_weight * (node in loops) for node, degree in out_degree]
    return GraphMeasures(
        name=name,
        nodes=nodes,
        edges=sum(degrees),
        min_degree=min(degrees),
        max_degree=max(degrees),
        mean_degree=sum(degrees) / nodes,
        diameter=float(distances.max()),
        mean_path=float(distances.sum() / (len(distances) * (nodes - 1)))
        if nodes > 1
        else math.nan,
        spectral_gap=gap,
        neighbours=neighbours,
    )


def _without_directions(graph: nx.Graph | nx.DiGraph) -> Float[np.ndarray, "nodes nodes"]:
    adjacency = nx.to_numpy_array(graph, weight=None) > 0
    symmetric: np.ndarray = (adjacency | adjacency.T).astype(np.float64)
    np.fill_diagonal(symmetric, 0)
    return symmetric


def _distances(graph: nx.Graph | nx.DiGraph) -> Float[np.ndarray, "nodes nodes"]:
    require_dense_size(graph.number_of_nodes())
    adjacency = nx.to_scipy_sparse_array(graph, weight=None, format="csr")
    found: np.ndarray = shortest_path(adjacency, directed=graph.is_directed(), unweighted=True)
    return found
