"""Well-known graphs to hold the links against: lattices, random regular and complete graphs."""

import networkx as nx
import numpy as np

from paramixer_core.analysis.supports import require_dense_size
from paramixer_core.errors import ParamixerError

DRAWS = 20
"""So often a random graph is drawn anew before one without one-way links is taken."""


def ring_lattice(seq_len: int, degree: int) -> nx.Graph:
    """Every token linked to its nearest degree / 2 neighbours on each side (an odd degree + 1)."""
    return nx.circulant_graph(seq_len, range(1, min((degree + 1) // 2, seq_len // 2) + 1))


def random_regular(seq_len: int, degree: int, seed: int) -> nx.Graph:
    """A random graph with that degree everywhere; the next degree that exists if N d is odd."""
    degree = min(degree, seq_len - 1)
    if degree * seq_len % 2:
        degree -= 1
    return nx.random_regular_graph(max(degree, 0), seq_len, seed=seed)


def comparison_graphs(seq_len: int, degree: int, seed: int = 0) -> dict[str, nx.Graph]:
    """A ring lattice and a random regular graph of about that degree, and the complete graph."""
    if seq_len < 2 or degree < 1:
        raise ParamixerError(
            "at least 2 tokens and a degree of at least 1", (seq_len, degree), "choose more"
        )
    require_dense_size(seq_len)
    return {
        "Ring lattice": ring_lattice(seq_len, degree),
        "Random regular graph": random_regular(seq_len, degree, seed),
        "Complete graph": nx.complete_graph(seq_len),
    }


def one_way_lattice(seq_len: int, degree: int) -> nx.DiGraph:
    """Every token reads the next `degree` tokens on the ring."""
    graph = nx.DiGraph()
    graph.add_nodes_from(range(seq_len))
    graph.add_edges_from(
        (row, (row + ahead) % seq_len) for row in range(seq_len) for ahead in range(1, degree + 1)
    )
    return graph


def random_one_way(seq_len: int, degree: int, both_ways: int, seed: int) -> nx.Graph:
    """A random graph in which every token reads and is read by `degree` others; `both_ways` of
    these links lead back, the others one way. Where there is none, as `random_regular`.

    The one-way links are a random 2 (degree - both_ways)-regular graph whose edges are directed
    along an Eulerian tour, so that as many enter each token as leave it.
    """
    for draw in range(DRAWS):
        dice = np.random.default_rng([seed, draw])
        single = 2 * (degree - both_ways)
        if single + both_ways >= seq_len:
            break
        ring = nx.random_regular_graph(single, seq_len, seed=int(dice.integers(2**31)))
        back = nx.random_regular_graph(both_ways, seq_len, seed=int(dice.integers(2**31)))
        if not _untangle(back, ring, dice):
            continue
        graph = nx.DiGraph(back)
        for part in nx.connected_components(ring):
            graph.add_edges_from(nx.eulerian_circuit(ring.subgraph(part)))
        return graph
    return random_regular(seq_len, degree, seed)


def _untangle(back: nx.Graph, ring: nx.Graph, dice: np.random.Generator) -> bool:
    """Swap ends of edges of `back` until it shares none with `ring`; False where that fails."""

    def free(one: int, other: int) -> bool:
        return one != other and not ring.has_edge(one, other) and not back.has_edge(one, other)

    for _ in range(100 * (back.number_of_edges() + 1)):
        shared = [edge for edge in back.edges if ring.has_edge(*edge)]
        if not shared:
            return True
        a, b = shared[0]
        edges = list(back.edges)
        c, d = edges[dice.integers(len(edges))]
        if len({a, b, c, d}) == 4 and free(a, d) and free(c, b):
            back.remove_edges_from([(a, b), (c, d)])
            back.add_edges_from([(a, d), (c, b)])
    return False
