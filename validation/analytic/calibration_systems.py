"""The calibration systems against SciPy, closed forms and published numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline

from neurosim.architectures.henon import henon
from neurosim.architectures.lorenz import lorenz
from neurosim.architectures.rossler import rossler
from neurosim.architectures.van_der_pol import van_der_pol
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.solve.simulate import simulate
from validation.case import Case, Context, curve_case, number_case


def cases(context: Context) -> Iterator[Case]:
    """Trajectories, fixed points, divergences, periods."""
    yield trajectory(
        "Lorenz", lorenz(), lambda t, s: [10 * (s[1] - s[0]), s[0] * (28 - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
        10.0,
    )  # fmt: skip
    yield trajectory(
        "Roessler", rossler(), lambda t, s: [-s[1] - s[2], s[0] + 0.2 * s[1], 0.2 + s[2] * (s[0] - 5.7)], 50.0
    )
    yield from lorenz_numbers()
    yield rossler_rest()
    yield from periods()
    yield from map_of_henon()


def trajectory(name: str, graph: SignalGraph, rate: Callable, stop: float) -> Case:
    at = np.linspace(0.0, stop, 201)
    expected = solve_ivp(rate, (0, stop), [1.0, 1.0, 1.0], method="DOP853", rtol=1e-13, atol=1e-13, t_eval=at).y[0]
    found = simulate(graph, (0, stop), rtol=1e-12, atol=1e-13, print_step=stop / 200, save_steps=False)
    return curve_case(
        f"{name}, trajectory", "SciPy's DOP853 at 1e-13 on the same equations in Python", f"x over {stop:g} s",
        expected, found["x[0]"], 1e-6, "1e-12 per step, grown by a positive exponent",
    )  # fmt: skip


def lorenz_numbers() -> Iterator[Case]:
    run = simulate(lorenz(), (0, 20), rtol=1e-8)
    program = compile_graph(lorenz())
    points = np.stack([run[f"x[{k}]"] for k in range(3)], axis=1)[::50]
    traces = [np.trace(program.jacobian(point)[0]) for point in points]
    yield number_case(
        "Lorenz, divergence of the flow", "-(sigma + 1 + beta), Lorenz, J. Atmos. Sci. 20, 130 (1963)",
        "trace of the Jacobian along a run, mean [1/s]", -41.0 / 3.0, float(np.mean(traces)), 1e-14,
        "the same at all points",
    )  # fmt: skip
    critical = 10.0 * (10.0 + 8.0 / 3.0 + 3.0) / (10.0 - 8.0 / 3.0 - 1.0)
    program = compile_graph(lorenz(rho=critical))
    side = np.sqrt(8.0 / 3.0 * (critical - 1.0))
    roots = np.linalg.eigvals(program.jacobian(np.array([side, side, critical - 1.0]))[0])
    yield number_case(
        "Lorenz, loss of stability", "rho = 470/19 = 24.74, Lorenz (1963)",
        "real part of the complex eigenvalues there [1/s]", 0.0, float(np.sort(roots.real)[-1]), 1e-12, "rounding",
    )  # fmt: skip


def rossler_rest() -> Case:
    a, b, c = 0.2, 0.2, 5.7
    z = (c - np.sqrt(c * c - 4.0 * a * b)) / (2.0 * a)
    rest = np.array([a * z, -z, z])
    found = simulate(rossler(), (0, 2), rtol=1e-10, initial={"x": rest})
    ours = np.array([found[f"x[{k}]"][-1] for k in range(3)])
    return curve_case(
        "Roessler, fixed point", "z = (c - sqrt(c^2 - 4 a b)) / (2 a), x = a z, y = -z", "state after 2 s of rest",
        rest, ours, 1e-10, "rounding grows at 0.1/s",
    )  # fmt: skip


def periods() -> Iterator[Case]:
    weak = _period(van_der_pol(0.1), 200.0, "dop853", 1e-11)
    expected = 2.0 * np.pi * (1.0 + 0.1**2 / 16.0 - 5.0 * 0.1**4 / 3072.0)
    yield number_case(
        "van der Pol, period at mu = 0.1", "2 pi (1 + mu^2/16 - 5 mu^4/3072) (recalled)", "period [s]", expected, weak,
        1e-7, "the next term is of the order mu^6",
    )  # fmt: skip
    mu, airy = 1000.0, 2.338107410
    stiff = _period(van_der_pol(mu), 6000.0, "rodas5p", 1e-8)
    yield number_case(
        "van der Pol, period at mu = 1000", "(3 - 2 log 2) mu + 3 a mu^(-1/3), Dorodnicyn 1947 (recalled)",
        "period [s]", (3.0 - 2.0 * np.log(2.0)) * mu + 3.0 * airy * mu ** (-1.0 / 3.0), stiff, 1e-5,
        "the next terms, of the order log(mu)/mu, are 4e-6 of it",
    )  # fmt: skip


def _period(graph: SignalGraph, stop: float, method: str, rtol: float) -> float:
    """Between the last two upward zeros of x, from values and slopes."""
    run = simulate(graph, (0, stop), method=method, rtol=rtol)
    kept = np.append(True, np.diff(run.axis) > 0.0)
    curve = CubicHermiteSpline(run.axis[kept], run["x[0]"][kept], run["x[1]"][kept])
    zeros = curve.roots(extrapolate=False)
    upward = zeros[curve.derivative()(zeros) > 0.0]
    return float(upward[-1] - upward[-2])


def map_of_henon() -> Iterator[Case]:
    steps = 25
    run = simulate(henon(), (0, steps + 0.5), save_steps=False)
    x, y, expected = 0.0, 0.0, []
    for _ in range(steps):
        x, y = 1.0 - 1.4 * x * x + y, 0.3 * x
        expected.append(x)
    ours = run["x[0]"][np.searchsorted(run.axis, np.arange(1, steps + 1) + 0.01)]
    yield curve_case(
        "Henon, trajectory", "the formula iterated in Python", "x after each tick", np.array(expected), ours, 1e-9,
        "rounding grows by 1.5 in each step",
    )  # fmt: skip
    program = compile_graph(henon())
    rest = (-(1.0 - 0.3) + np.sqrt((1.0 - 0.3) ** 2 + 4.0 * 1.4)) / (2.0 * 1.4)
    point = np.array([rest, 0.3 * rest])
    error = np.abs(program.drive(point) - point).max() + abs(np.linalg.det(program.jacobian(point)[0]) + 0.3)
    yield number_case(
        "Henon, fixed point and area", "x = 0.6313544771 (recalled) in closed form; determinant -b",
        "moved by a step, and error of the determinant", 0.0, float(error), 1e-14, "rounding",
    )  # fmt: skip
