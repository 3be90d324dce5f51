"""Limit cycles: closed forms, Liouville's formula, driven and unstable orbits."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.architectures.architecture import graph_of_law
from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law


@law(2, ("growth",), formula="growth x (1 - r^2) - 3 y, growth y (1 - r^2) + 3 x")
def normal_form_field(context, u, p, memory, table, code, F, D):
    """The normal form of a Hopf bifurcation: a circle of radius 1, period 2 pi / 3, exponent -2 growth."""
    for e in range(F.shape[1]):
        x, y, g = u[0, e], u[1, e], p[0, e]
        q = 1.0 - x * x - y * y
        F[0, e] = g * x * q - 3.0 * y
        F[1, e] = g * y * q + 3.0 * x
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e], D[0, 2, e] = g * (q - 2.0 * x * x), -2.0 * g * x * y - 3.0, x * q
            D[1, 0, e], D[1, 1, e], D[1, 2, e] = -2.0 * g * x * y + 3.0, g * (q - 2.0 * y * y), y * q


def normal_form(growth: float):
    return graph_of_law("normal form", normal_form_field, (growth,), (0.3, 0.0))


def test_circle():
    cycle = ns.limit_cycle(normal_form(0.4), transient=40)
    assert cycle.period == pytest.approx(2.0 * np.pi / 3.0, rel=1e-10)
    np.testing.assert_allclose(np.hypot(*cycle.states.T), 1.0, rtol=1e-9)
    np.testing.assert_allclose(cycle.multipliers, [1.0, np.exp(-0.8 * cycle.period)], rtol=1e-8)
    assert cycle.is_stable
    assert not cycle.is_driven
    assert cycle.amplitude("x[0]") == pytest.approx(1.0, rel=1e-7)
    assert cycle.log_product == pytest.approx(cycle.divergence, rel=1e-9)
    assert cycle.exponents[1] == pytest.approx(-0.8, rel=1e-8)


def test_unstable_circle_from_a_point_near_it():
    cycle = ns.limit_cycle(normal_form(-0.4), [1.1, 0.0], period=2.0)
    assert cycle.period == pytest.approx(2.0 * np.pi / 3.0, rel=1e-10)
    assert cycle.unstable == 1
    np.testing.assert_allclose(cycle.multipliers, [np.exp(0.8 * cycle.period), 1.0], rtol=1e-8)


def test_a_stiff_oscillation_is_shot_on_steps_of_its_own():
    cycle = ns.limit_cycle(ns.architectures.van_der_pol(100.0), rtol=1e-6)
    assert cycle.period == pytest.approx(162.83707109, rel=1e-6)
    assert cycle.error < 1e-6
    assert cycle.is_stable
    assert cycle.amplitude("x[0]") == pytest.approx(2.0 + 0.779 * 100.0 ** (-4.0 / 3.0), abs=1e-3)


def test_driven_low_pass():
    graph = ns.SignalGraph("low pass")
    graph.port("u", 1)
    graph.state("x", 1, time_constant=0.5)
    graph.connect("u", "x")
    cycle = ns.limit_cycle(graph, inputs={"u": "SIN(1 2 1)"}, period=1.0)
    assert cycle.is_driven
    np.testing.assert_allclose(cycle.multipliers, [np.exp(-2.0)], rtol=1e-10)
    gain = 2.0 / np.hypot(1.0, np.pi)
    assert cycle.amplitude("x") == pytest.approx(gain, rel=1e-6)
    # x = 1 + gain sin(2 pi t - phase).
    assert cycle.states[0, 0] == pytest.approx(1.0 - gain * np.sin(np.arctan(np.pi)), rel=1e-8)


def test_circuit_and_graph_have_the_same_cycle():
    graph = ns.limit_cycle(ns.architectures.van_der_pol(3.0))
    circuit = ns.limit_cycle("circuits/van_der_pol.cir")
    assert circuit.period == pytest.approx(graph.period, rel=1e-9)
    assert abs(circuit.multipliers[0] - 1.0) < 1e-8


def test_singular_mass_is_shot_implicitly():
    text = "an oscillator behind a resistor\n.param mu=1\nc1 x 0 1 ic=1\nl1 y 0 1 ic=0\nr1 x y 0.1\n"
    text += "bneg x 0 i={mu*(v(x)*v(x)*v(x)/3 - v(x))}\n.tran 50m 60 uic\n.end"
    cycle = ns.limit_cycle(ns.read_netlist(text), rtol=1e-7)
    assert cycle.multipliers.size == 2
    assert abs(cycle.multipliers[0] - 1.0) < 1e-5
    assert np.isnan(cycle.divergence)
    result = ns.simulate(ns.read_netlist(text), (0, 60), events=ns.Crossing("v(x)", 0.0, "up"), rtol=1e-8)
    assert cycle.period == pytest.approx(np.diff(result.events["v(x)"])[-1], rel=1e-6)
    assert len(cycle.plot()) == 3


def test_what_has_none_is_refused():
    with pytest.raises(SimulationError, match="comes to rest"):
        ns.limit_cycle(ns.architectures.lorenz(rho=10.0))
    with pytest.raises(ParameterError, match="is a map"):
        ns.limit_cycle(ns.architectures.henon())
    with pytest.raises(ParameterError, match="needs period="):
        ns.limit_cycle(normal_form(0.4), [1.0, 0.0])
    with pytest.raises(ParameterError, match="must be positive"):
        ns.limit_cycle(normal_form(0.4), period=-1.0)
    with pytest.raises(ParameterError, match="rtol"):
        ns.limit_cycle(normal_form(0.4), rtol=-1.0)
    driven = ns.SignalGraph("driven")
    driven.port("u", 1)
    driven.state("x", 1, time_constant=0.5)
    driven.connect("u", "x")
    with pytest.raises(ParameterError, match="give the period of its drive"):
        ns.limit_cycle(driven, inputs={"u": "SIN(0 1 1)"})
