"""Branches of fixed points as a parameter changes: pseudo-arclength continuation with folds, Hopf and branch points.

The branch (y(s), p(s)) is followed along its tangent, so it goes round folds. A step is as long as the corrector stays
near the tangent and the parameter moves little: the length of a branch, in units of the state, does not count. Source:
Keller, "Numerical solution of bifurcation and nonlinear eigenvalue problems" (1977); Kuznetsov, "Elements of Applied
Bifurcation Theory", section 10.2 (both recalled).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from typing import Any

import numpy as np
from scipy.optimize import brentq

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import ZERO, Field, field_of, zero_of
from neurosim.errors import ParameterError, SimulationError

ITERATIONS = 12
"""Newton steps of the corrector before the step is halved."""

BENT = 0.2
"""The corrector may leave the tangent by this share of a step; with less than a quarter of it the next is longer."""

SMALLEST = 1e-4
"""Steps down to this are taken to tell special points apart, and down to 1e-9 to find a further point."""

AWAY = (0.01, 1e-3, 0.05, 1e-4)
"""How far across a branch point the first point of another branch is looked for, in scaled coordinates."""

END = 1e-7
"""So near to an end of the range, in shares of it, a branch has left it."""


@dataclass(frozen=True)
class SpecialPoint:
    """A place of a branch where its stability changes or it turns.

    Attributes
    ----------
    kind : str
        ``"fold"``, ``"Hopf"``, ``"branch point"`` (a real eigenvalue passes 0 where the branch does not turn); of maps
        ``"fold"``, ``"period doubling"``, ``"Neimark-Sacker"``, ``"branch point"``.
    parameter : float
    state : ndarray, shape (n,)
    frequency : float
        Of a Hopf or Neimark-Sacker point [1/s, or 1/step], else 0.
    """

    kind: str
    parameter: float
    state: np.ndarray
    frequency: float


@dataclass(frozen=True)
class Branch(Drawable):
    """A branch of fixed points.

    Attributes
    ----------
    title, parameter : str
    names : list of str
    values : ndarray, shape (points,)
        Of the parameter, in the order of the branch.
    states : ndarray, shape (points, n)
    unstable : ndarray of int, shape (points,)
        Number of growing directions.
    eigenvalues : list of ndarray
    special : tuple of SpecialPoint
    stopped : str
        Why it ends: ``"range"``, ``"steps"``, ``"closed"`` or what went wrong.
    """

    drawn_by = "branch:branch"

    title: str
    parameter: str
    names: list[str]
    values: np.ndarray
    states: np.ndarray
    unstable: np.ndarray
    eigenvalues: list[np.ndarray]
    special: tuple[SpecialPoint, ...]
    stopped: str
    curve: _Curve = dataclass_field(repr=False, compare=False)
    widest: float = dataclass_field(repr=False, compare=False)

    def crossing_branches(self, point: SpecialPoint, points: int = 400) -> list[Branch]:
        """The branches that cross this one at a branch point (transcritical, pitchfork), one for each way out of it.

        Parameters
        ----------
        point : SpecialPoint
            Of kind ``"branch point"``.
        points : int
            Most points of each.

        Raises
        ------
        ParameterError
            It is no branch point.
        SimulationError
            No other branch was found there: more than two may meet.

        Notes
        -----
        The first point lies across from this branch, in the plane of the two directions in which the equations have no
        slope (Keller's orthogonal predictor).
        """
        if point.kind != "branch point":
            raise ParameterError(f"no branch crosses at a {point.kind}: take one of kind 'branch point'")
        curve = self.curve
        q = (point.parameter - curve.first) / curve.length
        z = np.append(point.state / curve.scale, q)
        near = np.argsort(np.abs(self.values - point.parameter) + np.abs(self.states - point.state).sum(axis=1))[1]
        along = np.append(self.states[near] / curve.scale, (self.values[near] - curve.first) / curve.length) - z
        flat = curve.slopes(z)[-2:]
        inside = flat @ along
        across = flat.T @ np.array([-inside[1], inside[0]]) / max(float(np.linalg.norm(inside)), 1e-300)
        found = []
        for sign in (1.0, -1.0):
            for away in AWAY:
                new = curve.across(z + sign * away * across, across)
                if new is None or not np.linalg.norm(new - z) < 20.0 * away:
                    continue
                if 0.0 < new[-1] < 1.0:
                    tangent = curve.tangent(new, new - z)
                    found.append(_follow(curve, new, tangent, away, self.widest, points)._begun_at(point))
                break
        if not found:
            raise SimulationError(
                f"no other branch of '{self.title}' was found at {self.parameter} = {point.parameter:g}: more than two "
                "may meet there, or the others leave the range"
            )
        return found

    def _begun_at(self, point: SpecialPoint) -> Branch:
        """The same, with a branch point before its first point."""
        return replace(
            self, values=np.append(point.parameter, self.values), states=np.vstack([point.state, self.states]),
            unstable=np.append(self.unstable[0], self.unstable),
            eigenvalues=[self.eigenvalues[0], *self.eigenvalues],
        )  # fmt: skip


def continuation(
    what: Any, parameter: str, span: tuple[float, float], *, start: Any = None, inputs: Any = None, at: float = 0.0,
    step: float | None = None, largest_step: float | None = None, points: int = 400,
) -> Branch:  # fmt: skip
    """Follow a fixed point from one end of a parameter's range towards the other.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program, MemristiveNetwork or Dynamics
    parameter : str
        Address, as of `neurosim.solve.dynamics.Dynamics.with_parameters`.
    span : (float, float)
        From the first value; the branch ends where it leaves the range.
    start : array_like, shape (n,), optional
        First guess at ``span[0]``; default the initial state.
    inputs, at
        As `neurosim.analyses.fixed_points.fixed_points`.
    step, largest_step : float, optional
        The first step and the largest one, as shares of the parameter's range; default 1/100 and 1/50.
    points : int
        Most points, without the special ones.

    Raises
    ------
    SimulationError
        No fixed point is near the start.
    ParameterError, UnknownNameError
    """
    first, last = map(float, span)
    if not (np.isfinite([first, last]).all() and first != last):
        raise ParameterError(f"span = {span} must be two different finite values of '{parameter}'")
    if points < 2:
        raise ParameterError(f"points = {points} must be at least 2")
    base = field_of(what, inputs=inputs, at=at)
    begin = base.rebuild({parameter: first})
    guess = begin.start if start is None else np.asarray(start, float).reshape(begin.start.size)
    y = zero_of(begin, guess)
    if y is None:
        raise SimulationError(
            f"no fixed point of '{base.title}' was found at {parameter} = {first:g} from the given start; find one "
            "with fixed_points() and give it as start="
        )
    held = begin.held(y, begin.value(y))
    if held.any():
        name = base.names[int(np.argmax(held))]
        raise ParameterError(
            f"the fixed point of '{base.title}' at {parameter} = {first:g} holds {name} at its bound: such points have "
            "no smooth branch; give start= of one within the bounds"
        )
    curve = _Curve(base, parameter, first, last - first, np.maximum(1.0, np.abs(y)))
    widest = 0.02 if largest_step is None else largest_step
    h = 0.01 if step is None else step
    if not (0.0 < h < np.inf and 0.0 < widest < np.inf):
        raise ParameterError(f"step = {step}, largest_step = {largest_step} must be positive shares of the range")
    z = np.append(y / curve.scale, 0.0)
    tangent = curve.tangent(z, None)
    tangent *= np.sign(tangent[-1]) or 1.0
    h /= max(abs(tangent[-1]), 0.01)
    return _follow(curve, z, tangent, h, widest, points)


def _follow(curve: _Curve, z: np.ndarray, tangent: np.ndarray, h: float, widest: float, points: int) -> Branch:
    """The branch from z on along its tangent, with steps of about h, until it leaves the range."""
    rows, spectra, special = [z], [curve.eigenvalues(z)], []
    stopped, taken = "steps", 1
    while taken < points:
        guess = z + h * tangent
        new = curve.across(guess, tangent)
        bent = np.inf if new is None else float(np.linalg.norm(new - guess)) / h
        if new is None or bent > BENT or abs(new[-1] - z[-1]) > 1.5 * widest:
            h *= 0.5
            if h < 1e-9:
                stopped = f"no further point was found beyond {curve.parameter} = {curve.value(z):g}"
                break
            continue
        turned, eigenvalues = curve.tangent(new, tangent), curve.eigenvalues(new)
        change = curve.unstable(eigenvalues) - curve.unstable(spectra[-1])
        turns = bool(tangent[-1] * turned[-1] < 0.0)
        if h > SMALLEST and abs(change) > (1 if turns else 2):
            h *= 0.5
            continue
        if turns or change:
            point, place = _special(curve, z, tangent, spectra[-1], eigenvalues, h, turns=turns)
            special.append(point)
            rows.append(place)
            spectra.append(curve.eigenvalues(place))
        rows.append(new)
        spectra.append(eigenvalues)
        z, tangent, taken = new, turned, taken + 1
        if not END < z[-1] < 1.0 - END:
            stopped = "range"
            break
        if len(rows) > 20 and np.linalg.norm(z - rows[0]) < 0.5 * h:
            stopped = "closed"
            break
        if bent < 0.25 * BENT:
            h *= 2.0
        q, along = z[-1], max(abs(tangent[-1]), 1e-12)
        h = min(h, widest / along, max(1.0 - q if tangent[-1] > 0.0 else q, END) / along)
    made, base, first = np.array(rows), curve.base, curve.first
    unstable = np.array([curve.unstable(e) for e in spectra])
    return Branch(
        base.title, curve.parameter, base.names, first + made[:, -1] * curve.length, made[:, :-1] * curve.scale,
        unstable, spectra, tuple(special), stopped, curve, widest,
    )  # fmt: skip


@dataclass
class _Curve:
    """F(y, p) = 0 in scaled coordinates z = (y / scale, (p - first) / length)."""

    base: Field
    parameter: str
    first: float
    length: float
    scale: np.ndarray
    _kept: dict[float, Field] = dataclass_field(default_factory=dict)

    def value(self, z: np.ndarray) -> float:
        """The parameter."""
        return self.first + float(z[-1]) * self.length

    def field(self, q: float) -> Field:
        if q not in self._kept:
            self._kept = {q: self.base.rebuild({self.parameter: self.first + q * self.length})}
        return self._kept[q]

    def eigenvalues(self, z: np.ndarray) -> Any:
        return self.field(float(z[-1])).eigenvalues(z[:-1] * self.scale)

    def border(self, eigenvalues: Any) -> float:
        """Growth up to this counts as zero."""
        return ZERO * (1.0 if self.base.is_map else float(np.abs(eigenvalues).max(initial=0.0)))

    def unstable(self, eigenvalues: Any) -> int:
        """Number of growing directions."""
        return int((self.base.growth(eigenvalues) > self.border(eigenvalues)).sum())

    def growth(self, eigenvalues: Any, rank: int) -> float:
        """Growth of the direction that is next after the `rank` fastest."""
        return float(np.sort(self.base.growth(eigenvalues))[-1 - rank])

    def by_parameter(self, z: np.ndarray) -> np.ndarray:
        """dF/dq from central differences."""
        y, q = z[:-1] * self.scale, float(z[-1])
        e = 1e-6 * max(1.0, abs(q))
        ends = [self.base.rebuild({self.parameter: self.first + (q + s * e) * self.length}).value(y) for s in (1, -1)]
        return (ends[0] - ends[1]) / (2.0 * e)

    def slopes(self, z: np.ndarray) -> np.ndarray:
        """Unit vectors by falling slope of F along them: the last is the tangent, at a branch point the last two."""
        jacobian = self.field(float(z[-1])).jacobian(z[:-1] * self.scale) * self.scale
        return np.linalg.svd(np.column_stack([jacobian, self.by_parameter(z)]))[2]

    def tangent(self, z: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Unit vector along the branch, in the direction of `before`."""
        found = self.slopes(z)[-1]
        return found if before is None or found @ before >= 0.0 else -found

    def across(self, guess: np.ndarray, tangent: np.ndarray) -> np.ndarray | None:
        """The point of the branch across from `guess`: Newton on F = 0 and tangent . (z - guess) = 0.

        The derivative by the parameter is that at `guess`.
        """
        z, by_parameter = guess.copy(), self.by_parameter(guess)
        for _ in range(ITERATIONS):
            here, y = self.field(float(z[-1])), z[:-1] * self.scale
            system = np.vstack([np.column_stack([here.jacobian(y) * self.scale, by_parameter]), tangent])
            right = np.append(here.value(y), tangent @ (z - guess))
            if not (np.isfinite(right).all() and np.isfinite(system).all()):
                return None
            try:
                change = np.linalg.solve(system, right)
            except np.linalg.LinAlgError:
                change = np.full(z.shape, np.inf)
            if not np.abs(change).max() < 1.0:
                # At a branch point the system is singular: the smallest change keeps to the branch.
                change = np.linalg.lstsq(system, right, rcond=1e-12)[0]
            z = z - change
            if np.abs(change).max() < 1e-10 * (1.0 + np.abs(z).max()):
                return z
        return None


def _special(
    curve: _Curve, z: np.ndarray, tangent: np.ndarray, before: Any, after: Any, h: float, *, turns: bool
) -> tuple[SpecialPoint, np.ndarray]:
    """What happens between z and the point a step h further, and where: the zero of a function along the branch."""
    rank, place = min(curve.unstable(before), curve.unstable(after)), z
    crosses = curve.growth(before, rank) * curve.growth(after, rank) < 0.0
    border = 0.0 if crosses else max(curve.border(before), curve.border(after))

    def signed(s: float) -> float:
        """The component of the tangent that turns, or the growth of the eigenvalue that passes the border."""
        nonlocal place
        found = curve.across(z + s * tangent, tangent)
        if found is None:
            raise SimulationError(f"the branch of '{curve.base.title}' was lost near {curve.value(z):g}")
        place = found
        if turns:
            return float(curve.tangent(found, tangent)[-1])
        return curve.growth(curve.eigenvalues(found), rank) - border

    signed(brentq(signed, 0.0, h, xtol=1e-12, rtol=1e-14, maxiter=100))  # pyright: ignore[reportArgumentType]
    eigenvalues, is_map = curve.eigenvalues(place), curve.base.is_map
    nearest = eigenvalues[np.argmin(np.abs(curve.base.growth(eigenvalues)))]
    frequency = 0.0
    if turns:
        kind = "fold"
    elif nearest.imag != 0.0:
        kind = "Neimark-Sacker" if is_map else "Hopf"
        frequency = abs(np.angle(nearest) if is_map else nearest.imag) / (2.0 * np.pi)
    elif is_map and nearest.real < 0.0:
        kind, frequency = "period doubling", 0.5
    else:
        kind = "branch point"
    return SpecialPoint(kind, curve.value(place), place[:-1] * curve.scale, float(frequency)), place
