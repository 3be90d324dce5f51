"""Gradients: against differences of order 8 of the same discrete solution, forward against adjoint, closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import NetlistError, ParameterError, SimulationError, UnknownNameError
from neurosim.solve.discrete_solution import discretise
from neurosim.solve.graph_parameters import has_laws
from neurosim.solve.implicit_steps import SDIRK4
from neurosim.solve.mesh import divide, merge

RC = "rc\nV1 in 0 SIN(0.1 1 1k)\nR1 in out 2k\nC1 out 0 0.1u\n.tran 10u 1m\n.end"
RC_GIVEN = "rc\nV1 in 0 PULSE(0 1 0.2m 1u 1u 0.5m 2m)\nR1 in out 2k\nC1 out 0 0.1u ic=0.3\n.tran 10u 1m uic\n.end"
RLC = "rlc\nV1 in 0 SIN(0 1 1k)\nR1 in a 10\nL1 a b 1m\nC1 b 0 1u\nR2 b 0 1k\n.tran 10u 1m\n.end"
DIODE = (
    "diode\nV1 in 0 SIN(0 2 1k)\nR1 in a 100\nD1 a out dm\nR2 out 0 1k\nC1 out 0 1u\n"
    ".model dm d is=1e-12 n=1.2 cjo=10p tt=1n\n.tran 10u 1m\n.end"
)
MEMRISTOR = (
    "yakopcic\nV1 in 0 SIN(0 0.3 1k 0 0)\nRs in a 10\nymemristor m1 a 0 cell\n.model cell memristor level=3 a1=0.17 "
    "a2=0.17 b=0.05 vp=0.0 vn=0.0 ap=40 an=40 xp=0.99 xn=0.99 alphap=1 alphan=5 x0=0.4\n.tran 10u 1m\n.end"
)
PARAMETRIC = "p\n.param g=0.5\nV1 in 0 SIN(0 1 1k)\nR1 in a {1k*g^2}\nC1 a 0 {0.1u/g}\n.tran 10u 1m\n.end"

CIRCUITS = {
    "rc": (RC, ["r1.resistance", "c1.capacitance"]),
    "given": (RC_GIVEN, ["r1.resistance", "c1.capacitance", "c1.initial_voltage"]),
    "rlc": (RLC, ["r1.resistance", "l1.inductance", "c1.capacitance", "r2.resistance"]),
    "diode": (DIODE, ["r1.resistance", "d1.saturation_current", "d1.emission_coefficient", "d1.transit_time"]),
    "memristor": (MEMRISTOR, ["m1.a1", "m1.b", "m1.a_p", "m1.x0", "rs.resistance"]),
    "param": (PARAMETRIC, ["g"]),
}


def network(n: int = 4, **options: object) -> ns.SignalGraph:
    """A random tanh network with named time constants."""
    draw = np.random.default_rng(0)
    graph = ns.SignalGraph("net")
    graph.parameter("W", draw.normal(size=(n, n)))
    graph.parameter("V", draw.normal(size=(n, 2)))
    graph.parameter("b", 0.1 * draw.normal(size=n))
    graph.parameter("tau", 0.5 + draw.random(n))
    graph.port("u", 2)
    graph.state("h", n, time_constant="tau", initial=0.3, bias="b", **options)
    graph.map("r", n, "tanh")
    graph.connect("h", "r")
    graph.connect("r", "h", weight="W")
    graph.connect("u", "h", weight="V")
    return graph


DRIVE = {"u": ["SIN(0 1 0.3)", "SIN(0.2 0.5 0.7)"]}


def difference(function, value: float, step: float) -> float:
    """First derivative by central differences of order 8."""
    total = 0.0
    for k, weight in enumerate((4 / 5, -1 / 5, 4 / 105, -1 / 280), start=1):
        total += weight * (function(value + k * step) - function(value - k * step)) / step
    return total


def test_the_implicit_method_has_order_four():
    a, c, b = SDIRK4[:5], SDIRK4[5], SDIRK4[4]
    conditions = [
        (b.sum(), 1), (b @ c, 1 / 2), (b @ c**2, 1 / 3), (b @ a @ c, 1 / 6), (b @ c**3, 1 / 4), (b * c @ a @ c, 1 / 8),
        (b @ a @ c**2, 1 / 12), (b @ a @ a @ c, 1 / 24),
    ]  # fmt: skip
    assert [x for x, _ in conditions] == pytest.approx([y for _, y in conditions], abs=1e-14)
    embedded = b - SDIRK4[6]
    assert [embedded.sum(), embedded @ c, embedded @ c**2, embedded @ a @ c] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 6])
    assert a.sum(axis=1) == pytest.approx(c)


@pytest.mark.parametrize("name", CIRCUITS)
def test_circuits_agree_with_differences_and_forward_with_adjoint(name: str):
    text, addresses = CIRCUITS[name]
    circuit = ns.read_netlist(text)
    times = np.linspace(0.0, 1e-3, 6)
    solution = discretise(ns.dynamics(circuit), times, rtol=1e-4)
    draw = np.random.default_rng(1)
    weight = draw.normal(size=solution.values.shape) / np.maximum(np.abs(solution.values).max(axis=0), 1e-9)
    by, _ = solution.gradient(weight, addresses)
    names, values, tangents = solution.tangents(addresses)
    assert names == addresses
    forward = np.einsum("pn,pnd->d", weight, tangents)
    assert list(by.values()) == pytest.approx(forward, rel=1e-10)
    for address, value in zip(addresses, values, strict=True):

        def scalar(x: float, address: str = address) -> float:
            moved = solution.again(ns.dynamics(circuit).with_parameters({address: x}))
            return float((weight * moved.values).sum())

        rounding = 5e-12 * float(np.abs(weight * solution.values).sum()) / value
        assert by[address] == pytest.approx(difference(scalar, value, 2e-3 * value), rel=1e-9, abs=rounding)


@pytest.mark.parametrize("method", ["rk4", "dp5", "dop853", "sdirk4", "backward_euler"])
@pytest.mark.parametrize("options", [{}, {"leak": 0.5}, {"bounds": (-0.6, 0.7)}])
def test_graphs_agree_with_differences_and_forward_with_adjoint(method: str, options: dict):
    graph = network(**options)
    system = ns.dynamics(graph, drive=DRIVE, stop=3.0)
    times = np.linspace(0.0, 3.0, 7)
    solution = discretise(system, times, method=method, fixed_step=0.1)
    weight = np.random.default_rng(2).normal(size=solution.values.shape)
    by, by_start = solution.gradient(weight)
    addresses = ["W[1,2]", "V[0,1]", "b[3]", "tau[0]", "h.leak"]
    start = ["h[0]", "h[2]"]
    names, values, tangents = solution.tangents(addresses, start)
    assert names == [*addresses, *start]
    forward = np.einsum("pn,pnd->d", weight, tangents)
    adjoint = [by["W"][1, 2], by["V"][0, 1], by["b"][3], by["tau"][0], by["h.leak"].sum(), by_start[0], by_start[2]]
    assert adjoint == pytest.approx(forward, rel=1e-10, abs=1e-12)
    named, _ = solution.gradient(weight, addresses)
    assert list(named.values()) == pytest.approx(adjoint[:5], rel=1e-12)
    for k, address in enumerate([*addresses, *start]):

        def scalar(x: float, address: str = address) -> float:
            moved = system.with_start({address: x}) if address in start else system.with_parameters({address: x})
            return float((weight * solution.again(moved).values).sum())

        # A small step keeps all states on the side of their bounds where they are.
        assert adjoint[k] == pytest.approx(difference(scalar, values[k], 2e-4), rel=1e-8, abs=2e-9)


def test_all_architectures_have_exact_parameter_tangents():
    from neurosim.architectures import architectures

    checked = 0
    for architecture in architectures:
        if architecture.name in ("automata",):
            continue
        graph = architecture.build(**architecture.example)
        if not isinstance(graph, ns.SignalGraph):
            continue
        try:
            program = ns.compile_graph(graph)
            system = ns.dynamics(program, drive=dict.fromkeys(program.inputs.slices, 0.4))
        except (ParameterError, NetlistError):
            continue
        if program.is_clocked.any():
            continue
        draw = np.random.default_rng(3)
        start = 0.5 * draw.normal(size=system.size)
        tau = float(program.time_constant.min())
        solution = discretise(system.with_start(start), [0.4 * tau], method="rk4", fixed_step=0.2 * tau)
        weight = draw.normal(size=solution.values.shape)
        by, _ = solution.gradient(weight)
        parameters = [p for p in program.parameters.slices if not hasattr(graph_value(program, p), "tocsr")]
        picked = [p if by[p].size == 1 else f"{p}[{','.join(['0'] * by[p].ndim)}]" for p in parameters]
        if not picked:
            continue
        if has_laws(program):
            with pytest.raises(ParameterError, match="adjoint"):
                solution.tangents(picked)
            for address, gradient in zip(picked, [by[p].ravel()[0] for p in parameters], strict=True):
                value = float(program.p[program.parameters.slices[address.split("[")[0]].start])

                def scalar(x, name=address, steps=solution, system=system, start=start, weight=weight) -> float:
                    moved = steps.again(system.with_parameters({name: x}).with_start(start))
                    return float((weight * moved.values).sum())

                assert gradient == pytest.approx(difference(scalar, value, 1e-3), rel=1e-7, abs=1e-7)
            continue
        _, _, tangents = solution.tangents(picked)
        forward = np.einsum("pn,pnd->d", weight, tangents)
        assert forward == pytest.approx([by[p].ravel()[0] for p in parameters], rel=1e-9, abs=1e-11), architecture.name
        checked += 1
    assert checked >= 3


def graph_value(program, name: str):
    """The stored value of a parameter."""
    return program.graph.parameters[name].value


def test_sparse_weights_and_contractions():
    from scipy import sparse

    draw = np.random.default_rng(5)
    graph = ns.SignalGraph("mixed")
    graph.parameter("S", sparse.random(4, 4, 0.5, random_state=1, format="csr"))
    graph.parameter("T", draw.normal(size=(4, 4, 4)))
    graph.parameter("d", draw.normal(size=4))
    graph.state("x", 4, time_constant=1.0, initial=0.4)
    graph.map("r", 4, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="S")
    graph.connect("r", "x", weight="d")
    graph.connect("r", "x", weight="S", transpose=True)
    graph.product("q", 4, form="ijk,j,k->i", weight="T")
    graph.connect("r", "q", role="factor", slot=0)
    graph.connect("x", "q", role="factor", slot=1)
    graph.connect("q", "x", gain=0.3)
    system = ns.dynamics(graph)
    for method in ("rk4", "sdirk4"):
        solution = discretise(system, [0.3, 0.5], method=method, fixed_step=0.1)
        weight = draw.normal(size=(2, 4))
        by, _ = solution.gradient(weight)
        names, _, tangents = solution.tangents(["S", "T", "d"])
        forward = np.einsum("pn,pnd->d", weight, tangents)
        assert forward == pytest.approx(np.concatenate([by[n].ravel() for n in ("S", "T", "d")]), rel=1e-10, abs=1e-13)
        assert len(names) == by["S"].size + 64 + 4


def test_memory_is_bounded_and_changes_nothing():
    graph, times = network(), np.linspace(0.0, 3.0, 7)
    for what, method, extra in ((graph, "rk4", {"drive": DRIVE}), (ns.read_netlist(DIODE), "sdirk4", {})):
        at = times if what is graph else times / 3000
        system = ns.dynamics(what, stop=float(at[-1]), **extra)
        whole = discretise(system, at, method=method, fixed_step=float(at[-1]) / 60)
        pieces = discretise(system, at, method=method, fixed_step=float(at[-1]) / 60, memory=9000)
        assert np.array_equal(whole.values, pieces.values)
        weight = np.random.default_rng(0).normal(size=whole.values.shape)
        names = None if what is graph else ["r1.resistance", "d1.saturation_current"]
        one, two = whole.gradient(weight, names), pieces.gradient(weight, names)
        for key, value in one[0].items():
            assert two[0][key] == pytest.approx(value, rel=1e-12)
        assert two[1] == pytest.approx(one[1], rel=1e-12)
        asked = ["W", "tau"] if what is graph else names
        assert pieces.tangents(asked)[2] == pytest.approx(whole.tangents(asked)[2], rel=1e-12, abs=1e-300)


def test_gradient_of_an_rc_is_that_of_its_closed_form():
    # v = 1 - exp(-t/RC) from 0: dv/dR = -t/(R^2 C) exp(-t/RC)
    text = "rc\nV1 in 0 1\nR1 in out 1k\nC1 out 0 1u ic=0\n.tran 10u 2m uic\n.end"
    times = np.linspace(0.0, 2e-3, 41)
    found = ns.sensitivities(
        ns.read_netlist(text), parameters=["R1", "c1.capacitance"], save=["v(out)", "v(in,out)"], times=times, rtol=1e-9
    )
    expected = -times / (1e3**2 * 1e-6) * np.exp(-times / 1e-3)
    assert found.of("v(out)", "r1.resistance") == pytest.approx(expected, abs=1e-9 * np.abs(expected).max() * 10)
    assert found.of("v(in,out)", "r1.resistance") == pytest.approx(-found.of("v(out)", "r1.resistance"), abs=1e-18)
    assert found.of("v(out)", "c1.capacitance") * 1e-6 == pytest.approx(expected * 1e3, abs=1e-8)
    assert found.result["d(v(out))/d(r1.resistance)"] == pytest.approx(found.of("v(out)", "r1.resistance"))
    energy = ns.gradient(ns.read_netlist(text), ns.integral("v(out)^2*time"), rtol=1e-9)
    t = np.linspace(0.0, 2e-3, 20001)
    v, slope = 1 - np.exp(-t / 1e-3), -t / (1e3**2 * 1e-6) * np.exp(-t / 1e-3)
    assert energy.value == pytest.approx(np.trapezoid(v**2 * t, t), rel=1e-7)
    assert energy.parameters["r1.resistance"] == pytest.approx(np.trapezoid(2 * v * slope * t, t), rel=1e-6)


def test_losses():
    graph = network()
    times = np.linspace(0.5, 3.0, 6)
    data = np.where(np.arange(24).reshape(6, 4) == 5, np.nan, 0.1)
    loss = ns.squared_error(times, {f"h[{k}]": data[:, k] for k in range(4)}, sigma=0.5)
    found = ns.gradient(graph, loss, (0.0, 3.0), drive=DRIVE)
    known = np.isfinite(data)
    assert found.value == pytest.approx(np.mean(((found.values - data)[known] / 0.5) ** 2))
    same = ns.gradient(
        graph, lambda t, y: (0.0, 2 * np.where(known, y - data, 0.0) / 0.25 / known.sum()), (0.0, 3.0), drive=DRIVE,
        times=times, save=["h"],
    )  # fmt: skip
    assert same.parameters["W"] == pytest.approx(found.parameters["W"], rel=1e-12)
    assert set(found.initial) == {f"h[{k}]" for k in range(4)}


def test_all_parameters_are_those_with_a_derivative():
    # the state reaches its bound, which moves with x_on: asked for by name it is refused, else left out
    text = (
        "team\nV1 in 0 1\nymemristor m1 in 0 cell\n.model cell memristor level=2 ron=50 roff=1k koff=1e-3 "
        "kon=-1e-3 ioff=100u ion=-100u alphaoff=1 alphaon=1 x_off=3n x0=1.5n\n.tran 10n 10u\n.end"
    )
    circuit = ns.read_netlist(text)
    found = ns.gradient(circuit, ns.integral("i(v1)"))
    assert "m1.r_off" in found.parameters
    assert "m1.x_off" not in found.parameters
    with pytest.raises(ParameterError, match="bound at which"):
        ns.gradient(circuit, ns.integral("i(v1)"), parameters=["m1.x_off"])


def test_mesh():
    ends = np.linspace(0.0, 1.0, 11)
    mesh, places = merge(ends, np.array([0.0, 0.301, 0.55]), np.array([0.72]))
    assert mesh[places] == pytest.approx([0.0, 0.301, 0.55])
    assert [time in mesh for time in (0.72, 0.3, ends[4], 1.0)] == [True, False, True, True]
    assert (np.diff(mesh) > 0).all()
    assert divide(np.array([0.0, 1.0, 3.0]), np.array([1, 2])) == pytest.approx([0.0, 1.0, 2.0, 3.0])


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"parameters": ["r9.resistance"]}, UnknownNameError, "r9.resistance"),
        ({"parameters": ["r1.resistence"]}, UnknownNameError, "r1.resistance"),
        ({"parameters": ["r1"], "save": ["v(nowhere)"]}, UnknownNameError, "v(nowhere)"),
        ({"parameters": ["r1"], "save": ["i(r1)"]}, UnknownNameError, "0 V in series"),
        ({"parameters": ["r1"], "method": "rodas5p"}, ParameterError, "sdirk4"),
        ({"parameters": ["r1"], "method": "dp5"}, ParameterError, "implicit steps"),
        ({"parameters": ["r1"], "times": [0.0, 5.0]}, ParameterError, "outside"),
        ({"parameters": ["r1"], "times": [1e-4, 1e-5]}, ParameterError, "rise"),
        ({"parameters": ["r1"], "rtoll": 1}, ParameterError, "rtoll"),
        ({"parameters": ["r1"], "fixed_step": -1.0}, ParameterError, "fixed_step"),
        ({"parameters": ["v1.dc"]}, ParameterError, "not given"),
        ({"initial": ["v(out)"]}, ParameterError, "operating point"),
        ({}, ParameterError, "parameters="),
    ],
)
def test_bad_input_of_a_circuit(arguments: dict, error: type[Exception], words: str):
    with pytest.raises(error, match=words.replace("(", r"\(").replace(")", r"\)")):
        ns.sensitivities(ns.read_netlist(RC), **arguments)


def test_what_jumps_is_refused_by_name():
    switch = "s\nV1 a 0 SIN(0 1 1k)\nS1 a b a 0 sw\nR1 b 0 1k\n.model sw sw vt=0.5\n.tran 1u 1m\n.end"
    with pytest.raises(ParameterError, match="s1"):
        ns.gradient(ns.read_netlist(switch), ns.integral("v(b)"))
    waveform = "w\n.param amp=1\nV1 a 0 SIN(0 {amp} 1k)\nR1 a 0 1k\n.tran 1u 1m\n.end"
    with pytest.raises(ParameterError, match="waveform"):
        ns.sensitivities(ns.read_netlist(waveform), parameters=["amp"])
    graph = ns.SignalGraph("c")
    graph.clock("tick", 0.1)
    graph.state("x", 1, clock="tick")
    graph.connect("x", "x")
    with pytest.raises(ParameterError, match="clock"):
        ns.gradient(graph, lambda t, y: (0.0, y), (0.0, 1.0))
    firing = ns.SignalGraph("fires")
    firing.state("v", 1, time_constant=1.0)
    firing.event("spike", 1, threshold=1.0)
    firing.connect("v", "spike")
    with pytest.raises(ParameterError, match="event"):
        ns.gradient(firing, lambda t, y: (0.0, y), (0.0, 1.0))
    held = ns.dynamics(network(), drive={"u": ns.held(np.ones((5, 2)), 0.2)})
    with pytest.raises(ParameterError, match="held"):
        ns.gradient(held, lambda t, y: (0.0, y), (0.0, 1.0), method="sdirk4", save=["h"])


def test_a_loss_that_is_none():
    with pytest.raises(ParameterError, match="squared_error"):
        ns.gradient(ns.read_netlist(RC), 3.0)
    with pytest.raises(ParameterError, match="shape"):
        ns.gradient(ns.read_netlist(RC), lambda t, y: (1.0, y[0]))
    with pytest.raises(ParameterError, match="finite"):
        ns.gradient(ns.read_netlist(RC), lambda t, y: (float("nan"), y))
    with pytest.raises(ParameterError, match="t_span"):
        ns.gradient(network(), lambda t, y: (0.0, y))
    with pytest.raises(SimulationError, match="not finite"):
        ns.gradient(network(), lambda t, y: (0.0, y), (0.0, 1e4), method="forward_euler", fixed_step=50.0)
