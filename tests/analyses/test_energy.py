"""Energies along runs, on planes, and the balance of power of circuits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analyses.energy import pinned_intervals
from neurosim.errors import ParameterError, UnknownNameError

NETWORKS = {
    "hopfield": ns.architectures.hopfield(units=8),
    "modern": ns.architectures.hopfield(units=8, form="modern"),
    "bam": ns.architectures.bam(),
}


def states_and_inputs(program, seed, points=5):
    random = np.random.default_rng(seed)
    return random.standard_normal((points, program.states.size)), random.standard_normal((points, program.inputs.size))


def rate_network(weights, bias):
    """tau r' = -r + tanh(W r + b), whose energy is in rate form."""
    graph = ns.SignalGraph("rates")
    n = len(weights)
    graph.parameter("W", weights)
    graph.parameter("b", bias)
    graph.state("r", n, time_constant=0.7)
    graph.map("f", n, "tanh", bias="b")
    graph.connect("r", "f", weight="W")
    graph.connect("f", "r")
    return graph


@pytest.mark.parametrize("name", NETWORKS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_gradient_times_flow_is_the_closed_form(name, seed):
    program = ns.compile_graph(NETWORKS[name])
    chosen = ns.energy_function(program)
    y, u = states_and_inputs(program, seed)
    slope = (chosen.gradient(y, u) * program.flow(y, u)).sum(-1)
    np.testing.assert_allclose(slope, chosen.rate(y, u), rtol=1e-12, atol=1e-13)
    assert (chosen.rate(y, u) <= 0.0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gradient_is_that_of_the_value(name):
    program = ns.compile_graph(NETWORKS[name])
    chosen = ns.energy_function(program)
    y, u = states_and_inputs(program, 3)
    direction = np.random.default_rng(4).standard_normal(y.shape)
    h = 1e-5
    difference = (chosen.value(y + h * direction, u) - chosen.value(y - h * direction, u)) / (2 * h)
    np.testing.assert_allclose((chosen.gradient(y, u) * direction).sum(-1), difference, rtol=1e-7, atol=1e-8)


def test_the_rate_form_has_its_identity_too():
    random = np.random.default_rng(0)
    weights = random.standard_normal((5, 5))
    program = ns.compile_graph(rate_network(weights + weights.T, random.standard_normal(5)))
    chosen = ns.energy_function(program)
    r = random.uniform(-0.9, 0.9, (7, 5))
    u = np.zeros((7, 0))
    slope = (chosen.gradient(r, u) * program.flow(r, u)).sum(-1)
    np.testing.assert_allclose(slope, chosen.rate(r, u), rtol=1e-12, atol=1e-13)
    assert (chosen.rate(r, u) <= 0.0).all()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_symmetric_network_never_rises_beyond_the_tolerance(name):
    graph = NETWORKS[name]
    random = np.random.default_rng(5)
    start = {n: random.standard_normal(graph.size_of(n)) for n in graph.of_kind("state")}
    run = ns.energy(graph, (0.0, 10.0), initial=start)
    assert run.violations.size == 0
    assert run.energy[-1] < run.energy[0]
    assert run.identity_error < 1e-12


def test_weights_that_are_not_symmetric_are_refused_and_seen_to_rise():
    graph = ns.architectures.hopfield(units=6)
    weights = 3.0 * np.random.default_rng(0).standard_normal((6, 6))
    graph = graph.with_weights({"W": weights})
    with pytest.raises(ParameterError, match=r"weights are not symmetric: .* from state"):
        ns.energy(graph)
    run = ns.energy(graph, (0.0, 30.0), initial={"u": np.ones(6)}, symmetric_part=True)
    assert run.violations.size > 20


def test_steps_of_the_input_are_not_counted_as_rises():
    graph = ns.architectures.hopfield(units=4)
    held = ns.held(3.0 * np.random.default_rng(1).standard_normal((10, 4)), 1.0)
    run = ns.energy(graph, (0.0, 10.0), drive={"I": held}, initial={"u": np.ones(4)})
    assert run.energy.max() > run.energy[0]
    assert run.is_held.sum() > 0.8 * run.is_held.size
    assert run.violations.size == 0


def test_a_candidate_of_the_caller():
    graph = ns.architectures.hopfield(weights=np.zeros((3, 3)))
    run = ns.energy(graph, (0.0, 3.0), function=lambda y: (y**2).sum(-1), initial={"u": [1.0, -2.0, 0.5]})
    np.testing.assert_allclose(run.rate, -2.0 * run.energy, rtol=1e-8)
    assert np.isnan(run.closed_rate).all()
    with pytest.raises(ParameterError, match=r"must give shape .* not \(\)"):
        ns.energy(graph, function=lambda y: np.float64(1.0))


def test_pinned_intervals():
    times = np.arange(6.0)
    y = np.array([[0.5, 1.0, 1.0, 0.5, 0.0, 0.0]]).T
    found = pinned_intervals(times, y, ["x"], {"x": (0.0, 1.0)})
    assert [(p.bound, p.start, p.stop) for p in found] == [(1.0, 1.0, 2.0), (0.0, 4.0, 5.0)]


def test_the_landscape_lies_where_the_runs_end_lowest():
    graph = ns.architectures.hopfield(units=6)
    made = ns.energy_landscape(graph, points=41, starts=3)
    lowest = np.nanmin(made.energy)
    chosen = ns.energy_function(ns.compile_graph(graph))
    end = made.centre + made.trajectories[0][-1] @ made.directions
    assert chosen.value(end, np.zeros(6)) <= lowest + 0.2 * (np.nanmax(made.energy) - lowest)
    np.testing.assert_allclose(made.directions @ made.directions.T, np.eye(2), atol=1e-12)
    by_name = ns.energy_landscape(graph, ("u[0]", "u[1]"), points=11, starts=1)
    assert by_name.labels == ("u[0]", "u[1]")
    assert made.plot().get_xlabel() == "first principal direction"


@pytest.mark.parametrize(
    ("plane", "says"), [(("u[0]", "u[9]"), "no state 'u"), ((np.ones(6), 2 * np.ones(6)), "parallel")]
)
def test_a_bad_plane_is_refused(plane, says):
    with pytest.raises((ParameterError, UnknownNameError), match=says):
        ns.energy_landscape(ns.architectures.hopfield(units=6), plane, starts=1)


def test_the_power_of_a_circuit_balances():
    text = "RC\nV1 in 0 5\nR1 in out 1k\nC1 out 0 1u ic=0\n.tran 10u 10m uic\n.end"
    balance = ns.power_balance(ns.read_netlist(text))
    assert balance.residual < 1e-10
    energies = balance.energies()
    assert energies["c1"] == pytest.approx(0.5 * 1e-6 * 25.0, rel=1e-3)
    assert energies["r1"] == pytest.approx(0.5 * 1e-6 * 25.0, rel=1e-3)
    assert balance.role == {"v1": "supply", "r1": "dissipation", "c1": "storage"}
    assert balance.plot()[0].get_ylabel().startswith("power")


def test_a_circuit_without_a_run_is_refused():
    with pytest.raises(ParameterError, match=r"has no \.tran"):
        ns.power_balance(ns.read_netlist("divider\nV1 a 0 1\nR1 a 0 1\n.op\n.end"))


def test_a_state_that_is_held_takes_no_energy_away():
    net = ns.MemristiveNetwork(
        ns.generators.square_lattice(2, 2), electrodes={"r0c0": 0.5, "r1c1": 0.0}, convention="standard", alpha=1.0
    )
    run = ns.energy(net, (0.0, 20.0))
    assert all(np.abs(run.states[-1] - 1.0) < 1e-12)
    assert run.rate[-1] == 0.0
    assert np.isnan(run.closed_rate[-1])
    assert run.identity_error < 1e-12
