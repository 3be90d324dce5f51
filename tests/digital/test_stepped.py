"""Graphs with hosts of single steps, beside maps and arrays that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.analyses.comparison import compare
from neurosim.digital.network import digital
from neurosim.digital.stepped import SteppedNetwork
from neurosim.digital.training import Adam, train
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph


def loop(with_host: bool) -> SignalGraph:
    """x <- (1 - a) x + a (W tanh(x) + u) with tanh and a square as hosts or as maps, one behind the other."""
    graph = SignalGraph("loop")
    graph.port("u", 3)
    graph.parameter("W", 0.8 * np.random.default_rng(0).normal(size=(3, 3)))
    graph.parameter("V", np.random.default_rng(1).normal(size=(3, 3)))
    graph.state("x", 3, time_constant=1.0, initial=0.2)
    graph.state("z", 3, time_constant=2.0)
    if with_host:
        graph.host("f", 3, np.tanh, gradient=lambda x, value, d: (1.0 - value**2) * d)
        graph.host("g", 3, np.square, gradient=lambda x, value, d: 2.0 * x * d)
    else:
        graph.map("f", 3, "tanh")
        graph.map("g", 3, "square")
    graph.port("y", 3, output=True)
    graph.connect("x", "f", weight="V")
    graph.connect("u", "f")
    graph.connect("f", "x", weight="W")
    graph.connect("f", "g", gain=0.5)
    graph.connect("g", "z")
    graph.connect("z", "y")
    graph.connect("x", "y")
    return graph


def test_hosts_under_forward_euler_are_maps_and_have_their_gradients():
    network, plain = (digital(loop(with_host), dt=0.3) for with_host in (True, False))
    assert isinstance(network, SteppedNetwork)
    rng = np.random.default_rng(2)
    u, y0 = rng.normal(size=(7, 4, 3)), rng.normal(size=(4, 6))
    ours, expected = (net.sequence(u, y0, keep=True) for net in (network, plain))
    assert ours.outputs == pytest.approx(expected.outputs, abs=1e-13)
    assert ours.states == pytest.approx(expected.states, abs=1e-13)
    assert ours.final == pytest.approx(expected.final, abs=1e-13)
    assert network.sequence(u, y0, record=False).outputs == pytest.approx(expected.outputs, abs=1e-13)
    weights = [rng.normal(size=a.shape) for a in (ours.outputs, ours.states, ours.final)]
    by_host, by_map = (
        net.gradient(run, weights[0], d_states=weights[1], d_final=weights[2], inputs=True)
        for net, run in ((network, ours), (plain, expected))
    )
    assert by_host.parameters == pytest.approx(by_map.parameters, abs=1e-11)
    assert by_host.initial == pytest.approx(by_map.initial, abs=1e-11)
    assert by_host.inputs == pytest.approx(by_map.inputs, abs=1e-11)


def test_training_goes_through_a_host():
    rng = np.random.default_rng(3)
    u = rng.normal(size=(10, 8, 3))
    target = digital(loop(False), dt=0.3, parameters={"W": np.eye(3)}).sequence(u).outputs
    losses = [
        train(digital(loop(h), dt=0.3), (u, target), "mean_squared_error", Adam(0.02), batches=30, progress=False)
        .history["loss"] for h in (True, False)
    ]  # fmt: skip
    assert losses[0] == pytest.approx(losses[1], rel=1e-9)
    assert losses[0][-1] < 0.5 * losses[0][0]


def test_a_sort_is_held_over_each_step():
    """x' = -x + sort(x), the sort being that of x as the step begins, under a rule with two stages."""
    graph = SignalGraph("sorted")
    graph.state("x", 3, time_constant=1.0, initial=np.array([3.0, 1.0, 2.0]))
    graph.host("order", 3, lambda x: np.sort(x, axis=-1))
    graph.connect("x", "order")
    graph.connect("order", "x")
    states = digital(graph, "etd2rk", dt=0.1).sequence(5).states[:, 0]
    x = np.array([3.0, 1.0, 2.0])
    for found in states:
        x = np.exp(-0.1) * x + (1.0 - np.exp(-0.1)) * np.sort(x)
        assert found == pytest.approx(x, abs=1e-13)


def test_refusals_name_the_host():
    bad = loop(True)
    bad.nodes["f"]["function"] = lambda x: x[:, :1]
    with pytest.raises(ParameterError, match=r"'f' gives shape \(1, 1\); \(1, 3\)"):
        digital(bad, dt=0.3).sequence(np.zeros((2, 3)))
    bad.nodes["f"]["function"] = lambda x: np.full(x.shape, np.nan)
    with pytest.raises(SimulationError, match="'f' gives values that are not finite"):
        digital(bad, dt=0.3).sequence(np.zeros((2, 3)))
    network = digital(loop(True), dt=0.3)
    run = network.sequence(np.zeros((2, 3)))
    with pytest.raises(ParameterError, match="kept no tape"):
        network.gradient(run, np.zeros_like(run.outputs))
    with pytest.raises(ParameterError, match="'f' is a Python procedure: only a digital network"):
        compile_graph(loop(True))
    with pytest.raises(ParameterError, match="'f' is a procedure of single steps: it has no analog side"):
        compare(loop(True), dt=0.3)
    closed = loop(True)
    closed.connect("g", "f")
    with pytest.raises(ParameterError, match="algebraic loop"):
        digital(closed, dt=0.3)
