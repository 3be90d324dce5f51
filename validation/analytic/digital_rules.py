"""Rules that make time discrete: order, fixed points, energy, safe leak, closed forms, clocked networks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.integrate import solve_ivp

from neurosim.digital.certificates import safe_leak
from neurosim.digital.clocked import clocked, gated_state
from neurosim.digital.network import digital
from neurosim.digital.rules import rules
from neurosim.graph.gradient_form import gradient_form
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from validation.case import Case, Context, curve_case, number_case

DERIVED = "derived from strong convexity; a = 1: Marcus & Westervelt, Phys. Rev. A 40, 501 (1989)"
DISCRETE_GRADIENTS = "McLachlan, Quispel & Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999)"


def cases(context: Context) -> Iterator[Case]:
    """Every rule of the registry, and what its declaration says."""
    yield from orders(context)
    yield from fixed_points()
    yield from closed_forms()
    yield from energies(context)
    yield from safe_leaks()
    yield flips()
    yield from clocked_networks()


def membrane(weights: np.ndarray, bias: np.ndarray, gain: float = 1.0) -> SignalGraph:
    """x' = -x + W tanh(gain x) + b + u."""
    n = len(weights)
    graph = SignalGraph("membrane")
    graph.parameter("W", weights)
    graph.parameter("b", bias)
    graph.port("u", n)
    graph.state("x", n, time_constant=1.0, bias="b")
    graph.map("v", n, "tanh", gain=gain)
    graph.connect("x", "v")
    graph.connect("v", "x", weight="W")
    graph.connect("u", "x")
    return graph


def rates(weights: np.ndarray, gain: float = 1.0) -> SignalGraph:
    """r' = -r + tanh(gain (W r + u))."""
    n = len(weights)
    graph = SignalGraph("rates")
    graph.parameter("W", weights)
    graph.port("u", n)
    graph.state("r", n, time_constant=1.0)
    graph.map("f", n, "tanh", gain=gain)
    graph.connect("r", "f", weight="W")
    graph.connect("u", "f")
    graph.connect("f", "r")
    return graph


def symmetric(rng: np.random.Generator, n: int, strength: float) -> np.ndarray:
    """Random symmetric matrix without diagonal."""
    weights = rng.normal(size=(n, n)) * strength / np.sqrt(n)
    weights = 0.5 * (weights + weights.T)
    np.fill_diagonal(weights, 0.0)
    return weights


def exact_flow(program: Program, y: np.ndarray, u: np.ndarray, time: float) -> np.ndarray:
    """The flow over one held input, by SciPy."""
    run = solve_ivp(lambda t, z: program.flow(z, u), (0, time), y, method="DOP853", rtol=1e-12, atol=1e-13)
    return run.y[:, -1]


def orders(context: Context) -> Iterator[Case]:
    """Random tanh networks of 20 units with inputs held for 0.1 tau, over 2 tau."""
    rng = np.random.default_rng(1)
    n = 20
    start, inputs = rng.normal(size=n), rng.normal(size=(20, n))
    bias = 0.3 * rng.normal(size=n)
    curves: dict[str, np.ndarray] = {}
    parts = np.array([1, 2, 4])
    graphs = (
        membrane(rng.normal(size=(n, n)) * 1.2 / np.sqrt(n), bias), membrane(symmetric(rng, n, 1.2), bias),
    )  # fmt: skip
    for graph, descends in zip(graphs, (False, True), strict=True):
        program = compile_graph(graph)
        exact = start
        for u in inputs:
            exact = exact_flow(program, exact, u, 0.1)
        for rule in rules:
            if rule.descends == descends:
                curves[rule.name] = np.array([error_of(graph, rule.name, k, inputs, start, exact) for k in parts])

    def draw(ax):
        for name, errors in curves.items():
            ax.loglog(0.1 / parts, errors, "o-", label=name)
        ax.set(xlabel="dt / tau", ylabel="largest error after 2 tau")
        ax.legend(fontsize=7)

    figure = context.figure("orders of the rules", draw)
    for name, errors in curves.items():
        order, ours = rules.get(name).order, float(np.log2(errors[-2] / errors[-1]))
        yield Case(
            f"order of {name}", f"declared order; errors {errors[-2]:.2g}, {errors[-1]:.2g}",
            "order from dt = 0.05 to 0.025 tau", str(order), f"{ours:.4f}", abs(ours - order), 0.2,
            "the next term of the error, at the steps taken", figure,
        )  # fmt: skip


def error_of(
    graph: SignalGraph, name: str, parts: int, inputs: np.ndarray, start: np.ndarray, exact: np.ndarray
) -> float:
    """Largest error at the end, each held input cut into `parts` steps."""
    run = digital(graph, name, 0.1 / parts).sequence(np.repeat(inputs, parts, axis=0), start)
    return float(np.abs(run.final[0] - exact).max())


