"""Signal graphs in the engine against closed forms and against the recurrent nets that they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.linalg import expm

from neurosim.architectures.elman import elman
from neurosim.graph.drives import held
from neurosim.graph.signal_graph import SignalGraph
from neurosim.results import Result
from neurosim.solve.simulate import simulate
from validation.case import Case, Context, curve_case


def cases(context: Context) -> Iterator[Case]:
    """Linear flow, sample-and-hold in the loop, Elman's net under forward Euler, two methods on one net."""
    yield from linear_flow()
    yield from hold_in_the_loop(context)
    yield elman_under_euler()
    yield two_methods()


def states(result: Result, name: str, size: int, times: np.ndarray) -> np.ndarray:
    """Values of a node at the saved points just after `times`, shape (times, size)."""
    places = np.searchsorted(result.time, times * (1 + 1e-12), side="right") - 1
    return np.array([result[f"{name}[{k}]"][places] for k in range(size)]).T


def linear_flow() -> Iterator[Case]:
    """tau x' = -x + A x + B u with a held u: the matrix exponential in each period."""
    rng = np.random.default_rng(1)
    n, period, steps = 6, 0.4, 20
    a, b, u = rng.normal(size=(n, n)) * 0.6, rng.normal(size=(n, 2)), rng.normal(size=(steps, 2))
    tau = rng.uniform(0.2, 2.0, n)
    graph = SignalGraph("linear")
    graph.port("u", 2)
    graph.state("x", n, time_constant=tau, initial=np.ones(n))
    graph.parameter("A", a)
    graph.parameter("B", b)
    graph.connect("x", "x", weight="A")
    graph.connect("u", "x", weight="B")
    m, drive = (a - np.eye(n)) / tau[:, None], b / tau[:, None]
    kept = expm(period * m)
    x, expected = np.ones(n), []
    for sample in u:
        rest = np.linalg.solve(m, -drive @ sample)
        x = rest + kept @ (x - rest)
        expected.append(x)
    times = period * np.arange(1, steps + 1)
    for method in ("dp5", "dop853", "rodas5p"):
        result = simulate(graph, (0, period * steps), drive=held(u, period), method=method, rtol=1e-12, atol=1e-14)
        yield curve_case(
            f"linear signal graph, held input, {method}", "expm((A - 1) T / tau) in each period", "x",
            np.ravel(expected), states(result, "x", n, times).ravel(), 1e-9, "error per step 1e-12 over 20 periods",
        )  # fmt: skip


def hold_in_the_loop(context: Context) -> Iterator[Case]:
    """With a hold in every loop the flow is a leaky net with a = 1 - exp(-T / tau) and nothing else."""
    rng = np.random.default_rng(2)
    n, tau, period, steps = 20, 0.5, 0.6, 50
    w, v, u = rng.normal(size=(n, n)) * 1.5 / np.sqrt(n), rng.normal(size=(n, 3)), rng.normal(size=(steps, 3))
    graph = SignalGraph("sample and hold")
    graph.clock("sampling", period)
    graph.port("u", 3)
    graph.map("rate", n, "tanh")
    graph.hold("held", n, clock="sampling")
    graph.state("h", n, time_constant=tau)
    graph.parameter("W", w)
    graph.parameter("U", v)
    graph.connect("u", "rate", weight="U")
    graph.connect("h", "rate", weight="W")
    graph.connect("rate", "held")
    graph.connect("held", "h")
    a = 1.0 - np.exp(-period / tau)
    h, expected = np.zeros(n), []
    for sample in u:
        h = (1.0 - a) * h + a * np.tanh(w @ h + v @ sample)
        expected.append(h)
    times = period * np.arange(1, steps + 1)
    for method in ("dp5", "rodas5p"):
        result = simulate(graph, (0, period * steps), drive=held(u, period), method=method, rtol=1e-12, atol=1e-14)
        found = states(result, "h", n, times)

        def draw(axes, result=result, found=found):
            axes.plot(result.time, result["h[0]"], label="clocked analog net, h[0]")
            axes.plot(times, np.array(expected)[:, 0], "o", fillstyle="none", label="leaky net")
            axes.set(xlabel="time (s)", ylabel="h[0]")
            axes.legend()

        yield curve_case(
            f"hold in the loop is a leaky net, {method}", "(1 - a) h + a tanh(W h + U u), a = 1 - exp(-T/tau)",
            "h of 20 units, 50 steps", np.ravel(expected), found.ravel(), 1e-9,
            "error per step 1e-12, times the growth of 50 steps",
            context.figure("hold in the loop", draw) if method == "dp5" else "",
        )  # fmt: skip


def elman_under_euler() -> Case:
    """Forward Euler with dt = tau in the engine is Elman's recursion."""
    graph = elman(3, 16, 2, seed=4)
    u = np.random.default_rng(3).normal(size=(50, 3))
    weights = graph.weights()
    h, expected = np.zeros(16), []
    for sample in u:
        h = np.tanh(weights["U"] @ sample + weights["W"] @ h + weights["b"])
        expected.append(h)
    result = simulate(graph, (0, 50), drive=held(u, 1.0), method="forward_euler", fixed_step=1.0)
    return curve_case(
        "Elman graph under forward Euler, dt = tau", "h+ = tanh(U u + W h + b), Elman (1990)",
        "h of 16 units, 50 steps", np.ravel(expected), states(result, "h", 16, np.arange(1.0, 51.0)).ravel(), 1e-13,
        "rounding",
    )  # fmt: skip


def two_methods() -> Case:
    """DP5 and Rodas5P, which share nothing but the law, on a net driven by a sine."""
    graph = elman(1, 30, 1, seed=5)
    graph = graph.with_weights({"W": 3.0 * graph.weights()["W"]})
    runs = [
        simulate(graph, (0, 20), drive="SIN(0 1 0.3)", method=method, rtol=1e-10, print_step=0.1, save_steps=False)
        for method in ("dp5", "rodas5p")
    ]
    first, second = (states(run, "h", 30, 0.1 * np.arange(201)) for run in runs)
    return curve_case(
        "DP5 and Rodas5P on one signal graph", "each other: different formulas, Jacobian used by one", "h of 30 units",
        first.ravel(), second.ravel(), 1e-8, "100 rtol: interpolated between steps",
    )  # fmt: skip
