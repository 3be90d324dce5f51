"""Certificates: what they promise is seen in runs, and what they refuse is broken by runs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.digital.certificates import certificates, contraction, describe, echo_state, flow_contraction, safe_leak
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.digital.slope_bounds import slope_bounds
from neurosim.graph.gradient_form import gradient_form
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph

N = 8


def rate_net(weights: np.ndarray, gain: float = 1.0, function: str = "tanh") -> SignalGraph:
    n = len(weights)
    graph = SignalGraph("rates")
    graph.port("u", n)
    graph.state("r", n, time_constant=1.0)
    graph.map("f", n, function, gain=gain)
    graph.parameter("W", weights)
    graph.connect("u", "f")
    graph.connect("r", "f", weight="W")
    graph.connect("f", "r")
    return graph


def of_norm(rng: np.random.Generator, norm: float) -> np.ndarray:
    weights = rng.normal(size=(N, N))
    return weights * norm / np.linalg.norm(weights, 2)


@pytest.mark.parametrize("rule", ["forward_euler", "exponential_euler", "etd2rk", "tustin_heun"])
def test_contraction_is_seen_in_runs(rule: str):
    rng = np.random.default_rng(0)
    network = digital(rate_net(of_norm(rng, 0.8)), rule, 0.6)
    found = contraction(network)
    assert found.holds
    u = np.broadcast_to(rng.normal(size=(10, 1, N)), (10, 2, N))
    states = np.concatenate([y0 := rng.normal(size=(1, 2, N)), network.sequence(u, y0[0]).states])
    distance = np.linalg.norm(states[:, 0] - states[:, 1], axis=-1)
    assert (distance[1:] <= found.value * distance[:-1] * (1 + 1e-12)).all()
    assert echo_state(network).holds


def test_contraction_factor_of_forward_euler_is_its_formula():
    rng = np.random.default_rng(1)
    network = digital(rate_net(of_norm(rng, 0.8)), "forward_euler", 0.6)
    assert contraction(network).value == pytest.approx(0.4 + 0.6 * 0.8)
    drive = next(c for c in certificates(network) if "errors" in c.name)
    assert drive.value == pytest.approx(1 / (1 - 0.8))
    assert flow_contraction(network).value == pytest.approx(0.2)
    # one way only: the spectral radius of the bounds is 0, whatever the norm
    chain = np.diag(np.full(N - 1, 3.0), -1)
    assert contraction(digital(rate_net(chain), "forward_euler", 0.5)).value == pytest.approx(0.5, abs=1e-3)


def test_error_of_the_drive_stays_below_its_bound():
    rng = np.random.default_rng(2)
    for rule in ("forward_euler", "etd2rk"):
        network = digital(rate_net(of_norm(rng, 0.7)), rule, 0.5)
        bound = next(c for c in certificates(network) if "errors" in c.name)
        assert bound.holds
        eps = 0.01
        u = rng.normal(size=(300, 1, N))
        disturbance = rng.choice([-1.0, 1.0], size=u.shape) * eps / np.sqrt(N)
        # an error before tanh of slope 1 or less is one of at most that size behind it
        moved = network.sequence(u + disturbance).states - network.sequence(u).states
        assert np.linalg.norm(moved, axis=-1).max() <= bound.value * eps


@pytest.mark.parametrize(("radius", "expected"), [(0.6, None), (1.4, False)])
def test_echo_states_by_the_spectral_radius(radius: float, expected: bool | None):
    """Necessary: spectral radius of (1-a) I + a W at most 1."""
    rng = np.random.default_rng(3)
    weights = rng.normal(size=(N, N)) + np.triu(np.full((N, N), 5.0), 1)
    weights *= radius / np.abs(np.linalg.eigvals(weights)).max()
    network = digital(rate_net(weights), "forward_euler", 0.5)
    found = echo_state(network)
    assert found.holds is expected
    exact = np.abs(np.linalg.eigvals(0.5 * np.eye(N) + 0.5 * weights)).max()
    assert found.value == pytest.approx(exact) or expected is None
    if expected is False:
        starts = 1e-3 * rng.normal(size=(2, N))
        assert np.abs(np.diff(network.sequence(np.zeros((400, 2, N)), starts).final, axis=0)).max() > 1e-2


def test_products_of_bounded_signals_have_bounds_and_others_do_not():
    graph = SignalGraph("gates")
    graph.state("h", 3, time_constant=1.0)
    graph.map("z", 3, "logistic")
    graph.map("g", 3, "tanh")
    graph.product("p", 3)
    rng = np.random.default_rng(4)
    for name in "zg":
        graph.parameter(f"W{name}", rng.normal(size=(3, 3)))
        graph.connect("h", name, weight=f"W{name}")
    graph.connect("z", "p")
    graph.connect("g", "p", slot=1)
    graph.connect("p", "h")
    program = compile_graph(graph)
    bounds = slope_bounds(program)
    for y in 3.0 * rng.normal(size=(50, 3)):
        jacobian = program.jacobian(y)[0]
        assert (np.abs(jacobian) <= bounds.entries + 1e-12).all()
        assert np.linalg.norm(jacobian, 2) <= bounds.norms[0, 0] + 1e-12
    graph.product("q", 3)
    graph.connect("z", "q")
    graph.connect("h", "q", slot=1)
    graph.connect("q", "h")
    network = digital(graph, "forward_euler", 0.5)
    assert np.isinf(slope_bounds(network.program).norms).all()
    assert contraction(network).holds is None
    assert "not certified" in contraction(network).statement


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_slope_bounds_hold_on_random_graphs(seed: int):
    rng = np.random.default_rng(seed)
    graph = SignalGraph("random")
    names = []
    for k in range(2):
        graph.state(f"x{k}", int(rng.integers(1, 5)), time_constant=1.0)
        names.append(f"x{k}")
    for k in range(4):
        size = int(rng.integers(1, 5))
        function = str(rng.choice(["tanh", "logistic", "softmax", "sin", "leaky_relu", "gaussian"]))
        graph.map(f"n{k}", size, function, gain=float(rng.uniform(-2, 2)))
        for number in range(2):
            source = str(rng.choice(names))
            graph.parameter(f"W{k}{number}", rng.normal(size=(size, graph.size_of(source))))
            graph.connect(source, f"n{k}", weight=f"W{k}{number}", gain=0.5)
        names.append(f"n{k}")
    for k in range(2):
        graph.parameter(f"V{k}", rng.normal(size=(graph.size_of("n3"), graph.size_of(f"x{k}"))))
        graph.connect("n3", f"x{k}", weight=f"V{k}", transpose=True)
    program = compile_graph(graph)
    bounds = slope_bounds(program)
    for y in rng.normal(size=(10, program.states.size)):
        jacobian = program.jacobian(y)[0]
        assert (np.abs(jacobian) <= bounds.entries * (1 + 1e-12) + 1e-14).all()
        for i, a in enumerate(program.states.slices.values()):
            for j, b in enumerate(program.states.slices.values()):
                assert np.linalg.norm(jacobian[a, b], 2) <= bounds.norms[i, j] * (1 + 1e-12) + 1e-14


def test_bounds_of_softmax_are_reached():
    graph = SignalGraph("softmax")
    graph.state("x", 2, time_constant=1.0)
    graph.map("s", 2, "softmax", gain=2.0)
    graph.connect("x", "s")
    graph.connect("s", "x")
    bounds = slope_bounds(compile_graph(graph))
    jacobian = compile_graph(graph).jacobian(np.zeros(2))[0]
    assert bounds.entries == pytest.approx(np.abs(jacobian))
    assert bounds.norms[0, 0] == pytest.approx(np.linalg.norm(jacobian, 2))


def rises(network: DigitalNetwork, rng: np.random.Generator, runs: int, steps: int, size: float = 0.9) -> int:
    form, n = gradient_form(network.program), network.program.states.size
    y0 = rng.uniform(-size, size, (runs, n))
    states = network.sequence(np.zeros((steps, runs, n)), y0).states
    energy = form.energy(np.concatenate([y0[None], states]))
    return int((np.diff(energy, axis=0) > 1e-10).sum())


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_safe_leak_is_sharp_from_both_sides(gain: float):
    rng = np.random.default_rng(5)
    a = rng.normal(size=(16, 16)) / 4
    for weights in (1.5 * (a + a.T) - 2.0 * np.eye(16), -a @ a.T):
        graph = rate_net(weights, gain)
        bound = safe_leak(digital(graph, "forward_euler", 0.1)).value
        assert bound == pytest.approx(2 / (1 + gain * -np.linalg.eigvalsh(weights)[0]))
        below, above = (digital(graph, "forward_euler", share * bound) for share in (0.999, 1.5))
        assert safe_leak(below).holds is True
        assert rises(below, rng, 20, 60) == 0
        assert safe_leak(above).holds is None
        assert rises(above, rng, 20, 60) > 0
    # with rest as the only fixed point, its own stability ends exactly at the bound
    assert rises(digital(graph, "forward_euler", 1.01 * bound), rng, 5, 60, 1e-2) > 100


def test_two_units_flip_for_ever_at_full_leak():
    graph = rate_net(np.array([[0.0, -1.0], [-1.0, 0.0]]), 3.0)
    network = digital(graph, "forward_euler", 1.0)
    assert safe_leak(network).value == pytest.approx(0.5)
    assert safe_leak(network).holds is None
    states = network.sequence(np.zeros((400, 2)), np.array([0.5, 0.5])).states[:, 0]
    assert np.abs(states[-1] - states[-2]).max() > 1.9
    assert states[-1] == pytest.approx(states[-3], abs=1e-12)
    settled = digital(graph, "mean_value", 1.0).sequence(np.zeros((200, 2)), np.array([0.5, 0.49])).states[:, 0]
    assert np.abs(settled[-1] - settled[-2]).max() < 1e-9


def test_descriptions_say_leak_order_fixed_points_stability():
    rng = np.random.default_rng(6)
    network = digital(rate_net(of_norm(rng, 0.8)), "exponential_euler", 0.5)
    text = str(network)
    assert text == describe(network)
    for words in ("exponential_euler, order 1", "fixed points: those of the flow", "stability:", "0.393469", "doi 10."):
        assert words in text
    assert "not known to descend" in text
    symmetric = digital(rate_net(-np.eye(3)), "itoh_abe", 5.0)
    assert "the energy falls at any dt" in str(symmetric)
