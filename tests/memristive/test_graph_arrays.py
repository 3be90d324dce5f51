"""Networks of edges as arrays against the same as networkx graphs."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.memristive.graph_arrays import NumberedNames

GRAPH = nx.convert_node_labels_to_integers(nx.grid_2d_graph(4, 5))
ARRAYS = ns.GraphArrays.of(GRAPH)


def network(graph: object) -> ns.MemristiveNetwork:
    rng = np.random.default_rng(0)
    m = GRAPH.number_of_edges()
    return ns.MemristiveNetwork(
        graph, convention="flipped", r_off=rng.uniform(1e3, 2e3, m), sources=rng.normal(size=m), alpha=0.5,
        electrodes={0: "SIN(0 1 3)", 19: 0.0}, initial=rng.random(m),
    )  # fmt: skip


def test_arrays_and_graph_give_the_same_run() -> None:
    one, two = network(ARRAYS), network(GRAPH)
    assert one.edges[3] == (*two.edges[3], 0)
    save = ["states", "i(0)", "i(m[2])", "v(7)"]
    runs = [ns.simulate(net, (0.0, 0.1), save=save) for net in (one, two)]
    assert runs[0].names == runs[1].names
    for name in runs[0].names:
        assert np.array_equal(runs[0][name], runs[1][name])
    assert one.with_parameters({"beta": 0.5, "v(0)[1]": 2.0}).rhs(0.1, one.state) == pytest.approx(
        two.with_parameters({"beta": 0.5, "v(0)[1]": 2.0}).rhs(0.1, one.state), rel=1e-12
    )


def test_sorted_arrays_become_a_graph_in_the_same_order() -> None:
    mixed = ns.GraphArrays(3, np.array([2, 0, 0, 0]), np.array([1, 2, 1, 2]))
    with pytest.raises(ParameterError, match="another order"):
        mixed.networkx()
    graph = mixed.sorted().networkx()
    assert list(graph.edges) == [(0, 1, 0), (0, 2, 0), (0, 2, 1), (2, 1, 0)]
    assert np.array_equal(ns.GraphArrays.of(graph).head, mixed.sorted().head)


def test_names_are_found_without_a_list_of_them() -> None:
    names = NumberedNames(12, ".x")
    assert list(names) == [f"m[{k}].x" for k in range(12)]
    assert names[3:5] == ["m[3].x", "m[4].x"]
    assert names.index("m[11].x") == 11
    for wrong in ("m[12].x", "m[01].x", "m[1]", "m[-1].x", 3):
        assert wrong not in names
    with pytest.raises(ValueError, match="is not among them"):
        names.index("m[12].x")


@pytest.mark.parametrize(
    ("arrays", "named"),
    [
        ((3, [0, 1], [1]), "shapes \\(2,\\) and \\(1,\\)"),
        ((3, [0, 1], [1, 3]), "edge 1 from 1 to 3: nodes are 0 to 2"),
    ],
)
def test_wrong_arrays_are_named(arrays: tuple[int, list[int], list[int]], named: str) -> None:
    with pytest.raises(ParameterError, match=named):
        ns.GraphArrays(arrays[0], np.array(arrays[1]), np.array(arrays[2]))


def test_wrong_edges_and_nodes_of_arrays_are_named() -> None:
    net = network(ARRAYS)
    with pytest.raises(UnknownNameError, match="no edge 'm\\[99\\]'"):
        net.edge_index("m[99]")
    with pytest.raises(UnknownNameError, match="no node 20"):
        net.node_index(20)
    with pytest.raises(ParameterError, match="edge '1-1' joins a node with itself"):
        ns.MemristiveNetwork(ns.GraphArrays(2, np.array([0, 1]), np.array([1, 1])), convention="flipped")
