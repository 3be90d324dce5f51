"""Crossings of expressions, in circuits and graphs, and events of SciPy's solve_ivp with compiled methods."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.kernels.abi import kernel
from neurosim.solve.methods import methods
from neurosim.solve.ode_solver import solver_class

DECK = "rc\nV1 in 0 SIN(0 1 1k)\nR1 in out 1k\nC1 out 0 100n\nR2 out 0 1meg\n.tran 1u 5m uic\n.end"


def exact(t: float) -> float:
    """Voltage of the capacitor."""
    g, c, w = 1e-3 + 1e-6, 100e-9, 2e3 * np.pi
    response = 1e-3 / (g + 1j * w * c)
    return float((response * np.exp(1j * w * t)).imag - response.imag * np.exp(-t * g / c))


def oscillator() -> ns.SignalGraph:
    graph = ns.SignalGraph("oscillator")
    graph.state("x", 2, time_constant=1.0, leak=0.0, initial=np.array([1.0, 0.0]))
    graph.parameter("A", [[0.0, 1.0], [-1.0, 0.0]])
    graph.connect("x", "x", weight="A")
    return graph


@pytest.mark.parametrize("save_steps", [True, False])
def test_circuit(save_steps: bool):
    result = ns.simulate(
        ns.read_netlist(DECK), rtol=1e-10, save_steps=save_steps,
        events={"up": ns.Crossing("v(out)", 0.5, "up"), "down": ns.Crossing("V(OUT)", 0.5, "down"),
                "both": "v(out) - 0.5", "time": ns.Crossing("v(out) + 1e5*(time - 2m)")},
    )  # fmt: skip
    crossings = [brentq(lambda t: exact(t) - 0.5, a, b, xtol=1e-15) for a, b in (
        (0.1e-3, 0.3e-3), (0.4e-3, 0.7e-3), (1.0e-3, 1.3e-3), (1.4e-3, 1.7e-3),
    )]  # fmt: skip
    assert result.events["up"][:2] == pytest.approx(crossings[::2], rel=1e-8)
    assert result.events["down"][:2] == pytest.approx(crossings[1::2], rel=1e-8)
    assert np.array_equal(np.sort(np.concatenate([result.events["up"], result.events["down"]])), result.events["both"])
    assert result.events["both"].size == 10
    assert result.events["time"].size == 1


def test_terminal_crossing_ends_the_run():
    result = ns.simulate(ns.read_netlist(DECK), rtol=1e-10, events=[ns.Crossing("v(out)", 0.5, "down", True)])
    assert result.attrs["stopped_by"] == "v(out)"
    assert result.time[-1] == result.events["v(out)"][0]
    assert exact(result.time[-1]) == pytest.approx(0.5, rel=1e-8)
    result = ns.simulate(oscillator(), (0, 9), events=ns.Crossing("x[0]", direction="up", terminal=True), rtol=1e-11)
    assert result.time[-1] == pytest.approx(1.5 * np.pi, rel=1e-10)


@pytest.mark.parametrize("method", ["dp5", "dop853", "rodas5p"])
def test_graph(method: str):
    result = ns.simulate(
        oscillator(), (0, 60), rtol=1e-12, method=method, events=["x[0]", "2*x[1]/2 - 0.5", "X[0]^2 + x[1]^2 - 4"]
    )
    zeros, above = result.events["x[0]"], result.events["2*x[1]/2 - 0.5"]
    assert zeros == pytest.approx(np.pi * (np.arange(19) + 0.5), rel=1e-9)
    assert above.size == 18
    assert np.abs(-np.sin(above) - 0.5).max() < 1e-8
    assert result.events["X[0]^2 + x[1]^2 - 4"].size == 0


def test_many_crossings_and_ticks_of_the_graph_go_together():
    graph = oscillator()
    graph.event("up")
    graph.connect("x", "up", source_part=(0, 1))
    result = ns.simulate(graph, (0, 400), rtol=1e-9, events={"up again": ns.Crossing("x[0]", direction="up")})
    assert result.events["up"].size == 63
    assert result.events["up again"] == pytest.approx(result.events["up"], rel=1e-12)


def test_names_with_slashes_and_numbers_with_exponents():
    outer = ns.SignalGraph("outer")
    outer.sub("a", oscillator())
    result = ns.simulate(outer, (0, 4), events=["a/x[0] - 1e-3", "a/x[0]/2+1e-3*2", "1e-3 - a/x[0]"], rtol=1e-11)
    assert result.events["a/x[0] - 1e-3"] == pytest.approx([np.arccos(1e-3)], rel=1e-9)
    assert result.events["a/x[0]/2+1e-3*2"] == pytest.approx([np.arccos(-4e-3)], rel=1e-9)
    assert result.events["1e-3 - a/x[0]"] == pytest.approx([np.arccos(1e-3)], rel=1e-9)


@pytest.mark.parametrize(
    ("events", "kind", "message"),
    [
        ("y", UnknownNameError, "event 'y'.*'oscillator' has no state 'y'"),
        ("x[7]", UnknownNameError, r"no state 'x\[7\]'"),
        ({"a": "x[0] +"}, ParameterError, r"event 'a', 'x\[0\] \+': an expression ends where a value should follow"),
        ("time - 1", ParameterError, "contains no address"),
        ("ddt(x[0])", ParameterError, r"ddt\(\) and idt\(\) cannot be watched"),
        ({"a": 3.0}, ParameterError, "event 'a' must be an expression or a Crossing, not float"),
    ],
)
def test_refusals(events: Any, kind: Any, message: str):
    with pytest.raises(kind, match=message):
        ns.simulate(oscillator(), (0, 1), events=events)


def test_crossings_check_themselves_and_belong_to_transients():
    with pytest.raises(ParameterError, match="direction 'rising' of a crossing must be one of both, up, down"):
        ns.Crossing("x", direction="rising")
    with pytest.raises(ParameterError, match="level nan"):
        ns.Crossing("x", np.nan)
    with pytest.raises(ParameterError, match="events= belongs to a transient analysis; this is 'op'"):
        ns.simulate(ns.read_netlist(DECK), analysis="op", events="v(out)")
    with pytest.raises(UnknownNameError, match="no unknown 'i\\(r1\\)'"):
        ns.simulate(ns.read_netlist(DECK), events="i(r1)")


@kernel
def rotation(context, u, p, memory, table, code, F, D):
    F[0, 0], F[1, 0] = u[1, 0], -u[0, 0]


def test_events_of_solve_ivp_are_seen_at_the_ends_of_chunks():
    """SciPy gives a solver no way to know of events: compiled laws need chunk=1, Python functions have it."""

    def crossing(t: float, y: np.ndarray) -> float:
        return y[0]

    zeros = np.pi * (np.arange(6) + 0.5)
    method: Any = solver_class(methods.get("dp5"))
    options: Any
    for fun, options in ((lambda t, y: [y[1], -y[0]], {}), (rotation, {"chunk": 1})):
        found = solve_ivp(fun, (0, 19), [1.0, 0.0], method=method, rtol=1e-10, atol=1e-12, events=crossing, **options)
        assert found.t_events[0] == pytest.approx(zeros, rel=1e-9)
    found = solve_ivp(rotation, (0, 19), [1.0, 0.0], method=method, rtol=1e-10, atol=1e-12, events=crossing)
    assert len(found.t_events[0]) < 6
