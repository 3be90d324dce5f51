"""Rules: order, fixed points, closed forms, energy; clocked networks."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from neurosim.digital.clocked import clocked, gated_state
from neurosim.digital.network import DELAY_CLOCK, digital
from neurosim.digital.rules import rules
from neurosim.digital.rules.phi_functions import phi_functions
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.activation_integrals import SUPPORTED, increasing_function
from neurosim.graph.functions import IDENTITY, LEAKY_RELU, LOGISTIC, TANH
from neurosim.graph.gradient_form import gradient_form
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import implicit_step
from neurosim.kernels.increasing_functions import argument_of_mean, mean_argument

DESCENDING = [rule.name for rule in rules if rule.descends]
SIZE = 6


def symmetric_net(
    rng: np.random.Generator, form: str, function: str = "tanh", strength: float = 2.0, leak: float = 1.0
) -> SignalGraph:
    """Hopfield network in membrane or rate form, with its own time constant for each unit and an input."""
    graph = SignalGraph(form)
    weights = rng.normal(size=(SIZE, SIZE)) * strength / np.sqrt(SIZE)
    graph.parameter("W", (weights + weights.T) / 2)
    graph.parameter("b", 0.3 * rng.normal(size=SIZE))
    graph.port("u", SIZE)
    graph.state("x", SIZE, time_constant=rng.uniform(0.5, 2.0, SIZE), leak=leak, initial=0.1)
    graph.map("r", SIZE, function, bias="b", gain=1.5)
    if form == "membrane":
        graph.connect("x", "r", gain=0.8)
        graph.connect("r", "x", weight="W")
        graph.connect("u", "x")
    else:
        graph.connect("x", "r", weight="W")
        graph.connect("u", "r")
        graph.connect("r", "x")
    return graph


def flow_to(program: Program, y: np.ndarray, inputs: np.ndarray, time: float) -> np.ndarray:
    """The flow over held inputs by an independent integrator."""
    for u in inputs:
        run = solve_ivp(lambda t, z, u=u: program.flow(z, u), (0, time), y, method="DOP853", rtol=1e-12, atol=1e-13)
        y = run.y[:, -1]
    return y


@cache
def flowed(form: str, seed: int, held: int, time: float) -> tuple[SignalGraph, np.ndarray, np.ndarray]:
    """A network, inputs that are held for `time` each, and where the flow takes it."""
    rng = np.random.default_rng(seed)
    graph = symmetric_net(rng, form)
    program = compile_graph(graph)
    inputs = rng.normal(size=(held, SIZE))
    return graph, inputs, flow_to(program, program.initial, inputs, time)


@pytest.mark.parametrize("name", rules.names())
@pytest.mark.parametrize("form", ["membrane", "rate"])
def test_every_rule_has_its_order(name: str, form: str):
    graph, inputs, exact = flowed(form, 0, 2, 0.4)
    errors = []
    for parts in (8, 16):
        run = digital(graph, name, 0.4 / parts).sequence(np.repeat(inputs, parts, axis=0))
        errors.append(np.abs(run.final[0] - exact).max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(rules.get(name).order, abs=0.2)


@pytest.mark.parametrize("name", rules.names())
@pytest.mark.parametrize("form", ["membrane", "rate"])
def test_every_rule_has_the_fixed_points_of_the_flow(name: str, form: str):
    graph, u, rest = flowed(form, 1, 1, 200.0)
    assert np.abs(compile_graph(graph).flow(rest, u[0])).max() < 1e-10
    after = digital(graph, name, 0.7).sequence(u[None], rest[None]).final[0]
    assert after == pytest.approx(rest, abs=1e-9)


LINEAR = {
    "forward_euler": lambda z: 1 + z,
    "exponential_euler": np.exp,
    "etd2rk": np.exp,
    "tustin_heun": lambda z: (1 + z / 2) / (1 - z / 2),
    "implicit_midpoint": lambda z: (1 + z / 2) / (1 - z / 2),
    "gonzalez": lambda z: (1 + z / 2) / (1 - z / 2),
    "mean_value": lambda z: (1 + z / 2) / (1 - z / 2),
    "itoh_abe": lambda z: (1 + z / 2) / (1 - z / 2),
}


@pytest.mark.parametrize("name", rules.names())
def test_leaky_units_are_closed_forms(name: str):
    """tau x' = -leak x + u: the factor of the old state, and a steady state of u / leak."""
    graph = SignalGraph("leaky")
    graph.port("u", 2)
    graph.state("x", 2, time_constant=np.array([0.5, 3.0]), leak=np.array([1.0, 0.2]))
    graph.map("v", 2, "identity")
    graph.parameter("W", np.zeros((2, 2)))
    graph.connect("x", "v")
    graph.connect("v", "x", weight="W")
    graph.connect("u", "x")
    y0, u, dt = np.array([0.3, -2.0]), np.array([0.7, 0.4]), 0.9
    factor = LINEAR[name](-np.array([1.0, 0.2]) * dt / np.array([0.5, 3.0]))
    rest = u / np.array([1.0, 0.2])
    run = digital(graph, name, dt).sequence(np.tile(u, (4, 1)), y0)
    expected = [rest + factor**k * (y0 - rest) for k in range(1, 5)]
    assert run.states[:, 0] == pytest.approx(np.array(expected), rel=1e-12)


