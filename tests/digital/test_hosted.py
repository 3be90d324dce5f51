"""Graphs with hosts over whole sequences, beside the arrays that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.hosted import HostedNetwork
from neurosim.digital.network import digital
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.signal_graph import SignalGraph


def chain(function, gradient=None, over: str = "sequence") -> SignalGraph:
    """u -> x -> host -> z -> y, and x also to y: x is needed before and after the host."""
    graph = SignalGraph("chain")
    graph.port("u", 2)
    graph.state("x", 2, time_constant=1.0, initial=0.3)
    graph.state("z", 2, time_constant=2.0)
    graph.state("aside", 2, time_constant=1.0)
    graph.host("host", 2, function, over=over, gradient=gradient)
    graph.map("squashed", 2, "tanh")
    graph.parameter("W", np.array([[0.5, -0.2], [0.7, 0.1]]))
    graph.port("y", 2, output=True)
    for a, b in (("u", "squashed"), ("squashed", "x"), ("host", "z"), ("z", "y"), ("host", "aside")):
        graph.connect(a, b)
    for target in ("host", "y"):
        graph.connect("x", target, weight="W")
    return graph


def running_sum(x: np.ndarray) -> np.ndarray:
    return np.cumsum(x, axis=0)


def running_sum_gradient(x: np.ndarray, value: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.cumsum(d[::-1], axis=0)[::-1]


def test_levels_are_one_run():
    """A cumulative sum of what a state is at the end of each step, held over that step."""
    graph = chain(running_sum, running_sum_gradient)
    network = digital(graph, dt=0.5)
    assert isinstance(network, HostedNetwork)
    rng = np.random.default_rng(0)
    u, y0 = rng.normal(size=(6, 3, 2)), rng.normal(size=(3, 6))
    made = network.sequence(u, y0, keep=True)
    x, z, aside = y0[:, :2], y0[:, 2:4], y0[:, 4:]
    total, w = 0.0, graph.weights()["W"]
    for t in range(6):
        x = 0.5 * x + 0.5 * np.tanh(u[t])
        total = total + x @ w.T
        z = 0.75 * z + 0.25 * total
        aside = 0.5 * aside + 0.5 * total
        assert made.outputs[t] == pytest.approx(x @ w.T + z, abs=1e-14)
        assert made.states[t] == pytest.approx(np.hstack([x, z, aside]), abs=1e-14)
    assert made.final == pytest.approx(made.states[-1])
    weights = [rng.normal(size=a.shape) for a in (made.outputs, made.states, made.final)]

    def value(u_, y_, p_) -> float:
        run = network.with_parameters(p_).sequence(u_, y_)
        return sum(float((w_ * a).sum()) for w_, a in zip(weights, (run.outputs, run.states, run.final), strict=True))

    found = network.gradient(made, weights[0], d_states=weights[1], d_final=weights[2], inputs=True)
    vector = network.program.p[:4]
    for place, back in enumerate((found.inputs, found.initial, found.parameters)):
        arguments = [u, y0, vector]
        direction = rng.normal(size=back.shape)
        sides = []
        for e in (1e-6, -1e-6):
            moved = list(arguments)
            moved[place] = arguments[place] + e * direction
            sides.append(value(*moved))
        assert (back * direction).sum() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-7)


def test_hosts_in_a_row_and_of_the_bare_input():
    graph = SignalGraph("row")
    graph.port("u", 1)
    graph.port("v", 1)
    graph.host("first", 1, lambda x: x[::-1], over="sequence")
    graph.host("second", 1, lambda x: 2.0 * x, over="sequence")
    graph.state("x", 1, time_constant=1.0)
    graph.port("y", 1, output=True)
    for a, b in (("u", "first"), ("first", "second"), ("second", "x"), ("v", "x"), ("x", "y")):
        graph.connect(a, b)
    u = np.arange(10.0).reshape(5, 2)
    assert digital(graph).sequence(u).outputs[:, 0, 0] == pytest.approx(2 * u[::-1, 0] + u[:, 1])


def test_refusals_name_the_host():
    u = np.zeros((4, 2))
    both = chain(running_sum)
    both.host("other", 2, np.sort)
    both.connect("x", "other")
    both.connect("other", "aside")
    with pytest.raises(ParameterError, match="'host' takes whole sequences, but 'other' runs step by step"):
        digital(both, dt=1.0)
    with pytest.raises(ParameterError, match=r"'host' gives shape \(2, 1, 2\); \(4, 1, 2\)"):
        digital(chain(lambda x: x[::2]), dt=1.0).sequence(u)
    with pytest.raises(SimulationError, match="'host' gives values that are not finite"):
        digital(chain(lambda x: x / 0.0 if x.sum() > 1e300 else np.full(x.shape, np.nan)), dt=1.0).sequence(u)
    network = digital(chain(running_sum), dt=1.0)
    kept = network.sequence(u, keep=True)
    with pytest.raises(ParameterError, match="'host' has no gradient"):
        network.gradient(kept, np.zeros_like(kept.outputs))
    with pytest.raises(ParameterError, match="kept no tape"):
        network.gradient(network.sequence(u), np.zeros_like(kept.outputs))
    with pytest.raises(ParameterError, match=r"u needs shape \(steps, 2\)"):
        network.sequence(np.zeros((4, 3)))
    with pytest.raises(ParameterError, match="'host' run beside this network"):
        network.program.drive(network.program.initial, u[0])
    looped = chain(running_sum)
    looped.connect("z", "x")
    with pytest.raises(ParameterError, match="'host' takes whole sequences"):
        digital(looped, dt=1.0)
