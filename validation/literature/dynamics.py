"""Bifurcations, limit cycles and fixed points against closed forms and published numbers, with their figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np

from neurosim.analyses.basins import basins
from neurosim.analyses.bifurcation_diagram import bifurcation_diagram
from neurosim.analyses.continuation import continuation
from neurosim.analyses.fixed_points import fixed_points
from neurosim.analyses.limit_cycle import limit_cycle
from neurosim.analyses.phase_portrait import phase_portrait
from neurosim.analyses.poincare_section import poincare_section
from neurosim.architectures.henon import henon
from neurosim.architectures.lorenz import lorenz
from neurosim.architectures.rossler import rossler
from neurosim.architectures.van_der_pol import van_der_pol
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from validation.case import Case, Context, number_case
from validation.figures import curves

HAIRER = (
    "Hairer, Norsett & Wanner, Solving Ordinary Differential Equations I (Springer 1993), exercise 1 of section I.16: "
    "T = 6.6632868593231301896996820305, A = 2.00861986087484313650940188 (checked in a copy)"
)
VISWANATH = (
    "Viswanath, Nonlinearity 16, 1035 (2003), doi 10.1088/0951-7715/16/3/314: orbit AB, period 1.5586522107162 "
    "(checked in programs that quote it)"
)
FEIGENBAUM = (
    "Feigenbaum, J. Stat. Phys. 19, 25 (1978), doi 10.1007/BF01020332: delta = 4.6692016 (recalled); doublings of the "
    "logistic map at 3, 1 + sqrt(6), 3.544090, 3.564407, 3.568759, 3.569692 (recalled)"
)
DIRECT = "interpolation of the squared distance of the split points to zero"


@law(1, ("r",), formula="r x (1 - x)")
def logistic_field(context, u, p, memory, table, code, F, D):
    """May, Nature 261, 459 (1976), doi 10.1038/261459a0."""
    for e in range(F.shape[1]):
        x, r = u[0, e], p[0, e]
        F[0, e] = r * x * (1.0 - x)
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e] = r * (1.0 - 2.0 * x), x * (1.0 - x)


def logistic(r: float = 3.2) -> SignalGraph:
    """The logistic map."""
    graph = SignalGraph("logistic map")
    graph.parameter("r", r)
    graph.clock("step", 1.0)
    graph.state("x", 1, clock="step", initial=np.array([0.4]))
    graph.map("field", 1, law=logistic_field)
    graph.connect("x", "field")
    graph.connect("field", "x")
    return graph


def doubling(graph: SignalGraph, parameter: str, period: int, low: float, high: float) -> float:
    """Where an orbit of this period splits into one of twice the period: between `low` and `high` it has split.

    The squared distance of points that were one is an analytic function of the parameter, 0 at the doubling.
    """
    levels = 0.5 * (low + high) - 0.5 * (high - low) * np.cos(np.pi * (np.arange(14) + 0.5) / 14)
    found = bifurcation_diagram(graph, parameter, levels, transient=20_000, duration=4 * period)
    split = []
    for level in levels:
        orbit = found.at(level)
        split.append(float(np.max(np.abs(orbit[period : 2 * period] - orbit[:period]))) ** 2)
    scale = max(split)
    fit = np.polynomial.Polynomial.fit(np.array(split) / scale, levels, 6)
    return float(fit(0.0))


def figure_of(context: Context, name: str, drawn: Any) -> str:
    """Write what ``.plot()`` gave."""
    axes = drawn[0] if isinstance(drawn, list) else drawn
    axes.figure.savefig(context.folder / name, dpi=110)
    return name


def lorenz_branches(context: Context) -> Iterator[Case]:
    """Pitchfork, Hopf, hysteresis."""
    trivial = continuation(lorenz(), "rho", (0.5, 5.0))
    yield number_case(
        "lorenz pitchfork", "Sparrow, The Lorenz Equations (Springer 1982) (recalled): rho = 1, exactly", "rho", 1.0,
        trivial.special[0].parameter, 1e-7, "bisection",
    )  # fmt: skip
    upper = continuation(lorenz(), "rho", (20.0, 30.0), start=[7.1, 7.1, 19.0])
    hopf = next(s for s in upper.special if s.kind == "Hopf")
    figure = figure_of(context, "dynamics_lorenz_branch.png", upper.plot(name="x[0]"))
    yield number_case(
        "lorenz hopf point", "Sparrow (recalled): sigma (sigma + beta + 3) / (sigma - beta - 1) = 470/19", "rho",
        470.0 / 19.0, hopf.parameter, 1e-9, "bisection", figure,
    )  # fmt: skip
    levels = np.linspace(20.0, 30.0, 21 if context.fast else 81)
    swept = bifurcation_diagram(lorenz(), "rho", levels, "x[2]", transient=40, duration=20, follow=True)
    figure = figure_of(context, "dynamics_lorenz_hysteresis.png", swept.plot())
    both = [v for v in levels if np.ptp(swept.at(v, 1)) < 0.5 and np.ptp(swept.at(v, -1)) > 5.0]
    yield Case(
        "lorenz hysteresis", "Sparrow (recalled): rest and chaos are both stable for 24.06 < rho < 24.74",
        "values of rho with rest on the way up and chaos on the way down", "some", f"{len(both)}", 0.0 if both else 1.0,
        0.0, "a fact; transient chaos widens the range", figure,
    )  # fmt: skip


def cycles(context: Context) -> Iterator[Case]:
    """Periods and multipliers."""
    cycle = limit_cycle(van_der_pol(), rtol=1e-11)
    orbit = {"van der Pol, mu = 1": (cycle.states[:, 0], cycle.states[:, 1], "-")}
    figure = context.figure("dynamics", curves(cycle.names[0], cycle.names[1], orbit))
    yield number_case(
        "van der pol period, mu = 1", HAIRER, "period [s]", 6.6632868593231302, cycle.period, 1e-11, "rtol = 1e-11",
        figure,
    )  # fmt: skip
    yield number_case(
        "van der pol amplitude, mu = 1", HAIRER, "amplitude", 2.0086198608748431, cycle.amplitude("x[0]"), 1e-9,
        "a cubic spline through the steps",
    )  # fmt: skip
    yield number_case(
        "van der pol trivial multiplier", "of an autonomous system 1", "multiplier", 1.0,
        float(cycle.multipliers[0].real), 1e-10, "error of the steps",
    )  # fmt: skip
    yield number_case(
        "van der pol product of multipliers", "Liouville: exponential of the integral of mu (1 - x^2)",
        "product", math.exp(cycle.divergence), float(np.prod(cycle.multipliers).real), 1e-9, "error of the steps",
    )  # fmt: skip
    stiff = limit_cycle(van_der_pol(100.0), transient=500.0, rtol=1e-7)
    first = 2.338107410459767
    expected = (
        (3.0 - 2.0 * math.log(2.0)) * 100.0
        + 3.0 * first / 100.0 ** (1.0 / 3.0)
        - (2.0 / 300.0 * math.log(100.0) + 1.3246 / 100.0)
    )
    yield number_case(
        "van der pol period, mu = 100", "Dorodnicyn's series (3 - 2 ln 2) mu + 3 a mu^(-1/3) - 2 ln(mu) / (3 mu) - "
        "1.3246 / mu (recalled)", "period [s]", expected, stiff.period, 2e-5, "next term of the series, mu^(-5/3)",
    )  # fmt: skip
    if not context.fast:
        stiff = limit_cycle(van_der_pol(1000.0))
        yield number_case(
            "van der pol period, mu = 1000", "SciPy's Radau with rtol = 3e-13, crossings of x = 0 by its events; "
            "Dorodnicyn's series gives 1614.40114", "period [s]", 1614.40112581, stiff.period, 1e-9, "rtol = 1e-9",
        )  # fmt: skip
    orbit = limit_cycle(lorenz(), [-13.7636, -19.5788, 27.0], period=1.56, rtol=1e-11)
    figure = figure_of(context, "dynamics_lorenz_orbit.png", orbit.plot(names=("x[0]", "x[2]")))
    yield number_case(
        "lorenz orbit AB", VISWANATH, "period [s]", 1.5586522107162, orbit.period, 1e-11, "rtol = 1e-11", figure
    )
    yield number_case(
        "lorenz orbit AB, volume", "divergence -(sigma + 1 + beta) over a period", "logarithm of the product",
        -41.0 / 3.0 * 1.5586522107162, orbit.log_product, 1e-9, "error of the steps",
    )  # fmt: skip


def doublings(context: Context) -> Iterator[Case]:
    """Henon's and the logistic map."""
    shown = bifurcation_diagram(henon(), "a", np.linspace(0.0, 1.4, 300 if context.fast else 1200), transient=1000)
    figure = figure_of(context, "dynamics_henon.png", shown.plot())
    closed = "closed form for b = 0.3"
    for number, (period, low, high, value) in enumerate(
        ((1, 0.372, 0.40, 0.75 * 0.49), (2, 0.918, 0.95, 0.49 + 0.25 * 1.69)), start=1
    ):
        yield number_case(
            f"henon doubling {number}", f"{closed}: {'3 (1 - b)^2 / 4' if number == 1 else '(1-b)^2 + (1+b)^2 / 4'}",
            "a", value, doubling(henon(), "a", period, low, high), 1e-6, DIRECT, figure,
        )  # fmt: skip
    known = [3.0, 1.0 + math.sqrt(6.0), 3.544090, 3.564407, 3.568759, 3.569692]
    found: list[float] = []
    for number, (here, following) in enumerate(pairwise(known)):
        length = following - here
        found.append(doubling(logistic(), "r", 2**number, here + 0.15 * length, here + 0.85 * length))
    length = (known[5] - known[4]) / 4.6692016
    found.append(doubling(logistic(), "r", 32, known[5] + 0.15 * length, known[5] + 0.85 * length))
    window = np.linspace(2.8, 4.0, 300 if context.fast else 1200)
    figure = figure_of(context, "dynamics_logistic.png", bifurcation_diagram(logistic(), "r", window).plot())
    for number in (0, 1):
        yield number_case(
            f"logistic doubling {number + 1}", f"closed form {('3', '1 + sqrt(6)')[number]}", "r", known[number],
            found[number], 1e-6, DIRECT, figure,
        )  # fmt: skip
    for number in range(2, 6):
        yield Case(
            f"logistic doubling {number + 1}", FEIGENBAUM, "r, absolute", f"{known[number]:.7g}",
            f"{found[number]:.9g}", abs(found[number] - known[number]), 6e-7, "half a digit of the published value",
        )  # fmt: skip
    ratio = (found[4] - found[3]) / (found[5] - found[4])
    yield number_case(
        "feigenbaum ratio", FEIGENBAUM, "(r5 - r4) / (r6 - r5)", 4.6692016, ratio, 2e-3,
        "the sequence still converges: the ratio of the published values is 4.6684", figure,
    )  # fmt: skip


