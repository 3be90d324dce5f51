"""Delayed edges of graphs that flow: exact solutions, orders, histories, room for the past, refusals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from neurosim.analyses.energy_function import energy_function
from neurosim.architectures.mackey_glass import mackey_glass
from neurosim.digital.network import digital
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph import history
from neurosim.graph.assembly import assemble_graph
from neurosim.graph.drives import bind_drives
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.solve.dynamics import dynamics
from neurosim.solve.methods import methods
from neurosim.solve.simulate import simulate


def decay(delay: float = 1.0) -> SignalGraph:
    """x' = -x(t - delay), x = 1 until 0."""
    graph = SignalGraph("delayed decay")
    graph.state("x", time_constant=1.0, leak=0.0, initial=1.0)
    graph.connect("x", "x", gain=-1.0, delay=delay)
    return graph


def exact_decay(t: np.ndarray) -> np.ndarray:
    """Method of steps: the sum over k of (-1)^k (t - k + 1)^k / k! for t >= k - 1."""
    terms = [np.ones_like(t)]
    terms += [(-1.0) ** k * np.maximum(t - k + 1.0, 0.0) ** k / math.factorial(k) for k in range(1, 16)]
    return np.sum(terms, axis=0)


@pytest.mark.parametrize("method", [entry.name for entry in methods if entry.adaptive])
def test_every_method_keeps_its_tolerance(method: str):
    rtol = 1e-6
    found = simulate(decay(), (0, 10), method=method, rtol=rtol)
    assert found["x"] == pytest.approx(exact_decay(found.axis), abs=200 * rtol)


@pytest.mark.parametrize(("method", "steps", "order"), [
    ("forward_euler", (0.05, 0.025), 1), ("rk4", (0.25, 0.125), 4), ("dp5", (0.25, 0.125), 5),
    ("rodas5p", (0.25, 0.125), 5),
])  # fmt: skip
def test_no_method_loses_its_order(method: str, steps: tuple[float, float], order: int):
    errors = []
    for step in steps:
        found = simulate(decay(), (0, 10), method=method, fixed_step=step)
        errors.append(np.abs(found["x"] - exact_decay(found.axis)).max())
    assert math.log2(errors[0] / errors[1]) > order - 0.2


def test_kinks_end_steps():
    """Without them the error at a loose tolerance would come from the corners of the derivatives."""
    times = simulate(decay(0.7137), (0, 5), rtol=1e-4).axis
    for kink in 0.7137 * np.arange(1, 7):
        assert np.abs(times - kink).min() < 1e-12


def by_steps(rate, past, delay: float, stop: float, at: np.ndarray) -> np.ndarray:
    """Method of steps with SciPy: in each interval the past is the dense solution of the one before."""
    values, start, y = np.empty(at.size), 0.0, np.atleast_1d(past(0.0))
    while start < stop - 1e-12:
        end = min(start + delay, stop)
        found = solve_ivp(lambda t, x, p=past: rate(x, p(t - delay)), (start, end), y, method="DOP853", rtol=1e-11,
                          atol=1e-12, dense_output=True)  # fmt: skip
        inside = (at >= start) & (at <= end)
        values[inside] = found.sol(at[inside])[0]
        past, start, y = found.sol, end, found.y[:, -1]
    return values


def production(x: np.ndarray) -> np.ndarray:
    return 0.2 * x / (1.0 + x**10)


def test_mackey_glass_against_the_method_of_steps():
    at = np.linspace(0.0, 150.0, 301)
    expected = by_steps(lambda x, past: production(past) - 0.1 * x, lambda t: np.array([1.2]), 17.0, 150.0, at)
    found = simulate(mackey_glass(), (0, 150), rtol=1e-9, print_step=0.5, save_steps=False)
    assert found.axis == pytest.approx(at)
    assert found["x"] == pytest.approx(expected, abs=1e-6)
    assert np.ptp(expected) > 0.5