@pytest.mark.parametrize("name", [n for n in rules.names() if not rules.get(n).descends])
def test_a_state_without_leak_integrates(name: str):
    graph = SignalGraph("integrator")
    graph.port("u", 1)
    graph.state("x", 1, time_constant=2.0, leak=0.0)
    graph.connect("u", "x")
    run = digital(graph, name, 0.5).sequence(np.ones((8, 1)), np.zeros(1))
    assert run.states[:, 0, 0] == pytest.approx(0.25 * np.arange(1, 9), rel=1e-14)


@given(st.floats(-40.0, 3.0))
def test_phi_functions(z: float):
    first, second = phi_functions(np.array([z]))
    assert first[0] == pytest.approx(quad(lambda s: np.exp((1 - s) * z), 0, 1, epsabs=1e-14)[0], rel=1e-12)
    assert second[0] == pytest.approx(quad(lambda s: s * np.exp((1 - s) * z), 0, 1, epsabs=1e-14)[0], rel=1e-11)


@pytest.mark.parametrize("name", SUPPORTED)
@settings(max_examples=60, deadline=None)
@given(st.floats(-12.0, 12.0), st.one_of(st.floats(-12.0, 12.0), st.floats(-1e-3, 1e-3)))
def test_means_of_activation_functions(name: str, q0: float, change: float):
    """Against integrals, and derivatives against differences."""
    function = increasing_function(name, 0.3 if name == "leaky_relu" else None)
    assert function is not None
    a, b = np.array([q0]), np.array([q0 + change])
    assert function.inverse(function.value(a))[0] == pytest.approx(q0, rel=1e-5, abs=1e-9)
    mean = mean_argument(function.number, function.constant, a[0], b[0])[0]
    assert min(a[0], b[0]) - 1e-12 <= mean <= max(a[0], b[0]) + 1e-12
    rise = (function.value(b) - function.value(a))[0]
    energy = (function.energy(b) - function.energy(a))[0]
    assert mean * rise == pytest.approx(energy, abs=1e-13 * (1 + abs(energy)))
    middle = argument_of_mean(function.number, function.constant, a[0], b[0])[0]
    assert function.value(middle) == pytest.approx((function.value(a) + function.value(b))[0] / 2, abs=1e-13)
    if abs(q0 * b[0]) > 1e-3 or name != "leaky_relu":
        e = 1e-5
        for of in (mean_argument, argument_of_mean):
            low, here, high = (of(function.number, function.constant, a[0], b[0] + s) for s in (-e, 0.0, e))
            assert here[1] == pytest.approx((high[0] - low[0]) / (2 * e), rel=2e-4, abs=1e-6)


@pytest.mark.parametrize("name", DESCENDING)
@pytest.mark.parametrize("form", ["membrane", "rate"])
@pytest.mark.parametrize("function", ["tanh", "logistic"])
def test_the_energy_falls_at_any_step(name: str, form: str, function: str):
    rng = np.random.default_rng(3)
    graph = symmetric_net(rng, form, function, strength=3.0, leak=1.3)
    middle, spread = (0.5, 0.3) if function == "logistic" and form == "rate" else (0.0, 0.6)
    y0 = middle / 1.3 + spread * rng.uniform(-1, 1, (2, SIZE))
    u = rng.normal(size=SIZE)
    for dt in (0.1, 1.0, 10.0, 100.0):
        network = digital(graph, name, dt)
        run = network.sequence(np.tile(u, (5, 2, 1)), y0)
        energy = gradient_form(network.program).energy(np.concatenate([y0[None], run.states]), u)
        assert np.diff(energy, axis=0).max() < 1e-12
        assert (energy[-1] < energy[0] - 1e-4).all()


