"""Delayed edges against a loop that remembers the past."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.network import digital
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph


def delayed(*delays: float) -> SignalGraph:
    rng = np.random.default_rng(0)
    graph = SignalGraph("delayed")
    graph.port("u", 2)
    graph.state("h", 4, time_constant=1.0)
    graph.map("rate", 4, "tanh")
    graph.port("y", 4, output=True)
    graph.parameter("U", rng.normal(size=(4, 2)))
    graph.connect("u", "rate", weight="U")
    for number, delay in enumerate(delays):
        graph.parameter(f"W{number}", rng.normal(size=(4, 3)))
        graph.connect("rate", "rate", weight=f"W{number}", delay=delay, source_part=(1, 4))
    graph.connect("rate", "h")
    graph.connect("h", "y")
    return graph


@pytest.mark.parametrize("steps", [(1,), (3,), (2, 5), (4, 4)])
def test_delays_are_what_they_say(steps: tuple[int, ...]):
    dt = 0.25
    graph = delayed(*(k * dt for k in steps))
    network = digital(graph, "forward_euler", dt)
    u = np.random.default_rng(1).normal(size=(20, 3, 2))
    run = network.sequence(u)
    w = graph.weights()
    h, past = np.zeros((3, 4)), [np.zeros((3, 4))] * 20
    for k in range(20):
        drive = u[k] @ w["U"].T + sum(past[-s][:, 1:4] @ w[f"W{i}"].T for i, s in enumerate(steps))
        rate = np.tanh(drive)
        h = h + dt * (rate - h)
        past.append(rate)
        assert run.outputs[k] == pytest.approx(h, abs=1e-13)


def test_gradients_pass_through_delays():
    network = digital(delayed(0.5, 0.25), "forward_euler", 0.25)
    rng = np.random.default_rng(2)
    u, d = rng.normal(size=(9, 2, 2)), rng.normal(size=(9, 2, 4))
    gradient = network.gradient(network.sequence(u, keep=True), d).parameters
    p, way, e = network.program.p[: gradient.size], rng.normal(size=gradient.size), 1e-6
    up, down = ((network.with_parameters(p + s * e * way).sequence(u).outputs * d).sum() for s in (1, -1))
    assert gradient @ way == pytest.approx((up - down) / (2 * e), rel=1e-6)


def test_delays_that_do_not_fit_are_refused_by_edge():
    with pytest.raises(ParameterError, match=r"'rate' -> 'rate'.*0\.3 s"):
        digital(delayed(0.3), "forward_euler", 0.25)
    with pytest.raises(ParameterError, match="give dt"):
        digital(delayed(0.3))
    with pytest.raises(ParameterError, match="'rate' -> 'rate'"):
        compile_graph(delayed(0.3))
