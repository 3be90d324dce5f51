"""Newton's method for the equations of one implicit step, many samples at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TOLERANCE = 1e-13
"""Largest residual, relative to the size of what is added up in it."""
ITERATIONS = 25
HALVINGS = 5

Equation = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""``(x, rows) -> (residual (k, n), size of its terms (k, n), Jacobian (k, n, n))`` for the samples `rows`."""


def newton(equation: Equation, start: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve ``residual = 0`` for each sample by damped Newton; each stops when it is solved or no longer improves.

    Parameters
    ----------
    equation : Equation
        Its Jacobian is with respect to x.
    start : ndarray, shape (k, n)
    rows : ndarray of int, shape (k,)
        Which samples these are.

    Returns
    -------
    x : ndarray, shape (k, n)
    error : ndarray, shape (k, n)
        Relative residual; above `TOLERANCE` where no solution was found.
    """
    x = start.copy()
    residual, size, jacobian = equation(x, rows)
    stuck = np.zeros(len(rows), dtype=bool)
    for _ in range(ITERATIONS):
        wanted = np.flatnonzero((np.abs(residual) > TOLERANCE * size).any(axis=1) & ~stuck)
        if wanted.size == 0:
            break
        step = _directions(jacobian[wanted], residual[wanted])
        before = np.linalg.norm(residual[wanted], axis=1)
        damping = np.ones(wanted.size)
        trying = np.arange(wanted.size)
        for _ in range(HALVINGS):
            which = wanted[trying]
            trial = x[which] - damping[trying, None] * step[trying]
            # a direction may lead anywhere; what overflows there is not better
            with np.errstate(all="ignore"):
                new = equation(trial, rows[which])
            better = np.linalg.norm(new[0], axis=1) < (1.0 - 1e-4 * damping[trying]) * before[trying]
            at = which[better]
            x[at] = trial[better]
            residual[at], size[at], jacobian[at] = (part[better] for part in new)
            trying = trying[~better]
            if trying.size == 0:
                break
            damping[trying] *= 0.5
        stuck[wanted[trying]] = True
    return x, np.abs(residual) / size


def _directions(jacobian: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Newton directions; least squares where a Jacobian is singular."""
    try:
        return np.linalg.solve(jacobian, residual[..., None])[..., 0]
    except np.linalg.LinAlgError:
        return np.array([np.linalg.lstsq(a, b)[0] for a, b in zip(jacobian, residual, strict=True)])
