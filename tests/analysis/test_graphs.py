import dataclasses

import networkx as nx
import numpy as np
import pytest

from paramixer_core.analysis.graphs import (
    compare_graphs,
    complete_measures,
    graph_measures,
    ring_measures,
)
from paramixer_core.analysis.known_graphs import comparison_graphs, random_one_way
from paramixer_core.errors import ParamixerError
from paramixer_core.protocols import Protocol, protocol_graph, protocol_offsets


@pytest.mark.parametrize("seq_len", [2, 3, 7, 12, 16, 100])
@pytest.mark.parametrize("protocol", list(Protocol))
def test_distances_are_networkxs_whether_all_nodes_are_looked_at_or_one(protocol, seq_len):
    graph = protocol_graph(protocol_offsets(protocol, seq_len, num_links=3), seq_len)
    whole, one = graph_measures(graph, "x"), ring_measures(graph, "x")
    assert whole.diameter == one.diameter == nx.diameter(graph)
    mean = nx.average_shortest_path_length(graph)
    assert whole.mean_path == pytest.approx(mean)
    assert one.mean_path == pytest.approx(mean)
    assert one.spectral_gap == pytest.approx(whole.spectral_gap, abs=1e-9)
    assert (one.edges, one.min_degree, one.max_degree) == (
        whole.edges,
        whole.min_degree,
        whole.max_degree,
    )
    plain = nx.DiGraph(graph)
    plain.remove_edges_from(nx.selfloop_edges(graph))
    assert whole.edges == plain.number_of_edges()


@pytest.mark.parametrize("seq_len", [5, 8, 21])
def test_spectral_gaps_of_complete_graph_and_cycle_are_the_closed_forms(seq_len):
    complete = graph_measures(nx.complete_graph(seq_len), "complete")
    closed = complete_measures(seq_len)
    assert complete.spectral_gap == pytest.approx(closed.spectral_gap)
    assert dataclasses.replace(complete, name=closed.name, spectral_gap=0) == dataclasses.replace(
        closed, spectral_gap=0
    )
    cycle = graph_measures(nx.cycle_graph(seq_len), "cycle")
    assert cycle.spectral_gap == pytest.approx(1 - np.cos(2 * np.pi / seq_len))
    assert cycle.mean_degree == 2


def test_a_graph_in_two_pieces_has_no_gap_and_infinite_distances():
    pieces = graph_measures(nx.disjoint_union(nx.complete_graph(3), nx.complete_graph(4)), "two")
    assert pieces.spectral_gap == pytest.approx(0, abs=1e-12)
    assert pieces.diameter == np.inf
    lonely = nx.empty_graph(3, create_using=nx.DiGraph)
    assert graph_measures(lonely, "none").spectral_gap == 0
    assert ring_measures(lonely, "none").diameter == np.inf


@pytest.mark.parametrize("seq_len", [2, 3, 7, 16, 64])
def test_comparison_graphs_exist_for_every_length_and_are_the_same_for_a_seed(seq_len):
    graph = protocol_graph(protocol_offsets(Protocol.CHORD, seq_len), seq_len)
    table = compare_graphs(graph, "CHORD", ring=True, seed=3)
    assert [row.name for row in table] == [
        "CHORD",
        "Ring lattice",
        "Random regular graph",
        "Complete graph",
    ]
    assert compare_graphs(graph, "CHORD", ring=False, seed=3)[2] == table[2]
    assert table[3].diameter == 1
    again = comparison_graphs(seq_len, 4, seed=3)["Random regular graph"]
    first = comparison_graphs(seq_len, 4, seed=3)["Random regular graph"]
    assert nx.utils.graphs_equal(first, again)


def test_chord_is_far_shorter_than_the_ring_lattice_of_its_degree():
    graph = protocol_graph(protocol_offsets(Protocol.CHORD, 256), 256)
    chord, lattice, random, complete = compare_graphs(graph, "CHORD", ring=True)
    assert chord.max_degree == lattice.max_degree == random.max_degree == 8
    assert complete.mean_path < random.mean_path < chord.mean_path < lattice.mean_path
    assert lattice.spectral_gap < chord.spectral_gap


def test_no_graph_is_compared_without_tokens():
    with pytest.raises(ParamixerError, match="at least 2 tokens"):
        comparison_graphs(1, 1)


@pytest.mark.parametrize("seq_len", [7, 12, 16, 32, 33, 48, 64, 100, 128])
def test_graphs_are_compared_at_equal_directed_degree_and_about_as_many_neighbours(seq_len):
    graph = protocol_graph(protocol_offsets(Protocol.CHORD, seq_len), seq_len)
    own, lattice, random, _ = compare_graphs(graph, "CHORD", ring=True)
    assert random.min_degree == random.max_degree == own.max_degree == lattice.max_degree
    assert random.neighbours == own.neighbours


def test_dropping_directions_no_longer_flatters_chord_s_gap():
    graph = protocol_graph(protocol_offsets(Protocol.CHORD, 32), 32)
    chord, _, random, _ = compare_graphs(graph, "CHORD", ring=True)
    assert (chord.mean_degree, chord.neighbours) == (5, 9)
    assert chord.spectral_gap == pytest.approx(4 / 9)
    assert chord.spectral_gap < random.spectral_gap


@pytest.mark.parametrize(("degree", "both_ways"), [(5, 1), (4, 0), (6, 2)])
def test_one_way_random_graphs_have_the_links_that_they_promise(degree, both_ways):
    graph = random_one_way(40, degree, both_ways, seed=1)
    assert set(dict(graph.in_degree).values()) == set(dict(graph.out_degree).values()) == {degree}
    back = [sum(graph.has_edge(two, one) for two in graph.successors(one)) for one in graph]
    assert set(back) == {both_ways}
