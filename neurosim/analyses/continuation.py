"""One branch of fixed points as a parameter changes: pseudo-arclength continuation with folds and Hopf points.

The branch (y(s), p(s)) is followed along its tangent, so it goes round folds. Source: Keller, "Numerical solution of
bifurcation and nonlinear eigenvalue problems" (1977); Kuznetsov, "Elements of Applied Bifurcation Theory", section
10.2 (both recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.field import ZERO, Field, field_of, zero_of
from neurosim.errors import ParameterError, SimulationError

ITERATIONS = 8
"""Newton steps of the corrector before the step is halved."""


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


def continuation(
    what: Any, parameter: str, span: tuple[float, float], *, start: Any = None, inputs: Any = None, at: float = 0.0,
    step: float | None = None, largest_step: float | None = None, points: int = 400,
) -> Branch:  # fmt: skip
    """Follow a fixed point from one end of a parameter's range towards the other.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or Dynamics
    parameter : str
        Address, as of `neurosim.solve.dynamics.Dynamics.with_parameters`.
    span : (float, float)
        From the first value; the branch ends where it leaves the range.
    start : array_like, shape (n,), optional
        First guess at ``span[0]``; default the initial state.
    inputs, at
        As `neurosim.analyses.fixed_points.fixed_points`.
    step, largest_step : float, optional
        Along the branch, with the parameter scaled to the length of its range; default 1/100 and 1/20.
    points : int
        Most points.

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
    curve = _Curve(base, parameter, first, last - first, np.maximum(1.0, np.abs(y)))
    h, h_most = step or 0.01, largest_step or 0.05
    z = np.append(y / curve.scale, 0.0)
    tangent = curve.tangent(z, None)
    tangent *= np.sign(tangent[-1]) or 1.0
    rows, spectra, special = [z], [curve.eigenvalues(z)], []
    stopped = "steps"
    while len(rows) < points:
        new = curve.across(z + h * tangent, tangent)
        if new is None or np.abs(new - z).max() > 3.0 * h + 1e-12:
            h *= 0.5
            if h < 1e-9:
                stopped = f"no further point was found beyond {parameter} = {curve.value(z):g}"
                break
            continue
        turned, eigenvalues = curve.tangent(new, tangent), curve.eigenvalues(new)
        special += _passed(curve, z, tangent, turned, spectra[-1], eigenvalues, h)
        rows.append(new)
        spectra.append(eigenvalues)
        z, tangent = new, turned
        if not -1e-9 <= z[-1] <= 1.0 + 1e-9:
            stopped = "range"
            break
        if len(rows) > 20 and np.linalg.norm(z - rows[0]) < 0.5 * h:
            stopped = "closed"
            break
        h = min(1.3 * h, h_most)
    made = np.array(rows)
    scales = [1.0 if base.is_map else float(np.abs(e).max(initial=0.0)) for e in spectra]
    unstable = np.array([(base.growth(e) > ZERO * s).sum() for e, s in zip(spectra, scales, strict=True)])
    return Branch(
        base.title, parameter, base.names, first + made[:, -1] * (last - first), made[:, :-1] * curve.scale, unstable,
        spectra, tuple(special), stopped,
    )  # fmt: skip


