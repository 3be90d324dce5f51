"""Periodic orbits by shooting: period, Floquet multipliers and stability, of autonomous and of driven systems.

Newton's method solves phi_T(y) = y for a point y and, where nothing drives the system, the period T; then the change of
y is orthogonal to the flow. The derivative of phi_T (the monodromy matrix, whose eigenvalues are the Floquet
multipliers) comes from the tangent vectors that the compiled loop carries along. One round is cut into segments that
follow the steps of an adaptive run, so relaxation oscillations are resolved where they are fast. Stiff rounds are shot
implicitly, on the steps that the implicit method itself needs from the point where Newton's method is.

Source: Kuznetsov, "Elements of Applied Bifurcation Theory" (Springer), section 10.2.2; the product of all multipliers
is the exponential of the integral of the divergence (Liouville), section 1.5 (both recalled).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import field_of
from neurosim.analyses.reduced_flow import ReducedFlow
from neurosim.analyses.runs import Runs
from neurosim.analyses.tangent_flow import TangentFlow
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.events import EventProgram
from neurosim.graph.program import Program
from neurosim.memristive.network import MemristiveNetwork
from neurosim.solve.crossings import Crossing
from neurosim.solve.dynamics import Dynamics, dynamics
from neurosim.solve.simulate import simulate

ITERATIONS = 25
"""Of Newton's method."""

SEGMENTS, LEAST_STEPS = 400, 160
"""Of a round: at most so many segments of equal steps, and at least so many steps."""

REFINEMENTS = 5
"""How often the steps are halved until period and multipliers stay."""

STIFF, STIFF_RUN = 1e3, 1e5
"""Where the largest eigenvalue, integrated over a round or a run, is larger, an implicit method is taken for it."""

MESH, FINEST = 1e-6, 2e-11
"""Error of an implicit step on the first mesh and on the finest; each takes about twice as many steps as the last."""

SETTLED = 1e-6
"""With a smaller residual, relative to the size of the orbit, the mesh stays."""

ROUNDS = 20.0
"""Transient of a driven system that has no time of its own, in periods."""

NEUTRAL = 1e-6
"""A multiplier whose size differs from 1 by less than this neither grows nor shrinks."""

RETURNS, LONGER = 16, 8.0
"""A round may cross its mean level so many times; where a run does not come round, it is made so much longer."""


@dataclass(frozen=True)
class LimitCycle(Drawable):
    """A periodic orbit.

    Attributes
    ----------
    title : str
    names : list of str
    period : float
        Seconds.
    is_driven : bool
        Whether the period is that of the drive.
    multipliers : ndarray of complex, shape (states,)
        By falling size; of an autonomous system one is 1.
    times : ndarray, shape (points,)
        From 0 to the period, as the steps were [s].
    states : ndarray, shape (points, n)
        The last equals the first.
    log_product : float
        Logarithm of the size of the product of all multipliers, from what volumes do; NaN where a vector was lost, and
        rough with sdirk4 in stiff directions.
    divergence : float
        Integral of the divergence over a round, which must be `log_product`; NaN where M is singular.
    residual : float
        Largest difference between end and start, relative to the size of the orbit.
    error : float
        By how much the period (of a driven system the orbit's largest multiplier) changed at the last halving of the
        steps, relative.
    """

    drawn_by = "limit_cycle:limit_cycle"

    title: str
    names: list[str]
    period: float
    is_driven: bool
    multipliers: Any
    times: np.ndarray
    states: np.ndarray
    log_product: float
    divergence: float
    residual: float
    error: float

    @property
    def transverse(self) -> np.ndarray:
        """Multipliers without the one along the orbit."""
        if self.is_driven:
            return self.multipliers
        return np.delete(self.multipliers, np.argmin(np.abs(self.multipliers - 1.0)))

    @property
    def unstable(self) -> int:
        """Number of directions that grow from round to round."""
        return int((np.abs(self.transverse) > 1.0 + NEUTRAL).sum())

    @property
    def neutral(self) -> int:
        """Number of directions across the orbit that neither grow nor shrink: neighbours are orbits too."""
        return int((np.abs(np.abs(self.transverse) - 1.0) <= NEUTRAL).sum())

    @property
    def is_stable(self) -> bool:
        """Whether all directions across the orbit shrink."""
        return self.unstable + self.neutral == 0

    @property
    def stability(self) -> str:
        """In words: ``"stable"``, ``"unstable in 1 directions"``, ``"neutral in 2 directions"`` or both."""
        parts = {"unstable": self.unstable, "neutral": self.neutral}
        return ", ".join(f"{word} in {count} directions" for word, count in parts.items() if count) or "stable"

    @property
    def exponents(self) -> np.ndarray:
        """Real parts of the Floquet exponents [1/s]."""
        with np.errstate(divide="ignore"):
            return np.log(np.abs(self.multipliers)) / self.period

    def range_of(self, name: str) -> tuple[float, float]:
        """Smallest and largest value of an unknown, between the steps by a spline."""
        from scipy.interpolate import CubicSpline

        y = self.states[:, self.names.index(name)]
        spline = CubicSpline(self.times, y)
        turns = spline.derivative().roots(extrapolate=False)
        values = np.append(y, spline(turns[np.isfinite(turns)]))
        return float(values.min()), float(values.max())

    def amplitude(self, name: str) -> float:
        """Half the range of an unknown."""
        low, high = self.range_of(name)
        return 0.5 * (high - low)


