"""Signal graphs in time: flow, ticks, drives, what is saved, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import expm

from neurosim.architectures.elman import elman
from neurosim.digital.network import digital
from neurosim.errors import NeurosimError, ParameterError, SimulationError, UnknownNameError
from neurosim.graph.assembly import assemble_graph
from neurosim.graph.drives import bind_drives, held, interpolated, noise
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import compilations
from neurosim.results import Result
from neurosim.solve import integrate
from neurosim.solve.simulate import simulate


def after(result: Result, name: str, times: Any) -> np.ndarray:
    """Values just after given times that were saved."""
    places = np.searchsorted(result.time, np.asarray(times) * (1 + 1e-12), side="right") - 1
    assert np.abs(result.time[places] - times).max() < 1e-9
    return result[name][places]


def states(result: Result, name: str, size: int, times: Any) -> np.ndarray:
    """Values of a node just after given times, shape (times, size)."""
    return np.array([after(result, name if size == 1 else f"{name}[{k}]", times) for k in range(size)]).T


def linear(a: np.ndarray, tau: float = 0.1) -> SignalGraph:
    graph = SignalGraph("linear")
    graph.port("u", len(a))
    graph.state("x", len(a), time_constant=tau, initial=np.arange(1.0, len(a) + 1.0), unit="V")
    graph.parameter("A", a)
    graph.connect("x", "x", weight="A")
    graph.connect("u", "x")
    return graph


@pytest.mark.parametrize(
    ("method", "tolerance"), [("dp5", 1e-8), ("dop853", 1e-8), ("rodas5p", 1e-8), ("bdf2", 1e-4), ("trapezoid", 1e-4)]
)
def test_linear_net_agrees_with_the_matrix_exponential(method: str, tolerance: float):
    rng = np.random.default_rng(0)
    a, u = rng.normal(size=(4, 4)) * 0.5, rng.normal(size=4)
    result = simulate(linear(a), (0, 0.3), drive={"u": u}, method=method, rtol=1e-3 * tolerance)
    m = (a - np.eye(4)) / 0.1
    rest = np.linalg.solve(m, -u / 0.1)
    exact = rest + expm(0.3 * m) @ (np.arange(1.0, 5.0) - rest)
    assert states(result, "x", 4, [0.3])[0] == pytest.approx(exact, rel=tolerance)
    assert result.column("x[2]").unit == "V"
    assert result.attrs["method"] == method


def test_elman_under_forward_euler_is_the_elman_net():
    graph = elman(2, 7, 3, seed=1)
    u = np.random.default_rng(1).normal(size=(12, 2))
    run = digital(graph, "forward_euler", dt=1.0).sequence(u)
    result = simulate(graph, (0, 12), drive={"u": held(u, 1.0)}, method="forward_euler", fixed_step=1.0)
    assert states(result, "h", 7, np.arange(1.0, 13.0)) == pytest.approx(run.states[:, 0], abs=1e-14)
    before = np.searchsorted(result.time, np.arange(1.0, 13.0))
    found = np.array([result[f"y[{k}]"][before] for k in range(3)]).T
    assert found == pytest.approx(run.outputs[:, 0], abs=1e-14)


def held_net(w: np.ndarray, v: np.ndarray, tau: float, period: float) -> SignalGraph:
    graph = SignalGraph("held")
    n, m = v.shape
    graph.clock("c", period)
    graph.port("u", m)
    graph.map("r", n, "tanh")
    graph.hold("s", n, clock="c")
    graph.state("h", n, time_constant=tau)
    graph.parameter("W", w)
    graph.parameter("U", v)
    graph.connect("u", "r", weight="U")
    graph.connect("h", "r", weight="W")
    graph.connect("r", "s")
    graph.connect("s", "h")
    return graph


@pytest.mark.parametrize("method", ["dp5", "rodas5p"])
def test_hold_in_the_loop_is_a_leaky_net(method: str):
    rng = np.random.default_rng(2)
    w, v, u = rng.normal(size=(6, 6)), rng.normal(size=(6, 2)), rng.normal(size=(25, 2))
    result = simulate(
        held_net(w, v, 1.0, 0.7), (0, 0.7 * 25), drive={"u": held(u, 0.7)}, method=method, rtol=1e-11, atol=1e-12
    )  # fmt: skip
    a, h, expected = 1 - np.exp(-0.7), np.zeros(6), []
    for k in range(25):
        h = (1 - a) * h + a * np.tanh(w @ h + v @ u[k])
        expected.append(h)
    assert states(result, "h", 6, 0.7 * np.arange(1, 26)) == pytest.approx(np.array(expected), abs=1e-9)


def test_order_at_a_tick_and_two_clocks():
    graph = SignalGraph("order")
    graph.clock("fast", 1.0)
    graph.clock("slow", 2.0, phase=1.0)
    graph.port("u")
    graph.state("jumped", clock="fast", initial=-1.0)
    graph.hold("of_jumped", clock="fast")
    graph.hold("of_input", clock="fast")
    graph.hold("late", clock="slow")
    graph.connect("u", "jumped")
    graph.connect("jumped", "of_jumped")
    graph.connect("u", "of_input")
    graph.connect("u", "late")
    samples = np.array([10.0, 11.0, 12.0, 13.0, 14.0])
    result = simulate(graph, (0, 4.5), drive=held(samples, 1.0), save=["all", "u"])
    times = [0.0, 1.0, 2.0, 3.0, 4.0, 4.5]
    last = [10.0, 11.0, 12.0, 13.0, 14.0, 14.0]
    assert after(result, "u", times[1:]) == pytest.approx(last[1:])
    assert after(result, "jumped", times) == pytest.approx([-1.0, 10.0, 11.0, 12.0, 13.0, 13.0])
    assert after(result, "of_jumped", times) == pytest.approx([-1.0, 10.0, 11.0, 12.0, 13.0, 13.0])
    assert after(result, "of_input", times) == pytest.approx(last)
    assert after(result, "late", times) == pytest.approx([10.0, 11.0, 11.0, 13.0, 13.0, 13.0])
    twice = np.flatnonzero(np.diff(result.time) == 0.0)
    assert result.time[twice] == pytest.approx([1.0, 2.0, 3.0, 4.0])
    assert result["jumped"][twice] == pytest.approx([-1.0, 10.0, 11.0, 12.0])


def test_clocked_net_is_the_digital_one_to_the_bit_and_keeps_bounds():
    rng = np.random.default_rng(3)
    graph = SignalGraph("clocked")
    graph.clock("c", 0.1)
    graph.port("u", 2)
    graph.state("x", 5, clock="c", bounds=(-1.5, 0.8))
    graph.parameter("W", rng.normal(size=(5, 5)))
    graph.parameter("U", rng.normal(size=(5, 2)))
    graph.connect("x", "x", weight="W")
    graph.connect("u", "x", weight="U")
    u = rng.normal(size=(30, 2))
    result = simulate(graph, (0, 3), drive=held(u, 0.1))
    x, program = np.zeros(5), compile_graph(graph)
    for k in range(30):
        x = np.clip(program.drive(x, u[k]), -1.5, 0.8)
        assert states(result, "x", 5, [0.1 * (k + 1)])[0] == pytest.approx(x, abs=1e-15)
    assert (np.abs(x) > 0.7).any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10_000))
def test_jacobian_of_the_law_is_that_of_the_program(seed: int):
    """Parts, transposes, sparse weights, products, contractions, softmax: values, and no entry left out."""
    rng = np.random.default_rng(seed)
    graph = SignalGraph("random")
    graph.clock("c", 1.0)
    graph.port("u", 3)
    graph.state("a", 4, time_constant=rng.uniform(0.5, 2.0, 4), leak=rng.uniform(0.5, 2.0, 4))
    graph.hold("z", 3, clock="c")
    graph.state("b", (2, 3), time_constant=0.3)
    graph.state("q", 2, clock="c")
    graph.parameter("S", sparse.random(6, 4, 0.4, rng=rng, format="csr"))
    graph.parameter("D", rng.normal(size=(4, 6)) * (rng.random((4, 6)) < 0.5))
    graph.parameter("e", rng.normal(size=4))
    graph.map("m", (2, 3), "softmax")
    graph.map("n", 4, str(rng.choice(["tanh", "square", "logistic", "gaussian"])))
    graph.product("p", 4)
    graph.product("k", 2, "ij,j->i")
    graph.connect("a", "m", weight="S")
    graph.connect("z", "m", target_part=(1, 4))
    graph.connect("b", "n", weight="D")
    graph.connect("a", "n", weight="e")
    graph.connect("n", "p", slot=0)
    graph.connect("a", "p", slot=1, gain=-0.5)
    graph.connect("m", "k", slot=0)
    graph.connect("u", "k", slot=1)
    graph.connect("p", "a")
    graph.connect("k", "a", target_part=(2, 4))
    graph.connect("m", "b")
    graph.connect("p", "b", weight="D", transpose=True)
    graph.connect("k", "q")
    program = compile_graph(graph)
    drives = bind_drives(program.inputs, held(rng.normal(size=(2, 3)), 1.0), 1.0)
    assembly = assemble_graph(program, drives, derivatives=True)
    y, u = rng.normal(size=program.states.size), rng.normal(size=3)
    full = np.concatenate([y, u])
    found = assembly.system.right_hand_side(0.0, full)
    assert found[: y.size] == pytest.approx(program.flow(y, u), rel=1e-13, abs=1e-13)
    assert not found[y.size :].any()
    flowing = ~program.is_clocked
    jacobian = assembly.system.jacobian(0.0, full).toarray()[: y.size, : y.size]
    by_state, _ = program.jacobian(y, u)
    expected = (by_state - np.diag(program.leak)) / program.time_constant[:, None]
    assert jacobian[np.ix_(flowing, flowing)] == pytest.approx(expected[np.ix_(flowing, flowing)], rel=1e-12, abs=1e-13)
    assert not jacobian[~flowing].any()


def integrator(size: int = 1) -> SignalGraph:
    graph = SignalGraph("integrator")
    graph.port("u", size)
    graph.state("x", size, time_constant=1.0, leak=0.0)
    graph.connect("u", "x")
    return graph


@pytest.mark.parametrize(
    ("drive", "integral"),
    [
        (2.0, 2.0),
        ("SIN(0 1 0.25)", (1 - np.cos(np.pi / 2)) / (np.pi / 2)),
        ("PULSE(0 1 0.25 0.1 0.1 0.2 10)", 0.3),
        ("PWL(0 0 0.5 1 1 0)", 0.5),
        ("dc 1.5", 1.5),
        (["1k"], 1000.0),
        (interpolated([0.2, 0.4, 0.6], [1.0, 3.0, 1.0]), 0.2 + 0.8 + 0.4),
        (held([1.0, 2.0, 4.0], 0.25), 0.25 + 0.5 + 2.0),
    ],
)
def test_drives_integrate_to_their_area(drive: Any, integral: float):
    for method in ("dp5", "rodas5p"):
        result = simulate(integrator(), (0, 1), drive=drive, method=method, rtol=1e-10)
        assert result["x"][-1] == pytest.approx(integral, rel=1e-8)


def test_channels_differ_and_are_saved():
    drive = {"u": ["SIN(0 1 1)", 0.5, "PWL(0 0 1 1)"]}
    result = simulate(integrator(3), (0, 1), drive=drive, save=["u", "x[1]"])
    assert result.names == ("u[0]", "u[1]", "u[2]", "x[1]")
    assert result["u[0]"] == pytest.approx(np.sin(2 * np.pi * result.time), abs=1e-12)
    assert result["u[2]"] == pytest.approx(result.time, abs=1e-12)
    assert result["x[1]"] == pytest.approx(0.5 * result.time, abs=1e-10)
    inputs = compile_graph(integrator(3)).inputs
    values = bind_drives(inputs, {"u": held(np.eye(3), 0.1)}, 1.0).values([0.0, 0.1, 0.15, 0.2, 0.9])
    assert values == pytest.approx(np.eye(3)[[0, 1, 1, 2, 2]])


def test_noise_is_a_named_stream():
    first, again, other = (
        simulate(integrator(), (0, 1), drive=noise(2.0, 1e-3, seed), save=["u"])["u"] for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first[:100], other[:100])
    assert np.unique(first).size == 1001
    assert np.unique(first).std() == pytest.approx(2.0, rel=0.1)


def test_maps_and_outputs_are_saved_as_the_program_gives_them():
    graph = elman(1, 4, 2, seed=3)
    result = simulate(graph, (0, 2), drive="SIN(0 1 1)", initial={"h": [0.1, 0.2, 0.3, 0.4]}, save=["rate", "y", "h"])
    h = np.array([result[f"h[{k}]"] for k in range(4)]).T
    program = compile_graph(graph)
    u = np.sin(2 * np.pi * result.time)[:, None]
    assert h[0] == pytest.approx([0.1, 0.2, 0.3, 0.4])
    rate, y = (np.array([result[f"{name}[{k}]"] for k in range(size)]).T for name, size in (("rate", 4), ("y", 2)))
    assert rate == pytest.approx(program.drive(h, u), abs=1e-12)
    assert y == pytest.approx(program.output(h, u), abs=1e-12)


def test_a_new_graph_compiles_nothing():
    simulate(elman(2, 5, 1), (0, 1), drive=np.ones(2), method="rodas5p")
    simulate(elman(2, 5, 1), (0, 1), drive=held(np.ones((3, 2)), 0.3), method="dp5")
    before = compilations()
    rng = np.random.default_rng(5)
    graph = held_net(rng.normal(size=(3, 3)), rng.normal(size=(3, 1)), 0.5, 0.2)
    graph.product("new", 3)
    graph.state("z", 3, time_constant=2.0)
    graph.connect("h", "new", slot=0)
    graph.connect("s", "new", slot=1)
    graph.connect("new", "z")
    simulate(graph, (0, 1), drive="SIN(0 1 1)", method="rodas5p")
    simulate(graph, (0, 1), drive=noise(1.0, 0.1))
    assert compilations() == before


def test_automatic_method_and_saving_on_a_grid():
    graph = integrator()
    graph.state("slow", time_constant=2e3)
    graph.connect("x", "slow")
    assert simulate(graph, (0, 1), drive=1.0).attrs["method"] == "rodas5p"
    result = simulate(integrator(), (0.5, 1), drive=1.0, save_steps=False, print_step=0.1)
    assert result.attrs["method"] == "dp5"
    assert result.time == pytest.approx([0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert result["x"] == pytest.approx(result.time)


def test_bounds_of_flowing_states_are_kept():
    graph = SignalGraph("bounded")
    graph.port("u")
    graph.state("x", time_constant=1.0, leak=0.0, bounds=(0.0, 0.5))
    graph.connect("u", "x")
    result = simulate(graph, (0, 2), drive="PULSE(1 -1 1 1u 1u 10 20)")
    assert result["x"].max() <= 0.5
    assert result.interpolate([0.25, 0.9, 1.25])["x"] == pytest.approx([0.25, 0.5, 0.25], abs=1e-3)


def test_a_state_that_stops_being_finite_is_named():
    graph = SignalGraph("failing")
    graph.port("u")
    graph.state("fine", time_constant=1.0)
    graph.state("bad", 2, time_constant=1.0, leak=0.0, initial=[1.0, 0.5])
    graph.map("root", 2, "log")
    graph.connect("u", "fine")
    graph.connect("root", "bad", gain=1.0)
    graph.connect("bad", "root")
    with pytest.raises(SimulationError, match=r"bad\[1\]") as error:
        simulate(graph, (0, 50), drive=0.0)
    assert "failing" in str(error.value)
    assert error.value.partial["fine"].size > 3


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"drive": {"v": 1.0}}, ["'v'", "known: u"]),
        ({"drive": {"u": np.ones((4, 2))}}, ["'u'", "(4, 2)", "held()"]),
        ({"drive": {"u": held(np.ones((4, 3)), 1.0)}}, ["'u'", "(4, 3)", "(steps, 2)"]),
        ({"drive": {"u": "SINE(0 1 1)"}}, ["'u'", "SINE", "sin"]),
        ({"drive": {"u": "SIN(0 1)"}}, ["'u'", "SIN", "frequency"]),
        ({"drive": {"u": ["SIN(0 1 1)"]}}, ["'u'", "1 waveforms", "2 elements"]),
        ({"drive": {"u": "PWL(file=x.txt)"}}, ["'u'", "x.txt", "interpolated"]),
        ({"drive": {"u": [np.nan, 1.0]}}, ["'u'", "finite"]),
        ({"drive": {"u": object()}}, ["'u'", "object"]),
        ({"initial": {"x": 1.0}}, ["state 'x'", "known: h"]),
        ({"initial": {"h": np.ones(4)}}, ["state 'h'", "5", "(4,)"]),
        ({"save": ["hh"]}, ["'hh'", "'h'"]),
        ({"save": ["h[5]"]}, ["'h[5]'", "5 elements"]),
        ({"drives": {}}, ["'drives'", "'drive'"]),
        ({"method": "forward_euler"}, ["fixed_step"]),
        ({"rtol": 0.0}, ["rtol"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(settings: dict[str, Any], words: list[str]):
    with pytest.raises((ParameterError, UnknownNameError)) as error:
        simulate(elman(2, 5, 1), (0, 1), **settings)
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("span", [None, (1.0, 0.5), (0.0, np.inf)])
def test_the_span_is_checked(span: Any):
    with pytest.raises(ParameterError, match="t_span"):
        simulate(elman(), span)


def test_columns_that_would_be_equal_and_other_kinds_are_refused():
    graph = integrator()
    graph.map("X", 1, "tanh")
    graph.connect("x", "X")
    with pytest.raises(ParameterError, match="'X' and 'x'"):
        simulate(graph, (0, 1), save=["x", "X"])
    with pytest.raises(ParameterError, match="int"):
        simulate(3, (0, 1))  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="'ac'"):
        simulate(graph, (0, 1), analysis="ac")
    empty = SignalGraph("no state")
    empty.port("u")
    empty.port("y", output=True)
    empty.connect("u", "y")
    with pytest.raises(NeurosimError, match="no state"):
        simulate(empty, (0, 1))


def _relaxing_pair(rate):
    graph = SignalGraph("pair")
    graph.state("x", 2, time_constant=1.0, initial=[1.0, -1.0])
    graph.parameter("W", np.array([[1.0 - rate, rate - 2.0], [0.0, 0.0]]))
    graph.connect("x", "x", weight="W")
    return graph


def test_auto_hands_over_to_rodas5p_where_it_is_stiff(monkeypatch):
    # x1' = -rate x1 + (rate - 2) x2: fast, without time constants that tell.
    result = simulate(_relaxing_pair(2000.0), (0.0, 20.0), rtol=1e-6)
    assert result.attrs["method"] == "rodas5p"
    assert any("stiff: from t = " in note and "continued by rodas5p" in note for note in result.attrs["notes"])
    np.testing.assert_allclose(result["x[1]"], -np.exp(-result.time), atol=1e-5)
    assert (np.diff(result.time) >= 0.0).all()
    assert result.attrs["statistics"]["steps"] < 4000
    # Where it changes over hangs on the steps, not on the clock, which decides where calls of the loop end.
    monkeypatch.setattr(integrate, "SECONDS_PER_CALL", 0.0)
    again = simulate(_relaxing_pair(2000.0), (0.0, 20.0), rtol=1e-6)
    assert np.array_equal(again["x[0]"], result["x[0]"])
    chosen = simulate(_relaxing_pair(2000.0), (0.0, 20.0), rtol=1e-6, method="dp5")
    assert chosen.attrs["notes"][0].split(" s on ")[0] == result.attrs["notes"][0].split(" s on ")[0]
    with pytest.raises(SimulationError, match="explicit steps that are too long for a stiff problem"):
        simulate(_relaxing_pair(2000.0), (0.0, 20.0), method="rk4", fixed_step=0.05)
    assert chosen.attrs["method"] == "dp5"
    assert any("take 'rodas5p'" in note for note in chosen.attrs["notes"])
    mild = simulate(_relaxing_pair(3.0), (0.0, 20.0), rtol=1e-6)
    assert mild.attrs["method"] == "dp5"
    assert not any("stiff" in note for note in mild.attrs["notes"])


@pytest.mark.parametrize("method", ["adams", "bdf", "adams_bdf"])
def test_methods_of_variable_order_run_graphs(method):
    result = simulate(_relaxing_pair(3.0), (0.0, 5.0), rtol=1e-7, method=method)
    np.testing.assert_allclose(result["x[1]"], -np.exp(-result.time), atol=1e-5)
    with pytest.raises(ParameterError, match="chooses its order with its step"):
        simulate(_relaxing_pair(3.0), (0.0, 5.0), method=method, fixed_step=0.1)


def test_a_start_that_is_not_finite_is_refused_by_name():
    with pytest.raises(ParameterError, match="state 'x': initial values must be finite"):
        simulate(_relaxing_pair(2.0), (0.0, 1.0), initial={"x": [1.0, np.nan]})
