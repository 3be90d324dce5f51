"""Tangent vectors of memristive networks: products with the Jacobian, states that meet their bounds, large networks."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError

GRID = nx.grid_2d_graph(3, 3)


def test_products_give_the_exponents_that_the_whole_jacobian_gives() -> None:
    net = ns.MemristiveNetwork(
        GRID, convention="flipped", beta=1.0, alpha=np.linspace(0.5, 3.0, 12), initial=0.4,
        electrodes={(0, 0): "SIN(0 0.1 3)", (2, 2): 0.0},
    )  # fmt: skip
    whole = ns.lyapunov_spectrum(net, (0.0, 4.0), method="rk4", dt=2e-3)
    some = ns.lyapunov_spectrum(net, (0.0, 4.0), k=3)
    assert some.method == "dp5"
    assert some.exponents == pytest.approx(whole.exponents[:3], abs=2e-3)
    assert np.isnan(some.divergence)


def test_states_that_meet_their_bounds_do_not_set_the_step_of_the_whole_run() -> None:
    held = ns.held(np.random.default_rng(0).normal(size=20), 0.1)
    net = ns.MemristiveNetwork(GRID, convention="flipped", alpha=5.0, electrodes={(0, 0): held, (2, 2): 0.0})
    found = ns.lyapunov_spectrum(net, (0.0, 2.0), k=2)
    assert found.dt == pytest.approx(2e-3)
    assert "met their bounds" in " ".join(found.notes) or found.exponents[0] < 0.0
    run = ns.simulate(net, (0.0, 2.0), rtol=1e-9)
    assert found.final[:12] == pytest.approx([run[name][-1] for name in net.state_names], abs=1e-5)


def test_large_networks_take_few_vectors() -> None:
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(14, 14))
    net = ns.MemristiveNetwork(graph, convention="flipped", beta=10.0, alpha=2.0, electrodes={0: 1.0, 195: 0.0})
    found = ns.lyapunov_spectrum(net, (0.0, 2.0), k=2)
    assert np.all(found.exponents < -0.5)
    with pytest.raises(ParameterError, match="take fewer vectors with k="):
        ns.lyapunov_spectrum(net, (0.0, 2.0))
    model = ns.dynamics(net)
    v = np.random.default_rng(0).normal(size=net.size)
    assert model.jacobian(0.0, model.start) @ v == pytest.approx(model.jvp(0.0, model.start, v), rel=1e-10)
