"""Memristive networks in the engine: against SciPy, laws that hold along trajectories, bounds."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import Any

import networkx as nx
import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.kernels.abi import TIME, compilations
from neurosim.kernels.system import compute_flow
from neurosim.memristive.assembly import assemble_network

GRID = nx.grid_2d_graph(3, 3)


def network(**more: Any) -> ns.MemristiveNetwork:
    """A grid with an electrode driven by a wave, an EMF that is held and another that is a wave."""
    settings: dict[str, Any] = {
        "convention": "flipped", "beta": 1.6, "alpha": 0.3, "initial": np.linspace(0.3, 0.6, 12),
        "electrodes": {(0, 0): "SIN(0 2 3)", (2, 2): 0.0},
        "sources": {((0, 0), (0, 1)): ns.held([0.5, -0.5, 1.0], 0.125), ((1, 1), (1, 2)): "SIN(0 1 2)"},
        "polarity": np.array([1.0, -1.0] * 6),
    }  # fmt: skip
    return ns.MemristiveNetwork(GRID, **{**settings, **more})


def reference(net: ns.MemristiveNetwork, stop: float, corners: np.ndarray) -> np.ndarray:
    """States at `stop` by SciPy, piece by piece."""
    y, edges = net.state, np.unique(np.concatenate([[0.0], corners[corners < stop], [stop]]))
    for start, end in pairwise(edges):
        settings = {"method": "DOP853", "rtol": 1e-11, "atol": 1e-13, "args": (end - 1e-12,)}
        y = solve_ivp(lambda t, w, last: net.rhs(min(t, last), w), (start, end), y, **settings).y[:, -1]
    return y


@cache
def end_of_network() -> np.ndarray:
    """States of `network` after 0.5 s."""
    return reference(network(), 0.5, np.array([0.125, 0.25]))


@pytest.mark.parametrize("method", ["dp5", "dop853", "rodas5p", "adams"])
def test_trajectory_equals_scipy_with_waves_and_held_sources(method: str) -> None:
    net = network()
    result = ns.simulate(net, (0.0, 0.5), method=method, rtol=1e-10)
    ours = np.array([result[name][-1] for name in net.state_names])
    assert np.abs(ours - end_of_network()).max() < 2e-9
    assert np.abs(ours - net.state).max() > 0.01


def test_noise_is_held_and_the_same_each_time() -> None:
    net = network(sources={((0, 0), (0, 1)): ns.noise(1.0, 0.1, 3)})
    first, again = (ns.simulate(net, (0.0, 0.3), rtol=1e-9) for _ in range(2))
    assert first["m[0].x"][-1] == again["m[0].x"][-1]
    ours = np.array([first[name][-1] for name in net.state_names])
    assert np.abs(ours - reference(net, 0.3, np.array([0.1, 0.2]))).max() < 1e-8


@pytest.mark.parametrize("convention", ["standard", "flipped"])
@pytest.mark.parametrize("alpha", [0.0, 0.4])
def test_the_cut_space_law_holds_along_trajectories(convention: str, alpha: float) -> None:
    rng = np.random.default_rng(5)
    graph = nx.MultiDiGraph(nx.gnm_random_graph(12, 24, seed=3, directed=True))
    graph.add_edges_from([(0, 1), (0, 1), ("p", "q"), ("q", "r"), ("r", "p")])
    m = graph.number_of_edges()
    drives = {e: ns.noise(1.0, 0.05, int(e)) for e in range(0, m, 2)}
    net = ns.MemristiveNetwork(
        graph, convention=convention, alpha=alpha, beta=0.5 if convention == "standard" else 30.0, sources=drives,
        polarity=rng.choice([-1.0, 1.0], m), initial=rng.uniform(0.4, 0.6, m),
    )  # fmt: skip
    result = ns.simulate(net, (0.0, 0.5), method="dop853", rtol=1e-9)
    assert not result.attrs["seconds_at_bounds"]
    values = np.array([result[name] for name in net.state_names]).T
    law = np.array([net.conserved(w, t) for w, t in zip(values, result["time"], strict=True)])
    assert np.abs(law - law[0]).max() < 1e-10
    assert np.abs(values - values[0]).max() > 1e-3


def test_switching_time_of_one_device() -> None:
    net = ns.MemristiveNetwork(nx.path_graph(2), convention="standard", electrodes={0: 1.0, 1: 0.0}, initial=1.0)
    result = ns.simulate(net, (0.0, 1.0), rtol=1e-9, save=["m[0].x"])
    exact = 1e-2 * (1.0 + 159.0 / 2.0)
    assert result.attrs["seconds_at_bounds"]["m[0].x"] == pytest.approx(1.0 - exact, abs=2e-2)
    w, t = result["m[0].x"], result["time"]
    before = t < exact - 1e-3
    assert np.abs(w[before] + 159.0 * w[before] ** 2 / 2 - (80.5 - t[before] / 1e-2)).max() < 1e-5
    assert (w[t > exact + 2e-2] == 0.0).all()


@pytest.mark.parametrize("solver", ["dense", "cycles", "sparse_cholesky", "conjugate_gradients"])
def test_every_solver_gives_the_same_trajectory(solver: str) -> None:
    chosen, other = (ns.simulate(network(solver=s), (0.0, 0.2), rtol=1e-8) for s in (solver, "auto"))
    assert chosen["m[5].x"][-1] == pytest.approx(other["m[5].x"][-1], abs=1e-8)


def test_columns_of_currents_voltages_and_conductances() -> None:
    net = network()
    save = ["m[2].x", "i(m[2])", "i((0, 0))", "v((1, 1))", "g((0, 0),(2, 2))"]
    result = ns.simulate(net, (0.0, 0.2), save=save)
    everything = ns.simulate(net, (0.0, 0.2), save=["states"])
    k, t = len(result["time"]) // 2, result["time"][len(result["time"]) // 2]
    w = np.array([everything[name][k] for name in net.state_names])
    assert result["m[2].x"][k] == w[2]
    assert result["i(m[2])"][k] == pytest.approx(net.currents(w, t)[2], rel=1e-9)
    assert result["i((0, 0))"][k] == pytest.approx(net.electrode_currents(w, t)[0], rel=1e-9)
    assert result["v((1, 1))"][k] == pytest.approx(net.node_voltages(w, t)[net.node_index((1, 1))], rel=1e-9)
    assert result["g((0,0),(2,2))"][k] == pytest.approx(net.conductance(w, (0, 0), (2, 2)), rel=1e-9)


def test_a_new_network_compiles_nothing() -> None:
    ns.simulate(network(), (0.0, 0.01))
    before = compilations()
    for graph in (nx.path_graph(4), nx.complete_graph(5)):
        ns.simulate(ns.MemristiveNetwork(graph, convention="standard", electrodes={0: 1.0, 3: 0.0}), (0.0, 0.01))
    assert compilations() == before


@pytest.mark.parametrize("device", ["vteam", "linear_drift", "nanowire_junction", "threshold", "yakopcic"])
def test_other_devices_run_on_the_same_machinery(device: str) -> None:
    net = ns.MemristiveNetwork(GRID, device=device, electrodes={(0, 0): "SIN(0 0.4 2)", (2, 2): 0.0})
    result = ns.simulate(net, (0.0, 0.05), rtol=1e-8)
    dynamics = ns.dynamics(net)
    w = np.array([result[name][-1] for name in net.state_names])
    assert dynamics.flow(0.02, w) == pytest.approx(net.rhs(0.02, w), rel=1e-9, abs=1e-12 * net.laws.scale.max())


def test_dynamics_has_exact_products() -> None:
    net = network()
    dynamics = ns.dynamics(net)
    y = dynamics.start
    m = net.size
    jacobian = dynamics.jacobian(0.03, y).toarray()
    assert np.abs(jacobian[:m, :m] - net.jacobian(0.03, y[:m])).max() < 1e-11 * np.abs(jacobian).max()
    v = np.random.default_rng(0).normal(size=y.size)
    v[m:] = 0.0
    assert np.abs(dynamics.jvp(0.03, y, v) - jacobian @ v).max() < 1e-10
    assert np.abs(dynamics.vjp(0.03, y, v)[:m] - (jacobian.T @ v)[:m]).max() < 1e-10
    other = dynamics.with_parameters({"alpha": 1.0, "v((0, 0))": 3.0, "emf(m[2])": 0.5})
    assert other.flow(0.0, y)[0] != dynamics.flow(0.0, y)[0]
    with pytest.raises(UnknownNameError, match="no parameter 'gamma'"):
        dynamics.with_parameters({"gamma": 1.0})


def test_fixed_points_are_found() -> None:
    chi, alpha, beta = 159.0 / 160.0, 1.0, 1.0
    s = 0.8 / (4.0 * chi)
    net = ns.MemristiveNetwork(
        nx.path_graph(2), convention="flipped", alpha=alpha, beta=beta, electrodes={0: s * alpha * beta, 1: 0.0}
    )
    found = sorted(p.state[0] for p in ns.fixed_points(ns.dynamics(net)))
    exact = [(1 - np.sqrt(1 - 4 * chi * s)) / (2 * chi), (1 + np.sqrt(1 - 4 * chi * s)) / (2 * chi)]
    assert found[: len(exact)] == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"metod": "dp5"}, "'method'"),
        ({"save": ["m[40].x"]}, "cannot save 'm\\[40\\].x'"),
        ({"save": ["v(k)"]}, "cannot save 'v\\(k\\)'"),
        ({"initial": np.full(12, 2.0)}, "initial = 2 is out of bounds"),
        ({"rtol": 2.0}, "rtol = 2"),
    ],
)
def test_bad_settings_are_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises((ParameterError, UnknownNameError), match=named):
        ns.simulate(network(), (0.0, 0.1), **settings)


def test_a_stiff_network_of_any_size_runs_and_implicit_methods_say_what_to_take() -> None:
    graph = nx.convert_node_labels_to_integers(nx.grid_2d_graph(14, 14))
    rng = np.random.default_rng(0)
    alpha = 10.0 ** rng.uniform(0.0, 4.5, graph.number_of_edges())
    net = ns.MemristiveNetwork(
        graph, convention="flipped", alpha=alpha, beta=10.0, electrodes={0: "SIN(1 0.5 2)", 195: 0.0}, initial=0.3
    )
    with pytest.raises(ParameterError, match="at most 300 edges, not 364; use 'rodas5p' or 'rkc' where it is stiff"):
        ns.simulate(net, (0.0, 0.1), method="bdf2")
    asked = {"save": ["states"], "save_steps": False, "rtol": 1e-4}
    runs = [ns.simulate(net, (0.0, 0.1), method=method, **asked) for method in ("rkc", "dp5", "auto", "rodas5p")]
    ends = [np.array([r[name][-1] for name in net.state_names]) for r in runs]
    for end in ends[:1] + ends[2:]:
        assert np.abs(end - ends[1]).max() < 1e-4
    assert "stability bounds the steps of dp5; continued by rodas5p" in runs[2].attrs["notes"][0]
    rkc, dp5, auto, rodas = (r.attrs["statistics"]["evaluations"] for r in runs)
    assert 3 * rkc < dp5
    assert 2 * auto < dp5
    assert 3 * rodas < rkc
    assert net.plan(1e-4).kind == runs[0].attrs["solver"]


def test_a_small_stiff_network_goes_on_with_an_implicit_method() -> None:
    alpha = 10.0 ** np.random.default_rng(0).uniform(0.0, 6.0, GRID.number_of_edges())
    electrodes = {(0, 0): 1.0, (2, 2): 0.0}
    net = ns.MemristiveNetwork(GRID, convention="flipped", alpha=alpha, beta=10.0, electrodes=electrodes)
    run = ns.simulate(net, (0.0, 1.0), rtol=1e-5)
    assert run.attrs["method"] == "rodas5p"
    exact = ns.simulate(net, (0.0, 1.0), rtol=1e-9, method="rodas5p")
    for name in net.state_names:
        assert run[name][-1] == pytest.approx(exact[name][-1], abs=1e-5)


@pytest.mark.parametrize("solver", ["dense", "sparse_cholesky", "conjugate_gradients"])
def test_rates_of_a_run_equal_those_of_the_network(solver: str) -> None:
    draw = np.random.default_rng(5)
    graph = nx.MultiGraph(nx.random_regular_graph(4, 40, seed=3))
    graph.add_edges_from([(0, 1), (0, 1), ("a", "b"), ("b", "c"), ("c", "a")])
    for k, edge in enumerate(graph.edges):
        own: dict[str, Any] = {"polarity": 1 - 2 * (k % 5 == 0)}
        if k % 7 == 3:
            own = {"resistance": 1e3 + k}
        elif k % 11 == 4:
            own |= {"device": "vteam", "initial": 1e-9}
        elif k % 3 == 0:
            own |= {"r_on": 100.0 + k, "emf": "SIN(0.2 1 5)" if k % 2 else 0.3}
        graph.edges[edge].update(own)
    net = ns.MemristiveNetwork(
        graph, convention="flipped", initial=0.4, solver=solver, currents={7: "SIN(0 1m 3)", 8: 2e-4},
        electrodes={0: "SIN(0 2 1)", 3: 0.0, 9: -0.5},
    )  # fmt: skip
    laws = net.laws
    assembly = assemble_network(net, net.sources.bind(1.0), derivatives=False, rtol=1e-11)
    system = assembly.system
    for t in (0.0, 0.07, 0.11):
        w = np.clip(net.state + 0.2 * laws.scale * draw.normal(size=net.size), laws.lower, laws.upper)
        system.context[TIME], f = t, np.zeros(net.size + 1)
        compute_flow(system.arrays, system.context, np.append(w, 0.0), f)
        expected = net.rhs(t, w)
        np.testing.assert_allclose(f[:-1] / laws.scale, expected / laws.scale, rtol=1e-8, atol=1e-9)