@pytest.mark.parametrize("form", ["membrane", "rate"])
def test_the_energy_is_that_of_the_flow(form: str):
    """Its slope along the flow is never positive, and it is stationary where the flow is."""
    rng = np.random.default_rng(4)
    program = compile_graph(symmetric_net(rng, form, leak=1.2))
    energy, u = gradient_form(program), rng.normal(size=SIZE)
    y = rng.uniform(-0.7, 0.7, (50, SIZE))
    flow = program.flow(y, u)
    slope = (energy.energy(y + 1e-6 * flow, u) - energy.energy(y - 1e-6 * flow, u)) / 2e-6
    assert slope.max() < 0.0
    rest = flow_to(program, y[0], u[None], 100.0)
    at_rest = np.array([energy.energy(rest + e, u) - energy.energy(rest - e, u) for e in 1e-6 * np.eye(SIZE)])
    assert np.abs(at_rest).max() / 2e-6 < 1e-5


@pytest.mark.parametrize("name", DESCENDING)
@pytest.mark.parametrize("form", ["membrane", "rate"])
def test_discrete_gradients_take_the_difference_of_the_energy(name: str, form: str):
    """D . (w1 - w0) = E(w1) - E(w0), with the D that the equations of a step contain."""
    rng = np.random.default_rng(9)
    network = digital(symmetric_net(rng, form, leak=1.2), name, 0.8)
    program, energy = network.program, gradient_form(network.program)
    y0, u = rng.uniform(-0.5, 0.5, (4, SIZE)), rng.normal(size=SIZE)
    y1 = network.sequence(np.tile(u, (1, 4, 1)), y0).final
    c, q = network.dt / program.time_constant, [energy.argument(y) for y in (y0, y1)]
    if form == "membrane":
        gradient = -(y1 - y0) / c
    else:
        centre = 0.5 * (q[0] + q[1])
        gradient = (centre - np.arctanh(np.tanh(centre) + (y1 - y0) / c)) / energy.gain
    distance = (energy.value(q[1]) - energy.value(q[0])) * energy.scale
    fall = energy.energy(y1, u) - energy.energy(y0, u)
    assert (gradient * distance).sum(axis=-1) == pytest.approx(fall, abs=1e-12)
    assert fall.max() < -1e-3


@pytest.mark.parametrize("rule", [implicit_step.MEAN_VALUE, implicit_step.GONZALEZ])
@pytest.mark.parametrize("is_rate", [0, 1])
def test_jacobian_of_a_step_is_its_derivative(rule: int, is_rate: int):
    rng = np.random.default_rng(10)
    n = 4
    weights = rng.normal(size=(n, n))
    form = np.concatenate([rng.uniform(0.5, 2.0, 5 * n), (weights + weights.T).ravel()])
    plan = np.array([rule, 1, n, is_rate, TANH, LOGISTIC, LEAKY_RELU, IDENTITY])
    bias, q0, q1 = rng.normal(size=(3, n))

    def equation(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        residual, jacobian = np.empty(n), np.empty(n * n)
        implicit_step._gradient_equation(
            plan, form, bias, q0, q, residual, np.empty(n), jacobian, True, np.empty(10 * n)
        )  # fmt: skip
        return residual, jacobian.reshape(n, n)

    for k, e in enumerate(1e-6 * np.eye(n)):
        difference = (equation(q1 + e)[0] - equation(q1 - e)[0]) / 2e-6
        assert equation(q1)[1][:, k] == pytest.approx(difference, abs=1e-7)


def test_two_fields_with_one_weight_and_its_transpose_descend():
    rng = np.random.default_rng(5)
    graph = SignalGraph("bam")
    graph.parameter("W", rng.normal(size=(3, 5)))
    for name, size, tau in (("a", 3, 1.0), ("b", 5, 0.3)):
        graph.state(name, size, time_constant=tau)
        graph.map(f"{name}_rate", size, "tanh", gain=2.0)
        graph.connect(name, f"{name}_rate")
    graph.connect("b_rate", "a", weight="W")
    graph.connect("a_rate", "b", weight="W", transpose=True)
    y0 = rng.normal(size=(2, 8))
    for name in DESCENDING:
        network = digital(graph, name, 20.0)
        states = network.sequence(6, y0).states
        energy = gradient_form(network.program).energy(np.concatenate([y0[None], states]))
        assert np.diff(energy, axis=0).max() < 1e-12


def not_descending(change: str) -> SignalGraph:
    graph = symmetric_net(np.random.default_rng(0), "membrane")
    if change == "asymmetric":
        graph.parameters["W"].value[0, 1] += 0.5
    elif change == "function":
        graph.nodes["r"]["function"] = "relu"
    elif change == "gain":
        graph.nodes["r"]["gain"] = -1.0
    elif change == "two maps":
        graph.map("s", SIZE, "tanh")
        graph.connect("r", "s")
        graph.connect("s", "x")
    elif change == "product":
        graph.product("p", SIZE)
        graph.connect("r", "p")
        graph.connect("x", "p", slot=1)
        graph.connect("p", "x")
    elif change == "direct":
        graph.connect("x", "x", weight="W")
    elif change == "clock":
        graph.clock("tick", 1.0)
        graph.state("z", 2, clock="tick")
    elif change == "input":
        graph.connect("u", "r")
    return graph


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("asymmetric", "not symmetric"), ("function", "map 'r' is 'relu'"), ("gain", "map 'r' has a gain of -1"),
        ("two maps", "map 'r' feeds map 's'"), ("product", "product 'p'"), ("direct", "without a map"),
        ("clock", "'z' jumps"), ("input", "map 'r' takes more than"),
    ],
)  # fmt: skip
def test_graphs_without_energy_are_refused(change: str, words: str):
    with pytest.raises(ParameterError, match=words):
        digital(not_descending(change), "mean_value", 1.0)


