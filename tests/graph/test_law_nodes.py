"""Maps that are given by a compiled law: values, derivatives, the engine without the interpreter, files, scripts."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

import neurosim as ns
from neurosim.architectures import laws
from neurosim.architectures.henon import henon
from neurosim.architectures.lorenz import lorenz, lorenz_field
from neurosim.architectures.van_der_pol import van_der_pol
from neurosim.digital.network import digital
from neurosim.errors import FormatError, ParameterError, UnknownNameError
from neurosim.formats.graphs.graph_json import from_document, to_document
from neurosim.formats.graphs.graphml import read_graph, write_graph
from neurosim.graph.assembly import assemble_graph
from neurosim.graph.drives import bind_drives
from neurosim.graph.law import graph_flow
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import TIME, WANT_DERIVATIVES


@ns.law(1, ["n"], formula="x / (1 + x^n)")
def hump(context, u, p, memory, table, code, F, D):
    for e in range(F.shape[1]):
        x, n = u[0, e], p[0, e]
        below = 1.0 + x**n
        F[0, e] = x / below
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e] = (below - n * x**n) / below**2
            D[0, 1, e] = -(x ** (n + 1.0)) * np.log(x) / below**2


def lorenz_rates(y: np.ndarray, sigma: Any = 10.0, rho: Any = 28.0, beta: Any = 8.0 / 3.0) -> np.ndarray:
    x, y, z = np.moveaxis(y, -1, 0)
    return np.stack([sigma * (y - x), x * (rho - z) - y, x * y - beta * z], axis=-1)


def driven(instances: int) -> SignalGraph:
    """Lorenz systems with a bias, an input, a gain and a coupling inside the law, and a second law on each element."""
    rng = np.random.default_rng(1)
    graph = SignalGraph("driven")
    graph.port("u", 3 * instances)
    for name, value in (("sigma", 10.0), ("rho", rng.uniform(20, 30, instances)), ("beta", 8.0 / 3.0), ("n", 3.0)):
        graph.parameter(name, value)
    graph.parameter("b", rng.normal(size=3 * instances))
    graph.parameter("W", rng.normal(size=(3 * instances, 3 * instances)))
    graph.state("x", (3, instances), time_constant=1.0)
    graph.map("field", (3, instances), law=lorenz_field, bias="b", gain=0.5)
    graph.map("hump", 3 * instances, law=hump)
    graph.map("positive", 3 * instances, "exp")
    graph.connect("x", "field")
    graph.connect("u", "field", gain=2.0)
    graph.connect("x", "positive")
    graph.connect("positive", "hump")
    graph.connect("hump", "field", weight="W")
    graph.connect("field", "x")
    graph.connect("hump", "x")
    graph.port("y", 3 * instances, output=True)
    graph.connect("field", "y", gain=-1.0)
    return graph


@pytest.mark.parametrize("instances", [1, 4])
def test_law_among_other_operations(instances: int):
    graph = driven(instances)
    program, w, rng = compile_graph(graph), graph.weights(), np.random.default_rng(2)
    n = 3 * instances
    y, u = rng.normal(size=(5, n)), rng.normal(size=(5, n))
    humps = np.exp(y) / (1.0 + np.exp(y) ** 3.0)
    inner = 0.5 * (y + 2.0 * u + humps @ w["W"].T + w["b"])
    rho = np.broadcast_to(w["rho"], instances)
    field = lorenz_rates(np.moveaxis(inner.reshape(5, 3, instances), 1, -1), rho=rho)
    field = np.moveaxis(field, -1, 1).reshape(5, n)
    assert program.drive(y, u) == pytest.approx(field + humps, rel=1e-13, abs=1e-12)
    assert program.output(y, u) == pytest.approx(-field, rel=1e-13, abs=1e-12)

    dy, du, dg, e = rng.normal(size=y.shape), rng.normal(size=u.shape), rng.normal(size=y.shape), 1e-5
    forward = program.jvp(y, u, dy, du)
    difference = (program.drive(y + e * dy, u + e * du) - program.drive(y - e * dy, u - e * du)) / (2 * e)
    assert forward == pytest.approx(difference, abs=1e-7 * np.abs(difference).max())
    by_y, by_u, by_p = program.vjp(y, u, dg)
    assert (by_y * dy).sum() + (by_u * du).sum() == pytest.approx((dg * forward).sum(), rel=1e-11)
    p = program.p[: by_p.size]
    for name, part in program.parameters.slices.items():
        dp = np.zeros(p.size)
        dp[part] = rng.normal(size=part.stop - part.start)
        up, down = ((dg * program.with_parameters(p + s * e * dp).drive(y, u)).sum() for s in (1, -1))
        assert by_p @ dp == pytest.approx((up - down) / (2 * e), rel=1e-6, abs=1e-6), name
    jacobian, by_input = program.jacobian(y[0], u[0])
    assert jacobian @ dy[0] + by_input @ du[0] == pytest.approx(forward[0], rel=1e-11, abs=1e-11)


def test_gradient_of_a_sequence_reaches_the_parameters():
    network = digital(lorenz(), "etd2rk", dt=0.01)
    run = network.sequence(20, keep=True)
    d = np.zeros_like(run.states)
    d[-1] = 1.0
    found = network.gradient(run, np.zeros(run.outputs.shape), d_states=d).parameters
    p, e = network.program.p[:3], 1e-5
    for k in range(3):
        up, down = (network.with_parameters(p + s * e * np.eye(3)[k]).sequence(20).final.sum() for s in (1, -1))
        assert found[k] == pytest.approx((up - down) / (2 * e), rel=1e-7)


def assembled(program: Program):
    return assemble_graph(program, bind_drives(program.inputs, None, 1.0), derivatives=True).system


def test_engine_calls_the_law_itself():
    """The batch of a graph that is nothing but a law holds its address; any more, and the interpreter runs it."""
    graph = lorenz()
    program = compile_graph(graph)
    direct = assembled(program)
    assert direct.batches[0].law is lorenz_field.recorded
    graph.state("other", 1, time_constant=1.0)
    through = assembled(compile_graph(graph))
    assert through.batches[0].law is graph_flow
    y = np.array([1.0, -2.0, 3.0])
    assert direct.right_hand_side(0.0, y) == pytest.approx(lorenz_rates(y), rel=1e-15)
    assert through.right_hand_side(0.0, np.append(y, 0.0))[:3] == pytest.approx(lorenz_rates(y), rel=1e-15)
    assert direct.jacobian(0.0, y).toarray() == pytest.approx(program.jacobian(y)[0], rel=1e-15)
    assert through.jacobian(0.0, np.append(y, 0.0)).toarray()[:3, :3] == pytest.approx(program.jacobian(y)[0])


@pytest.mark.parametrize("change", ["leak", "time_constant", "gain", "bias", "weight"])
def test_what_is_not_the_law_alone_runs_the_program(change: str):
    graph = SignalGraph("changed")
    for name in ("a", "b", "c"):
        graph.parameter(name, 0.3)
    graph.parameter("three", [1.0, 2.0, 3.0])
    leak, time_constant = 0.5 * (change == "leak"), 2.0 if change == "time_constant" else 1.0
    graph.state("x", 3, time_constant=time_constant, leak=leak)
    bias = "three" if change == "bias" else None
    graph.map("field", 3, law=laws.get("rossler_field"), bias=bias, gain=2.0 if change == "gain" else 1.0)
    graph.connect("x", "field", weight="three" if change == "weight" else None)
    graph.connect("field", "x")
    program, y = compile_graph(graph), np.array([0.3, -0.4, 0.8])
    system = assembled(program)
    assert system.batches[0].law is graph_flow
    assert system.right_hand_side(0.0, y) == pytest.approx(program.flow(y), rel=1e-14)


def test_many_instances_run_side_by_side():
    graph = SignalGraph("many")
    rho = np.linspace(20.0, 28.0, 150)
    for name, value in (("sigma", 10.0), ("rho", rho), ("beta", 8.0 / 3.0)):
        graph.parameter(name, value)
    graph.state("x", (3, 150), time_constant=1.0, leak=0.0, initial=1.0)
    graph.map("field", (3, 150), law=lorenz_field)
    graph.connect("x", "field")
    graph.connect("field", "x")
    system = assembled(compile_graph(graph))
    assert system.batches[0].law is lorenz_field.recorded
    y = np.random.default_rng(0).normal(size=(3, 150))
    assert system.right_hand_side(0.0, y.ravel()).reshape(3, 150) == pytest.approx(lorenz_rates(y.T, rho=rho).T)


@pytest.mark.parametrize("method", ["dp5", "dop853", "rodas5p", "bdf2"])
def test_simulation_agrees_with_scipy(method: str):
    graph = van_der_pol(mu=5.0)
    expected = solve_ivp(
        lambda t, y: [y[1], 5.0 * (1.0 - y[0] ** 2) * y[1] - y[0]], (0, 12), [2.0, 0.0], method="DOP853", rtol=1e-12,
        atol=1e-12,
    ).y[:, -1]  # fmt: skip
    found = ns.simulate(graph, (0, 12), method=method, rtol=1e-7)
    assert [found["x[0]"][-1], found["x[1]"][-1]] == pytest.approx(expected, abs=2e-3 if method == "bdf2" else 1e-4)


def test_clocked_law_is_its_formula():
    found = ns.simulate(henon(), (0, 12.5), save_steps=False)
    x, y = 0.0, 0.0
    for _ in range(12):
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
    assert [found["x[0]"][-1], found["x[1]"][-1]] == pytest.approx([x, y], rel=1e-13)


def test_inside_another_graph_and_with_other_weights():
    outer = SignalGraph("outer")
    outer.sub("weather", lorenz())
    program = compile_graph(outer)
    assert list(program.parameters.slices) == ["weather/sigma", "weather/rho", "weather/beta"]
    y = np.array([1.0, 2.0, 3.0])
    assert program.drive(y) == pytest.approx(lorenz_rates(y))
    changed = compile_graph(lorenz().with_weights({"rho": 14.0}))
    assert changed.drive(y) == pytest.approx(lorenz_rates(y, rho=14.0))
    assert "lorenz_field(x; sigma, rho, beta)" in ns.equations(lorenz())
    assert str(digital(lorenz(), dt=0.01))


def test_pickled_programs_find_the_law_again():
    program = compile_graph(lorenz())
    again = pickle.loads(pickle.dumps(program))
    assert again.graph.nodes["field"]["law"] is lorenz_field
    y = np.array([1.0, 2.0, 3.0])
    assert again.drive(y) == pytest.approx(program.drive(y), rel=0)
    assert program.identity(program.code) == again.identity(again.code)
    assert [again.code[place] for place, _ in again.laws] == [lorenz_field.address]


def test_files_keep_the_name_of_a_registered_law(tmp_path: Path):
    graph = lorenz(rho=20.0)
    for again in (from_document(to_document(graph)), _through_graphml(graph, tmp_path)):
        assert again.nodes["field"]["law"] is lorenz_field
        assert compile_graph(again).drive(np.ones(3)) == pytest.approx(compile_graph(graph).drive(np.ones(3)), rel=0)
    with pytest.raises(FormatError, match="map 'hump': law 'hump' is not registered"):
        to_document(driven(1))
    document = to_document(graph)
    document["nodes"][1]["law"] = "lorentz_field"
    with pytest.raises(FormatError, match=r"unknown law 'lorentz_field'.*lorenz_field"):
        from_document(document)


def _through_graphml(graph: SignalGraph, folder: Path) -> SignalGraph:
    write_graph(graph, folder / "graph.graphml")
    return read_graph(folder / "graph.graphml")


SCRIPT = """
import sys
import numpy as np
import neurosim as ns
from neurosim.kernels.abi import WANT_DERIVATIVES, on_compile
compiled = []
on_compile(compiled.append)

