"""Hopfield network: overlap with stored patterns against theory, its breakdown, energies, and deleted weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from scipy.optimize import brentq, curve_fit
from scipy.special import erf, expit

from neurosim.architectures.hopfield import energy, hebbian_weights, hopfield, recall
from neurosim.digital.network import digital
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from validation.case import Case, Context

THEORY = "Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985), doi 10.1103/PhysRevLett.55.1530: load 0.138"
DILUTED = "Sompolinsky, Phys. Rev. A 34, 2571 (1986), doi 10.1103/PhysRevA.34.2571 (recalled): acts as noise"
DESCENT = "Hopfield, PNAS 79, 2554 (1982) and 81, 3088 (1984)"
POINTS = np.linspace(0.5, 8.0, 20_001)
UNITS = 24


def load_of(y: np.ndarray | float, kept: float) -> np.ndarray:
    """Load at which the overlap is erf(y), for a share of weights that is kept; equations of state at zero temperature.

    With noise of deviation s from other patterns and deleted weights: m = erf(y), y = m/(sqrt(2) s), s^2 = load (r +
    (1 - kept)/kept), r = (1 - C)^-2, C = sqrt(2/pi) exp(-y^2)/s.
    """
    deviation = erf(y) / (math.sqrt(2.0) * y)
    response = math.sqrt(2.0 / math.pi) * np.exp(-np.square(y)) / deviation
    spread = 1.0 / np.square(1.0 - response) + (1.0 - kept) / kept
    return np.where(response < 1.0, deviation**2 / spread, 0.0)


def overlap_of(load: float, kept: float = 1.0) -> float:
    """Overlap of the retrieval state at a load, 0 where there is none."""
    loads = load_of(POINTS, kept)
    top = int(loads.argmax())
    if load > loads[top]:
        return 0.0
    return float(erf(brentq(lambda y: float(load_of(y, kept)) - load, POINTS[top], POINTS[-1])))


def overlaps(units: int, load: float, networks: int, kept: float = 1.0) -> np.ndarray:
    """Overlaps with the patterns that recall started from, ten patterns of each network."""
    found = []
    for number in range(networks):
        draw = stream(number, "hopfield capacity", units, round(1000 * load))
        patterns = draw.choice([-1.0, 1.0], (round(load * units), units))
        weights = hebbian_weights(patterns)
        if kept < 1.0:
            upper = np.triu(draw.random((units, units)) < kept, 1)
            weights *= upper | upper.T
        found += [recall(weights, p, seed=number) @ p / units for p in patterns[:10]]
    return np.array(found)


def cases(context: Context) -> Iterator[Case]:
    """Overlap curve, breakdown, deleted weights, energies."""
    units, networks = (1000, 2) if context.fast else (2000, 10)
    loads = (0.08, 0.10, 0.12)
    curve = {load: overlaps(units, load, networks) for load in (*loads, 0.14, 0.15, 0.16, 0.18, 0.20)}
    chance = 1.0 / math.sqrt(units)
    for load in loads:
        ours, expected = float(curve[load].mean()), overlap_of(load)
        yield Case(
            f"Hopfield overlap at load {load:g}", THEORY,
            f"overlap of {units} units after recall from the pattern (of a random state: {chance:.3f})",
            f"{expected:.4f}", f"{ours:.4f}", abs(ours - expected), 0.005, "infinite network against a finite one",
        )  # fmt: skip
    figure = context.figure(
        "hopfield capacity", lambda axes: _draw(axes, {load: float(v.mean()) for load, v in curve.items()}, units)
    )
    yield breakdown(context)
    lost = float((curve[0.20] > 0.9).mean())
    yield Case(
        "Hopfield beyond breakdown", THEORY, "share of patterns that stay at load 0.2 (at 0.1: all)", "0",
        f"{lost:.3f}", lost, 0.1, "finite network", figure,
    )  # fmt: skip
    for kept in (0.8, 0.5, 0.3):
        ours, expected = float(overlaps(units, 0.05, networks, kept).mean()), overlap_of(0.05, kept)
        yield Case(
            f"Hopfield with {100 * (1 - kept):.0f} % of the weights deleted", DILUTED,
            f"overlap at load 0.05 (of a random state: {chance:.3f}; all deleted: the state stays)", f"{expected:.4f}",
            f"{ours:.4f}", abs(ours - expected), 0.01, "infinite network against a finite one",
        )  # fmt: skip
    yield from descent()


def breakdown(context: Context) -> Case:
    """Load at which half of the patterns stay, by the number of units, and where that goes in an infinite network.

    At each size a logistic function is fitted to the share of patterns that stay; its middle is taken to follow
    a + b N^(-1/2), for patterns differ from one another by noise of that order. The standard error is that of 100
    bootstraps over networks.
    """
    sizes = {250: 24, 500: 12, 1000: 6} if context.fast else {250: 60, 500: 40, 1000: 20, 2000: 8}
    loads = np.arange(0.13, 0.205, 0.01)
    stay = {
        units: np.array([(overlaps(units, load, count) > 0.9).reshape(count, -1).mean(axis=1) for load in loads])
        for units, count in sizes.items()
    }
    inverse = np.array([units**-0.5 for units in sizes])

    def middle(shares: np.ndarray) -> float:
        shape, _ = curve_fit(lambda x, m, w: expit((m - x) / w), loads, shares, (0.16, 0.01))
        return float(shape[0])

    def limit(middles: np.ndarray) -> np.ndarray:
        return np.polyfit(inverse, middles, 1)

    draw = stream(0, "hopfield capacity", "bootstrap")
    middles = np.array([middle(shares.mean(axis=1)) for shares in stay.values()])
    again = [
        limit(np.array([middle(s[:, draw.integers(0, s.shape[1], s.shape[1])].mean(axis=1)) for s in stay.values()]))
        for _ in range(100)
    ]
    slope, ours = limit(middles)
    spread = float(np.std([line[1] for line in again]))

    def show(axes) -> None:
        axes.plot(inverse, middles, "o", label="half of the patterns stay")
        axes.plot([0.0, inverse[0]], [ours, ours + slope * inverse[0]], "-", label="fitted line")
        axes.errorbar([0.0], [ours], [spread], fmt="none", ecolor="C1", capsize=3)
        axes.plot([0.0], [0.1379], "kx", label="theory")
        axes.set_xlabel("1 / sqrt(units)")
        axes.set_ylabel("load (patterns per unit)")
        axes.legend()

    found = ", ".join(f"{load:.4f} at {units}" for units, load in zip(sizes, middles, strict=True))
    return Case(
        "Hopfield breakdown, extrapolated", THEORY,
        f"load at which half of the patterns stay (overlap above 0.9), infinite network; {found} units", "0.138",
        f"{ours:.4f} (standard error {spread:.4f})", abs(ours - 0.1379), 0.02 if context.fast else 0.008,
        "half of what 2000 units miss it by; the power of N is assumed",
        context.figure("hopfield extrapolation", show),
    )  # fmt: skip


def descent() -> Iterator[Case]:
    """Largest rise of the energy along runs of each kind, and of one that has to rise."""
    draw = stream(0, "hopfield capacity", "descent")
    patterns = draw.choice([-1.0, 1.0], (3, UNITS))
    graph, start = hopfield(patterns), draw.normal(size=UNITS)
    scale = float(np.ptp(energy(graph, [np.zeros(UNITS), simulate(graph, start)[-1]])))
    quantity = "largest rise over a step, as a share of the depth of the energy"
    rise = float(np.diff(energy(graph, simulate(graph, start))).max()) / scale
    yield Case(
        "Hopfield energy along the flow", DESCENT, quantity, "at most 0", f"{rise:.1e}", rise, 1e-9, "rounding at rest"
    )
    for rule in ("mean_value", "gonzalez"):
        for dt in (0.1, 10.0, 1000.0):
            run = digital(graph, rule, dt=dt).sequence(np.zeros((20, 1, UNITS)), start[None])
            rise = float(np.diff(energy(graph, np.concatenate([start[None], run.states[:, 0]]))).max()) / scale
            yield Case(
                f"Hopfield energy, {rule}, dt = {dt:g} RC", "discrete gradients: Gonzalez 1996; McLachlan et al. 1999",
                quantity, "at most 0", f"{rise:.1e}", rise, 1e-9, "tolerance of the equations solved in a step",
            )  # fmt: skip
    weights = hebbian_weights(patterns)
    values = []
    for number in range(20):
        s = draw.choice([-1.0, 1.0], UNITS)
        trace = [s @ weights @ s]
        for sweep in range(5):
            s = recall(weights, s, sweeps=1, seed=100 * number + sweep)
            trace.append(s @ weights @ s)
        values.append(np.diff(trace).min())
    rise = max(0.0, -0.5 * float(min(values)))
    yield Case(
        "Hopfield energy, one unit at a time", DESCENT, "largest rise over a sweep of 20 binary runs", "at most 0",
        f"{rise:.1e}", rise, 1e-9, "rounding",
    )  # fmt: skip
    pair = np.array([[0.0, -1.0], [-1.0, 0.0]])
    together = np.sign(pair @ [1.0, 1.0])
    both = digital(hopfield(weights=pair, gain=4.0), dt=1.0).sequence(np.zeros((40, 1, 2)), [[1.0, 1.0]])
    turns = int((np.diff(np.sign(both.states[:, 0, 0])) != 0).sum())
    yield Case(
        "Hopfield, all units at once, turns for ever", "Marcus & Westervelt, Phys. Rev. A 40, 501 (1989) (recalled)",
        f"sign changes in 40 steps of forward Euler with dt = RC, two inhibiting units (binary: to {together})",
        "39", str(turns), abs(turns - 39), 0.0, "shows that the checks of descent can fail",
    )  # fmt: skip


def simulate(graph, start: np.ndarray) -> np.ndarray:
    """States along the flow for 20 time constants, shape (points, units)."""
    run = simulate_graph(graph, (0.0, 20.0), initial={"u": start}, rtol=1e-8, save=["u"])
    return np.stack([run[f"u[{i}]"] for i in range(start.size)], axis=1)


def _draw(axes, curve: dict[float, float], units: int) -> None:
    loads = np.linspace(0.05, 0.2, 151)
    axes.plot(loads, [overlap_of(load) for load in loads], label="theory, infinite network")
    axes.plot(list(curve), list(curve.values()), "o", label=f"{units} units")
    axes.set_xlabel("load (patterns per unit)")
    axes.set_ylabel("overlap")
    axes.legend()