def test_rates_outside_their_range_are_refused():
    graph = symmetric_net(np.random.default_rng(0), "rate")
    with pytest.raises(SimulationError, match="outside the range"):
        digital(graph, "gonzalez", 1.0).sequence(np.zeros((1, SIZE)), np.full(SIZE, 1.5))


def test_implicit_midpoint_keeps_quadratic_invariants_and_names_what_fails():
    graph = SignalGraph("oscillator")
    graph.state("x", 2, time_constant=1.0, leak=0.0, initial=1.0)
    graph.parameter("W", [[0.0, 1.0], [-1.0, 0.0]])
    graph.connect("x", "x", weight="W")
    states = digital(graph, "implicit_midpoint", 3.0).sequence(200).states
    assert (states**2).sum(axis=-1) == pytest.approx(2.0, rel=1e-12)
    graph = SignalGraph("escape")
    graph.state("x", 2, time_constant=1.0, leak=0.0, initial=1.0)
    graph.map("grow", 2, "square")
    graph.connect("x", "grow")
    graph.connect("grow", "x")
    with pytest.raises(SimulationError, match=r"x\[\d\] \(sample 0\)"):
        digital(graph, "implicit_midpoint", 3.0).sequence(2)


def leaky_recurrent(rng: np.random.Generator) -> SignalGraph:
    graph = SignalGraph("leaky net")
    graph.port("u", 2)
    graph.state("h", SIZE, time_constant=0.4, leak=1.2)
    graph.map("r", SIZE, "tanh")
    graph.port("y", SIZE, output=True)
    graph.parameter("U", rng.normal(size=(SIZE, 2)))
    graph.parameter("W", rng.normal(size=(SIZE, SIZE)))
    graph.parameter("b", rng.normal(size=SIZE))
    graph.connect("u", "r", weight="U")
    graph.connect("h", "r", weight="W")
    graph.connect("r", "h")
    graph.connect("h", "y")
    graph.nodes["h"]["bias"] = "b"
    return graph


def run_clocked(program: Program, inputs: np.ndarray, period: float) -> np.ndarray:
    """The clocked flow by an independent integrator: holds sample, states flow, states jump."""
    jumps = program.is_clocked & ~program.is_hold
    y, states = program.initial, []
    for u in inputs:
        y = np.where(program.is_hold, program.drive(y, u), y)
        y = flow_to(program, y, u[None], period)
        y = np.where(jumps, program.drive(y, u), y)
        states.append(y)
    return np.array(states)


def test_clocked_network_is_the_exponential_rule():
    rng = np.random.default_rng(6)
    graph, period = leaky_recurrent(rng), 0.3
    held = clocked(graph, period)
    u = rng.normal(size=(30, 2))
    program = compile_graph(held)
    part = program.states.slices["h"]
    expected = digital(graph, "exponential_euler", period).sequence(u).states[:, 0]
    assert run_clocked(program, u, period)[:, part] == pytest.approx(expected, abs=1e-10)
    bare = flow_to(compile_graph(graph), np.zeros(SIZE), u, period)
    assert np.abs(bare - expected[-1]).max() > 1e-2
    for name in ("exponential_euler", "etd2rk"):
        ours = digital(held, name, period).sequence(u).states[:, 0, part]
        assert ours == pytest.approx(expected, abs=1e-14)
    # under a held drive the implicit rule is the bilinear one
    bilinear = digital(held, "tustin_heun", period).sequence(u).states[:, 0, part]
    implicit = digital(held, "implicit_midpoint", period).sequence(u).states[:, 0, part]
    assert implicit == pytest.approx(bilinear, abs=1e-11)
    with pytest.raises(ParameterError, match="already"):
        clocked(held, period, clock="other")


