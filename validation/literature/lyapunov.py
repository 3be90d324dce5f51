"""Lyapunov exponents: published values, sums against divergences, linear and conservative systems, random networks."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from neurosim.analyses.lyapunov import LyapunovSpectrum, lyapunov_spectrum
from neurosim.architectures.architecture import graph_of_law
from neurosim.architectures.henon import henon
from neurosim.architectures.lorenz import lorenz
from neurosim.architectures.rossler import rossler
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.randomness import stream
from validation.case import Case, Context, number_case
from validation.figures import curves

SPROTT_LORENZ = "Sprott, sprott.physics.wisc.edu/chaos/lorenzle.htm: (0.906, 0, -14.572), dimension 2.062"
SPROTT_ROSSLER = "Sprott: (0.0714, 0, -5.3943), as quoted in answers on Mathematica's forum (checked there)"
SPROTT_HENON = "Sprott, Chaos and Time-Series Analysis (Oxford 2003): (0.41922, -1.62319) (recalled)"
WOLF = (
    "Wolf, Swift, Swinney & Vastano, Physica D 16, 285 (1985), doi 10.1016/0167-2789(85)90011-9: (2.16, 0, -32.4) "
    "bit/s (checked in Sprott's quotation)"
)
WITHIN = "in standard errors of the bootstrap; 3 of them, and half a digit of the published value"


@law(4, (), formula="p, q, -x - 2 x y, -y - x^2 + y^2")
def henon_heiles_field(context, u, p, memory, table, code, F, D):
    """Henon & Heiles, Astron. J. 69, 73 (1964), doi 10.1086/109234; x, y, and their momenta."""
    for e in range(F.shape[1]):
        x, y = u[0, e], u[1, e]
        F[0, e], F[1, e] = u[2, e], u[3, e]
        F[2, e] = -x - 2.0 * x * y
        F[3, e] = -y - x * x + y * y
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 2, e] = D[1, 3, e] = 1.0
            D[2, 0, e], D[2, 1, e] = -1.0 - 2.0 * y, -2.0 * x
            D[3, 0, e], D[3, 1, e] = -2.0 * x, -1.0 + 2.0 * y


@law(3, (), formula="9 (0.7 (b - a) - g(a)), 0.7 (a - b) + i, -7 b")
def chua_field(context, u, p, memory, table, code, F, D):
    """The equations of circuits/chua.cir, written down by hand: voltages a and b, current i."""
    for e in range(F.shape[1]):
        a, b, i = u[0, e], u[1, e], u[2, e]
        slope = -0.8 if abs(a) < 1.0 else -0.5
        F[0, e] = 9.0 * (0.7 * (b - a) - (-0.5 * a - 0.15 * (abs(a + 1.0) - abs(a - 1.0))))
        F[1, e] = 0.7 * (a - b) - i
        F[2, e] = 7.0 * b
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e] = 9.0 * (-0.7 - slope), 6.3
            D[1, 0, e], D[1, 1, e], D[1, 2, e] = 0.7, -0.7, -1.0
            D[2, 1, e] = 7.0


@law(1, (), formula="x / (1 + x^10)")
def hump_field(context, u, p, memory, table, code, F, D):
    """Production of Mackey & Glass, Science 197, 287 (1977), doi 10.1126/science.267326."""
    for e in range(F.shape[1]):
        power = u[0, e] ** 10
        F[0, e] = u[0, e] / (1.0 + power)
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e] = (1.0 - 9.0 * power) / (1.0 + power) ** 2


def random_net(units: int, gain: float, seed: int) -> SignalGraph:
    """u' = -u + W tanh(u), W normal with variance gain^2 / units (Sompolinsky, Crisanti & Sommers 1988)."""
    draw = stream(seed, "random tanh net", units)
    graph = SignalGraph(f"random net of {units} units, gain {gain:g}")
    graph.parameter("W", gain * draw.standard_normal((units, units)) / math.sqrt(units))
    graph.state("x", units, time_constant=1.0, leak=1.0, initial=draw.standard_normal(units))
    graph.map("r", units, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    return graph


def compared(
    name: str, source: str, number: int, expected: float, digits: float, found: LyapunovSpectrum, figure: str = ""
) -> Case:
    """An exponent beside a published one."""
    value, error = float(found.exponents[number]), float(found.errors[number])
    return Case(
        name, source, f"exponent {number + 1} [{found.unit}], +- {error:.2g}", f"{expected:.6g}", f"{value:.6g}",
        abs(value - expected) / math.hypot(error, digits), 3.0, WITHIN, figure,
    )  # fmt: skip


def published(context: Context) -> Iterator[Case]:
    """Lorenz, Roessler, Henon."""
    long = 1.0 if context.fast else 20.0
    shown = {}
    shown["Lorenz"] = found = lyapunov_spectrum(lorenz(), (0.0, 1000.0 * long))
    yield compared("lorenz largest exponent", SPROTT_LORENZ, 0, 0.906, 0.0005, found)
    yield compared("lorenz smallest exponent", SPROTT_LORENZ, 2, -14.572, 0.0005, found)
    yield number_case(
        "lorenz dimension", SPROTT_LORENZ, "Kaplan-Yorke dimension", 2.062, found.kaplan_yorke, 1e-3, "half a digit"
    )
    yield Case(
        "lorenz sum of exponents", "divergence -(sigma + 1 + beta), exactly", "sum [1/s], absolute",
        f"{-41 / 3:.9g}", f"{found.measured.sum():.9g}", abs(found.measured.sum() + 41 / 3), 1e-4,
        "error of the steps",
    )  # fmt: skip
    found = lyapunov_spectrum(lorenz(16.0, 45.92, 4.0), (0.0, 1000.0 * long))
    yield compared("lorenz of Wolf et al., largest", WOLF, 0, 2.16 * math.log(2.0), 0.005 * math.log(2.0), found)
    yield compared("lorenz of Wolf et al., smallest", WOLF, 2, -32.4 * math.log(2.0), 0.05 * math.log(2.0), found)
    shown["Rössler"] = found = lyapunov_spectrum(rossler(), (0.0, 3000.0 * long))
    yield compared("roessler largest exponent", SPROTT_ROSSLER, 0, 0.0714, 0.00005, found)
    yield compared("roessler smallest exponent", SPROTT_ROSSLER, 2, -5.3943, 0.00005, found)
    yield Case(
        "roessler sum of exponents", "mean divergence a + <x> - c of the same run", "sum [1/s], absolute",
        f"{found.divergence:.9g}", f"{found.measured.sum():.9g}", abs(found.measured.sum() - found.divergence), 1e-4,
        "error of the steps",
    )  # fmt: skip
    shown["Hénon (per step)"] = found = lyapunov_spectrum(henon(), steps=round(100_000 * long))
    wanted = {"Lorenz": 0.906, "Rössler": 0.0714, "Hénon (per step)": 0.41922}
    drawn = {}
    for name, spectrum in shown.items():
        share = np.linspace(0.0, 1.0, len(spectrum.history))
        drawn[name] = (share, np.abs(spectrum.history[:, 0] / wanted[name] - 1.0), "-")
    figure = context.figure(
        "lyapunov", curves("share of the run", "largest exponent, relative to the published: |error|", drawn, log=True)
    )
    yield compared("henon largest exponent", SPROTT_HENON, 0, 0.41922, 0.000005, found, figure)
    yield compared("henon smallest exponent", SPROTT_HENON, 1, -1.62319, 0.000005, found)
    yield number_case(
        "henon sum of exponents", "log |det J| = log 0.3, exactly", "sum [1/step]", math.log(0.3),
        float(found.measured.sum()), 1e-12, "rounding",
    )  # fmt: skip


def exact() -> Iterator[Case]:
    """Linear and conservative systems, and a network that comes to rest."""
    draw = stream(0, "linear lyapunov").standard_normal((6, 6)) - 2.5 * np.eye(6)
    graph = SignalGraph("linear")
    graph.parameter("A", draw)
    graph.state("x", 6, time_constant=1.0, leak=0.0, initial=np.ones(6))
    graph.connect("x", "x", weight="A")
    found = lyapunov_spectrum(graph, (0.0, 2000.0))
    wanted = np.sort(np.linalg.eigvals(draw).real)[::-1]
    yield Case(
        "linear flow", "real parts of the eigenvalues", "largest difference of 6 means along the run [1/s]",
        f"{wanted[0]:.6g} ...", f"{found.measured[0]:.6g} ...", float(np.abs(found.measured - wanted).max()), 2e-3,
        "a pair of complex eigenvalues turns the vectors: means differ by 1/T",
    )  # fmt: skip
    net = random_net(200, 0.8, 0)
    found = lyapunov_spectrum(net, (0.0, 600.0), k=3)
    wanted = np.sort(np.linalg.eigvals(net.parameters["W"].value).real)[::-1][:3] - 1.0
    yield Case(
        "random net at gain 0.8", "-1 + real parts of the eigenvalues of W at the only fixed point, 0",
        "largest difference of 3 [1/s]", f"{wanted[0]:.9g}", f"{found.exponents[0]:.9g}",
        float(np.abs(found.exponents - wanted).max()), 1e-9, "it settles, and says so",
    )  # fmt: skip
    found = lyapunov_spectrum(
        graph_of_law("henon heiles", henon_heiles_field, (), (0.0, 0.1, 0.49, 0.0)), (0.0, 5000.0)
    )
    pairs = np.abs(found.exponents + found.exponents[::-1]).max()
    yield Case(
        "conservative pairs", "symplectic flow: exponents come in pairs of opposite sign (Henon-Heiles)",
        "largest sum of a pair [1/s], absolute", "0", f"{pairs:.2g} of {found.exponents[0]:.3g}", float(pairs), 2e-3,
        "frames converge as 1/T",
    )  # fmt: skip


def networks(context: Context) -> Iterator[Case]:
    """A chaotic network: the sum against the divergence, the largest against two nearby runs by other code."""
    net = random_net(60, 3.0, 1)
    found = lyapunov_spectrum(net, (0.0, 200.0), dt=0.02, renormalise=0.1)
    yield Case(
        "random net at gain 3, sum", "mean divergence -n + <sum W_ii / cosh^2> of the same run",
        "sum of 60 exponents [1/s]", f"{found.divergence:.9g}", f"{found.measured.sum():.9g}",
        abs(found.measured.sum() / found.divergence - 1.0), 1e-4, "the trace is sampled once in each interval",
    )  # fmt: skip
    if context.fast:
        return
    net = random_net(200, 3.0, 0)
    found = lyapunov_spectrum(net, (0.0, 1500.0), k=1, dt=0.05)
    other, spread = two_runs(net.parameters["W"].value, net.nodes["x"]["initial"], 1500.0, 0.05)
    yield Case(
        "random net at gain 3, largest", "rate at which two runs part, by NumPy", f"exponent [1/s], +- "
        f"{found.errors[0]:.2g} and {spread:.2g}", f"{other:.4g}", f"{found.exponents[0]:.4g}",
        abs(other - found.exponents[0]) / math.hypot(spread, found.errors[0]), 3.0, "3 standard errors of both",
    )  # fmt: skip


def two_runs(weights: np.ndarray, start: np.ndarray, stop: float, dt: float) -> tuple[float, float]:
    """Largest exponent from the distance of two runs that is made small again every second, and its standard error."""
    y = np.stack([start, start])

    def rate(x: np.ndarray) -> np.ndarray:
        return np.tanh(x) @ weights.T - x

    logs, every = [], round(1.0 / dt)
    y[1, 0] += 1e-7
    for step in range(1, round(stop / dt) + 1):
        a = rate(y)
        b = rate(y + 0.5 * dt * a)
        c = rate(y + 0.5 * dt * b)
        y = y + dt / 6.0 * (a + 2.0 * b + 2.0 * c + rate(y + dt * c))
        if step % every == 0:
            away = y[1] - y[0]
            logs.append(math.log(np.linalg.norm(away) / 1e-7))
            y[1] = y[0] + away * (1e-7 / np.linalg.norm(away))
    kept = np.array(logs[len(logs) // 5 :])
    blocks = kept[: kept.size // 20 * 20].reshape(20, -1).mean(axis=1)
    return float(kept.mean()), float(blocks.std(ddof=1) / math.sqrt(blocks.size))


def circuits(context: Context) -> Iterator[Case]:
    """Chua's circuit as a netlist, by two methods, beside its equations."""
    stop = 400.0 if context.fast else 4000.0
    wanted = lyapunov_spectrum(graph_of_law("chua", chua_field, (), (0.1, 0.0, 0.0)), (0.0, stop), dt=0.02)
    for method in ("rk4", "sdirk4"):
        found = lyapunov_spectrum("circuits/chua.cir", (0.0, stop), dt=0.02, method=method)
        apart = np.abs(found.exponents - wanted.exponents) / np.hypot(found.errors, wanted.errors)
        yield Case(
            f"chua netlist by {method}", "the same equations as a compiled law", "worst of 3 exponents [1/s]",
            ", ".join(f"{value:.4f}" for value in wanted.exponents),
            ", ".join(f"{value:.4f}" for value in found.exponents), float(apart.max()), 3.5, WITHIN,
        )  # fmt: skip


def delays(context: Context) -> Iterator[Case]:
    """A linear equation with delay, and Mackey-Glass, on their discretised history."""
    graph = SignalGraph("linear delay")
    graph.state("x", 1, time_constant=1.0, leak=1.0, initial=[1.0])
    graph.connect("x", "x", gain=-0.5, delay=1.0)
    found = lyapunov_spectrum(graph, (0.0, 60.0), k=2)
    root = complex(-1.0, 1.5)
    for _ in range(50):
        root -= (root + 1.0 + 0.5 * np.exp(-root)) / (1.0 - 0.5 * np.exp(-root))
    yield number_case(
        "linear delay", "rightmost root of s = -1 - exp(-s)/2", "exponent [1/s]", root.real, float(found.exponents[0]),
        1e-4, "second order in the hundredth of the delay that a step is",
    )  # fmt: skip
    if context.fast:
        return
    graph = SignalGraph("mackey glass")
    graph.state("x", 1, time_constant=10.0, leak=1.0, initial=[1.2])
    graph.map("f", 1, law=hump_field)
    graph.connect("x", "f", delay=23.0)
    graph.connect("f", "x", gain=2.0)
    found = lyapunov_spectrum(graph, (0.0, 60_000.0), k=3, dt=0.5, transient=2000.0)
    source = "Farmer, Physica D 4, 366 (1982), doi 10.1016/0167-2789(82)90042-2: 0.00956 at a delay of 23 (recalled)"
    yield compared("mackey glass, delay 23", source, 0, 0.00956, 0.00005, found)


def cases(context: Context) -> Iterator[Case]:
    """All of them."""
    yield from published(context)
    yield from exact()
    yield from networks(context)
    yield from circuits(context)
    yield from delays(context)
