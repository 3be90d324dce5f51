"""Energy along a run: its values, its exact derivative, where it rose, and which states were held at a bound."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.energy_function import EnergyFunction, energy_function
from neurosim.errors import ParameterError
from neurosim.graph.assembly import addresses
from neurosim.graph.drives import bind_drives
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.invariants import energy_form
from neurosim.memristive.network import MemristiveNetwork
from neurosim.results import Result
from neurosim.solve.simulate_graph import GraphSettings, simulate_graph
from neurosim.solve.simulate_network import NetworkSettings, simulate_network

ROUNDING = 16 * np.finfo(float).eps
"""Rise, as a share of the largest energy, that is rounding."""


@dataclass(frozen=True)
class Pinned:
    """An interval in which the engine held a state at its bound."""

    state: str
    bound: float
    start: float
    stop: float


@dataclass(frozen=True)
class EnergyRun(Drawable):
    """Energy along a run.

    Attributes
    ----------
    title, formula : str
    times : ndarray, shape (points,)
    energy : ndarray, shape (points,)
    rate : ndarray, shape (points,)
        Gradient times flow: dE/dt while inputs are held. States that are held at a bound do not flow.
    closed_rate : ndarray, shape (points,)
        The same from the closed form; NaN where none is known, and where a state is held, which it knows nothing of.
    rise : ndarray, shape (points - 1,)
        Change of E between saved points by the flow alone: at the inputs of the left one.
    bound : ndarray, shape (points - 1,)
        Largest rise that the tolerances of the run explain.
    is_held : ndarray of bool, shape (points - 1,)
        Whether the inputs stood still; where they move, E has no reason to fall.
    pinned : tuple of Pinned
    states : ndarray, shape (points, n)
    state_names : tuple of str
    result : Result
    """

    drawn_by = "energy:energy_run"

    title: str
    formula: str
    times: np.ndarray
    energy: np.ndarray
    rate: np.ndarray
    closed_rate: np.ndarray
    rise: np.ndarray
    bound: np.ndarray
    is_held: np.ndarray
    pinned: tuple[Pinned, ...]
    states: np.ndarray
    state_names: tuple[str, ...]
    result: Result

    @property
    def identity_error(self) -> float:
        """Largest difference of both rates, relative to the largest rate."""
        return float(np.nanmax(np.abs(self.rate - self.closed_rate), initial=0.0) / (np.abs(self.rate).max() or 1.0))

    @property
    def violations(self) -> np.ndarray:
        """Numbers of the intervals in which E rose more than the tolerances explain, with inputs held."""
        return np.flatnonzero(self.is_held & (self.rise > self.bound))

    @property
    def violations_while_free(self) -> np.ndarray:
        """Those in which no state was at a bound."""
        free = np.ones(self.rise.size, bool)
        for interval in self.pinned:
            free &= (self.times[1:] < interval.start) | (self.times[:-1] > interval.stop)
        return self.violations[free[self.violations]]


def energy(
    graph: SignalGraph | Program | MemristiveNetwork, t_span: tuple[float, float] | None = None, *, drive: Any = None,
    function: Callable[[np.ndarray], np.ndarray] | None = None,
    gradient: Callable[[np.ndarray], np.ndarray] | None = None, symmetric_part: bool = False,
    **settings: Any,
) -> EnergyRun:  # fmt: skip
    """Simulate a network and follow its energy.

    Parameters
    ----------
    graph : SignalGraph, Program or MemristiveNetwork
        The energy of a memristive network is `neurosim.memristive.invariants.EnergyForm`: it may rise where a state is
        held at 1, which `pinned` shows and `violations_while_free` leaves out.
    t_span : (float, float), optional
        Default 20 times the largest time constant, from 0 [s]; of a memristive network it must be given.
    drive : mapping, optional
        See `neurosim.solve.simulate_graph.GraphSettings`.
    function : callable, optional
        ``function(y)``, y of shape (..., n): a candidate of your own instead of the network's known energy.
    gradient : callable, optional
        Its gradient, shape (..., n); default central differences.
    symmetric_part : bool
        Use the symmetric part of weights that are not symmetric, to see the energy fail.
    **settings
        Of the simulation: ``initial``, ``method``, ``rtol``, ...

    Returns
    -------
    EnergyRun

    Raises
    ------
    ParameterError
        No energy is known for this network (weights that are not symmetric, ...), or a setting is wrong.
    """
    if isinstance(graph, MemristiveNetwork):
        return _of_network(graph, t_span, function, gradient, settings)
    if not isinstance(graph, (SignalGraph, Program)):
        raise ParameterError(
            f"energy() takes a SignalGraph or a MemristiveNetwork, not {type(graph).__name__}; of a circuit "
            "power_balance() gives where its energy goes"
        )
    program = graph if isinstance(graph, Program) else compile_graph(graph)
    if function is None:
        chosen = energy_function(program, symmetric_part=symmetric_part)
    else:
        chosen = _own(function, gradient)
    if t_span is None:
        t_span = (0.0, 20.0 * float(np.nanmax(program.time_constant)))
    labels = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
    result = simulate_graph(program, t_span, drive=drive, save=tuple(program.states.slices), **settings)
    times = result.time
    y = np.column_stack([result[label] for label in labels])
    u = bind_drives(program.inputs, drive, float(t_span[1])).values(times)
    # Of two points at one time the first is the one before the jump, with the inputs from before.
    first = np.flatnonzero(np.diff(times) == 0.0)
    u[first] = u[np.maximum(first - 1, 0)]
    bounds = _bounds(program)
    rates, closed = _rates(chosen, y, u, program.flow(y, u), labels, bounds)
    rise = chosen.value(y[1:], u[:-1]) - chosen.value(y[:-1], u[:-1])
    values = chosen.value(y, u)
    given = {name: value for name, value in settings.items() if name in ("rtol", "atol")}
    bound = _explained(chosen, y, u, values, GraphSettings(**given))
    return EnergyRun(
        program.graph.title, chosen.formula, times, values, rates, closed, rise, bound,
        (np.diff(times) > 0.0) & (u[1:] == u[:-1]).all(1), pinned_intervals(times, y, labels, bounds), y,
        tuple(labels), result,
    )  # fmt: skip


def _of_network(
    net: MemristiveNetwork, t_span: tuple[float, float] | None, function: Callable[..., np.ndarray] | None,
    gradient: Callable[..., np.ndarray] | None, settings: dict[str, Any],
) -> EnergyRun:  # fmt: skip
    if function is None:
        form = energy_form(net)
        formula = "L = -(alpha/3) sum w^3 - (alpha xi/4) w^2.Omega w^2 + w^2.j/(2 beta), or its flipped form"

        def closed(y: np.ndarray, u: np.ndarray) -> np.ndarray:
            return form.rate(y, np.array([net.rhs(0.0, w) for w in y]))

        chosen = EnergyFunction(formula, lambda y, u: form.value(y), lambda y, u: form.gradient(y), closed)
    else:
        chosen = _own(function, gradient)
    result = simulate_network(net, t_span, save=["states"], **settings)
    # Resistors have no state and no column.
    labels = [name for name in net.state_names if name in result.columns]
    times, y = result.time, np.zeros((result.time.size, net.size))
    y[:, net.is_memristive] = np.column_stack([result[label] for label in labels])
    u, laws = np.zeros((times.size, 0)), net.laws
    values = chosen.value(y, u)
    flow = np.array([net.rhs(t, w) for t, w in zip(times, y, strict=True)])
    asked = NetworkSettings(**settings)
    bound = _explained(chosen, y, u, values, GraphSettings(rtol=asked.rtol, atol=asked.atol))
    bounds = {name: (laws.lower[e], laws.upper[e]) for e, name in enumerate(net.state_names)}
    rates, closed_rates = _rates(chosen, y, u, flow, net.state_names, bounds)
    return EnergyRun(
        net.title, chosen.formula, times, values, rates, closed_rates, np.diff(values), bound,
        np.diff(times) > 0.0, pinned_intervals(times, y, net.state_names, bounds), y, tuple(net.state_names), result,
    )  # fmt: skip


def _rates(
    chosen: EnergyFunction, y: np.ndarray, u: np.ndarray, flow: np.ndarray, names: Sequence[str],
    bounds: Mapping[str, tuple[float, float]],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """dE/dt along a run from the gradient, and from the closed form; see `EnergyRun`."""
    lower, upper = np.array([bounds.get(name, (-np.inf, np.inf)) for name in names], float).reshape(-1, 2).T
    held = ((y >= upper) & (flow > 0.0)) | ((y <= lower) & (flow < 0.0))
    rates = np.einsum("...i,...i->...", chosen.gradient(y, u), np.where(held, 0.0, flow))
    return rates, np.where(held.any(-1), np.nan, chosen.rate(y, u))


def _own(function: Callable[..., np.ndarray], gradient: Callable[..., np.ndarray] | None) -> EnergyFunction:
    def differences(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        made = np.empty_like(y)
        for i in range(y.shape[-1]):
            h = np.cbrt(np.finfo(float).eps) * max(1.0, float(np.abs(y[..., i]).max()))
            up, down = y.copy(), y.copy()
            up[..., i] += h
            down[..., i] -= h
            made[..., i] = (function(up) - function(down)) / (up[..., i] - down[..., i])
        return made

    slope = differences if gradient is None else lambda y, u: gradient(y)

    def value(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        found = np.asarray(function(y), float)
        if found.shape != y.shape[:-1]:
            raise ParameterError(
                f"function(y) must give shape {y.shape[:-1]} for y of shape {y.shape}, not {found.shape}"
            )
        return found

    return EnergyFunction("given by the caller", value, slope, lambda y, u: np.full(y.shape[:-1], np.nan))


def _explained(
    chosen: EnergyFunction, y: np.ndarray, u: np.ndarray, values: np.ndarray, settings: GraphSettings
) -> np.ndarray:
    """What errors of one step within the tolerances can do to E: by Cauchy and Schwarz, |grad E . tol| sqrt(n)."""
    atol = settings.atol or 1e-3 * settings.rtol
    largest = np.maximum.accumulate(np.abs(y), axis=0)
    size = np.linalg.norm(chosen.gradient(y, u) * (atol + settings.rtol * largest), axis=1) * np.sqrt(y.shape[1])
    return np.maximum(size[1:], size[:-1]) + ROUNDING * np.abs(values).max()


def _bounds(program: Program) -> Mapping[str, tuple[float, float]]:
    return {
        label: tuple(data["bounds"])
        for name, part in program.states.slices.items()
        if (data := program.graph.nodes[name]).get("bounds") is not None
        for label in addresses(name, part.stop - part.start)
    }


def pinned_intervals(
    times: np.ndarray, y: np.ndarray, names: Sequence[str], bounds: Mapping[str, tuple[float, float]]
) -> tuple[Pinned, ...]:
    """Intervals of at least two saved points in which a state stood at its bound, ordered by their start."""
    found = []
    for place, name in enumerate(names):
        for bound in bounds.get(name, ()):
            at = np.concatenate([[False], y[:, place] == bound, [False]])
            edges = np.flatnonzero(np.diff(at.astype(int)))
            for begin, end in zip(edges[::2], edges[1::2], strict=True):
                if end - begin > 1:
                    found.append(Pinned(name, bound, float(times[begin]), float(times[end - 1])))
    return tuple(sorted(found, key=lambda p: (p.start, p.state)))
