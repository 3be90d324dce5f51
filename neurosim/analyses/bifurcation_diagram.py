"""Bifurcation diagrams: what an attractor shows of itself as a parameter changes.

Of a flow the local maxima of an unknown (located between samples), or its values on a Poincare section; of a map its
samples. The values of the parameter run side by side from the same start, or each goes on from where the last one
ended, in both directions, which shows hysteresis.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.poincare_section import poincare_section
from neurosim.analyses.runs import RTOL, Rows, Runs, with_values
from neurosim.errors import NeurosimError, ParameterError, SimulationError
from neurosim.graph.program import Program
from neurosim.memristive.network import MemristiveNetwork

KINDS = ("maxima", "minima", "section", "samples")

SAMPLES = 4000
"""Points of a run on which extrema are sought."""

REST = 1e-5
"""A run that moves by less than this, relative to the largest value of the diagram, rests: its last value is shown."""


@dataclass(frozen=True)
class BifurcationDiagram(Drawable):
    """Points over a parameter.

    Attributes
    ----------
    title, parameter, observe, kind : str
    values : ndarray, shape (m,)
        Of the parameter, one for each point.
    observed : ndarray, shape (m,)
    directions : ndarray of int, shape (m,)
        1 where the parameter went up (or the run began anew), -1 where it went down (with ``follow``).
    failures : dict of float to str
        Parameter values whose run failed.
    """

    drawn_by = "bifurcation_diagram:bifurcation_diagram"

    title: str
    parameter: str
    observe: str
    kind: str
    values: np.ndarray
    observed: np.ndarray
    directions: np.ndarray
    failures: dict[float, str]

    def at(self, value: float, direction: int = 1) -> np.ndarray:
        """Points at the computed parameter value nearest to `value`."""
        chosen = self.directions == direction
        if not chosen.any():
            return np.empty(0)
        near = self.values[chosen][np.argmin(np.abs(self.values[chosen] - value))]
        return self.observed[chosen & (self.values == near)]

    def periods(self, tolerance: float = 1e-4, direction: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Parameter values, and how many different points each shows.

        Parameters
        ----------
        tolerance : float
            Points nearer than this share of the range of the diagram are one.
        """
        gap = tolerance * float(np.ptp(self.observed)) if self.observed.size else 0.0
        chosen = self.directions == direction
        values, first = np.unique(self.values[chosen], return_inverse=True)
        shown = [np.sort(self.observed[chosen][first == k]) for k in range(len(values))]
        return values, np.array([1 + (np.diff(points) > gap).sum() for points in shown], int)


def bifurcation_diagram(
    what: Any, parameter: str, values: Any, observe: str | None = None, *, kind: str | None = None,
    transient: float | None = None, duration: float | None = None, section: str | None = None, follow: bool = False,
    start: Any = None, inputs: Any = None, step: float | None = None, rtol: float = RTOL,
) -> BifurcationDiagram:  # fmt: skip
    """What remains of runs after their transient, over a parameter.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    parameter : str
        Address, as of `neurosim.solve.dynamics.Dynamics.with_parameters`.
    values : array_like
        Of the parameter.
    observe : str, optional
        Unknown to show, default the first.
    kind : {"maxima", "minima", "section", "samples"}, optional
        Local extrema of a flow (default), its values where ``section`` is crossed, or (default of a map) all samples.
    transient, duration : float, optional
        Left out before, and shown [s, or steps of a map]; default that of .tran, 100 time constants, or 500 steps,
        each; of a map 200 steps are shown; of a memristive network as much is left out as is shown.
    section : str, optional
        ``"x[2] = 27"``, see `neurosim.analyses.poincare_section.poincare_section`.
    follow : bool
        Go through the values one after the other, up and down again, each from the end of the last run.
    start : array_like, shape (n,), optional
        Default the initial state of each parameter value.
    inputs : mapping, optional
        Drives of a graph.
    step : float, optional
        Between the samples that extrema are located from [s], default 1/4000 of the duration.
    rtol : float
        Default 1e-7.

    Raises
    ------
    ParameterError, UnknownNameError
    SimulationError
        All runs failed.
    """
    levels = np.atleast_1d(np.asarray(values, float))
    if levels.ndim != 1 or levels.size < 1 or not np.isfinite(levels).all():
        raise ParameterError(f"values of '{parameter}' must be finite numbers in one row, not shape {levels.shape}")
    runs = Runs(what, (parameter,), inputs=inputs, rtol=rtol)
    with_values(runs.model, {parameter: float(levels[0])})
    name = runs.names[runs.field.index(observe)] if observe else runs.names[0]
    chosen = kind or ("section" if section else "samples" if runs.is_map else "maxima")
    if chosen not in KINDS:
        raise ParameterError(f"kind = {kind!r}; it is one of {', '.join(KINDS)}")
    if runs.is_map and chosen != "samples":
        raise ParameterError(f"'{runs.field.title}' is a map: kind is 'samples'")
    if (chosen == "section") != (section is not None):
        raise ParameterError("kind 'section' goes with section='x[2] = 27' or the like")
    length = (200.0 if runs.is_map else runs.duration) if duration is None else float(duration)
    if transient is None:
        wait = length if isinstance(runs.model, MemristiveNetwork) else runs.duration
    else:
        wait = float(transient)
    if not (wait >= 0.0 and length > 0.0):
        raise ParameterError(f"transient = {wait:g} and duration = {length:g} must be positive")
    begin = runs.start if start is None else np.asarray(start, float)
    if begin.shape != runs.start.shape:
        raise ParameterError(f"start needs {runs.start.size} numbers, not shape {begin.shape}")
    span = (wait, wait + length)
    dt = 1.0 if runs.is_map else step or length / SAMPLES
    if chosen == "section":
        if follow:
            raise ParameterError("follow=True goes with kind 'maxima', 'minima' or 'samples'")
        points, failures = _sections(runs, parameter, levels, name, section, span, start, rtol)
        return _joined(runs, parameter, name, chosen, [(levels, points, 1)], failures)
    if not follow:
        given = None if start is None else np.tile(begin, (levels.size, 1))
        rows = runs.run(span, dt, levels[:, None], given, save=[name])
        failures = {float(levels[k]): why for k, why in rows.failures.items()}
        return _joined(runs, parameter, name, chosen, [(levels, _points(rows, chosen), 1)], failures)
    way, failures, y = [], {}, begin
    for order, direction in ((np.sort(levels), 1), (np.sort(levels)[::-1], -1)):
        found: list[np.ndarray] = []
        for value in order.tolist():
            rows = runs.run(span, dt, [[value]], y[None])
            if rows.failures:
                failures[value] = next(iter(rows.failures.values()))
                y = begin
                found.append(np.empty(0))
                continue
            y = rows.values[0, -1]
            place = [runs.names.index(name)]
            found += _points(Rows(rows.times, rows.values[:, :, place], {}), chosen)
        way.append((order, found, direction))
    return _joined(runs, parameter, name, chosen, way, failures)


