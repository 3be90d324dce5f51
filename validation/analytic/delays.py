"""Delayed edges of graphs that flow, against closed forms and against the method of steps."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from scipy.integrate import solve_ivp

from neurosim.architectures.mackey_glass import mackey_glass
from neurosim.digital.network import digital
from neurosim.graph.signal_graph import SignalGraph
from neurosim.solve.simulate import simulate
from validation.case import Case, Context, curve_case, number_case


def cases(context: Context) -> Iterator[Case]:
    """Linear delay equations with exact solutions, orders of methods, Mackey-Glass as flow and as network."""
    yield from polynomial_pieces()
    yield from orders()
    yield undamped_wave()
    yield from blood_cells(context)


def linear(rate: float) -> SignalGraph:
    """x' = -rate x(t - 1), x = 1 until 0."""
    graph = SignalGraph("linear delay equation")
    graph.state("x", time_constant=1.0, leak=0.0, initial=1.0)
    graph.connect("x", "x", gain=-rate, delay=1.0)
    return graph


def pieces(t: np.ndarray) -> np.ndarray:
    """Solution of x' = -x(t - 1) with x = 1 until 0: a polynomial of one degree more in each interval."""
    terms = [(-1.0) ** k * np.maximum(t - k + 1.0, 0.0) ** k / math.factorial(k) for k in range(1, 16)]
    return 1.0 + np.sum(terms, axis=0)


def polynomial_pieces() -> Iterator[Case]:
    for method in ("dp5", "dop853", "rodas5p"):
        found = simulate(linear(1.0), (0, 10), method=method, rtol=1e-9)
        yield curve_case(
            f"delay equation x' = -x(t - 1), {method}", "polynomials by the method of steps", "x, 10 delays",
            pieces(found.axis), found["x"], 1e-7, "rtol 1e-9 in each of about 60 to 100 steps",
        )  # fmt: skip


def orders() -> Iterator[Case]:
    for method, order in (("rk4", 4), ("dp5", 5), ("rodas5p", 5)):
        errors = []
        for step in (0.25, 0.125):
            found = simulate(linear(1.0), (0, 10), method=method, fixed_step=step)
            errors.append(np.abs(found["x"] - pieces(found.axis)).max())
        yield number_case(
            f"order of {method} with a delay", "order of the method without delays", "observed order", float(order),
            float(np.log2(errors[0] / errors[1])), 0.2, "steps of 1/4 and 1/8 of the delay",
        )  # fmt: skip


def undamped_wave() -> Case:
    found = simulate(linear(0.5 * np.pi), (0, 100), rtol=1e-9, history={"x": lambda t: np.cos(0.5 * np.pi * t)})
    return curve_case(
        "delay equation at its limit of stability", "x' = -(pi/2) x(t - 1) has the solution cos(pi t / 2)",
        "x, history given as a function", np.cos(0.5 * np.pi * found.axis), found["x"], 1e-5,
        "rtol 1e-9 over 100 delays, nothing is damped",
    )  # fmt: skip


def by_steps(stop: float, at: np.ndarray) -> np.ndarray:
    """Mackey-Glass, delay by delay with SciPy's DOP853: the past is the dense solution of the interval before."""
    values, start, y = np.empty(at.size), 0.0, np.array([1.2])
    past: list[Callable[[float], np.ndarray]] = [lambda t: np.array([1.2])]

    def rate(t: float, x: np.ndarray) -> np.ndarray:
        late = past[-1](t - 17.0)
        return 0.2 * late / (1.0 + late**10) - 0.1 * x

    while start < stop - 1e-12:
        end = min(start + 17.0, stop)
        found = solve_ivp(rate, (start, end), y, method="DOP853", rtol=1e-11, atol=1e-12, dense_output=True)
        inside = (at >= start) & (at <= end)
        values[inside] = found.sol(at[inside])[0]
        past.append(found.sol)
        start, y = end, found.y[:, -1]
    return values


def blood_cells(context: Context) -> Iterator[Case]:
    graph, at = mackey_glass(), np.arange(151.0)
    expected = by_steps(150.0, at)
    found = simulate(graph, (0, 150), rtol=1e-10, print_step=1.0, save_steps=False)
    twin = digital(graph, "forward_euler", 1 / 64)
    euler = np.append(1.2, twin.sequence(64 * 150).states[63::64, 0, 0])

    def draw(axes) -> None:
        axes.semilogy(at, expected, label="x by the method of steps, SciPy")
        axes.semilogy(at[1:], np.abs(euler - expected)[1:], label="error of forward Euler, dt = 1/64 s")
        axes.semilogy(at[1:], np.abs(found["x"] - expected)[1:], label="error of the flow, dp5 at 1e-10")
        axes.set(xlabel="time (s)", ylabel="x and its errors", title="Mackey-Glass, delay 17 s", ylim=(1e-13, 1e4))
        axes.legend(frameon=False, fontsize="small", ncols=2, loc="upper center")

    figure = context.figure("mackey glass flow", draw)
    yield curve_case(
        "Mackey-Glass, delay 17", "method of steps with SciPy's DOP853 at 1e-11", "x over 150 s", expected, found["x"],
        1e-6, "rtol 1e-10; the exponent of 0.005/s grows errors by 2", figure,
    )  # fmt: skip
    errors = []
    for share in (64, 128):
        end = digital(graph, "forward_euler", 1 / share).sequence(share * 60, record=False).final[0, 0]
        errors.append(abs(end - expected[60]))
    yield number_case(
        "Mackey-Glass, digital against flow", "forward Euler is of first order", "observed order at 60 s", 1.0,
        float(np.log2(errors[0] / errors[1])), 0.05, "dt 1/64 and 1/128 s",
    )  # fmt: skip
