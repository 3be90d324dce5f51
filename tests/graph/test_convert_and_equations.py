"""Graphs from networkx, and graphs as text."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from scipy import sparse

from neurosim.architectures.elman import elman
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.convert import from_networkx
from neurosim.graph.equations import equations
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph


def small() -> nx.DiGraph:
    graph = nx.DiGraph(name="three")
    graph.add_node("a", time_constant=0.1, bias=1.0, initial=2.0)
    graph.add_node("b")
    graph.add_node("c", bias=-1)
    graph.add_edge("a", "b", weight=2.0)
    graph.add_edge("b", "c", weight=-3.0, strength=5.0)
    graph.add_edge("c", "c")
    return graph


def test_membrane_and_rate_form():
    w = np.array([[0, 0, 0], [2.0, 0, 0], [0, -3.0, 1.0]])
    b, tau, x, u = np.array([1.0, 0, -1]), np.array([0.1, 0.5, 0.5]), np.array([0.3, -0.2, 0.7]), np.array([1.0, 2, 3])
    program = compile_graph(from_networkx(small(), time_constant=0.5))
    assert program.flow(x, u) == pytest.approx((-x + w @ np.tanh(x) + b + u) / tau)
    assert program.output(x, u) == pytest.approx(np.tanh(x))
    assert program.initial == pytest.approx([2.0, 0, 0])
    program = compile_graph(from_networkx(small(), time_constant=0.5, form="rate", function="sigmoid"))
    assert program.flow(x, u) == pytest.approx((-x + 1 / (1 + np.exp(-(w @ x + b + u)))) / tau)
    assert program.output(x, u) == pytest.approx(x)
    v = np.arange(6.0).reshape(3, 2)
    program = compile_graph(from_networkx(small(), time_constant=0.5, weight="strength", input_weight=v))
    w2 = np.array([[0, 0, 0], [1.0, 0, 0], [0, 5.0, 1.0]])
    assert program.flow(x, u[:2]) == pytest.approx((-x + w2 @ np.tanh(x) + b + v @ u[:2]) / tau)
    assert from_networkx(small()).graph["nodes"] == ["a", "b", "c"]
    assert from_networkx(small()).title == "three"


def test_undirected_and_parallel_edges():
    graph = nx.MultiGraph([(0, 1, {"weight": 1.5}), (0, 1, {"weight": 2.0}), (2, 2)])
    w = from_networkx(graph).weights()["W"]
    assert w == pytest.approx(np.array([[0, 3.5, 0], [3.5, 0, 0], [0, 0, 1.0]]))


@pytest.mark.parametrize(
    "graph",
    [nx.watts_strogatz_graph(40, 4, 0.2, seed=1), nx.barabasi_albert_graph(40, 2, seed=1), nx.grid_2d_graph(5, 6),
     nx.gn_graph(30, seed=1), nx.empty_graph(5)],
    ids=["small world", "scale free", "grid", "growing", "no edges"],
)  # fmt: skip
def test_generators(graph: nx.Graph):
    made = from_networkx(graph)
    expected = nx.to_numpy_array(graph).T
    assert sparse.issparse(made.parameters["W"].value)
    assert np.array_equal(made.weights()["W"], expected)
    x = np.random.default_rng(0).normal(size=len(graph))
    assert compile_graph(made).drive(x, np.zeros(len(graph))) == pytest.approx(expected @ np.tanh(x), abs=1e-14)
    assert not sparse.issparse(from_networkx(nx.complete_graph(5)).parameters["W"].value)


def test_what_is_wrong_is_named():
    graph = small()
    graph.add_edge("c", "a", weight="strong")
    with pytest.raises(ParameterError, match=r"'c' -> 'a'.*'strong'"):
        from_networkx(graph)
    graph.edges["c", "a"]["weight"] = np.inf
    with pytest.raises(ParameterError, match=r"'c' -> 'a'.*finite"):
        from_networkx(graph)
    graph.edges["c", "a"]["weight"] = 1.0
    graph.nodes["b"]["time_constant"] = 0.0
    with pytest.raises(ParameterError, match=r"'b'.*time_constant"):
        from_networkx(graph)
    with pytest.raises(ParameterError, match="'rates'"):
        from_networkx(small(), form="rates")
    with pytest.raises(UnknownNameError, match="tanhh"):
        from_networkx(small(), function="tanhh")
    with pytest.raises(ParameterError, match="no nodes"):
        from_networkx(nx.DiGraph())
    with pytest.raises(ParameterError, match=r"\(2, 3\)"):
        from_networkx(small(), input_weight=np.ones((2, 3)))


def test_equations_of_elman():
    assert (
        equations(elman(2, 4, 3, time_constant=0.01))
        == """elman: 4 states, 0 held, 2 inputs, 3 outputs
inputs
  u[2]
states
  0.01 s h[4]' = -h + rate
maps
  rate[4] = tanh(U u + W h + b)
  readout[3] = V h + c
outputs
  y[3] = readout
parameters
  U: 4 x 2
  W: 4 x 4
  b: 4
  V: 3 x 4
  c: 3"""
    )


def test_equations_of_everything_else():
    cell = SignalGraph("cell")
    cell.port("in")
    cell.port("out", output=True)
    cell.connect("in", "out", gain=2.0)
    graph = SignalGraph("odd")
    graph.clock("tick", 0.1, phase=0.05)
    graph.port("u", 3, unit="V", limits=(-1, 1))
    graph.state("x", 3, time_constant=[1.0, 2.0, 3.0], leak=0.5, bounds=(0, 1), unit="V")
    graph.state("z", 2, clock="tick")
    graph.state("free", time_constant=1.0, leak=0.0)
    graph.hold("s", 3, clock="tick")
    graph.map("f", 3, "leaky_relu", gain=3.0)
    graph.product("p", 2, "jik,i,k->j", weight="K")
    graph.product("q", 3)
    graph.parameter("K", np.ones((2, 3, 3)))
    graph.parameter("W", sparse.identity(3), trainable=False, unit="S")
    graph.sub("inner", cell)
    graph.connect("u", "x", weight="W", transpose=True)
    graph.connect("s", "x", gain=-1.0)
    graph.connect("x", "s")
    graph.connect("x", "f", gain=0.5)
    graph.connect("x", "p", slot=0)
    graph.connect("f", "p", slot=1)
    graph.connect("f", "q", slot=0)
    graph.connect("x", "q", slot=1)
    graph.connect("u", "q", slot=1)
    graph.connect("p", "z")
    graph.connect("x", "inner/in", source_part=(0, 1))
    graph.connect("inner/out", "free")
    text = equations(graph)
    for line in (
        "u[3] in -1 .. 1  [V]", "(1 .. 3) s x[3]' = -0.5 x + W^T u - s, within 0 .. 1  [V]",
        "z[2] <- p at ticks of tick", "1 s free' = inner/out", "s[3] = x, sampled at ticks of tick",
        "f[3] = leaky_relu(3 (0.5 x); a = 0.01)", "p_j = sum over i, k of K_jik x_i f_k", "q[3] = f * (x + u)",
        "inner: cell, inputs in, outputs out", "W: 3 x 3 S, 3 not zero, fixed", "tick: every 0.1 s from 0.05 s",
        "cell: 0 states, 0 held, 1 inputs, 1 outputs", "out = 2 in",
    ):  # fmt: skip
        assert line in text