def _joined(
    runs: Runs, parameter: str, name: str, kind: str, ways: Sequence[tuple[np.ndarray, list[np.ndarray], int]],
    failures: dict[float, str],
) -> BifurcationDiagram:  # fmt: skip
    """One diagram from the points of each value."""
    sizes = [[p.size for p in points] for _, points, _ in ways]
    return BifurcationDiagram(
        runs.field.title, parameter, name, kind,
        np.concatenate([np.repeat(levels, size) for (levels, _, _), size in zip(ways, sizes, strict=True)]),
        np.concatenate([p for _, points, _ in ways for p in points] or [np.empty(0)]),
        np.concatenate([np.full(sum(size), way[2]) for way, size in zip(ways, sizes, strict=True)]),
        failures,
    )  # fmt: skip


def _points(rows: Rows, kind: str) -> list[np.ndarray]:
    """What each row shows."""
    values = rows.values[..., 0]
    finite = values[np.isfinite(values)]
    size = REST * float(np.abs(finite).max(initial=0.0))
    found = []
    for row in values:
        if not np.isfinite(row).all():
            found.append(np.empty(0))
        elif kind == "samples":
            found.append(row)
        elif np.ptp(row) <= size:
            found.append(row[-1:])
        else:
            found.append(maxima(row) if kind == "maxima" else -maxima(-row))
    return found


def maxima(samples: np.ndarray) -> np.ndarray:
    """Values at the local maxima of evenly sampled values, from the quartic through five of them; error O(h^5)."""
    middle = samples[2:-2]
    top = 2 + np.flatnonzero((middle > samples[1:-3]) & (middle >= samples[3:-1]))
    if not top.size:
        return np.empty(0)
    a, b, c, d, e = (samples[top + k] for k in range(-2, 3))
    slope = (a - 8.0 * b + 8.0 * d - e) / 12.0
    second = (-a + 16.0 * b - 30.0 * c + 16.0 * d - e) / 12.0
    third = (-a + 2.0 * b - 2.0 * d + e) / 2.0
    fourth = a - 4.0 * b + 6.0 * c - 4.0 * d + e
    x = np.zeros(top.size)
    for _ in range(4):
        rate = slope + x * (second + x * (third / 2.0 + x * fourth / 6.0))
        bend = second + x * (third + x * fourth / 2.0)
        x = np.clip(x - np.divide(rate, bend, out=np.zeros_like(x), where=bend < 0.0), -1.0, 1.0)
    return c + x * (slope + x * (second / 2.0 + x * (third / 6.0 + x * fourth / 24.0)))


def _sections(
    runs: Runs, parameter: str, levels: np.ndarray, name: str, section: Any, span: tuple[float, float], start: Any,
    rtol: float,
) -> tuple[list[np.ndarray], dict[float, str]]:  # fmt: skip
    """Values of an unknown on a section, for each parameter value."""

    def one(value: float) -> np.ndarray | str:
        try:
            return poincare_section(
                with_values(runs.model, {parameter: value}), section, t_span=(0.0, span[1]), transient=span[0],
                start=start, rtol=rtol, **({"inputs": runs.inputs} if isinstance(runs.model, Program) else {}),
            )[name]  # fmt: skip
        except NeurosimError as error:
            return str(error)

    with ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="neurosim-section") as pool:
        made = list(pool.map(one, levels.tolist()))
    failures = {float(v): m for v, m in zip(levels, made, strict=True) if isinstance(m, str)}
    if len(failures) == len(made):
        raise SimulationError(f"no section was computed; the first: {next(iter(failures.values()))}")
    return [np.empty(0) if isinstance(m, str) else m for m in made], failures
