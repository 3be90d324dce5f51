"""Signal graphs in files: what comes back, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from neurosim.architectures.elman import elman
from neurosim.errors import FormatError
from neurosim.formats import load, save
from neurosim.formats.graphs.graph_json import from_document, to_document
from neurosim.graph.convert import from_networkx
from neurosim.graph.flatten import flatten
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph

SUFFIXES = ("json", "graphml")


def rich(seed: int = 0) -> SignalGraph:
    """Every kind of node and argument that a file can hold."""
    rng = np.random.default_rng(seed)
    cell = SignalGraph("cell")
    cell.port("in", 3)
    cell.state("h", 3, time_constant=0.1, leak=rng.random(3), initial="start")
    cell.parameter("start", rng.normal(size=3) * 1e-300)
    cell.port("out", 3, output=True)
    cell.connect("in", "h")
    cell.connect("h", "out")
    graph = SignalGraph('rich <&> "net"')
    graph.graph["nodes"] = ["a", 1]
    graph.clock("tick", 0.1, phase=1 / 3)
    graph.port("u", 3, unit="V", limits=(-1.0, np.inf))
    graph.parameter("W", rng.normal(size=(3, 3)), mask=rng.random((3, 3)) < 0.7, unit="S", parent="prior")
    graph.parameter("S", sparse.random(6, 3, 0.4, rng=rng, format="csr"), trainable=False)
    graph.parameter("g", 1 / 3)
    graph.parameter("K", rng.normal(size=(2, 3, 3)))
    graph.parameter("tau", rng.random(3) + 0.1)
    graph.parameters["W"].attributes["note"] = "kept"
    graph.sub("one", cell, time_scale=0.3)
    graph.state("x", 3, time_constant="tau", bounds=(0.0, 1.0), bias="tau", unit="V")
    graph.state("j", (2, 3), clock="tick", initial=rng.normal(size=6))
    graph.hold("s", 3, clock="tick")
    graph.map("f", 3, "leaky_relu", argument=0.2, gain=0.1 + 0.2)
    graph.product("p", 2, "jik,i,k->j", weight="K")
    graph.product("q", 3)
    graph.event("e", 3, threshold=0.5)
    graph.connect("u", "one/in", weight="W", transpose=True)
    graph.connect("one/out", "x", gain=-1e-17)
    graph.connect("x", "f", weight="g")
    graph.connect("f", "s")
    graph.connect("s", "q", slot=0)
    graph.connect("x", "q", slot=1)
    graph.connect("q", "x")
    graph.connect("x", "j", weight="S")
    graph.connect("x", "p", slot=0)
    graph.connect("f", "p", slot=1)
    graph.connect("p", "x", target_part=(1, 3))
    graph.connect("x", "e", delay=0.25)
    graph.connect("e", "x", role="reset", weight="g")
    return graph


def same(a: Any, b: Any) -> bool:
    """Equal to the bit, graphs inside graphs included."""
    if isinstance(a, SignalGraph):
        return (
            isinstance(b, SignalGraph) and dict(a.graph) == dict(b.graph) and a.clocks == b.clocks
            and list(a.parameters) == list(b.parameters)
            and all(same(vars(p), vars(b.parameters[n])) for n, p in a.parameters.items())
            and list(a.nodes) == list(b.nodes) and all(same(a.nodes[n], b.nodes[n]) for n in a)
            and all(
                [(s, d) for s, _, d in a.in_edges(n, data=True)] == [(s, d) for s, _, d in b.in_edges(n, data=True)]
                for n in a
            )
        )  # fmt: skip
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if hasattr(a, "tocsr"):
        return a.shape == b.shape and all(same(getattr(a, k), getattr(b, k)) for k in ("data", "indices", "indptr"))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.shape == b.shape and a.tobytes() == b.astype(a.dtype).tobytes()
    return type(a) is type(b) and a == b


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_graph_comes_back_to_the_bit(suffix: str, tmp_path: Path):
    graph = rich()
    save(graph, tmp_path / f"net.{suffix}")
    found = load(tmp_path / f"net.{suffix}")
    assert same(graph, found)
    found.nodes["j"]["initial"][0] += 1e-16
    assert not same(graph, found)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=4, max_size=4))
def test_any_numbers_survive(tmp_path_factory: pytest.TempPathFactory, numbers: list[float]):
    folder = tmp_path_factory.mktemp("graphs")
    graph = elman(1, 2, 1)
    graph.parameters["W"].value[:] = np.reshape(numbers, (2, 2))
    graph.nodes["h"]["initial"] = numbers[0]
    for suffix in SUFFIXES:
        save(graph, folder / f"net.{suffix}")
        assert same(graph, load(folder / f"net.{suffix}"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_loaded_computes_the_same(suffix: str, tmp_path: Path):
    source = nx.gnp_random_graph(30, 0.1, seed=1, directed=True)
    rng = np.random.default_rng(0)
    for _, _, data in source.edges(data=True):
        data["weight"] = rng.normal()
    graph = from_networkx(source)
    save(graph, tmp_path / f"net.{suffix}")
    found = load(tmp_path / f"net.{suffix}")
    assert isinstance(found, SignalGraph)
    assert found.graph["nodes"] == list(range(30))
    y, u = rng.normal(size=30), rng.normal(size=30)
    assert np.array_equal(compile_graph(graph).drive(y, u), compile_graph(found).drive(y, u))


def test_networkx_reads_the_graphml(tmp_path: Path):
    save(elman(2, 4, 1), tmp_path / "net.graphml")
    found = nx.read_graphml(tmp_path / "net.graphml")
    assert set(found) == {"u", "h", "rate", "readout", "y"}
    assert found.nodes["rate"]["function"] == "tanh"
    assert found.edges["h", "rate"]["weight"] == "W"


def test_hosts_are_refused_by_name_and_flat_graphs_come_back(tmp_path: Path):
    graph = elman()
    graph.host("sorted", 2, np.sort)
    with pytest.raises(FormatError, match="'sorted'"):
        save(graph, tmp_path / "net.json")
    assert list(tmp_path.iterdir()) == []
    flat = flatten(rich())
    assert to_document(from_document(to_document(flat))) == to_document(flat)
    with pytest.raises(FormatError, match=r"\.csv"):
        save(elman(), tmp_path / "net.csv")


def changed(path: list[Any], value: Any) -> dict[str, Any]:
    document = json.loads(json.dumps(to_document(elman(2, 3, 1))))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["format"], "neurosim result", ["neurosim graph"]), (["version"], 2, ["version 2", "reads 1"]),
        (["extra"], 1, ["unknown key 'extra'"]), (["nodes", 1, "kind"], "host", ["nodes[1] 'h'", "host"]),
        (["nodes", 1, "kind"], "stat", ["nodes[1] 'h'", "'stat'"]), (["nodes", 1, "name"], None, ["nodes[1]", "name"]),
        (["nodes", 1, "tau"], 1.0, ["nodes[1] 'h'", "'tau'"]),
        (["nodes", 1, "time_constant"], None, ["nodes[1] 'h'", "time_constant"]),
        (["nodes", 1, "shape"], [2.5], ["nodes[1] 'h'", "shape"]),
        (["nodes", 2, "function"], "tanhh", ["nodes[2] 'rate'", "did you mean 'tanh'"]),
        (["nodes", 1, "bounds"], [1], ["nodes[1] 'h'", "bounds"]),
        (["nodes", 2, "gain"], {"a": 1}, ["nodes[2] 'rate'", "gain"]),
        (["edges", 0, "target"], "ratee", ["edges[0]", "did you mean 'rate'"]),
        (["edges", 0, "sources"], "u", ["edges[0]", "'sources'"]), (["edges", 0, "gain"], "x", ["edges[0]"]),
        (["parameters", "W", "shape"], [4, 4], ["parameters 'W'", "9 values"]),
        (["parameters", "W", "values", 0], "x", ["parameters 'W'", "numbers"]),
        (["parameters", "W", "values", 0], [1], ["parameters 'W'"]),
        (["parameters", "W", "values"], None, ["parameters 'W'", "values"]),
        (["parameters", "W", "columns"], [7] * 9, ["parameters 'W'"]),
        (["parameters", "W", "row_starts"], [0, 3, 6, 9], ["parameters 'W'"]),
        (["parameters", "W", "mask"], [1, 2], ["parameters 'W'"]),
        (["clocks"], [], ["'clocks'"]), (["clocks", "c"], {"period": -1}, ["clocks 'c'", "-1"]),
        (["clocks", "c"], {"phase": 1}, ["clocks 'c'", "period"]), (["nodes"], {}, ["'nodes'"]),
        (["nodes", 0], 3, ["nodes[0]"]),
    ],
)  # fmt: skip
def test_bad_content_is_refused_with_its_place(path: list[Any], value: Any, words: list[str], tmp_path: Path):
    document = changed(path, value)
    with pytest.raises(FormatError) as error:
        from_document(document)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("a.json", '{"format": "neurosim graph",', ["line 1"]),
        ("a.json", '{"format": "neurosim graph", "version": NaN}', ["NaN"]),
        ("a.graphml", "<graphml", ["line 1"]), ("a.graphml", "<svg/>", ["<svg>"]),
        ("a.graphml", '<!DOCTYPE x [<!ENTITY a "b">]><graphml/>', ["refused"]),
        ("a.graphml", '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph/></graphml>', ["from_networkx"]),
        (
            "a.graphml",
            '<graphml xmlns="http://graphml.graphdrawing.org/xmlns"><graph><data key="d0">1</data></graph></graphml>',
            ["'d0'"],
        ),
    ],
)  # fmt: skip
def test_bad_files_are_refused_with_their_place(name: str, text: str, words: list[str], tmp_path: Path):
    (tmp_path / name).write_text(text)
    with pytest.raises(FormatError) as error:
        load(tmp_path / name)
    for word in [*words, name]:
        assert word in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path):
    for suffix in SUFFIXES:
        with pytest.raises(FormatError, match="none"):
            load(tmp_path / f"none.{suffix}")