@ns.law(1, ["k"])
def decay_of_this_script(context, u, p, memory, table, code, F, D):
    for e in range(F.shape[1]):
        F[0, e] = -p[0, e] * u[0, e] + NUMBER
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e] = -p[0, e], -u[0, e]

graph = ns.SignalGraph("decay")
graph.parameter("k", 2.0)
graph.state("x", time_constant=1.0, leak=0.0, initial=1.0)
graph.map("field", law=decay_of_this_script)
graph.connect("x", "field")
graph.connect("field", "x")
found = ns.simulate(graph, (0, 1), rtol=1e-9)
assert abs(found["x"][-1] - (NUMBER / 2 + (1 - NUMBER / 2) * np.exp(-2.0))) < 1e-7, found["x"][-1]
print(compiled.count("decay_of_this_script"), "numba" in sys.modules)
"""


def test_a_script_brings_its_own_law(tmp_path: Path):
    """It is compiled once, and the second run loads no compiler."""
    script = tmp_path / "decay.py"
    number = 1e-3 * (1.0 + int.from_bytes(os.urandom(6), "big") / 2**48)
    script.write_text(SCRIPT.replace("NUMBER", repr(number)))
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    for expected in ("1 True", "0 False"):
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, env=environment)
        assert done.stdout.strip() == expected, done.stderr


def test_refused_by_name():
    with pytest.raises(ParameterError, match="law 'clock' reads the time"):

        @ns.law(1)
        def clock(context, u, p, memory, table, code, F, D):
            F[0, 0] = context[TIME]

    with pytest.raises(ParameterError, match="names that differ"):
        ns.law(1, ["a", "a"])
    with pytest.raises(ParameterError, match="size = 0"):
        ns.law(0)
    graph = SignalGraph("wrong")
    with pytest.raises(ParameterError, match=r"map 'f': law 'lorenz_field' needs shape \(3,\)"):
        graph.map("f", 2, law=lorenz_field)
    with pytest.raises(ParameterError, match=r"map 'f': law must be made with neurosim\.law"):
        graph.map("f", 3, law=lorenz_rates)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ParameterError, match="either a function or a law"):
        graph.map("f", 3, "tanh", law=lorenz_field)
    with pytest.raises(ParameterError, match="parameters belong to a law"):
        graph.map("f", 3, "tanh", parameters=["a"])
    with pytest.raises(ParameterError, match="2 names are given"):
        graph.map("f", 3, law=lorenz_field, parameters=["a", "b"])
    graph.state("x", 3, time_constant=1.0)
    graph.map("f", 3, law=lorenz_field)
    graph.connect("x", "f")
    graph.connect("f", "x")
    with pytest.raises(UnknownNameError, match="map 'f': no parameter 'sigma'"):
        compile_graph(graph)
    for name in ("sigma", "rho", "beta"):
        graph.parameter(name, [1.0, 2.0])
    with pytest.raises(ParameterError, match="parameter 'sigma' of law 'lorenz_field' has shape"):
        compile_graph(graph)