def test_gated_state_is_the_long_short_term_memory():
    """Capacitor with leak -ln f between ticks, output read at the next tick."""
    rng = np.random.default_rng(7)
    n, period = 3, 0.7
    graph = SignalGraph("gated")
    graph.clock("tick", period)
    graph.port("u", 2)
    graph.state("h", n, clock="tick")
    w = {}
    for gate, function in (("i", "logistic"), ("f", "identity"), ("g", "tanh"), ("o", "logistic")):
        w[gate] = rng.normal(size=(n, 2)), rng.normal(size=(n, n))
        graph.parameter(f"U{gate}", w[gate][0])
        graph.parameter(f"W{gate}", w[gate][1])
        graph.map(gate, n, function)
        graph.connect("u", gate, weight=f"U{gate}")
        graph.connect("h", gate, weight=f"W{gate}")
    graph.product("ig", n)
    graph.connect("i", "ig")
    graph.connect("g", "ig", slot=1)
    gated_state(graph, "c", n, gate="f", drive="ig", clock="tick")
    graph.hold("o_held", n, clock="tick")
    graph.map("squashed", n, "tanh")
    graph.product("out", n)
    graph.connect("o", "o_held")
    graph.connect("c", "squashed")
    graph.connect("o_held", "out")
    graph.connect("squashed", "out", slot=1)
    graph.connect("out", "h")
    u = rng.normal(size=(25, 2))
    program = compile_graph(graph)
    states = run_clocked(program, u, period)
    h, c = np.zeros(n), np.zeros(n)
    for step, x in enumerate(u):
        i, f, g, o = (w[gate][0] @ x + w[gate][1] @ h for gate in "ifgo")
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        assert states[step, program.states.slices["c"]] == pytest.approx(c, abs=1e-10)
        assert states[step, program.states.slices["h"]] == pytest.approx(h, abs=1e-10)


def test_holds_and_jumps_have_gradients():
    """Stages added for ticks are differentiated like those of the rule."""
    rng = np.random.default_rng(8)
    graph = clocked(leaky_recurrent(rng), 0.3)
    graph.state("z", SIZE, clock="hold")
    graph.connect("h", "z")
    graph.connect("z", "h_held", weight="W")
    network = digital(graph, "tustin_heun")
    u, weight = rng.normal(size=(5, 2, 2)), rng.normal(size=(5, 2, SIZE))
    run = network.sequence(u, keep=True)
    gradient = network.gradient(run, weight).parameters
    p = network.program.p[: gradient.size].copy()
    direction = rng.normal(size=p.size)
    ends = [(network.with_parameters(p + s * 1e-6 * direction).sequence(u).outputs * weight).sum() for s in (1.0, -1.0)]
    assert gradient @ direction == pytest.approx((ends[0] - ends[1]) / 2e-6, rel=1e-7)
    z, h = (network.program.states.slices[name] for name in ("z", "h"))
    assert run.states[..., z] == pytest.approx(run.states[..., h], abs=0)


@pytest.mark.parametrize("name", ["forward_euler", "etd2rk", "implicit_midpoint"])
def test_order_of_events_at_a_tick(name: str):
    """What jumps sees the flow at the end of the step; what stands for a delay, the beginning."""
    graph = SignalGraph("ticks")
    graph.clock("tick", 0.5)
    graph.clock(DELAY_CLOCK, 0.5)
    graph.port("u")
    graph.state("x", time_constant=1.0, leak=0.0)
    graph.state("jumped", clock="tick")
    graph.state("delayed", clock=DELAY_CLOCK)
    graph.hold("held", clock="tick")
    graph.connect("u", "x")
    for target in ("jumped", "delayed", "held"):
        graph.connect("x", target)
    network = digital(graph, name)
    states = network.sequence(np.ones((4, 1))).states[:, 0]
    column = {part: states[:, where.start] for part, where in network.program.states.slices.items()}
    x = 0.5 * np.arange(5)
    assert column["x"] == pytest.approx(x[1:])
    assert column["jumped"] == pytest.approx(x[1:])
    assert column["delayed"] == pytest.approx(x[:-1])
    assert column["held"] == pytest.approx(x[:-1])
