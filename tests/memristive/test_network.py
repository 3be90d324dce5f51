"""Memristive networks against a full modified nodal analysis, differences, and what is known exactly."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError

CONVENTIONS = ("standard", "flipped")


def random_network(seed: int, *, energetic: bool = False, **more: Any) -> tuple[ns.MemristiveNetwork, np.ndarray]:
    """A multigraph of one to three parts with parallel edges, both directions, polarity, and any sources."""
    rng = np.random.default_rng(seed)
    graph = nx.MultiDiGraph()
    electrodes, currents = {}, {}
    for part in range(int(rng.integers(1, 4))):
        n = int(rng.integers(2, 12))
        names = [f"{part}.{k}" for k in range(n)]
        ring = [(names[k], names[(k + 1) % n]) for k in range(n)]
        chords = [tuple(rng.choice(names, 2, replace=False)) for _ in range(int(rng.integers(1, n + 1)))]
        pairs = [(str(b), str(a)) if rng.random() < 0.5 else (str(a), str(b)) for a, b in [*ring, *chords, chords[0]]]
        graph.add_edges_from(pairs)
        chosen = [str(x) for x in rng.permutation(names)]
        kind = rng.integers(3)
        if kind > 0:
            electrodes |= {name: float(rng.normal()) for name in chosen[: min(n, 1 + kind)]}
        if n > 2 and rng.random() < 0.5:
            push = float(rng.normal()) * 1e-3
            currents |= {chosen[-1]: push, chosen[-2]: -push}
    m = graph.number_of_edges()
    varied = {} if energetic else {
        "r_on": rng.uniform(50.0, 200.0, m), "r_off": rng.uniform(1e3, 16e3, m), "beta": rng.uniform(0.005, 0.02, m),
    }  # fmt: skip
    settings = {"polarity": rng.choice([-1.0, 1.0], m), "sources": rng.normal(size=m), "alpha": 0.7, **varied, **more}
    settings.setdefault("convention", CONVENTIONS[seed % 2])
    return ns.MemristiveNetwork(graph, electrodes=electrodes, currents=currents, **settings), rng.random(m)


def nodal_analysis(net: ns.MemristiveNetwork, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Potentials and currents of the edges from all laws at once: unknowns are p, i and the currents of sources."""
    n, m = len(net.nodes), net.size
    columns = net.laws.groups[0].columns
    share = w if net.convention == "standard" else 1.0 - w
    resistance = columns["r_on"] + (columns["r_off"] - columns["r_on"]) * share
    b = net.incidence.toarray()
    emf, potential, inject = net.sources.split(net.sources.constant)
    k = net.fixed.size
    pick = np.zeros((n, k))
    pick[net.fixed, np.arange(k)] = 1.0
    matrix = np.block([
        [np.zeros((n, n)), b, -pick], [b.T, -np.diag(resistance), np.zeros((m, k))],
        [pick.T, np.zeros((k, m)), np.zeros((k, k))],
    ])  # fmt: skip
    x = np.linalg.solve(matrix, np.concatenate([inject, -emf, potential[net.fixed]]))
    return x[:n], x[n : n + m]


