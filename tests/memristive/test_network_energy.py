"""Energy along runs of memristive networks: falls while free, rises where a state is held at 1, which is shown."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError


def network(push: float, **more: object) -> ns.MemristiveNetwork:
    graph = nx.grid_2d_graph(3, 3)
    settings = {"convention": "flipped", "alpha": 1.0, "beta": 1.0, "initial": np.linspace(0.2, 0.8, 12),
                "electrodes": {(0, 0): push, (2, 2): 0.0}} | more  # fmt: skip
    return ns.MemristiveNetwork(graph, **settings)  # type: ignore[arg-type]


def test_energy_falls_while_nothing_is_held() -> None:
    run = ns.energy(network(0.3), (0.0, 4.0), rtol=1e-8)
    assert run.identity_error < 1e-12
    assert not run.pinned
    assert run.violations.size == 0
    assert (run.rate <= 0.0).all()
    assert run.energy[-1] < run.energy[0] - 0.01


def test_states_held_at_one_can_make_it_rise_and_that_is_shown() -> None:
    rises = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        net = network(0.0, sources=rng.normal(size=12) * 2.5, initial=rng.random(12))
        run = ns.energy(net, (0.0, 6.0), rtol=1e-8)
        assert run.identity_error < 1e-11
        assert run.violations_while_free.size == 0
        assert {p.bound for p in run.pinned} <= {0.0, 1.0}
        assert run.pinned
        rises.append(run.violations.size)
    assert max(rises) > 0


def test_digital_equivalent_is_forward_euler_of_the_engine() -> None:
    net = network(1.0, sources={((0, 0), (0, 1)): ns.held([0.5, -0.5], 0.25)})
    digital = net.digital(0.01).run(50)
    run = ns.simulate(net, (0.0, 0.5), method="forward_euler", fixed_step=0.01, print_step=0.01, save_steps=False)
    ours = np.array([run[name][-1] for name in net.state_names])
    assert np.abs(digital[-1] - ours).max() < 1e-12
    with pytest.raises(ParameterError, match="dt = 0"):
        net.digital(0.0)


def test_refused_where_no_energy_is_known() -> None:
    with pytest.raises(ParameterError, match="changes"):
        ns.energy(network(0.3, electrodes={(0, 0): "SIN(0 1 1)"}), (0.0, 1.0))
    with pytest.raises(ParameterError, match="a window"):
        ns.energy(network(0.3, window="joglekar"), (0.0, 1.0))
