"""`neurosim.analyses.lyapunov`: exponents against eigenvalues, divergence, determinants, and each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.analyses.lyapunov import kaplan_yorke
from neurosim.analyses.open_tangent import open_tangent
from neurosim.errors import ParameterError, SimulationError, UnknownNameError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law

CHUA = "circuits/chua.cir"


def linear(matrix, clock=None):
    """x' = (matrix - 1) x, or x <- matrix x at a clock."""
    graph = SignalGraph("linear")
    graph.parameter("A", matrix)
    if clock:
        graph.clock("c", clock)
        graph.state("x", len(matrix), clock="c", initial=np.ones(len(matrix)))
    else:
        graph.state("x", len(matrix), time_constant=1.0, leak=1.0, initial=np.ones(len(matrix)))
    graph.connect("x", "x", weight="A")
    return graph


def random_net(units, gain, seed=0):
    random = np.random.default_rng(seed)
    graph = SignalGraph("random net")
    graph.parameter("W", gain * random.standard_normal((units, units)) / units**0.5)
    graph.state("x", units, time_constant=1.0, leak=1.0, initial=random.standard_normal(units))
    graph.map("r", units, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    return graph


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1000))
def test_exponents_of_a_linear_flow_are_real_parts_of_eigenvalues(seed):
    matrix = np.random.default_rng(seed).standard_normal((3, 3))
    found = ns.lyapunov_spectrum(linear(matrix), (0, 60.0), dt=0.05, transient=(10.0, 20.0))
    wanted = np.sort(np.linalg.eigvals(matrix).real - 1.0)[::-1]
    np.testing.assert_allclose(found.exponents, wanted, atol=0.15)
    assert found.measured.sum() == pytest.approx(np.trace(matrix) - 3.0, abs=2e-4)


def test_exponents_of_a_linear_map_are_logarithms_of_multipliers():
    matrix = np.array([[0.9, 0.3, 0.0], [0.0, 0.5, -0.2], [0.1, 0.0, 0.4]])
    found = ns.lyapunov_spectrum(linear(matrix, clock=1.0), steps=3000)
    np.testing.assert_allclose(found.exponents, np.log(np.sort(np.abs(np.linalg.eigvals(matrix)))[::-1]), atol=1e-9)
    np.testing.assert_allclose(found.measured, found.exponents, atol=2e-3)
    assert found.settled
    assert found.kind == "stable fixed point"
    assert found.unit == "1/step"


def test_lorenz_sums_up_to_its_divergence_and_has_one_zero():
    found = ns.lyapunov_spectrum(ns.architectures.lorenz(), (0, 150))
    assert found.exponents.sum() == pytest.approx(-(10 + 1 + 8 / 3), abs=1e-4)
    assert found.divergence == pytest.approx(-(10 + 1 + 8 / 3), rel=1e-9)
    assert abs(found.exponents[0] - 0.9056) < 4 * found.errors[0]
    assert abs(found.exponents[1]) < 4 * found.errors[1]
    assert found.kind == "chaos"
    assert found.kaplan_yorke == pytest.approx(2.062, abs=0.006)
    assert found.entropy == found.exponents[0]
    np.testing.assert_allclose(found.history[-1], found.measured, atol=1e-12)


def test_henon_sums_up_to_log_b():
    found = ns.lyapunov_spectrum(ns.architectures.henon(), steps=20_000)
    assert found.exponents.sum() == pytest.approx(np.log(0.3), abs=1e-10)
    assert abs(found.exponents[0] - 0.4192) < 4 * found.errors[0]


def test_a_limit_cycle_has_one_zero():
    found = ns.lyapunov_spectrum(ns.architectures.van_der_pol(mu=1.0), (0, 200))
    assert found.kind == "limit cycle"
    assert found.kaplan_yorke == 1.0
    assert abs(found.exponents[0]) < 5e-3


@pytest.mark.parametrize("method", ["dp5", "sdirk4"])
def test_other_methods_find_the_same(method):
    wanted = ns.lyapunov_spectrum(ns.architectures.van_der_pol(mu=1.0), (0, 200), dt=0.02)
    found = ns.lyapunov_spectrum(ns.architectures.van_der_pol(mu=1.0), (0, 200), dt=0.02, method=method)
    np.testing.assert_allclose(found.exponents, wanted.exponents, atol=2e-3)


@pytest.mark.parametrize("method", ["rk4", "dp5", "sdirk4"])
def test_order_of_the_steps_of_state_and_vectors(method):
    matrix = np.array([[-1.0, 2.0], [-3.0, -0.5]])
    errors = []
    exact = np.linalg.eig(matrix - np.eye(2))
    for steps in (10, 20):
        space = open_tangent(linear(matrix), 2, stop=2.0, method=method)
        space.new_frame(0)
        space.begin(1.0 / steps, 2.0, 0.0)
        first, y = space.frame, space.point
        found = space.run(1, steps, triangles=True)
        flow = (exact[1] * np.exp(exact[0])) @ np.linalg.inv(exact[1])
        vectors = np.einsum("qr,qd->rd", found.triangles[0], found.frames[0])
        errors.append([np.abs(vectors - first @ flow.T.real).max(), np.abs(space.point - flow.real @ y).max()])
    order = np.log2(np.array(errors[0]) / errors[1])
    assert (order > (4.6 if method == "dp5" else 3.6)).all()


