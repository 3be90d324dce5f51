"""Covariant Lyapunov vectors: the directions that grow at each exponent's rate, forward and backward in time.

A frame that is made orthonormal again and again tells the exponents but not these directions. They follow from a
second pass backward through the triangles R: coefficients C with ``C(n-1) = R(n)^-1 C(n)``, columns made unit, turn
into those of the covariant vectors ``V = Q C``. Only the triangles between two checkpoints are kept; the forward run
between them is repeated, bit by bit, when the backward pass arrives there.

Source: F. Ginelli, P. Poggi, A. Turchi, H. Chate, R. Livi, A. Politi, Phys. Rev. Lett. 99, 130601 (2007),
doi:10.1103/PhysRevLett.99.130601.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import linalg

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.lyapunov import TOLERANCE, checked_times, prepare
from neurosim.analyses.open_tangent import open_tangent
from neurosim.errors import ParameterError

ZERO = 1e-3
"""A mean growth up to this part of the largest is that of no growth."""


@dataclass(frozen=True)
class CovariantVectors(Drawable):
    """What `covariant_vectors` finds.

    Attributes
    ----------
    title, unit : str
    names : list of str
        Addresses of the coordinates.
    times : ndarray, shape (points,)
    states : ndarray, shape (points, n)
    vectors : ndarray, shape (points, k, d)
        One unit vector a row, in the coordinates `names`, each divided by its scale.
    scale : ndarray, shape (d,)
    growth : ndarray, shape (points, k)
        Rates of the vectors over the interval that begins at each point.
    exponents : ndarray, shape (k,)
        Mean growth.
    """

    drawn_by = "covariant_vectors:covariant_vectors"

    title: str
    unit: str
    names: list[str]
    times: np.ndarray
    states: np.ndarray
    vectors: np.ndarray
    scale: np.ndarray
    growth: np.ndarray
    exponents: np.ndarray

    @property
    def growing(self) -> int:
        """How many vectors grow in the mean, at least one, and not all."""
        zero = ZERO * np.abs(self.exponents).max()
        return int(np.clip((self.exponents > zero).sum(), 1, max(self.exponents.size - 1, 1)))

    def angle(self, first: int = 0, second: int = 1) -> np.ndarray:
        """Angle between two vectors at each point [rad], 0 to pi/2, shape (points,)."""
        product = np.abs((self.vectors[:, first] * self.vectors[:, second]).sum(axis=-1))
        return np.arccos(np.minimum(product, 1.0))

    def smallest_angle(self, growing: int) -> np.ndarray:
        """Smallest angle between the space of the first `growing` vectors and that of the rest [rad], (points,).

        Where it comes near zero, growing and shrinking directions touch: the attractor is not hyperbolic.
        """
        if not 0 < growing < self.vectors.shape[1]:
            raise ParameterError(f"growing = {growing} must lie between 1 and {self.vectors.shape[1] - 1}")
        angles = [linalg.subspace_angles(v[:growing].T, v[growing:].T).min() for v in self.vectors]
        return np.array(angles)


def covariant_vectors(
    what: Any, t_span: tuple[float, float] | None = None, *, steps: int | None = None, k: int | None = None,
    dt: float | None = None, method: str = "auto", transient: float | tuple[float, float] | None = None,
    backward: float | None = None, renormalise: float | None = None, drive: Any = None, initial: Any = None,
    seed: int = 0, rtol: float = TOLERANCE,
) -> CovariantVectors:  # fmt: skip
    """Covariant Lyapunov vectors along a run.

    Parameters
    ----------
    what, t_span, steps, k, dt, method, transient, renormalise, drive, initial, seed, rtol
        See `neurosim.lyapunov_spectrum`.
    backward : float, optional
        Time at the end of the run in which the backward pass turns into its directions, and which is not returned [s;
        steps of a map]. Default a fifth of what the transients leave.

    Raises
    ------
    ParameterError
        Also where a direction is lost (a state met its bound): there is no way back.
    SimulationError
    """
    before, turning, averaged = checked_times(t_span, steps, transient)
    stop = before + turning + averaged
    space = open_tangent(what, k, stop=stop, drive=drive, method=method, seed=seed, initial=initial, dt=dt)
    every = prepare(space, before, turning, dt=dt, renormalise=renormalise, averaged=averaged, seed=seed, rtol=rtol)
    length = every * space.dt
    intervals = int((stop - space.time) / length + 1e-6)
    unused = math.ceil((0.2 * averaged if backward is None else backward) / length)
    if intervals - unused < 1:
        raise ParameterError(f"backward = {unused * length:g} leaves nothing of the run of {intervals * length:g}")
    piece = max(1, math.isqrt(intervals))
    checkpoints, starts = [], []
    for first in range(0, intervals, piece):
        checkpoints.append(space.checkpoint())
        starts.append((space.time, space.frame, space.point))
        space.run(min(piece, intervals - first), every)
    vectors_count = space.vectors
    C = np.triu(np.ones((vectors_count, vectors_count)))
    C /= np.linalg.norm(C, axis=0)
    times, states, vectors, growth = [], [], [], []
    for number in range(len(checkpoints) - 1, -1, -1):
        first = number * piece
        space.restore(checkpoints[number])
        found = space.run(min(piece, intervals - first), every, triangles=True, points=True)
        t0, frame, point = starts[number]
        frames = np.concatenate([frame[None], found.frames[:-1]])
        points = np.concatenate([point[None], found.points[:-1]])
        for j in range(len(found.logs) - 1, -1, -1):
            R = found.triangles[j]
            if not np.diag(R).all():
                raise ParameterError(
                    f"'{space.title}' lost a direction at {t0 + (j + 1) * length:g} {'steps' if space.is_map else 's'} "
                    "(a state was put on its bound, or a jump forgot it): there are no covariant vectors; ask for "
                    "fewer, or keep the states off their bounds"
                )
            C = linalg.solve_triangular(R, C)
            size = np.linalg.norm(C, axis=0)
            C /= size
            if first + j < intervals - unused:
                times.append(t0 + j * length)
                states.append(points[j])
                vectors.append(C.T @ frames[j])
                growth.append(-np.log(size) / length)
    rates = np.array(growth[::-1])
    return CovariantVectors(
        space.title, space.unit, space.names, np.array(times[::-1]), np.array(states[::-1]), np.array(vectors[::-1]),
        space.scale.copy(), rates, rates.mean(axis=0),
    )  # fmt: skip