def circuits(context: Context) -> Iterator[Case]:
    """Chua's circuit, and figures of the other analyses."""
    found = fixed_points("circuits/chua.cir")
    a = 0.3 / 0.2
    outer = sorted(abs(p.state[found.names.index("v(a)")]) for p in found.points)[1:]
    yield number_case(
        "chua fixed points", "where -0.7 v = -0.5 v - 0.3: v = 1.5 V, besides 0", "v(a) [V]", a, outer[0], 1e-9,
        "rounding", figure_of(
            context, "dynamics_chua_phase.png",
            phase_portrait("circuits/chua.cir", starts=[[0.1, 0.0]], points=41, duration=100).plot(),
        ),
    )  # fmt: skip
    yield Case(
        "chua number of fixed points", "three pieces, one in each (Matsumoto, Chua & Komuro 1985)", "points", "3",
        f"{len(found)}", float(abs(len(found) - 3)), 0.0, "a count",
    )  # fmt: skip
    section = poincare_section(lorenz(), "x[2] = 27", direction="down", t_span=(0.0, 300.0))
    off = float(np.abs(section["x[2]"] - 27.0).max())
    yield Case(
        "lorenz section", "the points lie on it", "distance from x[2] = 27", "0", f"{off:.2g}", off, 1e-9,
        "location of the crossing", figure_of(context, "dynamics_lorenz_section.png", section.plot()),
    )  # fmt: skip
    wells = basins(lorenz(rho=10.0), ("x[0]", "x[1]"), centre={"x[2]": 9.0}, extent=((-15.0, 15.0),) * 2,
                   points=31 if context.fast else 121, duration=40.0)  # fmt: skip
    labels = wells.labels
    differing = float((labels != 1 - labels[::-1, ::-1]).sum()) / labels.size
    yield Case(
        "lorenz basins, symmetry", "(x, y) -> (-x, -y) exchanges the two foci, exactly", "share of starts that differ",
        "0 but for the axis", f"{differing:.3g}", differing, 2.0 / len(labels),
        "starts on the z axis end at the origin", figure_of(context, "dynamics_lorenz_basins.png", wells.plot()),
    )  # fmt: skip
    if not context.fast:
        swept = bifurcation_diagram(rossler(), "c", np.linspace(2.0, 6.0, 400), "x[0]", transient=300, duration=200)
        _, counts = swept.periods(2e-3)
        levels = np.unique(swept.values)
        first = float(levels[np.argmax(counts > 1)])
        yield Case(
            "roessler first doubling", "a = b = 0.2: near c = 2.83 (recalled, read from diagrams)", "c, absolute",
            "2.83", f"{first:.4g}", abs(first - 2.83), 0.05, "read from a diagram",
            figure_of(context, "dynamics_rossler.png", swept.plot()),
        )  # fmt: skip


def cases(context: Context) -> Iterator[Case]:
    """All of them."""
    yield from lorenz_branches(context)
    yield from cycles(context)
    yield from doublings(context)
    yield from circuits(context)