@dataclass
class _Curve:
    """F(y, p) = 0 in scaled coordinates z = (y / scale, (p - first) / length)."""

    base: Field
    parameter: str
    first: float
    length: float
    scale: np.ndarray

    def value(self, z: np.ndarray) -> float:
        """The parameter."""
        return self.first + float(z[-1]) * self.length

    def field(self, q: float) -> Field:
        return self.base.rebuild({self.parameter: self.first + q * self.length})

    def eigenvalues(self, z: np.ndarray) -> Any:
        return self.field(z[-1]).eigenvalues(z[:-1] * self.scale)

    def extended(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """F, and its derivatives by z, shape (n, n + 1); that by the parameter from central differences."""
        y, q = z[:-1] * self.scale, float(z[-1])
        here = self.field(q)
        e = 1e-6 * max(1.0, abs(q))
        by_q = (self.field(q + e).value(y) - self.field(q - e).value(y)) / (2.0 * e)
        return here.value(y), np.column_stack([here.jacobian(y) * self.scale, by_q])

    def tangent(self, z: np.ndarray, before: np.ndarray | None) -> np.ndarray:
        """Unit vector along the branch, in the direction of `before`."""
        found = np.linalg.svd(self.extended(z)[1])[2][-1]
        return found if before is None or found @ before >= 0.0 else -found

    def across(self, guess: np.ndarray, tangent: np.ndarray) -> np.ndarray | None:
        """The point of the branch across from `guess`: Newton on F = 0 and tangent . (z - guess) = 0."""
        z = guess.copy()
        for _ in range(ITERATIONS):
            value, matrix = self.extended(z)
            system = np.vstack([matrix, tangent])
            right = np.append(value, tangent @ (z - guess))
            if not (np.isfinite(right).all() and np.isfinite(system).all()):
                return None
            try:
                change = np.linalg.solve(system, right)
            except np.linalg.LinAlgError:
                return None
            z = z - change
            if np.abs(change).max() < 1e-10 * (1.0 + np.abs(z).max()):
                return z
        return None

    def bisect(self, z: np.ndarray, tangent: np.ndarray, h: float, has_passed: Any) -> np.ndarray:
        """The point between z and a step h further where ``has_passed(point)`` turns true."""
        low, high, place = 0.0, h, z
        while high - low > 1e-10:
            middle = 0.5 * (low + high)
            found = self.across(z + middle * tangent, tangent)
            if found is None:
                break
            place = found
            low, high = (low, middle) if has_passed(found) else (middle, high)
        return place


def _passed(
    curve: _Curve, z: np.ndarray, tangent: np.ndarray, turned: np.ndarray, before: np.ndarray, after: np.ndarray,
    h: float,
) -> list[SpecialPoint]:  # fmt: skip
    """Special points between z and the next point, located by bisection along the branch."""
    is_map = curve.base.is_map
    found = []

    def add(kind: str, has_passed: Any, frequency: Any = lambda e: 0.0) -> None:
        place = curve.bisect(z, tangent, h, has_passed)
        f = float(frequency(curve.eigenvalues(place)))
        found.append(SpecialPoint(kind, curve.value(place), place[:-1] * curve.scale, f))

    def turns(eigenvalues: Any) -> float:
        """Frequency of the pair at the border."""
        pairs = eigenvalues[eigenvalues.imag != 0.0]
        if not pairs.size:
            return 0.0
        nearest = pairs[np.argmin(np.abs(curve.base.growth(pairs)))]
        return abs(np.angle(nearest) if is_map else nearest.imag) / (2.0 * np.pi)

    real, pairs, flips = _beyond(before, is_map)
    real_after, pairs_after, flips_after = _beyond(after, is_map)
    if tangent[-1] * turned[-1] < 0.0:
        add("fold", lambda at: curve.tangent(at, tangent)[-1] * tangent[-1] < 0.0)
    elif real != real_after:
        add("branch point", lambda at: _beyond(curve.eigenvalues(at), is_map)[0] != real)
    elif pairs != pairs_after:
        kind = "Neimark-Sacker" if is_map else "Hopf"
        add(kind, lambda at: _beyond(curve.eigenvalues(at), is_map)[1] != pairs, turns)
    if flips != flips_after:
        add("period doubling", lambda at: _beyond(curve.eigenvalues(at), is_map)[2] != flips, lambda e: 0.5)
    return found


def _beyond(eigenvalues: Any, is_map: bool) -> tuple[int, int, int]:
    """Growing real eigenvalues (beyond +1, or above 0), growing complex ones, and real ones of a map beyond -1."""
    is_real = eigenvalues.imag == 0.0
    real, turning = eigenvalues[is_real].real, eigenvalues[~is_real]
    grows = np.abs(turning) > 1.0 if is_map else turning.real > 0.0
    return int((real > float(is_map)).sum()), int(grows.sum()), int((real < -1.0).sum()) if is_map else 0
