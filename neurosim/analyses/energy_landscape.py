"""Energy on a plane through state space, with trajectories projected onto it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.energy_function import energy_function
from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.assembly import addresses
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.invariants import energy_form
from neurosim.memristive.network import MemristiveNetwork
from neurosim.randomness import stream
from neurosim.solve.simulate_graph import simulate_graph
from neurosim.solve.simulate_network import simulate_network

MARGIN = 0.25
"""Room around the trajectories, as a share of what they span."""


@dataclass(frozen=True)
class EnergyLandscape(Drawable):
    """Energy over ``centre + a first + b second``.

    Attributes
    ----------
    title, formula : str
    labels : (str, str)
    centre : ndarray, shape (n,)
    directions : ndarray, shape (2, n)
        Of unit length.
    first, second : ndarray, shape (points,)
        Coordinates a and b of the grid.
    energy : ndarray, shape (points, points)
        ``energy[j, i]`` at ``(first[i], second[j])``; NaN where there is none.
    trajectories : tuple of ndarray, shape (samples, 2)
        Coordinates of the runs; what they do across the plane is not seen.
    off_plane : tuple of float
        Largest distance of each run from the plane.
    """

    drawn_by = "energy_landscape:energy_landscape"

    title: str
    formula: str
    labels: tuple[str, str]
    centre: np.ndarray
    directions: np.ndarray
    first: np.ndarray
    second: np.ndarray
    energy: np.ndarray
    trajectories: tuple[np.ndarray, ...]
    off_plane: tuple[float, ...]


def energy_landscape(
    graph: SignalGraph | Program | MemristiveNetwork, plane: tuple[Any, Any] | None = None, *, centre: Any = None,
    extent: float | None = None, points: int = 121, inputs: Any = None, starts: Any = 8,
    duration: float | None = None, seed: int = 0, **settings: Any,
) -> EnergyLandscape:  # fmt: skip
    """Energy of a network on a plane, with runs from several starts.

    Parameters
    ----------
    graph : SignalGraph, Program or MemristiveNetwork
    plane : pair, optional
        Two addresses (``("u[0]", "u[3]")``) or two vectors of shape (n,). Default: the plane of largest variance of the
        runs.
    centre : array_like, shape (n,), optional
        A point of the plane; default the mean of the ends of the runs, or 0 where addresses are given.
    extent : float, optional
        Half width of the plane; default what the runs need.
    points : int
        Along each direction.
    inputs : array_like, shape (inputs,), optional
        Held inputs, default 0.
    starts : int or array_like, shape (runs, n)
        Number of random starts (standard normal around the centre; within the bounds of a memristive network), or the
        starts themselves.
    duration : float, optional
        Of each run [s], default 20 times the largest time constant of a graph.
    seed : int
    **settings
        Of the simulation.

    Raises
    ------
    ParameterError, UnknownNameError
        A circuit has no energy that is known as a function of its states: `neurosim.energy` gives its powers.
    """
    net = graph if isinstance(graph, MemristiveNetwork) else None
    if net is not None:
        form, labels, title = energy_form(net), net.state_names, net.title
        formula, largest = "Lyapunov function of the network", None
        u = np.zeros(0)
        if inputs is not None:
            raise ParameterError("inputs= are of graphs: a memristive network has its own sources")

        def values_at(y: np.ndarray) -> np.ndarray:
            return form.value(y)

        def run_from(start: np.ndarray) -> np.ndarray:
            result = simulate_network(net, (0.0, stop), initial=start, save=["states"], **settings)
            return np.stack([result.columns[a].values if a in result.columns else start[e] + 0.0 * result.time
                             for e, a in enumerate(labels)], 1)  # fmt: skip
    elif isinstance(graph, (SignalGraph, Program)):
        program = graph if isinstance(graph, Program) else compile_graph(graph)
        chosen, title, formula = energy_function(program), program.graph.title, energy_function(program).formula
        labels = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
        u = np.zeros(program.inputs.size) if inputs is None else np.asarray(inputs, float).reshape(program.inputs.size)
        drive = {name: u[part] for name, part in program.inputs.slices.items()}
        largest = float(np.nanmax(program.time_constant))

        def values_at(y: np.ndarray) -> np.ndarray:
            return _values(chosen, y, u)

        def run_from(start: np.ndarray) -> np.ndarray:
            result = simulate_graph(
                program, (0.0, stop), drive=drive, initial={k: start[p] for k, p in program.states.slices.items()},
                save=list(program.states.slices), **settings,
            )  # fmt: skip
            return np.column_stack([result[label] for label in labels])
    else:
        raise ParameterError(
            f"energy_landscape() takes a SignalGraph or a MemristiveNetwork, not {type(graph).__name__}; energy() "
            "gives the powers of a circuit"
        )
    n = len(labels)
    if n < 2:
        raise ParameterError(f"a plane needs two states; '{title}' has {n}")
    if points < 2:
        raise ParameterError(f"points = {points} must be at least 2")
    middle = np.zeros(n) if centre is None else np.asarray(centre, float).reshape(n)
    if np.ndim(starts) == 0:
        random = stream(seed, "energy landscape", "starts")
        if net is None:
            begin = middle + random.standard_normal((int(starts), n))
        else:
            begin = net.laws.lower + random.random((int(starts), n)) * (net.laws.upper - net.laws.lower)
    else:
        begin = np.asarray(starts, float).reshape(-1, n)
    if duration is None and largest is None:
        raise ParameterError(f"network '{title}' has no time constant that says how long to run: give duration=")
    stop = duration or 20.0 * (largest or 0.0)
    runs = [run_from(start) for start in begin]
    directions, shown = _plane(plane, labels, runs, n)
    if centre is None and plane is None and runs:
        middle = np.mean([run[-1] for run in runs], axis=0)
    projected = tuple((run - middle) @ directions.T for run in runs)
    if extent is None:
        extent = max([float(np.abs(p).max()) for p in projected], default=1.0) * (1.0 + MARGIN) or 1.0
    axis = np.linspace(-extent, extent, points)
    grid = middle + axis[None, :, None] * directions[0] + axis[:, None, None] * directions[1]
    values = values_at(grid.reshape(-1, n)).reshape(points, points)
    off = tuple(
        float(np.linalg.norm(run - middle - p @ directions, axis=1).max())
        for run, p in zip(runs, projected, strict=True)
    )
    return EnergyLandscape(title, formula, shown, middle, directions, axis, axis.copy(), values, projected, off)


def _values(chosen: Any, y: np.ndarray, u: np.ndarray) -> np.ndarray:
    """E, NaN outside the region where it exists (rates out of the range of their function)."""
    held = np.broadcast_to(u, (len(y), u.size)).copy()
    try:
        return chosen.value(y, held)
    except RuntimeError:
        return np.array([_value_or_nan(chosen, point[None], u[None]) for point in y])


def _value_or_nan(chosen: Any, y: np.ndarray, u: np.ndarray) -> float:
    try:
        return float(chosen.value(y, u)[0])
    except RuntimeError:
        return float("nan")


def _plane(
    plane: tuple[Any, Any] | None, labels: Sequence[str], runs: list[np.ndarray], n: int
) -> tuple[np.ndarray, tuple[str, str]]:
    """Two orthonormal directions, and what they are called."""
    if plane is None:
        if not runs:
            raise ParameterError("without starts there are no runs to choose a plane from: give plane=")
        joined = np.concatenate(runs)
        _, _, rows = np.linalg.svd(joined - joined.mean(0), full_matrices=False)
        return rows[:2], ("first principal direction", "second principal direction")
    made, shown = [], []
    for k, asked in enumerate(plane):
        if isinstance(asked, str):
            if asked not in labels:
                raise UnknownNameError(f"no state '{asked}'; {nearest(asked, labels)}")
            vector = np.zeros(n)
            vector[labels.index(asked)] = 1.0
            shown.append(asked)
        else:
            vector = np.asarray(asked, float)
            if vector.shape != (n,) or not np.isfinite(vector).all():
                raise ParameterError(f"direction {k + 1} of the plane needs {n} finite numbers, not {np.shape(asked)}")
            shown.append(f"direction {k + 1}")
        made.append(vector)
    q, r = np.linalg.qr(np.array(made).T)
    if np.abs(np.diag(r)).min() < 1e-12 * np.abs(r).max():
        raise ParameterError("the two directions of the plane are parallel")
    return (q * np.sign(np.diag(r))).T, (shown[0], shown[1])