def fixed_points() -> Iterator[Case]:
    """A stable equilibrium of the flow stays where it is under every rule."""
    rng = np.random.default_rng(2)
    n = 12
    for form, graph in (
        ("membrane", membrane(symmetric(rng, n, 1.5), 0.3 * rng.normal(size=n))),
        ("rate", rates(symmetric(rng, n, 1.5))),
    ):
        program, u = compile_graph(graph), 0.3 * rng.normal(size=n)
        rest = exact_flow(program, np.zeros(n), u, 300.0)
        moved = max(np.abs(digital(graph, r, 0.7).sequence(u[None], rest).final - rest).max() for r in rules)
        yield Case(
            f"fixed points of all rules, {form} form", "those of the flow", "largest move from rest in a step", "0",
            f"{moved:.2g}", float(moved), 1e-10, "how well the flow has settled after 300 tau",
        )  # fmt: skip


def closed_forms() -> Iterator[Case]:
    """Linear networks: the matrix of a step is a known function of W."""
    rng = np.random.default_rng(3)
    n, dt = 6, 0.8
    w = rng.normal(size=(n, n)) / np.sqrt(n)
    graph = SignalGraph("linear")
    graph.parameter("W", w)
    graph.state("x", n, time_constant=1.0)
    graph.connect("x", "x", weight="W")
    one, decay = np.eye(n), np.exp(-dt)
    phi_1, phi_2 = (1 - decay) / dt, (decay - 1 + dt) / dt**2
    first = decay * one + dt * phi_1 * w
    keep, take = (1 - dt / 2) / (1 + dt / 2), dt / (1 + dt / 2)
    predicted = keep * one + take * w
    expected = {
        "forward_euler": one + dt * (w - one),
        "exponential_euler": first,
        "etd2rk": first + dt * phi_2 * w @ (first - one),
        "tustin_heun": keep * one + 0.5 * take * (w + w @ predicted),
        "implicit_midpoint": np.linalg.solve(one - 0.5 * dt * (w - one), one + 0.5 * dt * (w - one)),
    }
    for name, matrix in expected.items():
        ours = digital(graph, name, dt).sequence(1, np.eye(n)).final.T
        yield curve_case(
            f"step of a linear network, {name}", "closed form from the definition of the rule", "matrix of the step",
            matrix.ravel(), ours.ravel(), 1e-13, "rounding; Newton's tolerance",
        )  # fmt: skip


def energies(context: Context) -> Iterator[Case]:
    """Discrete gradients at 0.1 to 100 time constants."""
    rng = np.random.default_rng(4)
    n, steps = (6, 6) if context.fast else (24, 100)
    weights = symmetric(rng, n, 2.0)
    y0 = rng.uniform(-0.9, 0.9, (4, n))
    for form, graph in (("membrane", membrane(weights, np.zeros(n), 2.0)), ("rate", rates(weights, 2.0))):
        for rule in rules:
            if not rule.descends:
                continue
            worst = -np.inf
            for dt in (0.1, 1.0, 10.0, 100.0):
                network = digital(graph, rule, dt)
                states = network.sequence(np.zeros((steps, 4, n)), y0).states
                energy = gradient_form(network.program).energy(np.concatenate([y0[None], states]))
                worst = max(worst, float(np.diff(energy, axis=0).max()))
            yield Case(
                f"energy under {rule.name}, {form} form", DISCRETE_GRADIENTS,
                f"largest rise in {4 * steps} steps at dt = 0.1, 1, 10, 100 tau each", "not above 0", f"{worst:.2g}",
                max(worst, 0.0), 1e-12, "rounding of an energy of order 10",
            )  # fmt: skip


def safe_leaks() -> Iterator[Case]:
    """r+ = (1-a) r + a tanh(g W r): no rise below the bound, rises above."""
    rng = np.random.default_rng(5)
    for n in (16, 64):
        weights, gain = symmetric(rng, n, 1.0), 2.0
        graph = rates(weights, gain)
        bound = safe_leak(digital(graph, "forward_euler", 0.1)).value
        y0 = rng.uniform(-0.9, 0.9, (400, n))
        rises = {}
        for share in (0.999, 1.5):
            network = digital(graph, "forward_euler", share * bound)
            states = network.sequence(np.zeros((200, 400, n)), y0).states
            energy = gradient_form(network.program).energy(np.concatenate([y0[None], states]))
            rises[share] = int((np.diff(energy, axis=0) > 1e-10).sum())
        yield Case(
            f"safe leak, {n} units, below", DERIVED, f"rises of the energy in 80,000 steps at 0.999 a*, a* {bound:.4f}",
            "0", str(rises[0.999]), float(rises[0.999]), 0.0, "a theorem",
        )  # fmt: skip
        yield Case(
            f"safe leak, {n} units, above", DERIVED, "rises of the energy in 80,000 steps at 1.5 a*", "some",
            str(rises[1.5]), float(rises[1.5] == 0), 0.0, "random networks do rise there",
        )  # fmt: skip
    factor = rng.normal(size=(16, 16)) / 4
    graph = rates(-factor @ factor.T, 2.0)
    bound = safe_leak(digital(graph, "forward_euler", 0.1)).value
    low, high = 0.9 * bound, 1.1 * bound
    y0 = 1e-3 * rng.normal(size=(8, 16))
    # bisect on whether a small deviation from rest, the only fixed point, is larger after 3000 steps
    for _ in range(10):
        middle = 0.5 * (low + high)
        final = digital(graph, "forward_euler", middle).sequence(np.zeros((3000, 8, 16)), y0, record=False).final
        low, high = (middle, high) if np.abs(final).max() < np.abs(y0).max() else (low, middle)
    yield number_case(
        "safe leak is sharp", f"{DERIVED}; rest loses its stability there if W is negative definite", "a", bound, low,
        2e-3, "growth over 3000 steps is visible from 1e-3 above the bound on",
    )  # fmt: skip


