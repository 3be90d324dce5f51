"""Graphs of memristive networks: counts, geometry, percolation, electrodes, files."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import FormatError, ParameterError, UnknownNameError
from neurosim.memristive.electrodes import joins, merge_nodes, middle_nodes, nearest_node, with_strips
from neurosim.memristive.generators import generators
from neurosim.memristive.generators.nanowires import critical_density, intersections


def described(graph: nx.MultiGraph) -> list[object]:
    return [*graph.nodes(data=True), *graph.edges(data=True)]


@pytest.mark.parametrize("name", generators.names())
def test_every_generator_is_ready_and_reproducible(name: str) -> None:
    entry = generators.get(name)
    graph = entry.build(**entry.example)
    assert described(graph) == described(entry.build(**entry.example))
    assert graph.number_of_edges() > 0
    assert nx.number_of_selfloops(graph) == 0
    for node, data in graph.nodes.items():
        assert isinstance(node, str)
        assert node != "0"
        assert len(data["pos"]) in (2, 3)
    for _, _, data in graph.edges(data=True):
        assert data["kind"] == "memristor" or (data["kind"] == "resistor" and data["resistance"] > 0)
    assert entry.build().number_of_nodes() > 1


@pytest.mark.parametrize("name", ["small_world", "erdos_renyi", "delaunay", "nanowires"])
def test_another_seed_is_another_graph(name: str) -> None:
    build = generators.get(name).build
    assert described(build(seed=1)) != described(build(seed=2))


@pytest.mark.parametrize("suffix", [".json", ".graphml"])
@pytest.mark.parametrize("name", ["nanowires", "crossbar", "cubic_lattice"])
def test_a_file_gives_the_graph_back(tmp_path: Path, name: str, suffix: str) -> None:
    entry = generators.get(name)
    graph = entry.build(**entry.example)
    ns.save(graph, tmp_path / f"net{suffix}")
    again = ns.load(tmp_path / f"net{suffix}")
    assert described(again) == described(graph)
    assert again.graph == graph.graph


def test_a_damaged_file_is_refused_with_its_place(tmp_path: Path) -> None:
    place = tmp_path / "net.json"
    ns.save(ns.generators.square_lattice(2, 2), place)
    place.write_text(place.read_text().replace('"target": "r0c1"', '"target": "elsewhere"'))
    with pytest.raises(FormatError, match=r"edges\[0\].*elsewhere"):
        ns.load(place)


def test_lattices_have_the_edges_of_their_formula() -> None:
    assert ns.generators.square_lattice(4, 7).number_of_edges() == 4 * 6 + 3 * 7
    assert ns.generators.square_lattice(4, 7, periodic=True).number_of_edges() == 2 * 28
    cube = ns.generators.cubic_lattice(2, 3, 4)
    assert cube.number_of_edges() == 1 * 3 * 4 + 2 * 2 * 4 + 2 * 3 * 3
    for a, b in cube.edges():
        assert np.abs(np.subtract(cube.nodes[a]["pos"], cube.nodes[b]["pos"])).sum() == 1.0


def test_a_triangulation_has_the_edges_that_euler_asks_for() -> None:
    graph = ns.generators.delaunay(200, seed=3)
    assert nx.check_planarity(graph)[0]
    # 3 n - 3 - h edges, h of them on the hull.
    from scipy.spatial import ConvexHull

    hull = len(ConvexHull(np.array([data["pos"] for data in graph.nodes.values()])).vertices)
    assert graph.number_of_edges() == 3 * 200 - 3 - hull


def test_mean_degree_of_a_random_graph() -> None:
    graph = ns.generators.erdos_renyi(2000, 6.0, giant=False, seed=1)
    # 6000 edges on average, standard deviation 77.
    assert abs(graph.number_of_edges() - 6000) < 4 * 77


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 40))
def test_crossings_are_those_of_every_pair_looked_at_alone(seed: int, count: int) -> None:
    draw = ns.randomness.stream(seed)
    centres, half = draw.random((count, 2)), 0.5 * draw.normal(size=(count, 2))
    pairs, crossings = intersections(centres, half)

    def side(p: np.ndarray, q: np.ndarray, r: np.ndarray) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    expected = []
    for i in range(count):
        for j in range(i + 1, count):
            a, b, c, d = centres[i] - half[i], centres[i] + half[i], centres[j] - half[j], centres[j] + half[j]
            if side(a, b, c) * side(a, b, d) <= 0 and side(c, d, a) * side(c, d, b) <= 0:
                expected.append([i, j])
    assert pairs.tolist() == expected
    for (i, j), at in zip(pairs, crossings, strict=True):
        for k in (i, j):
            assert abs(side(centres[k] - half[k], centres[k] + half[k], at)) < 1e-9
    assert crossings.shape == (len(expected), 2)


def test_junctions_of_wires_have_the_density_of_buffon() -> None:
    # (2/pi) n l^2 crossings a wire in an infinite area; 0.3 of a wire's length at the border lacks neighbours.
    graph = ns.generators.nanowires(4000, length=5e-6, width=200e-6, height=200e-6, giant=False, seed=2)
    per_wire = 2 * graph.number_of_edges() / 4000
    assert per_wire == pytest.approx(2 / np.pi * 4000 / 200e-6**2 * 5e-6**2, rel=0.06)


def test_wires_percolate_above_the_critical_density_and_not_below() -> None:
    def share(factor: float) -> float:
        density = factor * critical_density(5e-6)
        nets = [ns.generators.nanowires(density=density, length=5e-6, width=1e-4, height=1e-4, giant=False, seed=k)
                for k in range(8)]  # fmt: skip
        return float(np.mean([joins(net) for net in nets]))

    assert share(0.7) == 0.0
    assert share(1.3) == 1.0


def test_lengths_spread_as_asked() -> None:
    graph = ns.generators.nanowires(3000, length=7e-6, length_spread=1e-6, width=1e-3, height=1e-3, giant=False)
    ends = np.array([data["ends"] for data in graph.nodes.values()])
    lengths = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    assert lengths.mean() == pytest.approx(7e-6, rel=0.01)
    assert lengths.std() == pytest.approx(1e-6, rel=0.05)


def test_strips_join_the_nodes_that_they_touch() -> None:
    lattice = with_strips(ns.generators.square_lattice(3, 4))
    assert lattice.number_of_nodes() == 2 + 6
    assert lattice.number_of_edges() == 3 * 3 + 2 * 2
    assert lattice.degree("left") == 3
    wires = ns.generators.nanowires(100, seed=1)
    joined = with_strips(wires)
    touching = {n for n, data in wires.nodes.items() if min(data["ends"][0], data["ends"][2]) <= 0}
    assert set(joined.nodes["left"]["members"]) == touching
    outside = [(a, b) for a, b in wires.edges() if len({a, b} & touching) == 1]
    assert joined.degree("left") == len(outside)


def test_electrodes_that_cannot_be_are_refused_by_name() -> None:
    thin = ns.generators.nanowires(30, seed=1, giant=False)
    with pytest.raises(ParameterError, match="percolate"):
        with_strips(thin)
    lattice = ns.generators.square_lattice(2, 2)
    with pytest.raises(ParameterError, match="short circuit"):
        with_strips(lattice, depth=1.0)
    with pytest.raises(ParameterError, match="side 'front'"):
        with_strips(lattice, ["front"])
    with pytest.raises(ParameterError, match="no node 'zz'"):
        merge_nodes(lattice, {"a": ["zz"]})


def test_a_point_finds_the_wire_that_passes_it() -> None:
    graph = nx.MultiGraph()
    graph.add_node("long", pos=(0.0, 0.0), ends=(-5.0, 0.0, 5.0, 0.0))
    graph.add_node("near", pos=(4.0, 1.0), ends=(4.0, 0.5, 4.0, 1.5))
    assert nearest_node(graph, (3.5, 0.1)) == "long"
    assert nearest_node(graph, (4.0, 1.2)) == "near"
    assert middle_nodes(ns.generators.square_lattice(3, 3)) == ("r1c0", "r1c2")


def test_a_crossbar_without_line_resistance_is_bipartite_and_complete() -> None:
    graph = ns.generators.crossbar(3, 5, line_resistance=0.0)
    assert nx.is_isomorphic(nx.Graph(graph), nx.complete_bipartite_graph(3, 5))
    lines = ns.generators.crossbar(3, 5, line_resistance=2.0)
    kinds = [data["kind"] for _, _, data in lines.edges(data=True)]
    assert kinds.count("memristor") == 15
    assert kinds.count("resistor") == 2 * 15
    # Pad of row 1, four segments along it, one memristor, two segments down column 3.
    assert nx.shortest_path_length(lines, "row1", "column3") == 4 + 1 + 2


def test_any_graph_of_networkx() -> None:
    made = ns.generators.networkx_graph("barabasi_albert_graph", n=20, m=2, seed=4)
    assert nx.is_isomorphic(nx.Graph(made), nx.barabasi_albert_graph(20, 2, seed=4))
    named = nx.MultiGraph([("a", "b"), ("a", "b"), ("b", (1, 2))])
    assert sorted(map(sorted, ns.generators.networkx_graph(named).edges())) == [["1.2", "b"], ["a", "b"], ["a", "b"]]
    with pytest.raises(UnknownNameError, match="karate_club_graph"):
        ns.generators.networkx_graph("karate_club")
    with pytest.raises(ParameterError, match="barabasi_albert_graph"):
        ns.generators.networkx_graph("barabasi_albert_graph", n=2, m=5)
    with pytest.raises(ParameterError, match="itself"):
        ns.generators.networkx_graph(nx.Graph([(1, 1)]))


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("nanowires", {"number": 0}, "number is 0"),
        ("nanowires", {"length": -1e-6}, "length is -1e-06"),
        ("nanowires", {"number": 5, "density": 1e10}, "give one of them"),
        ("square_lattice", {"rows": 2, "periodic": True}, "rows is 2"),
        ("small_world", {"neighbours": 3}, "even"),
        ("erdos_renyi", {"mean_degree": float("nan")}, "mean_degree is nan"),
        ("crossbar", {"line_resistance": -1.0}, "line_resistance is -1"),
        ("delaunay", {"nodes": 2.5}, "nodes is 2.5"),
    ],
)
def test_bad_arguments_are_named(name: str, arguments: dict, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        generators.get(name).build(**arguments)