def test_netlist_agrees_with_the_implicit_method_and_with_its_divergence():
    plain = ns.lyapunov_spectrum(CHUA, (0, 300), dt=0.02)
    implicit = ns.lyapunov_spectrum(CHUA, (0, 300), dt=0.02, method="sdirk4")
    assert plain.method == "rk4"
    assert plain.kind == implicit.kind == "chaos"
    assert plain.measured.sum() == pytest.approx(plain.divergence, abs=1e-3)
    assert (np.abs(plain.exponents - implicit.exponents) < 5 * np.hypot(plain.errors, implicit.errors)).all()


def test_algebraic_equations_leave_the_differential_ones():
    text = "ladder\nv1 in 0 1\nr1 in a 1\nc1 a 0 1\nr2 a m 0.5\nr3 m b 0.5\nc2 b 0 2\nr4 b 0 3\n.tran 0.1 40 uic\n.end"
    found = ns.lyapunov_spectrum(ns.read_netlist(text), (0, 200))
    assert found.method == "sdirk4"
    assert found.dimension == 2
    matrix = np.array([[-2.0, 1.0], [0.5, -0.5 - 1 / 6]])
    wanted = np.sort(np.linalg.eigvals(matrix).real)[::-1]
    np.testing.assert_allclose(found.exponents, wanted, rtol=1e-9)
    np.testing.assert_allclose(found.measured, wanted, rtol=5e-3)
    assert found.settled


def test_clipped_state_loses_its_direction():
    graph = SignalGraph("clipped")
    graph.parameter("c", np.array([1.0]))
    graph.state("x", 1, time_constant=1.0, leak=0.0, initial=[0.5], bounds=(0.0, 1.0))
    graph.state("z", 1, time_constant=1.0, leak=1.0, initial=[0.5])
    graph.map("drive", 1, "identity", bias="c")
    graph.connect("drive", "x")
    found = ns.lyapunov_spectrum(graph, (0, 20.0), dt=0.05, transient=(0.1, 0.1))
    # What was lost on the way to the bound, at 0.5 s, counts once.
    assert -1.1 < found.exponents[0] < -1.0
    assert found.exponents[1] == -np.inf
    assert any("bounds" in note or "settled" in note for note in found.notes)


def test_more_vectors_than_fit_one_part_give_the_same():
    net = random_net(40, 3.0)
    few = ns.lyapunov_spectrum(net, (0, 40), k=3, dt=0.05, renormalise=0.25)
    many = ns.lyapunov_spectrum(net, (0, 40), k=40, dt=0.05, renormalise=0.25)
    np.testing.assert_allclose(many.exponents[:3], few.exponents, atol=0.08)
    assert many.measured.sum() == pytest.approx(many.divergence, abs=0.02 * abs(many.divergence))
    again = ns.lyapunov_spectrum(net, (0, 40), k=40, dt=0.05, renormalise=0.25)
    np.testing.assert_array_equal(again.local, many.local)


def test_a_quiet_net_settles_and_says_so():
    net = random_net(30, 0.5)
    found = ns.lyapunov_spectrum(net, (0, 200), k=4)
    weights = net.parameters["W"].value
    np.testing.assert_allclose(found.exponents, np.sort(np.linalg.eigvals(weights).real)[::-1][:4] - 1.0, atol=1e-9)
    assert "settled on a fixed point" in found.notes[0]


def test_a_short_run_tells_no_errors():
    found = ns.lyapunov_spectrum(ns.architectures.lorenz(), (0, 4.0), dt=0.01, renormalise=0.5)
    assert np.isnan(found.errors).all()
    assert "no errors can be told" in found.notes[0]
    assert found.kind.startswith("undecided")


def test_a_long_interval_loses_directions_and_says_so():
    found = ns.lyapunov_spectrum(ns.architectures.lorenz(), (0, 100.0), dt=0.01, renormalise=8.0, transient=10.0)
    assert found.exponents[2] == -np.inf
    assert any("shrink faster" in note for note in found.notes)