def flips() -> Case:
    """Two units that inhibit one another, at a = 1."""
    graph = rates(np.array([[0.0, -1.0], [-1.0, 0.0]]), 3.0)
    states = digital(graph, "forward_euler", 1.0).sequence(np.zeros((2001, 2)), np.array([0.5, 0.5])).states[:, 0]
    r = 0.9
    for _ in range(100):
        r = np.tanh(3.0 * r)
    return curve_case(
        "two units flip for ever at a = 1", "r = tanh(3 r), alternating; the flow settles", "last two states",
        np.array([r, r, -r, -r]), np.sign(states[-2, 0]) * np.concatenate([states[-2], states[-1]]), 1e-13, "rounding",
    )  # fmt: skip


def clocked_networks() -> Iterator[Case]:
    """Circuits with held drives, integrated by SciPy between ticks, against the recurrences."""
    rng = np.random.default_rng(6)
    n, period = 12, 0.7
    graph = membrane(rng.normal(size=(n, n)) / np.sqrt(n), 0.3 * rng.normal(size=n))
    u = rng.normal(size=(50, n))
    program = compile_graph(clocked(graph, period))
    states = run_clocked(program, u, period)[:, program.states.slices["x"]]
    expected = digital(graph, "exponential_euler", period).sequence(u).states[:, 0]
    yield curve_case(
        "clocked network is the leaky RNN", "a = 1 - exp(-T/tau), exact between ticks", "states over 50 ticks",
        expected.ravel(), states.ravel(), 1e-9, "tolerance of the integrator, 1e-12 a tick",
    )  # fmt: skip
    ours = digital(clocked(graph, period), "exponential_euler").sequence(u).states[:, 0, program.states.slices["x"]]
    yield curve_case(
        "exponential rule is exact under a held drive", "the flow, integrated", "states over 50 ticks", states.ravel(),
        ours.ravel(), 1e-9, "tolerance of the integrator",
    )  # fmt: skip
    yield lstm(rng, n, period)


def lstm(rng: np.random.Generator, n: int, period: float) -> Case:
    """Capacitors with leak -ln f between ticks against the LSTM."""
    graph = SignalGraph("clocked LSTM")
    graph.clock("tick", period)
    graph.port("u", 3)
    graph.state("h", n, clock="tick")
    w = {gate: (rng.normal(size=(n, 3)), rng.normal(size=(n, n)) / np.sqrt(n)) for gate in "ifgo"}
    for gate, function in (("i", "logistic"), ("f", "identity"), ("g", "tanh"), ("o", "logistic")):
        graph.parameter(f"U{gate}", w[gate][0])
        graph.parameter(f"W{gate}", w[gate][1])
        graph.map(gate, n, function)
        graph.connect("u", gate, weight=f"U{gate}")
        graph.connect("h", gate, weight=f"W{gate}")
    graph.product("ig", n)
    graph.connect("i", "ig")
    graph.connect("g", "ig", slot=1)
    gated_state(graph, "c", n, gate="f", drive="ig", clock="tick")
    graph.hold("o_held", n, clock="tick")
    graph.map("squashed", n, "tanh")
    graph.product("out", n)
    graph.connect("o", "o_held")
    graph.connect("c", "squashed")
    graph.connect("o_held", "out")
    graph.connect("squashed", "out", slot=1)
    graph.connect("out", "h")
    u = rng.normal(size=(50, 3))
    program = compile_graph(graph)
    ours = run_clocked(program, u, period)[:, program.states.slices["h"]]
    h, c, expected = np.zeros(n), np.zeros(n), []
    for x in u:
        i, f, g, o = (w[gate][0] @ x + w[gate][1] @ h for gate in "ifgo")
        c = c / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
        h = np.tanh(c) / (1 + np.exp(-o))
        expected.append(h)
    return curve_case(
        "clocked capacitor with leak -ln f is the LSTM", "c+ = f c + i g, h+ = o tanh(c+)", "h over 50 ticks",
        np.ravel(expected), ours.ravel(), 1e-9, "tolerance of the integrator",
    )  # fmt: skip


def run_clocked(program: Program, inputs: np.ndarray, period: float) -> np.ndarray:
    """Holds sample, states flow for a period, states jump."""
    jumps = program.is_clocked & ~program.is_hold
    y, states = program.initial, []
    for u in inputs:
        y = np.where(program.is_hold, program.drive(y, u), y)
        y = exact_flow(program, y, u, period)
        y = np.where(jumps, program.drive(y, u), y)
        states.append(y)
    return np.array(states)
