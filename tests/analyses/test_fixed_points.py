"""Fixed points and their branches, against closed forms."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.field import field_of
from neurosim.errors import ParameterError, SimulationError, UnknownNameError


def linear(matrix):
    graph = ns.SignalGraph("linear")
    n = len(matrix)
    graph.parameter("A", np.array(matrix, float) + np.eye(n))
    graph.state("x", n, time_constant=1.0)
    graph.map("same", n, "identity")
    graph.connect("x", "same")
    graph.connect("same", "x", weight="A")
    return graph


@pytest.mark.parametrize(
    ("matrix", "kind", "unstable", "index"),
    [
        ([[-1, 0], [0, -2]], "stable node", 0, 1),
        ([[-1, 5], [-5, -1]], "stable focus", 0, 1),
        ([[1, 0], [0, -2]], "saddle", 1, -1),
        ([[1, 0], [0, 2]], "unstable node", 2, 1),
        ([[1, 3], [-3, 1]], "unstable focus", 2, 1),
        ([[0, 3], [-3, 0]], "center", 0, 1),
        ([[0, 0], [0, -1]], "degenerate", 0, 0),
    ],
)
def test_kinds(matrix, kind, unstable, index):
    found = ns.fixed_points(linear(matrix), starts=3)
    point = found[0]
    assert (point.kind, point.unstable, point.index) == (kind, unstable, index)
    np.testing.assert_allclose(np.sort(point.eigenvalues), np.sort(np.linalg.eigvals(matrix)), atol=1e-12)


def test_lorenz():
    found = ns.fixed_points(ns.architectures.lorenz())
    root = np.sqrt(8.0 / 3.0 * 27.0)
    states = sorted(tuple(np.round(p.state, 9)) for p in found.points)
    np.testing.assert_allclose(states, [(-root, -root, 27.0), (0.0, 0.0, 0.0), (root, root, 27.0)], atol=1e-8)
    assert sum(p.index for p in found.points) == 1


def test_henon_is_a_map():
    found = ns.fixed_points(ns.architectures.henon())
    assert found.field.is_map
    x = (-0.7 + np.sqrt(0.49 + 5.6)) / 2.8
    point = next(p for p in found.points if p.state[0] > 0)
    np.testing.assert_allclose(point.state, [x, 0.3 * x], rtol=1e-12)
    np.testing.assert_allclose(sorted(point.eigenvalues.real), sorted(np.roots([1.0, 2.8 * x, -0.3])), rtol=1e-10)


def test_a_circuit_with_algebraic_equations():
    text = "two stable states\nV1 s 0 1\nR1 s a 1k\nB1 a 0 I={1m*(v(a)-2*tanh(2*v(a))+1)}\nC1 a b 1u\nR2 b 0 1\n"
    found = ns.fixed_points(ns.read_netlist(text + ".tran 1u 1m\n.end"))
    kinds = sorted(p.kind for p in found.points)
    assert kinds == ["saddle", "stable node", "stable node"] or kinds == ["stable node", "stable node", "unstable node"]
    for point in found.points:
        assert point.eigenvalues.size == 1


def test_hopf_and_branch_point_of_lorenz():
    trivial = ns.continuation(ns.architectures.lorenz(), "rho", (0.5, 5.0))
    assert [s.kind for s in trivial.special] == ["branch point"]
    assert trivial.special[0].parameter == pytest.approx(1.0, abs=1e-7)
    assert trivial.unstable[0] == 0
    assert trivial.unstable[-1] == 1
    upper = ns.continuation(ns.architectures.lorenz(), "rho", (10.0, 30.0), start=[4.9, 4.9, 9.0])
    sigma, beta = 10.0, 8.0 / 3.0
    assert [s.kind for s in upper.special] == ["Hopf"]
    assert upper.special[0].parameter == pytest.approx(sigma * (sigma + beta + 3) / (sigma - beta - 1), rel=1e-9)
    frequency = np.sqrt(2 * sigma * (sigma + 1) / (sigma - beta - 1) * beta) / (2 * np.pi)
    assert upper.special[0].frequency == pytest.approx(frequency, rel=1e-6)
    assert upper.plot().get_xlabel() == "rho"


def test_a_pitchfork_leads_to_both_of_its_arms():
    trivial = ns.continuation(ns.architectures.lorenz(), "rho", (0.5, 30.0), start=np.zeros(3))
    arms = trivial.crossing_branches(trivial.special[0])
    assert sorted(np.sign(arm.states[-1, 0]) for arm in arms) == [-1.0, 1.0]
    for arm in arms:
        np.testing.assert_allclose(np.abs(arm.states[:, 0]), np.sqrt(8.0 / 3.0 * (arm.values - 1.0)), atol=1e-7)
        assert [(s.kind, round(s.parameter, 8)) for s in arm.special] == [("Hopf", round(470.0 / 19.0, 8))]


def test_a_transcritical_point_leads_to_the_branch_through_it():
    graph = ns.SignalGraph("logistic growth")
    graph.parameter("r", [-1.0])
    graph.state("x", 1, time_constant=1.0, leak=0.0, initial=0.0)
    graph.product("square", 1)
    graph.connect("x", "square", slot=0)
    graph.connect("x", "square", slot=1)
    graph.connect("x", "x", weight="r")
    graph.connect("square", "x", gain=-1.0)
    zero = ns.continuation(graph, "r", (-1.0, 2.0))
    (point,) = zero.special
    for branch in zero.crossing_branches(point):
        np.testing.assert_allclose(branch.states[:, 0], branch.values, atol=1e-9)
        assert (branch.unstable[1:] == (branch.values[1:] < 0.0)).all()
        assert branch.stopped == "range"
    with pytest.raises(ParameterError, match="no branch crosses at a Hopf"):
        zero.crossing_branches(replace(point, kind="Hopf"))


def test_states_held_at_their_bounds_are_fixed():
    lattice = ns.generators.square_lattice(2, 2)
    net = ns.MemristiveNetwork(lattice, convention="flipped", beta=1.6, electrodes={"r0c0": 1.0, "r1c1": 0.0})
    found = ns.fixed_points(net)
    at_rest = ns.simulate(net, (0.0, 30.0), save=["states"])
    ends = np.array([at_rest[name][-1] for name in net.state_names])
    assert any(np.array_equal(point.state, ends) for point in found.points)
    for point in found.points:
        f = found.field.value(point.state)
        held = found.field.held(point.state, f)
        assert ((point.state >= 0.0) & (point.state <= 1.0)).all()
        np.testing.assert_allclose(f[~held], 0.0, atol=1e-9)
        assert point.eigenvalues.size == (~held).sum()
    with pytest.raises(ParameterError, match="at its bound"):
        ns.continuation(net, "beta", (1.6, 1.7), start=ends)


def test_steps_grow_where_a_branch_is_smooth():
    found = ns.continuation(ns.architectures.lorenz(), "rho", (1.5, 30.0))
    assert found.stopped == "range"
    assert len(found.values) < 70
    assert found.values[-1] == pytest.approx(30.0, abs=1e-4)
    np.testing.assert_allclose(np.abs(found.states[:, 0]), np.sqrt(8.0 / 3.0 * (found.values - 1.0)), rtol=1e-9)
    assert [s.kind for s in found.special] == ["Hopf"]
    assert found.special[0].parameter == pytest.approx(470.0 / 19.0, rel=1e-9)
    with pytest.raises(ParameterError, match="positive shares"):
        ns.continuation(ns.architectures.lorenz(), "rho", (1.5, 30.0), largest_step=0.0)


def test_fold_and_period_doubling_of_henon():
    branch = ns.continuation(ns.architectures.henon(), "a", (1.4, -0.5), start=[0.6, 0.2], points=60)
    found = {s.kind: s.parameter for s in branch.special}
    assert found["period doubling"] == pytest.approx(0.75 * 0.7**2, abs=1e-8)
    assert found["fold"] == pytest.approx(-0.25 * 0.7**2, abs=1e-9)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: ns.continuation(ns.architectures.lorenz(), "rho", (1.0, 1.0)), ParameterError, "two different finite"),
        (lambda: ns.continuation(ns.architectures.lorenz(), "roh", (1.0, 2.0)), UnknownNameError, "did you mean 'rho'"),
        (lambda: ns.continuation(ns.architectures.henon(), "a", (-0.5, 1.0)), SimulationError, "no fixed point"),
        (lambda: ns.fixed_points(ns.architectures.lorenz(), starts=-1), ParameterError, "must not be negative"),
        (lambda: field_of(ns.architectures.lorenz()).index("y[0]"), UnknownNameError, r"no unknown 'y\[0\]'"),
    ],
)
def test_bad_input(call, error, says):
    with pytest.raises(error, match=says):
        call()
