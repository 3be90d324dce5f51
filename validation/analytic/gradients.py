"""Sensitivities and gradients of trajectories with closed forms, and fits that must find the truth."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import expm, expm_frechet

import neurosim as ns
from validation.case import Case, Context, curve_case, number_case


def cases(context: Context) -> Iterator[Case]:
    """An RC step, a linear system by the derivative of its matrix exponential, parameters of an RC from samples."""
    yield from _rc(context)
    yield from _linear()
    yield from _fit()


def _rc(context: Context) -> Iterator[Case]:
    text = "rc\nV1 in 0 1\nR1 in out 1k\nC1 out 0 1u ic=0\n.tran 10u 5m uic\n.end"
    times = np.linspace(0.0, 5e-3, 101)
    found = ns.sensitivities(
        ns.read_netlist(text), parameters=["r1", "c1.capacitance"], save=["v(out)"], times=times, rtol=1e-10
    )
    decay = times / 1e-3 * np.exp(-times / 1e-3)
    ours = found.of("v(out)", "r1.resistance") * 1e3

    def draw(axes: object) -> None:
        axes.plot(times * 1e3, -decay, label="closed form")  # pyright: ignore[reportAttributeAccessIssue]
        axes.plot(times[::5] * 1e3, ours[::5], "o", label="ours")  # pyright: ignore[reportAttributeAccessIssue]
        axes.set(xlabel="time (ms)", ylabel="R dv/dR (V)")  # pyright: ignore[reportAttributeAccessIssue]
        axes.legend(frameon=False)  # pyright: ignore[reportAttributeAccessIssue]

    figure = context.figure("sensitivity of an RC step", draw)
    reason = "the discrete solution has its error of rtol = 1e-10"
    source = "v = 1 - exp(-t/RC)"
    yield curve_case("RC step, R dv/dR", source, "R dv/dR [V]", -decay, ours, 1e-8, reason, figure)
    ours = found.of("v(out)", "c1.capacitance") * 1e-6
    yield curve_case("RC step, C dv/dC", source, "C dv/dC [V]", -decay, ours, 1e-8, reason)


def _linear() -> Iterator[Case]:
    n, end = 6, 2.0
    draw = np.random.default_rng(0)
    weights, start, target = draw.normal(size=(n, n)), draw.normal(size=n), draw.normal(size=n)
    graph = ns.SignalGraph("linear")
    graph.parameter("W", weights)
    graph.state("x", n, time_constant=1.0, leak=0.0)
    graph.connect("x", "x", weight="W")
    system = ns.dynamics(graph).with_start(start)
    # d (target' exp(A t) x0) / dA_ij = target' L(A t, E_ij t) x0 = (L(A' t, target x0' t))_ij
    expected = expm_frechet(weights.T * end, np.outer(target, start) * end, compute_expm=False)
    by_start = expm(weights.T * end) @ target
    for method in ("dop853", "sdirk4"):
        found = ns.gradient(
            system, lambda t, y: (float(y[-1] @ target), np.tile(target, (1, 1))), (0.0, end), times=[end],
            method=method, rtol=1e-11 if method == "dop853" else 1e-9,
        )  # fmt: skip
        source = "Frechet derivative of the matrix exponential (SciPy)"
        reason = "the discrete solution has its error of rtol"
        tolerance = 1e-9 if method == "dop853" else 1e-7
        yield curve_case(
            f"linear system, {method}: by weights", source, "d(c'x(2))/dW", expected.ravel(),
            found.parameters["W"].ravel(), tolerance, reason,
        )  # fmt: skip
        yield curve_case(
            f"linear system, {method}: by the start", source, "d(c'x(2))/dx0", by_start,
            np.array(list(found.initial.values())), tolerance, reason,
        )  # fmt: skip


def _fit() -> Iterator[Case]:
    text = "rc\nV1 in 0 SIN(0 1 1k)\nR1 in out {}\nC1 out 0 {}\n.tran 10u 2m\n.end"
    times = np.linspace(0.0, 2e-3, 81)
    omega, tau = 2e3 * np.pi, 2e3 * 1e-7
    # v of a sine of 1 kHz through R = 2 kohm, C = 0.1 uF from rest, in closed form
    v = (np.sin(omega * times) - omega * tau * np.cos(omega * times) + omega * tau * np.exp(-times / tau)) / (
        1.0 + (omega * tau) ** 2
    )
    data = {"time": times, "v(out)": v, "i(v1)": -(np.sin(omega * times) - v) / 2e3}
    found = ns.fit(
        ns.read_netlist(text.format("700", "1u")), data, {"r1": (100.0, 1e5), "c1.capacitance": (1e-9, 1e-5)}, rtol=1e-9
    )
    for name, expected in (("r1.resistance", 2e3), ("c1.capacitance", 1e-7)):
        yield number_case(
            f"fit of an RC: {name}", "samples of the closed form", f"{name} [SI]", expected, found.values[name], 1e-6,
            "samples without noise; the runs have their error of rtol = 1e-9",
        )  # fmt: skip
