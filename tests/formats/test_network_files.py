"""Whole memristive networks in files: what comes back behaves the same."""

from __future__ import annotations

from pathlib import Path

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import FormatError


def networks() -> dict[str, ns.MemristiveNetwork]:
    rng = np.random.default_rng(0)
    grid = nx.MultiGraph(nx.grid_2d_graph(3, 3))
    grid.add_edge((0, 0), (0, 1), emf=ns.interpolated([0.0, 0.1], [0.0, 0.5]))
    path = nx.path_graph(4)
    path.edges[0, 1]["resistance"] = 100.0
    path.edges[1, 2].update(name="mid", emf="SIN(0 1 3)", polarity=-1)
    return {
        "every kind of drive": ns.MemristiveNetwork(
            grid, convention="flipped", alpha=1.0, r_on=np.linspace(50.0, 100.0, 13), initial=rng.random(13),
            electrodes={(0, 0): "SIN(0 2 5)", (2, 2): 0.0}, currents={(1, 1): 1e-5}, title="all drives",
            sources={3: ns.held([1.0, -0.5], 0.01), 5: ns.noise(0.1, 0.005), 7: 0.2},
        ),
        "another device": ns.MemristiveNetwork(path, device=("vteam", {"k_off": 1e-3}), electrodes={0: 1.0, 3: 0.0}),
        "directed": ns.MemristiveNetwork(
            nx.DiGraph([("b", "a"), ("a", "c"), ("c", "b")]), convention="standard", sources=rng.normal(size=3),
            solver="dense", window="joglekar",
        ),
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".json", ".graphml"])
@pytest.mark.parametrize("name", list(networks()))
def test_what_comes_back_is_the_same_network(name: str, suffix: str, tmp_path: Path) -> None:
    net = networks()[name]
    ns.save(net, tmp_path / f"net{suffix}")
    again = ns.load(tmp_path / f"net{suffix}")
    assert isinstance(again, ns.MemristiveNetwork)
    assert (again.nodes, again.edges, again.names, again.title) == (net.nodes, net.edges, net.names, net.title)
    assert type(again.graph) is type(net.graph)
    first, second = ns.simulate(net, (0.0, 0.02)), ns.simulate(again, (0.0, 0.02))
    assert list(first.columns) == list(second.columns)
    for column in first.columns:
        assert np.array_equal(first[column], second[column])


@pytest.mark.parametrize("name", list(networks()))
def test_a_netlist_brings_back_the_same_rates(name: str, tmp_path: Path) -> None:
    net = networks()[name]
    ns.save(net, tmp_path / "net.cir")
    again = ns.load(tmp_path / "net.cir")
    assert isinstance(again, ns.MemristiveNetwork)
    place = {name.lower().translate({91: None, 93: None}): k for k, name in enumerate(net.names)}
    order = [place[name] for name in again.names]
    assert again.state == pytest.approx(net.state[order])
    for t in (0.0, 0.0123):
        mine = net.rhs(t, net.state)[order]
        assert again.rhs(t, again.state) == pytest.approx(mine, rel=1e-9, abs=1e-9 * np.abs(mine).max())


def test_a_graph_alone_stays_a_graph(tmp_path: Path) -> None:
    graph = nx.MultiGraph([("a", "b"), ("a", "b")], name="pair")
    ns.save(graph, tmp_path / "net.json")
    again = ns.load(tmp_path / "net.json")
    assert isinstance(again, nx.MultiGraph)
    assert nx.utils.graphs_equal(again, graph)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('"convention"', '"konvention"', "did you mean 'convention'"),
        ('"flipped"', '"fliped"', "convention = 'fliped'"),
        ('"(2, 2)": 0.0', '"(2, 9)": 0.0', r"there is no node '\(2, 9\)'"),
        ('"drive": "held"', '"drive": "hold"', "drive 'hold'"),
        ('"label": [0, 1]', '"label": [0, 0]', r"nodes\[1\]: the label"),
    ],
)
def test_a_damaged_file_is_refused_by_name(old: str, new: str, says: str, tmp_path: Path) -> None:
    place = tmp_path / "net.json"
    ns.save(networks()["every kind of drive"], place)
    text = place.read_text()
    assert old in text
    place.write_text(text.replace(old, new, 1))
    with pytest.raises(FormatError, match=says):
        ns.load(place)


def test_names_that_fall_together_are_refused(tmp_path: Path) -> None:
    graph = nx.Graph([(1, "1")])
    with pytest.raises(FormatError, match="same name as text"):
        ns.save(graph, tmp_path / "net.json")