def worst(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference relative to the length of b."""
    return float(np.linalg.norm(a - b) / max(np.linalg.norm(b), 1e-300))


def test_currents_equal_a_full_nodal_analysis_on_200_random_graphs() -> None:
    largest = 0.0
    for seed in range(200):
        net, w = random_network(seed)
        p, i = nodal_analysis(net, w)
        largest = max(largest, worst(net.currents(w), i), worst(net.node_voltages(w), p))
        if net.electrodes:
            inject = net.sources.split(net.sources.constant)[2]
            outside = (net.incidence @ i - inject)[[net.node_index(a) for a in net.electrodes]]
            largest = max(largest, float(np.max(np.abs(net.electrode_currents(w) - outside)) / np.linalg.norm(i)))
        way = -1.0 if net.convention == "standard" else 1.0
        columns = net.laws.groups[0].columns
        scale = columns["r_on" if way < 0 else "r_off"] / columns["beta"]
        largest = max(largest, worst(net.rhs(0.0, w), way * (scale * net.laws.polarity * i - 0.7 * w)))
        largest = max(largest, abs(net.power(w).sum() - net.supplied_power(w)) / net.power(w).sum())
    assert largest < 1e-12


def test_every_matrix_form_agrees_on_200_random_graphs() -> None:
    largest = 0.0
    for seed in range(200):
        net, w = random_network(seed, energetic=True)
        _, i = nodal_analysis(net, w)
        one, on, off = np.eye(net.size), 100.0, 16e3
        omega = net.projector()
        emf, potential, inject = net.sources.split(net.sources.constant)
        s = net.incidence.T @ potential + emf
        push = net.incidence.T @ net.unit_potentials(inject)
        standard = net.convention == "standard"
        base, strength = (on, (off - on) / on) if standard else (off, -(off - on) / off)
        inner = one + strength * omega * w
        largest = max(largest, worst(np.linalg.solve(inner, omega @ s / base + push), i))
        # all currents that obey Kirchhoff's current law at free nodes, and the voltages that they meet
        free = np.flatnonzero(net.is_free)
        cut = net.incidence.toarray()[free]
        loops = np.linalg.svd(cut)[2][free.size :] if free.size else one
        r = base * (1.0 + strength * w)
        given = push
        around = np.linalg.solve((loops * r) @ loops.T, loops @ (s - r * given))
        largest = max(largest, worst(given + loops.T @ around, i))
        g = 1.0 / r
        if free.size:
            p = np.linalg.solve((cut * g) @ cut.T, inject[free] - cut @ (g * s))
            largest = max(largest, worst(g * (cut.T @ p + s), i))
        if standard and not inject.any():
            root = np.sqrt(w)
            middle = np.linalg.solve(one + strength * root[:, None] * omega * root, root * (omega @ s))
            largest = max(largest, worst((omega @ s - strength * omega @ (root * middle)) / base, i))
        assert worst(omega @ omega, omega) < 1e-12
        assert np.trace(omega) == pytest.approx(net.size - free.size)
        v = np.arange(net.size, dtype=float)
        assert worst(net.projector(v) + net.projector(v, space="cut"), v) < 1e-14
    assert largest < 1e-12


def test_ideal_source_edges_are_the_same_as_electrodes() -> None:
    net, w = random_network(4, energetic=True, convention="standard")
    assert net.electrodes
    n, m, k, xi = len(net.nodes), net.size, net.fixed.size, 159.0
    b = np.zeros((n + 1, m + k))
    b[:n, :m] = net.incidence.toarray()
    b[n, m:], b[net.fixed, m + np.arange(k)] = 1.0, -1.0
    emf, potential, _ = net.sources.split(net.sources.constant)
    s, formal = np.concatenate([emf, potential[net.fixed]]), np.concatenate([w, np.full(k, -1.0 / xi)])
    omega = np.eye(m + k) - np.linalg.pinv(b) @ b
    inject = np.append(net.sources.split(net.sources.constant)[2], 0.0)
    i = np.linalg.solve(np.eye(m + k) + xi * omega * formal, omega @ s / 100.0 + np.linalg.pinv(b) @ inject)
    assert worst(i[:m], net.currents(w)) < 1e-11
    order = [net.fixed.tolist().index(net.node_index(a)) for a in net.electrodes]
    assert worst(i[m:][order], net.electrode_currents(w)) < 1e-11


@pytest.mark.parametrize("window", ["none", "joglekar", "biolek", "prodromakis", "strukov"])
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_products_with_the_jacobian(convention: str, window: str) -> None:
    for seed in range(3):
        net, w = random_network(seed, convention=convention, window=window)
        w = 0.1 + 0.8 * w
        rng = np.random.default_rng(seed)
        v, u, h = rng.normal(size=net.size), rng.normal(size=net.size), 1e-6
        pushed = net.jvp(0.0, w, v)
        difference = (net.rhs(0.0, w + h * v) - net.rhs(0.0, w - h * v)) / (2 * h)
        assert worst(pushed, difference) < 1e-7
        assert u @ pushed == pytest.approx(v @ net.vjp(0.0, w, u), rel=1e-11)
        assert worst(net.jacobian(0.0, w) @ v, pushed) < 1e-12
        assert net.vjp(0.0, w, np.stack([u, v], 1))[:, 0] == pytest.approx(net.vjp(0.0, w, u), rel=1e-12)


def test_the_spectrum_is_real() -> None:
    for seed in range(40):
        net, w = random_network(seed)
        values = np.linalg.eigvals(net.jacobian(0.0, w))
        assert np.abs(values.imag).max() < 1e-7 * np.abs(values).max()


def test_the_rate_of_the_energy_is_its_derivative_along_the_flow() -> None:
    for seed in range(100):
        net, w = random_network(seed, energetic=True)
        rate, gradient = net.rhs(0.0, w), net.energy_gradient(w)
        assert net.energy_rate(w) == pytest.approx(float(gradient @ rate), rel=1e-12)
        assert net.energy_rate(w) <= 0.0
        h = 1e-5
        v = np.random.default_rng(seed).normal(size=net.size)
        difference = (net.energy(w + h * v) - net.energy(w - h * v)) / (2 * h)
        assert difference == pytest.approx(float(gradient @ v), rel=1e-6, abs=1e-8 * np.abs(gradient).max())


def test_ising_energy_of_binary_states() -> None:
    for seed in range(6):
        net, w = random_network(seed, energetic=True)
        x = np.round(w)
        assert net.ising().energy(x) == pytest.approx(net.energy(x), rel=1e-12)


def test_the_rate_conserves_the_cut_space_part() -> None:
    for seed in range(60):
        net, w = random_network(seed)
        kept = net.conserved_nodes
        sign = 1.0 if net.convention == "standard" else -1.0
        rest = net.conserved(net.rhs(0.0, w) - sign * 0.7 * w)
        assert np.abs(rest[kept]).max(initial=0.0) < 1e-12 * np.abs(net.rhs(0.0, w)).max()
        if (~kept).any() and net.electrodes:
            assert np.abs(rest[~kept]).max() > 1e-9 * np.abs(net.rhs(0.0, w)).max()


def test_the_conventions_are_two_names_of_one_thing_without_decay() -> None:
    net, w = random_network(3, energetic=True, alpha=0.0, convention="standard")
    other, _ = random_network(3, energetic=True, alpha=0.0, convention="flipped", beta=1e-2 * 160.0)
    assert worst(-other.rhs(0.0, 1.0 - w), net.rhs(0.0, w)) < 1e-12


def test_effective_resistances_of_known_graphs() -> None:
    for n in (3, 6):
        net = ns.MemristiveNetwork(nx.complete_graph(n), convention="standard", initial=0.0)
        assert net.conductance(None, 0, 1) == pytest.approx(n / 2.0 / 100.0, rel=1e-12)
    bridge = nx.Graph([("a", "c"), ("a", "d"), ("c", "b"), ("d", "b"), ("c", "d")])
    net = ns.MemristiveNetwork(bridge, convention="flipped", initial=0.0)
    assert net.conductance(None, "a", "b") == pytest.approx(1.0 / 16e3, rel=1e-12)
    apart = nx.Graph([(0, 1), (2, 3)])
    assert ns.MemristiveNetwork(apart, convention="flipped").conductance(None, 0, 3) == 0.0


@pytest.mark.parametrize("device", ["vteam", "linear_drift", "nanowire_junction", "threshold", "team", "yakopcic"])
def test_other_devices_obey_kirchhoff_and_have_exact_products(device: str) -> None:
    graph = nx.gnm_random_graph(7, 12, seed=2)
    net = ns.MemristiveNetwork(graph, device=device, electrodes={0: 0.31, 5: -0.12})
    laws = net.laws
    low, high = laws.lower, np.minimum(laws.upper, 1e300)
    w = low + (high - low) * np.random.default_rng(0).uniform(0.3, 0.7, net.size)
    i = net.currents(w)
    assert np.abs((net.incidence @ i)[net.is_free]).max() < 1e-10 * np.abs(i).max()
    assert net.supplied_power(w) == pytest.approx(net.power(w).sum(), rel=1e-9)
    v = np.random.default_rng(1).normal(size=net.size) * laws.scale
    h = 1e-5
    difference = (net.rhs(0.0, w + h * v) - net.rhs(0.0, w - h * v)) / (2 * h)
    assert worst(net.jvp(0.0, w, v), difference) < 1e-4 or not np.abs(difference).max()
    u = np.random.default_rng(2).normal(size=net.size)
    assert u @ net.jvp(0.0, w, v) == pytest.approx(v @ net.vjp(0.0, w, u), rel=1e-9, abs=1e-300)


def test_resistors_and_own_values_on_edges() -> None:
    graph = nx.MultiDiGraph()
    graph.add_edge("a", "b", resistance=50.0, name="line")
    graph.add_edge("b", "c", r_on=200.0, initial=0.25, name="m1")
    net = ns.MemristiveNetwork(graph, convention="standard", electrodes={"a": 1.0, "c": 0.0})
    assert net.is_memristive.tolist() == [False, True]
    assert net.currents()[0] == pytest.approx(1.0 / (50.0 + 200.0 + 0.25 * 15800.0), rel=1e-13)
    assert net.rhs(0.0, net.state)[0] == 0.0
    assert net.edge_index("m1") == 1 == net.edge_index(("b", "c"))


def test_sources_that_change() -> None:
    net = ns.MemristiveNetwork(
        nx.path_graph(3), convention="standard", sources={(0, 1): "SIN(0 2 1)", (1, 2): ns.held([1.0, 3.0], 0.5)},
        electrodes={0: 0.0, 2: 0.0}, initial=0.0,
    )  # fmt: skip
    assert net.currents(None, 0.25)[0] == pytest.approx(3.0 / 200.0)
    assert net.currents(None, 0.75)[0] == pytest.approx(1.0 / 200.0)


PATH = nx.path_graph(3)


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({}, "never guessed"),
        ({"convention": "normal"}, "never guessed"),
        ({"convention": "standard", "r_on": 2e4}, "edge '0-1': r_on = 20000 ohm must be smaller"),
        ({"convention": "standard", "r_on": [100.0, 2e4]}, "edge '1-2': r_on"),
        ({"convention": "standard", "initial": [0.5, 1.2]}, "edge '1-2': initial = 1.2 is outside"),
        ({"convention": "standard", "initial": [0.5, np.nan]}, "edge '1-2': initial"),
        ({"convention": "standard", "sources": [0.0, np.nan]}, "EMF of edge '1-2'"),
        ({"convention": "standard", "electrodes": {2: np.inf}}, "potential of electrode '2'"),
        ({"convention": "standard", "electrodes": {7: 1.0}}, "no node 7"),
        ({"convention": "standard", "sources": {(1, 0): 1.0}}, "runs the other way"),
        ({"convention": "standard", "currents": {1: 1e-3}}, "node '1' add up to 0.001"),
        ({"convention": "standard", "beta": [1.0, -1.0]}, "1-2"),
        ({"convention": "standard", "polarity": [1.0, 0.5]}, "edge '1-2': polarity"),
        ({"convention": "standard", "alpha": [1.0, 2.0, 3.0]}, "alpha has shape"),
        ({"convention": "standard", "window": "jogelkar"}, "joglekar"),
        ({"device": "capacitor"}, "cannot be an edge"),
        ({"device": "vteam", "convention": "standard"}, "belong to the Caravelli"),
    ],
)  # fmt: skip
def test_bad_input_is_named(settings: dict[str, Any], named: str) -> None:
    with pytest.raises((ParameterError, UnknownNameError)) as caught:
        ns.MemristiveNetwork(PATH, **settings)
    assert named in str(caught.value)


def test_bad_graphs_are_named() -> None:
    def refused(graph: nx.Graph, **settings: Any) -> str:
        with pytest.raises(ParameterError) as caught:
            ns.MemristiveNetwork(graph, convention="standard", **settings)
        return str(caught.value)

    assert "'1-1' joins a node with itself" in refused(nx.Graph([(0, 1), (1, 1)]))
    assert "electrode 'c' is disconnected" in refused(
        nx.Graph([("a", "b"), ("c", "d")]), electrodes={"a": 1.0, "b": 0.0, "c": 1.0}
    )
    zero = nx.Graph()
    zero.add_edge("a", "b", resistance=0.0)
    assert "edge 'a-b': resistance = 0 ohm" in refused(zero)
    assert "no edges" in refused(nx.empty_graph(3))
    net = ns.MemristiveNetwork(PATH, convention="standard")
    with pytest.raises(ParameterError, match="edge '1-2': its state"):
        net.rhs(0.0, np.array([0.1, np.nan]))
    with pytest.raises(ParameterError, match="edge '1-2' has 2 and edge '0-1' 1"):
        ns.MemristiveNetwork(PATH, convention="standard", alpha=[1.0, 2.0]).energy()