@pytest.mark.parametrize("method", ["dp5", "rodas5p"])
def test_history_is_a_function(method: str):
    at = np.linspace(0.0, 40.0, 81)
    expected = by_steps(
        lambda x, past: production(past) - 0.1 * x, lambda t: np.array([0.9 + 0.2 * np.sin(t)]), 17.0, 40.0, at
    )
    found = simulate(
        mackey_glass(), (0, 40), method=method, rtol=1e-9, history={"x": lambda t: 0.9 + 0.2 * np.sin(t)},
        print_step=0.5, save_steps=False,
    )  # fmt: skip
    assert found["x"] == pytest.approx(expected, abs=1e-7)
    constant = simulate(mackey_glass(), (0, 40), rtol=1e-9, history={"x": 0.7}, save_steps=False)
    same = simulate(mackey_glass(initial=0.7), (0, 40), rtol=1e-9, save_steps=False)
    assert constant["x"] == pytest.approx(same["x"])


def test_digital_network_means_the_same():
    """Forward Euler in both worlds gives the same numbers; with a finer step the twin converges to the flow."""
    graph, dt = mackey_glass(delay=2.0, gamma=0.5, beta=1.0), 0.25
    steps = 80
    analog = simulate(graph, (0, steps * dt), method="forward_euler", fixed_step=dt)
    twin = digital(graph, "forward_euler", dt).sequence(steps)
    places = np.searchsorted(analog.axis, dt * np.arange(1, steps + 1) - 1e-9)
    assert twin.states[:, 0, 0] == pytest.approx(analog["x"][places], rel=1e-12)
    exact = simulate(graph, (0, 20), rtol=1e-9)["x"][-1]
    errors = [abs(digital(graph, "forward_euler", dt / k).sequence(steps * k).final[0, 0] - exact) for k in (16, 32)]
    assert errors[0] / errors[1] == pytest.approx(2.0, abs=0.2)


def network(*, input_delay: float = 0.0) -> SignalGraph:
    """Rates behind two delays, a part of them, in a sub-graph of products; an output that sees the past."""
    rng = np.random.default_rng(3)
    graph = SignalGraph("delayed network")
    graph.port("u", 2)
    graph.parameter("U", rng.normal(size=(4, 2)))
    graph.parameter("W", 1.5 * rng.normal(size=(4, 4)))
    graph.parameter("V", rng.normal(size=(4, 2)))
    graph.state("x", 4, time_constant=np.array([0.5, 1.0, 1.0, 2.0]), initial=np.array([0.3, -0.2, 0.5, 0.1]))
    graph.map("rate", 4, "tanh")
    graph.product("square", 2)
    graph.connect("x", "rate")
    graph.connect("rate", "square", slot=0, source_part=(1, 3))
    graph.connect("x", "square", slot=1, source_part=(0, 2), delay=0.2)
    graph.connect("u", "x", weight="U", delay=input_delay)
    graph.connect("rate", "x", weight="W", delay=0.5)
    graph.connect("square", "x", weight="V", delay=0.3)
    graph.port("y", 1, output=True)
    graph.connect("x", "y", source_part=(3, 4), delay=0.5)
    return graph


def test_delays_behind_maps_and_products():
    """Against forward Euler of the same step, written as a loop; and the output is the state of the past."""
    graph, dt, steps = network(), 0.05, 100
    found = simulate(
        graph, (0, steps * dt), drive={"u": [1.0, -0.5]}, method="forward_euler", fixed_step=dt, save=["all", "square"]
    )
    w, tau = graph.weights(), np.array([0.5, 1.0, 1.0, 2.0])
    past = [np.array([0.3, -0.2, 0.5, 0.1])] * 20
    for _ in range(steps):
        ago = lambda t: past[-1 - round(t / dt)]
        square = np.tanh(ago(0.3)[1:3]) * ago(0.5)[:2]
        drive = w["U"] @ [1.0, -0.5] + w["W"] @ np.tanh(ago(0.5)) + w["V"] @ square
        past.append(past[-1] + dt / tau * (drive - past[-1]))
    ends = np.searchsorted(found.axis, dt * np.arange(steps + 1) - 1e-9)
    states = np.array(past[19:])
    for i in range(4):
        assert found[f"x[{i}]"][ends] == pytest.approx(states[:, i], rel=1e-11)
    assert found["y"][ends[10:]] == pytest.approx(states[:-10, 3], rel=1e-11)
    assert found["y"][ends[:10]] == pytest.approx(0.1)
    twin = digital(graph, "forward_euler", dt).sequence(np.tile([1.0, -0.5], (steps, 1)))
    assert twin.states[:, 0, :4] == pytest.approx(states[1:], rel=1e-11)


