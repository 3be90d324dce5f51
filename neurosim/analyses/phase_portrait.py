"""Phase portraits: the field on a plane, its nullclines, fixed points, and runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import field_of
from neurosim.analyses.fixed_points import FixedPoint, fixed_points
from neurosim.analyses.plane import Plane, plane_of
from neurosim.analyses.reduced_flow import ReducedFlow
from neurosim.analyses.runs import Runs
from neurosim.errors import ParameterError
from neurosim.randomness import stream

SAMPLES = 800
"""Points of a run."""

COARSE = 6
"""Starts of Newton's method along each axis, beside random ones."""


@dataclass(frozen=True)
class PhasePortrait(Drawable):
    """A field on a plane.

    Attributes
    ----------
    title : str
    plane : Plane
    is_map : bool
    rates : ndarray, shape (points, points, 2)
        ``rates[j, i]`` at ``(first[i], second[j])``: y' [unit/s] along the two axes, or the change in a step of a map;
        NaN where the algebraic equations have no solution. Nullclines are where one of them is 0.
    fixed : tuple of FixedPoint
        Those that lie in the drawn part, seen across the plane.
    on_plane : tuple of bool
        Whether a fixed point lies on the plane itself.
    trajectories : tuple of ndarray, shape (samples, 2)
        What runs do across the plane is not seen.
    """

    drawn_by = "phase_portrait:phase_portrait"

    title: str
    plane: Plane
    is_map: bool
    rates: np.ndarray
    fixed: tuple[FixedPoint, ...]
    on_plane: tuple[bool, ...]
    trajectories: tuple[np.ndarray, ...]


def phase_portrait(
    what: Any, plane: tuple[str, str] | None = None, *, centre: Any = None, extent: Any = None, points: int = 81,
    starts: Any = 8, duration: float | None = None, inputs: Any = None, at: float = 0.0, seed: int = 0,
) -> PhasePortrait:  # fmt: skip
    """Field, nullclines, fixed points and runs on a plane of two states.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    plane : (str, str), optional
        Addresses of two states, default the first two.
    centre : mapping or array_like, shape (n,), optional
        Values of the other states, default those of the start.
    extent : float, pair, or ((low, high), (low, high)), optional
        Half width around the centre; default what fixed points and a run from the start need.
    points : int
        Of the grid along each axis, default 81.
    starts : int or array_like, shape (runs, 2) or (runs, n)
        Number of random starts in the drawn part, default 8, or the starts: on the plane, or whole states.
    duration : float, optional
        Of the runs [s or steps]; default that of .tran, or 100 time constants, or 500 steps.
    inputs : mapping, optional
        Held inputs of a graph, default 0.
    at : float
        Time at which sources are taken for the field [s]; runs begin at 0.
    seed : int

    Returns
    -------
    PhasePortrait

    Raises
    ------
    ParameterError, UnknownNameError
        An unknown that follows from others by algebraic equations is no axis; names the states.
    """
    field = field_of(what, inputs=inputs, at=at)
    runs = Runs(what, inputs=inputs)
    flow = ReducedFlow(field)
    stop = runs.duration if duration is None else float(duration)
    if not stop > 0.0:
        raise ParameterError(f"duration = {stop:g} must be positive")
    step = 1.0 if field.is_map else stop / SAMPLES
    seen = None
    found = ()
    if extent is None:
        found = fixed_points(what, inputs=inputs, at=at, seed=seed).points
        usual = runs.run((0.0, stop), step, None, field.start[None]).values[0]
        seen = np.vstack([[p.state for p in found], usual]) if found else usual
    shown = plane_of(field, plane, centre, extent, points, seen)
    flow.check_states(shown.names)
    if not found:
        coarse = Plane(shown.names, shown.places, shown.centre, *(
            np.linspace(axis[0], axis[-1], COARSE) for axis in (shown.first, shown.second)
        )).states().reshape(-1, field.start.size)  # fmt: skip
        found = fixed_points(what, inputs=inputs, at=at, starts=np.vstack([field.start[None], coarse])).points
    states = shown.states()
    rates = np.array([[shown.project(flow.rate(y)) for y in row] for row in states])
    inside = [p for p in found if shown.holds(p.state)]
    size = max(np.ptp(shown.first), np.ptp(shown.second))
    consistent = shown if not flow.algebraic.size else None
    on_plane = tuple(
        bool(consistent is not None and consistent.distance(p.state) <= 1e-6 * size) or _on(flow, shown, p.state, size)
        for p in inside
    )
    begin = _starts(shown, starts, seed)
    made = runs.run((0.0, stop), step, None, begin).values if len(begin) else []
    return PhasePortrait(
        field.title, shown, field.is_map, rates, tuple(inside), on_plane,
        tuple(shown.project(run[np.isfinite(run).all(axis=1)]) for run in made),
    )  # fmt: skip


def _on(flow: ReducedFlow, plane: Plane, state: np.ndarray, size: float) -> bool:
    """Whether the point of the plane below a state, made consistent, is that state."""
    below = flow.consistent(plane.at(*plane.project(state)))
    return below is not None and bool(np.abs(below - state).max() <= 1e-6 * max(size, np.abs(state).max()))


def _starts(plane: Plane, starts: Any, seed: int) -> np.ndarray:
    """Whole states to start from."""
    n = plane.centre.size
    if np.ndim(starts) == 0:
        if int(starts) < 0:
            raise ParameterError(f"starts = {starts} must not be negative")
        draw = stream(seed, "phase portrait", "starts").random((int(starts), 2))
        ends = np.array([[plane.first[0], plane.first[-1]], [plane.second[0], plane.second[-1]]])
        given = ends[:, 0] + draw * (ends[:, 1] - ends[:, 0])
    else:
        given = np.atleast_2d(np.asarray(starts, float))
    if given.ndim != 2 or given.shape[1] not in (2, n) or not np.isfinite(given).all():
        raise ParameterError(f"starts of shape {given.shape} must be (runs, 2) or (runs, {n}) finite numbers")
    return plane.at(given[:, 0], given[:, 1]) if given.shape[1] == 2 else given