def limit_cycle(
    what: Any, start: Any = None, *, period: float | None = None, transient: float | None = None, inputs: Any = None,
    rtol: float = 1e-9, method: str = "auto",
) -> LimitCycle:  # fmt: skip
    """Find the periodic orbit that a run leads to, or that lies near a given point.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    start : array_like, shape (n,), optional
        A point near the orbit; needs `period`. Default: the end of a transient. Unstable orbits need it.
    period : float, optional
        Of the drive [s]; of an autonomous system a first guess.
    transient : float, optional
        Run before the orbit is looked for [s]; default that of .tran, or 100 time constants, or 8, 64 or 512 times as
        long where that does not come round.
    inputs : mapping, optional
        Drives of a graph, periodic with `period`.
    rtol : float
        To which steps are halved until the period stays, default 1e-9.
    method : str
        ``"auto"`` takes dop853, or sdirk4 where M is singular or the oscillation stiff (of small `rtol` the latter
        needs many steps); see `neurosim.analyses.tangent_flow`.

    Returns
    -------
    LimitCycle

    Raises
    ------
    ParameterError
        A driven system without `period`, a map.
    SimulationError
        The run comes to rest, does not return, or Newton's method does not converge.
    """
    runs = Runs(what, inputs=inputs, rtol=min(1e-7, max(100.0 * rtol, 1e-12)), jumps=True)
    if runs.is_map:
        raise ParameterError(f"'{runs.field.title}' is a map: take fixed_points() of it, or bifurcation_diagram()")
    if start is not None and period is None:
        raise ParameterError("start= needs period=, a first guess of the period")
    if not 1e-13 <= rtol < 1.0:
        raise ParameterError(f"rtol = {rtol!r} must lie between 1e-13 and 1")
    if period is not None and not 0.0 < period < math.inf:
        raise ParameterError(f"period = {period!r} s must be positive")
    has_own_time = not isinstance(runs.model, MemristiveNetwork) or not period
    wait = transient or (runs.duration if has_own_time else ROUNDS * (period or 0.0))
    shooting = _Shooting(runs, method, 2.0 * period if period else wait)
    if shooting.is_driven and period is None:
        raise ParameterError(f"'{runs.field.title}' is driven: give the period of its drive, period=")
    if start is not None:
        y = np.asarray(start, float)
        if y.shape != runs.start.shape:
            raise ParameterError(f"start needs {runs.start.size} numbers, not shape {y.shape}")
        assert period is not None
        guess = y, period, np.linspace(0.0, 1.0, SEGMENTS // 10 + 1)
    elif shooting.is_driven:
        assert period is not None
        rounds = max(1, math.ceil(wait / period))
        end = runs.run((rounds * period, (rounds + 0.5) * period), 0.5 * period, None, runs.start[None]).values[0, 0]
        guess = end, period, np.linspace(0.0, 1.0, SEGMENTS // 10 + 1)
    else:
        waits = [wait * LONGER**k for k in range(1 if transient else 4)]
        guess, *round_of_run = _guess(runs, shooting.model, waits, period)
        if method == "auto" and not shooting.is_implicit and _stiffness(shooting.model, *round_of_run) > STIFF:
            shooting = _Shooting(runs, "sdirk4", 2.0 * guess[1])
        shooting.size = np.abs(round_of_run[1]).max(axis=0)
    return shooting.solve(*guess, rtol)


def _guess(
    runs: Runs, model: Dynamics, waits: list[float], period: float | None
) -> tuple[tuple[np.ndarray, float, np.ndarray], np.ndarray, np.ndarray]:
    """A point of the orbit, its period, a mesh of [0, 1] that follows the steps of a run, and its times and points."""
    for wait in waits:
        rows = runs.run((0.5 * wait, wait), wait / 8000.0, None, runs.start[None])
        if rows.failures:
            raise SimulationError(f"the transient of '{runs.field.title}' failed: {rows.failures[0]}")
        y = rows.values[0]
        low, high = y.min(axis=0), y.max(axis=0)
        late = y[len(y) // 2 :]
        moves = np.ptp(late, axis=0) / np.maximum(np.abs(y).max(axis=0), 1e-300)
        k = int(np.argmax(moves))
        if moves[k] < 1e-5:
            raise SimulationError(
                f"'{runs.field.title}' comes to rest ({runs.names[k]} = {late[-1, k]:.6g}): this start leads to no "
                "limit cycle; give start= and period= of an unstable one"
            )
        crossing = Crossing(runs.names[k], 0.5 * float(late[:, k].min() + late[:, k].max()), "up")
        settings: dict[str, Any] = {}
        if isinstance(runs.model, Program):
            stiff = 2.0 * _stiffness(model, rows.times, y) > STIFF_RUN
            settings = {"drive": runs.inputs, "method": "rodas5p" if stiff else "auto"}
        result = simulate(
            runs.model, (0.0, wait), events={"level": crossing}, print_step=wait, rtol=runs.rtol,
            save=tuple(runs.names), **settings,
        )  # fmt: skip
        times = result.events["level"][-RETURNS - 1 :]
        if times.size >= 2:
            break
    else:
        raise SimulationError(
            f"{crossing.expression} of '{runs.field.title}' crosses {crossing.level:.6g} only {times.size} times in "
            f"{wait:g} s: give a longer transient="
        )
    y = np.stack([result[name] for name in runs.names], 1)
    at = np.searchsorted(result.axis, times)
    scale = np.maximum(high - low, 1e-12 * np.abs(y).max(axis=0) + 1e-300)
    away = (y[at[:-1]] - y[at[-1]]) / scale
    # Errors of the time of a crossing move along the orbit.
    along = (y[at[-1]] - y[at[-1] - 1]) / scale
    away = np.abs(away - np.outer(away @ along, along) / max(along @ along, 1e-300)).max(axis=1)
    lengths = times[-1] - times[:-1]
    if period is not None:
        first = int(np.argmin(np.abs(lengths - period)))
    else:
        # The shortest round that comes as near as any.
        first = int(np.flatnonzero(away <= max(2.0 * away.min(), 1e-3))[-1])
    around = slice(at[first], at[-1] + 1)
    steps, y, length = result.axis[around], y[around], float(lengths[first])
    # Where the orbit is slow, errors of time are small errors of the state.
    lasts = np.diff(steps)
    speed = np.full(lasts.size, np.inf)
    np.divide(np.linalg.norm(np.diff(y, axis=0) / scale, axis=1), lasts, out=speed, where=lasts > 0.0)
    begin = int(np.argmin(speed))
    mesh = np.sort(((steps[:-1] - steps[begin]) / length) % 1.0)
    every = max(1, math.ceil(len(mesh) / SEGMENTS))
    return (y[begin], length, np.append(mesh[::every], 1.0)), steps, y


def _stiffness(model: Dynamics, times: np.ndarray, y: np.ndarray) -> float:
    """The largest eigenvalue in size, integrated over a round: what an explicit method needs steps for."""
    chosen, mass = np.linspace(0, len(y) - 1, 60).astype(int), model.mass.diagonal()
    rates = [np.abs(np.linalg.eigvals(model.jacobian(0.0, y[k]).toarray() / mass[:, None])).max() for k in chosen]
    return float(np.trapezoid(rates, times[chosen]))


class _Shooting:
    """One round of the flow, with its derivative."""

    def __init__(self, runs: Runs, method: str, stop: float) -> None:
        self.runs = runs
        driven = {"drive": runs.inputs} if isinstance(runs.model, Program) else {}
        self.model = dynamics(runs.model, stop=stop, jumps=True, **driven)
        program = runs.model if isinstance(runs.model, EventProgram) else None
        if program is not None and program.has_pauses:
            raise ParameterError(
                f"'{self.model.title}' has a refractory time, which a point of its states does not know: no orbit is "
                "shot from there; lyapunov_spectrum() gives the exponents"
            )
        self.flow = ReducedFlow(field_of(self.model))
        n = self.flow.rank
        plain = bool((self.model.mass.diagonal() != 0.0).all()) and n == self.model.size
        self.space = TangentFlow(self.model, n, ("dop853" if plain else "sdirk4") if method == "auto" else method, 0)
        self.space.begin(stop / 1000.0, stop, 0.0)
        self.kept = self.space.checkpoint()
        self.is_implicit = self.space.method == "sdirk4"
        self.size = np.zeros(runs.start.size)
        self.is_driven = not self.space.is_autonomous
        places, scale = self.space.places, self.space.scale
        self.to_coordinates = self.flow.coordinates[:, places] * scale
        q, self.first = np.linalg.qr(self.flow.states[places] / scale[:, None])
        self.frame = np.ascontiguousarray(q.T)

    def round(self, y: np.ndarray, period: float, mesh: np.ndarray, steps: int, *, points: bool = False) -> Any:
        """End, derivative, log of the volume, integral of the divergence, and with `points` times and states."""
        space = self.space
        space.restart(self.kept, y)
        space.frame = self.frame
        chain, volume, divergence = self.first, 0.0, 0.0
        times, states = [np.zeros(1)], [y[None]]
        for low, high in pairwise(mesh):
            space.take_steps_of(period * (high - low) / steps)
            made = space.run(steps if points else 1, 1 if points else steps, triangles=True, points=points)
            for triangle in made.triangles:
                chain = triangle @ chain
            volume += float(made.logs.sum())
            divergence += float(made.divergence.sum())
            if points:
                times.append(period * (low + (high - low) * np.arange(1, steps + 1) / steps))
                states.append(made.points)
        derivative = self.to_coordinates @ space.frame.T @ chain
        return space.point, derivative, volume, divergence, np.concatenate(times), np.concatenate(states)

    def rate(self, y: np.ndarray, t: float) -> np.ndarray:
        """Rates along the states, shape (rank,)."""
        there = self.flow.consistent(y)
        return self.flow.to_rates @ self.model.flow(t, y if there is None else there)

    def mesh(self, y: np.ndarray, period: float, error: float) -> np.ndarray:
        """Ends of the steps of a round from y that keep this error of a step, relative to each unknown's largest."""
        space, size = self.space, np.maximum(self.size, np.abs(y))
        space.restart(self.kept, y)
        t, h, ends = 0.0, 1e-4, [0.0]
        while t < 1.0 - 1e-12:
            h = min(h, 1.0 - t)
            before, points, start = space.checkpoint(), [], space.point
            try:
                for parts in (1, 2):
                    space.restore(before)
                    space.take_steps_of(period * h / parts)
                    space.settle(period * h)
                    points.append(space.point)
                size = np.maximum(size, np.abs(points[1]))
                # The ends differ by the rounding of time too, and no step is small enough to mend that.
                rounding = 2.0 * np.spacing(period * (t + h)) / (period * h) * np.abs(points[1] - start)
                differ = np.maximum(np.abs(points[1] - points[0]) - rounding, 0.0)
                wrong = float((differ / np.where(size > 0.0, size, 1.0)).max()) / error
            except SimulationError:
                wrong = math.inf
            if not wrong <= 1.0:
                space.restore(before)
                if h < 1e-12:
                    raise SimulationError(
                        f"no step is small enough for '{self.runs.field.title}' at {', '.join(map('{:g}'.format, y))}"
                    )
            else:
                ends += [t + 0.5 * h, t + h]
                t += h
            h *= min(3.0, max(0.2, 0.8 * max(wrong, 1e-6) ** -0.2))
        return np.append(ends[:-1], 1.0)

    def solve(self, y: np.ndarray, period: float, mesh: np.ndarray, rtol: float) -> LimitCycle:
        steps, before, error = math.ceil(LEAST_STEPS / (len(mesh) - 1)), None, math.inf
        wanted = MESH if self.is_implicit else None
        for number in range(REFINEMENTS):
            try:
                y, period, derivative, residual, mesh = self._newton(y, period, mesh, steps, rtol, wanted)
            except SimulationError:
                if self.is_implicit or number == REFINEMENTS - 1 or before is not None:
                    raise
                steps *= 2
                continue
            multipliers = np.linalg.eigvals(derivative)
            now = float(np.abs(multipliers).max(initial=0.0)) if self.is_driven else period
            error = math.inf if before is None else abs(now - before) / max(abs(now), 1e-3 if self.is_driven else 0.0)
            if error <= rtol:
                break
            before = now
            if wanted is None:
                steps *= 2
            else:
                if wanted <= FINEST:
                    break
                wanted = max(wanted / 32.0, FINEST)
        _, _, volume, divergence, times, states = self.round(y, period, mesh, steps, points=True)
        if np.ptp(states, axis=0).max() <= 1e-6 * max(np.abs(states).max(), 1e-300):
            raise SimulationError(f"Newton's method went to a fixed point of '{self.runs.field.title}', not to a cycle")
        order = np.argsort(-np.abs(multipliers), kind="stable")
        return LimitCycle(
            self.runs.field.title, self.runs.names, period, self.is_driven, multipliers[order], times, states,
            volume if math.isfinite(volume) else math.nan, divergence, residual, error,
        )  # fmt: skip

    def _newton(
        self, y: np.ndarray, period: float, mesh: np.ndarray, steps: int, rtol: float, wanted: float | None
    ) -> tuple[np.ndarray, float, np.ndarray, float, np.ndarray]:
        """The periodic orbit of the discrete flow near (y, period); `wanted` error of a step, where it has its mesh."""
        n, flow = self.flow.rank, self.flow
        first_period, size, last = period, 1.0, math.inf
        for number in range(ITERATIONS):
            if wanted is not None and last > SETTLED:
                mesh, steps = self.mesh(y, period, wanted), 1
            end, derivative, *_, states = self.round(y, period, mesh, steps, points=number == 0)
            if number == 0:
                size = max(float(np.ptp(states @ flow.coordinates.T, axis=0).max()), 1e-300)
            gap = flow.coordinates @ (end - y)
            residual = float(np.abs(gap).max()) / size
            closes = residual <= max(1e-13, 1e-3 * rtol) or (residual <= 1e-8 and residual > 0.2 * last)
            last = residual
            if closes and self.is_driven:
                break
            matrix, right = derivative - np.eye(n), -gap
            if not self.is_driven:
                here, there = self.rate(y, 0.0), self.rate(end, period)
                norm = float(np.linalg.norm(here))
                if norm == 0.0:
                    closes = False
                    break
                matrix = np.block([[matrix, there[:, None]], [here[None] / norm, np.zeros((1, 1))]])
                right = np.append(right, 0.0)
            try:
                change = np.linalg.solve(matrix, right)
            except np.linalg.LinAlgError:
                closes = False
                break
            share = 1.0
            # Where the orbit is slow, a small gap is a large error of the period.
            if closes and abs(change[-1]) <= 0.1 * rtol * period:
                period += float(change[-1])
                break
            if not self.is_driven:
                # A period that is halved or doubled in a step is another orbit, or none.
                share = min(1.0, 0.2 * period / max(abs(change[-1]), 1e-300))
                period += share * float(change[-1])
            y = y + share * (flow.states @ change[:n])
            if not (np.isfinite(y).all() and 0.0 < period < 20.0 * first_period):
                closes = False
                break
        if closes:
            return y, period, derivative, residual, mesh
        raise SimulationError(
            f"no periodic orbit of '{self.runs.field.title}' was found near the start (residual {last:.2g} of its "
            f"size, period {period:.6g} s): give a longer transient=, or start= and period= nearer to it"
        )