def test_implicit_methods_agree():
    given = {"drive": {"u": "SIN(0 1 0.3)"}, "save_steps": False, "rtol": 1e-8}
    expected = simulate(network(), (0, 10), method="dop853", **given)
    found = simulate(network(), (0, 10), method="rodas5p", **given)
    for name in ("x[0]", "x[3]", "y"):
        assert found[name] == pytest.approx(expected[name], abs=1e-6)


def test_room_for_the_past_grows_and_is_used_again(monkeypatch: pytest.MonkeyPatch):
    expected = simulate(network(), (0, 20), drive={"u": "SIN(0 1 0.3)"}, rtol=1e-9)
    monkeypatch.setattr(history, "FIRST_PIECES", 2)
    found = simulate(network(), (0, 20), drive={"u": "SIN(0 1 0.3)"}, rtol=1e-9)
    assert found.axis.size == expected.axis.size
    for name in ("x[0]", "x[3]", "y"):
        assert (found[name] == expected[name]).all()


def test_program_has_the_past_as_inputs():
    program = compile_graph(network())
    assert {delay.port for delay in program.delays} == {
        "x(t - 0.5 s)", "x(t - 0.3 s)", "x[0:2](t - 0.2 s)", "x[0:2](t - 0.5 s)", "x[3:4](t - 0.5 s)",
    }  # fmt: skip
    assert program.inputs.shapes["x[0:2](t - 0.5 s)"] == (2,)
    rng = np.random.default_rng(0)
    y, u, dy = rng.normal(size=4), rng.normal(size=program.inputs.size), rng.normal(size=4)
    forward = program.jvp(y, u, dy)
    difference = (program.drive(y + 1e-6 * dy, u) - program.drive(y - 1e-6 * dy, u)) / 2e-6
    assert forward == pytest.approx(difference, abs=1e-8)


def test_refused_by_name():
    with pytest.raises(ParameterError, match="delay -1"):
        decay(-1.0)
    with pytest.raises(ParameterError, match=r"edge 'u' -> 'x' with a delay of 1 s: 'u' is an input"):
        simulate(network(input_delay=1.0), (0, 1))
    clocked = SignalGraph("clocked")
    clocked.clock("c", 1.0)
    clocked.state("k", clock="c")
    clocked.state("x", time_constant=1.0)
    clocked.connect("k", "x", delay=2.0)
    with pytest.raises(ParameterError, match="'k' jumps at the clock 'c'"):
        simulate(clocked, (0, 1))
    loop = SignalGraph("loop")
    loop.state("x", time_constant=1.0)
    loop.map("r", function="tanh")
    loop.connect("r", "r", delay=1.0)
    loop.connect("r", "x")
    with pytest.raises(ParameterError, match="'r' depends on itself by delays alone"):
        simulate(loop, (0, 1))
    with pytest.raises(ParameterError, match="fixed_step = 2 s is longer than the shortest delay, 1 s"):
        simulate(decay(), (0, 10), method="rk4", fixed_step=2.0)
    with pytest.raises(UnknownNameError, match="history: 'z' is no state whose past is used"):
        simulate(decay(), (0, 10), history={"z": 1.0})
    with pytest.raises(ParameterError, match="history of 'x' gives its initial value too"):
        simulate(decay(), (0, 10), history={"x": 1.0}, initial={"x": 1.0})
    with pytest.raises(ParameterError, match="history of 'x': not finite at t = "):
        simulate(decay(), (0, 10), history={"x": lambda t: np.nan if t < -0.5 else 1.0})
    with pytest.raises(ParameterError, match="give the graph itself"):
        digital(compile_graph(decay()), dt=0.1)


def test_without_a_history_nothing_is_made_up():
    """Where the past was not laid out, it is NaN and not 0; and analyses of a present state refuse the graph."""
    program = compile_graph(decay())
    drives = bind_drives(program.inputs, None, 1.0, program.delays, program.states)
    assembly = assemble_graph(program, drives, derivatives=False)
    assert np.isnan(assembly.system.right_hand_side(0.0, np.ones(1))).all()
    with pytest.raises(ParameterError, match=r"has delays \('x\(t - 1 s\)'\)"):
        assemble_graph(program, bind_drives(program.inputs, None, 1.0), derivatives=False)
    with pytest.raises(ParameterError, match="its state is a whole past"):
        dynamics(mackey_glass())
    with pytest.raises(ParameterError, match="its state is a whole past"):
        energy_function(program)
