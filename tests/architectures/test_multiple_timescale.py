"""The multiple timescale network against its equations, and what is connected with what."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from stepping import check_gradient, randomised

from neurosim.architectures.multiple_timescale import GROUPS, multiple_timescale
from neurosim.digital.network import digital
from neurosim.errors import ParameterError

TAU = {"io": 2.0, "fast": 5.0, "slow": 70.0}


@pytest.mark.parametrize("feedback", ["sensed", "closed"])
def test_it_is_the_textbook_loop(feedback: str) -> None:
    graph = randomised(multiple_timescale(2, 4, 3, feedback=feedback))
    network = digital(graph, dt=1.0)
    rng = np.random.default_rng(0)
    given = rng.normal(size=(12, 2)) if feedback == "sensed" else None
    start = {"io": rng.normal(size=2), "fast": rng.normal(size=4), "slow": rng.normal(size=3)}
    run = network.sequence(12 if given is None else given, network.program.states.pack(start, np.zeros(9), "start"))
    w, u = graph.weights(), start
    for t in range(12):
        x = {name: np.tanh(u[name]) for name in GROUPS}
        heard = {**x, "io": x["io"] if given is None else given[t]}
        u = {
            name: (1.0 - 1.0 / TAU[name]) * u[name]
            + (sum(w[f"W_{name}_{s}"] @ heard[s] for s in GROUPS if f"W_{name}_{s}" in w) + w[f"b_{name}"]) / TAU[name]
            for name in GROUPS
        }
        for name in GROUPS:
            assert network.program.states.unpack(run.states[t, 0])[name] == pytest.approx(u[name], abs=1e-13)
        assert run.outputs[t, 0] == pytest.approx(np.tanh(u["io"]), abs=1e-13)


def test_slow_units_are_not_connected_with_the_input_output_group() -> None:
    graph = multiple_timescale(feedback="closed")
    without = nx.DiGraph(graph)
    without.remove_nodes_from(["fast", "rate_fast"])
    assert not nx.has_path(without, "io", "slow")
    assert not nx.has_path(without, "slow", "io")
    assert nx.has_path(graph, "io", "slow")
    assert nx.has_path(graph, "slow", "y")


def test_gradient() -> None:
    network = digital(randomised(multiple_timescale(2, 4, 3)), dt=1.0)
    rng = np.random.default_rng(0)
    check_gradient(network, rng.normal(size=(6, 2, 2)), rng.normal(size=(2, 9)))


def test_refused() -> None:
    with pytest.raises(ParameterError, match="'sensed' or 'closed'"):
        multiple_timescale(feedback="open")