def test_kaplan_yorke():
    assert kaplan_yorke(np.array([0.9, 0.0, -14.6])) == pytest.approx(2 + 0.9 / 14.6)
    assert kaplan_yorke(np.array([-1.0, -2.0])) == 0.0
    assert np.isnan(kaplan_yorke(np.array([1.0, 0.5]), complete=False))
    assert kaplan_yorke(np.array([1.0, -np.inf])) == 1.0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"t_span": (0, 1), "k": 4}, ParameterError, "has 3 exponents"),
        ({"t_span": (0, 1), "k": 0}, ParameterError, "has 3 exponents"),
        ({"steps": 10}, ParameterError, "is a flow"),
        ({}, ParameterError, "t_span="),
        ({"t_span": (0, 1), "transient": 2.0}, ParameterError, "leave nothing"),
        ({"t_span": (0, 1), "transient": -2.0}, ParameterError, "must be a time"),
        ({"t_span": (2, 1)}, ParameterError, "start < stop"),
        ({"t_span": (0, 1), "method": "bdf2"}, ParameterError, "has no tangent"),
        ({"t_span": (0, 1), "dt": -1.0}, ParameterError, "must be positive"),
        ({"t_span": (0, 1), "renormalise": 1e-9}, ParameterError, "one step"),
        ({"t_span": (0, 100), "dt": 1.0}, SimulationError, "not finite"),
        ({"t_span": (0, 1), "initial": {"q": 1.0}}, UnknownNameError, "'q'"),
    ],
)
def test_bad_input_is_refused(arguments, error, says):
    with pytest.raises(error, match=says):
        ns.lyapunov_spectrum(ns.architectures.lorenz(), **arguments)


def test_what_has_no_tangent_is_refused_by_name():
    line = "line\nv1 in 0 sin(0 1 1)\nt1 in 0 out 0 z0=50 td=1\nr1 out 0 50\n.tran 0.1 10\n.end"
    with pytest.raises(ParameterError, match="remembers its past"):
        ns.lyapunov_spectrum(ns.read_netlist(line), (0, 10))
    with pytest.raises(ParameterError, match="solves equations in each step"):
        ns.lyapunov_spectrum(ns.digital(linear(np.eye(2)), "implicit_midpoint", dt=0.1), steps=10)
    with pytest.raises(ParameterError, match="DigitalNetwork, SignalGraph"):
        ns.lyapunov_spectrum(3, (0, 1))


@law(1, (), formula="x / (1 + x^10)")
def hump(context, u, p, memory, table, code, F, D):
    for e in range(F.shape[1]):
        power = u[0, e] ** 10
        F[0, e] = u[0, e] / (1.0 + power)
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e] = (1.0 - 9.0 * power) / (1.0 + power) ** 2


def mackey_glass(delay):
    graph = SignalGraph("mackey glass")
    graph.state("x", 1, time_constant=10.0, leak=1.0, initial=[1.2])
    graph.map("f", 1, law=hump)
    graph.connect("x", "f", delay=delay)
    graph.connect("f", "x", gain=2.0)
    return graph


def test_a_flow_with_delay_is_a_map_of_its_history():
    found = ns.lyapunov_spectrum(mackey_glass(23.0), (0, 8000.0), k=3, dt=0.5, transient=1000.0)
    assert abs(found.exponents[0] - 0.0098) < 5 * found.errors[0]
    assert abs(found.exponents[1]) < 5e-4
    assert found.unit == "1/s"
    assert "history is 47 states" in found.notes[0]
    linear_delay = SignalGraph("linear delay")
    linear_delay.state("x", 1, time_constant=1.0, leak=1.0, initial=[1.0])
    linear_delay.connect("x", "x", gain=-0.5, delay=1.0)
    found = ns.lyapunov_spectrum(linear_delay, (0, 60.0), k=2)
    # s = -1 - e^(-s)/2, the rightmost root
    root = complex(-1.0, 1.5)
    for _ in range(50):
        root -= (root + 1.0 + 0.5 * np.exp(-root)) / (1.0 - 0.5 * np.exp(-root))
    np.testing.assert_allclose(found.exponents, root.real, atol=1e-4)


SWITCHED = """relaxation oscillator
i1 0 a 1
i2 0 b 0.3
c1 a 0 1
c2 b 0 2
rb b 0 1
s1 a 0 a 0 sw
.model sw sw(ron=0.2 roff=10 vt=1.5 vh=0.5)
.tran 0.01 10 uic
.end"""


def test_the_zero_of_a_switched_limit_cycle_needs_its_saltation():
    found = ns.lyapunov_spectrum(ns.read_netlist(SWITCHED), (0, 300.0), dt=0.01)
    assert found.method == "rk4"
    # Charging ends at 2 V with a rate of 0.8, discharge at 1 V with one of -4: the cycle has one zero exponent.
    assert abs(found.exponents[0]) < 2e-3
    assert found.exponents[1] == pytest.approx(-0.5, abs=1e-6)
    assert found.kind == "limit cycle"
    with pytest.raises(SimulationError, match="a switch jumps"):
        ns.lyapunov_spectrum(ns.read_netlist(SWITCHED), (0, 300.0), dt=0.01, method="sdirk4")
