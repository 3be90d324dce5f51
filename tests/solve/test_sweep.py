"""Sweeps: every row is the run of its own, whoever computes it; dimensions, samples, failures, refusals."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError, UnknownNameError

HOPFIELD = ns.architectures.hopfield(units=3)
DIVIDER = """divider with a capacitor
.param load=2k
v1 in 0 dc 1
r1 in out 1k
r2 out 0 {load}
c1 out 0 1u ic=0
.tran 0.1m 2m uic
.measure tran top max v(out)
.end
"""


def same(a: ns.Result, b: ns.Result) -> bool:
    return all(np.array_equal(a[name], b[name], equal_nan=True) for name in a.names)


def test_rows_of_a_graph_have_the_bits_of_runs_by_themselves():
    taus, weights = [0.5, 1.0, 2.0], [-1.0, 0.5]
    found = ns.sweep(HOPFIELD, {"u.time_constant": taus, "W[0,1]": weights}, (0, 3.0), save=["u", "v"], workers=1)
    assert found.dims == ("u.time_constant", "w[0,1]", "time")
    assert found.extra_dims["u.time_constant"].unit == "s"
    model = ns.dynamics(HOPFIELD)
    for i, tau in enumerate(taus):
        for j, weight in enumerate(weights):
            program = model.with_parameters({"u.time_constant": tau, "W[0,1]": weight}).assembly.program
            one = ns.simulate(program, (0, 3.0), save=["u", "v"], save_steps=False)
            assert all(np.array_equal(found[name][i, j], one[name]) for name in one.names)


@pytest.mark.parametrize("settings", [{}, {"method": "rodas5p"}, {"method": "rk4", "fixed_step": 0.01}])
def test_rows_of_a_law(settings):
    graph = ns.architectures.lorenz()
    found = ns.sweep(graph, {"rho": [20.0, 28.0]}, (0, 2.0), initial={"x[0]": [1.0, 1.1]}, mode="rows", **settings)
    assert found.dims == ("row", "time")
    assert found.attrs["rows"] == {"rho": [20.0, 28.0], "x[0]": [1.0, 1.1]}
    one = ns.simulate(ns.architectures.lorenz(rho=28.0, initial=(1.1, 1, 1)), (0, 2.0), save_steps=False, **settings)
    np.testing.assert_allclose(found["x[2]"][1], one["x[2]"], rtol=1e-9)
    slower = ns.sweep(graph, {"x.time_constant": [1.0, 2.0]}, (0, 2.0), rtol=1e-9)
    np.testing.assert_allclose(slower["x[0]"][1][::2], slower["x[0]"][0][:101], rtol=1e-4)


def test_rows_side_by_side_have_the_bits_of_runs_by_themselves():
    rho = np.linspace(12.0, 30.0, 13)
    given, how = {"rho": rho, "sigma": 10.0 + 0.1 * rho}, {"mode": "rows", "rtol": 1e-7, "print_step": 0.03}
    found = ns.sweep(ns.architectures.lorenz(), given, (0.5, 5.0), **how)
    assert same(found, ns.sweep(ns.architectures.lorenz(), given, (0.5, 5.0), chunk=3, workers=1, **how))
    steps = 0
    for k, one in enumerate(ns.architectures.lorenz(sigma=s, rho=r) for r, s in zip(rho, given["sigma"], strict=True)):
        alone = ns.simulate(one, (0.5, 5.0), rtol=1e-7, print_step=0.03, save_steps=False)
        assert all(np.array_equal(found[name][k], alone[name]) for name in alone.names)
        steps += alone.attrs["statistics"]["steps"]
    assert found.attrs["statistics"]["steps"] == steps
    # A row that meets what lanes do not do is run by the loop in time, which says what happened.
    cut = ns.sweep(ns.architectures.lorenz(), {"rho": [0.5, 28.0, 28.0]}, (0, 5.0), mode="rows", step_limit=60,
                   initial={"x[0]": [1.0, 1.0, 1e200]})  # fmt: skip
    assert np.isfinite(cut["x[0]"][0]).all()
    first, second = cut.attrs["failures"].values()
    assert "limit of steps" in first
    assert "e-199 s: the limit of steps" in second


def test_rows_of_a_circuit_are_its_runs():
    text = DIVIDER.replace(".measure tran top max v(out)\n", "")
    circuit = ns.read_netlist(text)
    found = ns.sweep(circuit, {"r1.resistance": [1e3, 2e3], "load": [1e3, 3e3]})
    assert found.shape[:2] == (2, 2)
    assert found.extra_dims["r1.resistance"].unit == "ohm"
    other = ns.read_netlist(text.replace("r1 in out 1k", "r1 in out 2k").replace("load=2k", "load=3k"))
    one = ns.simulate(other, save_steps=False)
    np.testing.assert_allclose(found["v(out)"][1, 1], one["v(out)"], rtol=1e-9, atol=1e-12)


def test_measures_and_currents_of_parts_come_with_a_circuit():
    found = ns.sweep(ns.read_netlist(DIVIDER), {"load": [1e3, 2e3]}, save=["v(out)", "i(r2)"])
    np.testing.assert_allclose(found["i(r2)"][0], found["v(out)"][0] / 1e3, rtol=1e-8)
    assert found.measures["top"].shape == (2,)
    assert found.measures["top"][1] > found.measures["top"][0]


def test_rows_that_run_alone_start_where_they_are_told():
    text = DIVIDER.replace("v1 in 0 dc 1", "v1 in 0 dc 0")
    given = {"initial": {"v(out)": [0.0, 0.5, 0.9]}}
    alone = ns.sweep(ns.read_netlist(text), save=["v(out)", "i(r2)"], **given)
    compiled = ns.sweep(ns.read_netlist(text.replace(".measure tran top max v(out)\n", "")), save=["v(out)"], **given)
    np.testing.assert_allclose(alone["v(out)"], compiled["v(out)"], atol=1e-6)
    np.testing.assert_allclose(alone.measures["top"], [0.0, 0.5, 0.9], atol=1e-9)
    with pytest.raises(ParameterError, match="'op' analysis starts nowhere"):
        ns.sweep(ns.read_netlist(text), analysis="op", **given)


def test_rows_of_graphs_with_delays_and_events():
    graph = ns.SignalGraph("delayed")
    graph.parameter("gain", [[-1.0]])
    graph.state("x", 1, time_constant=1.0)
    graph.connect("x", "x", weight="gain", delay=0.5)
    given = {"gain": [-1.0, 2.0], "x.time_constant": [1.0, 3.0]}
    found = ns.sweep(graph, given, (0, 2.0), mode="rows", initial={"x": [1.0, 0.5]}, print_step=0.5)
    assert found.shape == (2, 5)
    for k, (gain, tau, start) in enumerate([(-1.0, 1.0, 1.0), (2.0, 3.0, 0.5)]):
        one = ns.SignalGraph("one")
        one.state("x", 1, time_constant=tau, initial=start)
        one.connect("x", "x", gain=gain, delay=0.5)
        alone = ns.simulate(one, (0, 2.0), print_step=0.5, save_steps=False)
        np.testing.assert_allclose(found["x"][k], alone["x"], rtol=1e-9)
    ended = ns.sweep(
        ns.architectures.lorenz(), {"rho": [10.0, 28.0]}, (0, 5.0), chunk=1,
        events=ns.Crossing("x[2]", 30.0, "up", terminal=True),
    )  # fmt: skip
    assert np.isfinite(ended["x[2]"][0]).all()
    assert np.isnan(ended["x[2]"][1, -1])


def test_other_analyses_and_temperature():
    circuit = ns.read_netlist("d\nv1 a 0 dc 0.7 ac 1\nr1 a b 1k\nd1 b 0 dio\n.model dio d\n.op\n.ac dec 2 1 100\n.end")
    points = ns.sweep(circuit, {"temp": [0.0, 27.0, 80.0]}, analysis="op")
    assert points.axis_name == "temp"
    assert np.all(np.diff(points["v(b)"]) < 0)
    assert ns.sweep(circuit, {"r1.resistance": [1e3, 1e4]}, analysis="ac").is_complex


def test_memristor_sweep_uses_the_compiled_rows_and_settled_starts():
    found = ns.sweep("circuits/hp_sine.cir", {"m1.r_off": [1e4, 1.6e4]}, (0, 0.5), save=["v(in)", "m1.x"])
    circuit = ns.dynamics("circuits/hp_sine.cir").with_parameters({"m1.r_off": 1e4}).assembly.circuit
    one = ns.simulate(circuit, (0, 0.5), save=["v(in)", "m1.x"], save_steps=False)
    np.testing.assert_allclose(found["m1.x"][0], one["m1.x"], rtol=1e-9)


def monte_carlo(**how):
    return ns.sweep(
        HOPFIELD, {"W": ns.tolerance(0.1), "u.time_constant": [1.0, 2.0]}, (0, 2.0), samples=9, seed=5, save=["u"],
        initial={"u[0]": ns.normal(0.0, 1.0)}, **how,
    )  # fmt: skip


def test_bits_do_not_depend_on_workers_or_chunks():
    one = monte_carlo(workers=1)
    assert one.dims == ("u.time_constant", "sample", "time")
    assert same(one, monte_carlo(workers=2, chunk=4))
    assert same(one, monte_carlo(workers=2, chunk=1))
    drawn = np.array(one.attrs["drawn"]["W[0,1]"])
    nominal = ns.compile_graph(HOPFIELD).graph.parameters["W"].value[0, 1]
    assert np.all(np.abs(drawn - nominal) <= 0.1 * abs(nominal))
    assert len(set(drawn)) == 9


def test_processes_give_the_same_bits():
    circuit = ns.read_netlist("circuits/chua.cir")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        graphs = monte_carlo(executor=pool, chunk=5)
        given = {"m0": [-0.5, -0.45], "r1.resistance": ns.tolerance(0.01)}
        circuits = ns.sweep(circuit, given, (0, 3), samples=2, executor=pool)
    assert same(graphs, monte_carlo(workers=1))
    assert same(circuits, ns.sweep(circuit, given, (0, 3), samples=2, workers=1))


def test_more_samples_keep_the_first_ones():
    def drawn(samples):
        return ns.sweep(HOPFIELD, {"W[0,1]": ns.uniform(0, 1)}, (0, 1), samples=samples, workers=1)

    few, many = drawn(3), drawn(7)
    assert np.array_equal(few["u[0]"], many["u[0]"][:3])


def test_noise_of_each_row_is_its_own():
    graph = ns.SignalGraph("ou")
    graph.state("x", 1, time_constant=1.0)
    settings = {"samples": 5, "diffusion": {"x": 0.3}, "fixed_step": 0.01}
    found = ns.sweep(graph, t_span=(0, 1), **settings)
    assert len(set(found["x"][:, -1])) == 5
    assert same(found, ns.sweep(graph, t_span=(0, 1), workers=2, chunk=1, **settings))


def failing(**how):
    # x' = x^2 blows up at 1 / x(0).
    graph = ns.SignalGraph("blow-up")
    graph.state("x", 1, time_constant=1.0, leak=0.0)
    graph.product("square", 1)
    graph.connect("x", "square", slot=0)
    graph.connect("x", "square", slot=1)
    graph.connect("square", "x")
    return ns.sweep(graph, t_span=(0, 1.0), initial={"x": [0.5, 2.0, 0.25]}, workers=1, chunk=3, **how)


def test_failed_rows_are_nan_from_where_they_stopped():
    found = failing()
    assert np.isfinite(found["x"][[0, 2]]).all()
    np.testing.assert_allclose(found["x"][2, -1], 1 / (4 - 1), rtol=1e-4)
    assert np.isfinite(found["x"][1, :90]).all()
    assert np.isnan(found["x"][1, -1])
    ((key, message),) = found.attrs["failures"].items()
    assert key == "row 1 (x = 2)"
    assert "stopped at t = 0.5" in message
    assert found.attrs["statistics"]["failed"] == 1


def test_a_failure_is_raised_where_that_is_asked_for():
    with pytest.raises(SimulationError, match=r"row 1 \(x = 2\): stopped at"):
        failing(on_failure="raise")


def test_a_row_of_a_circuit_that_cannot_be_built_fails_alone():
    found = ns.sweep("circuits/hp_sine.cir", {"m1.r_on": [100.0, -1.0]}, (0, 0.1), save=["m1.x"], workers=1)
    assert np.isfinite(found["m1.x"][0]).all()
    assert np.isnan(found["m1.x"][1]).all()
    assert "outside" in found.attrs["failures"]["row 1 (m1.r_on = -1)"]
    with pytest.raises(SimulationError, match="all 1 rows"):
        ns.sweep("circuits/hp_sine.cir", {"m1.r_on": [-1.0]}, (0, 0.1))


@pytest.mark.parametrize(
    ("given", "settings", "error", "says"),
    [
        ({"V": [1.0]}, {}, UnknownNameError, "no parameter 'V'"),
        ({"u.time_constant": [0.0]}, {}, ParameterError, "must be positive"),
        ({"W[0,1]": [np.nan]}, {}, ParameterError, "finite numbers"),
        ({"W": ns.tolerance(0.1)}, {}, ParameterError, "give samples"),
        ({}, {}, ParameterError, "nothing to sweep"),
        ({"W[0,1]": [1, 2], "W[1,0]": [1]}, {"mode": "rows"}, ParameterError, "equally many"),
        ({"W[0,1]": [1.0]}, {"mode": "all"}, ParameterError, "mode = 'all'"),
        ({"W[0,1]": [1.0]}, {"rtoll": 1.0}, ParameterError, "did you mean 'rtol'"),
        ({"W[0,1]": [1.0]}, {"executor": 3}, ParameterError, r"no submit\(\)"),
        ({"W[0,1]": [1.0]}, {"initial": {"y": [0.0]}}, ParameterError, "no unknown 'y'"),
        ({"W[0,1]": np.linspace(0, 1, 100)}, {"memory_limit": 1e4}, ParameterError, "save fewer"),
        ({"W[0,1]": [1.0]}, {"samples": 0}, ParameterError, "samples = 0"),
    ],
)  # fmt: skip
def test_what_is_refused(given, settings, error, says):
    with pytest.raises(error, match=says):
        ns.sweep(HOPFIELD, given, (0, 1), **settings)


def test_progress_and_wall_time():
    told = []
    ns.sweep(HOPFIELD, {"W[0,1]": np.linspace(0, 1, 5)}, (0, 1), chunk=2, progress=lambda *a: told.append(a))
    assert told == [(2, 5), (4, 5), (5, 5)]
    with pytest.raises(SimulationError, match="wall time limit"):
        ns.sweep(ns.architectures.lorenz(), {"rho": [28.0]}, (0, 1e5), wall_time_limit=0.0)


def test_graphs_with_events_and_memristive_networks_run_row_by_row():
    neuron = ns.SignalGraph("lif")
    neuron.port("u", 1)
    neuron.state("v", 1, time_constant=1.0)
    neuron.event("spike", 1, threshold=1.0)
    neuron.connect("u", "v")
    neuron.connect("v", "spike")
    neuron.connect("spike", "v", role="reset", to=0.0)
    swept = ns.sweep(neuron, {"v.time_constant": [1.0, 2.0]}, (0.0, 4.0), drive={"u": 1.5}, initial={"v": [0.0, 0.5]})
    assert swept["v"].shape == (2, 2, 201)
    period = np.log(3.0)
    expected = 1.5 * (1.0 - np.exp(-(swept.axis % period)))
    away = np.minimum(swept.axis % period, period - swept.axis % period) > 0.03
    np.testing.assert_allclose(swept["v"][0, 0][away], expected[away], atol=2e-3)
    lattice = ns.generators.square_lattice(2, 2)
    net = ns.MemristiveNetwork(lattice, convention="flipped", beta=1.6, electrodes={"r0c0": 1.0, "r1c1": 0.0})
    name = net.state_names[0]
    swept = ns.sweep(net, {"beta": [1.5, 1.6]}, (0.0, 0.1), initial={name: [0.2, 0.5]}, print_step=0.01)
    alone = ns.simulate(net, (0.0, 0.1), print_step=0.01, save_steps=False)
    np.testing.assert_allclose(swept[name][1, 1], alone[name], rtol=1e-12)
    with pytest.raises(SimulationError, match="there is no state 'x'"):
        ns.sweep(net, None, (0.0, 0.1), initial={"x": [0.2]})
