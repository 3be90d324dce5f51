"""Newton's method for the equations of one implicit step, many samples at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

TOLERANCE = 1e-13
"""Largest residual, relative to the size of what is added up in it."""
ITERATIONS = 60
HALVINGS = 20
SMALLEST_SHARE = 2.0**-16

Equation = Callable[[np.ndarray, np.ndarray, float], tuple[np.ndarray, np.ndarray, np.ndarray]]
"""``(x, rows, share) -> (residual (k, n), size of its terms (k, n), Jacobian (k, n, n))`` for the samples `rows` and
the given share of the step."""


def solve_batch(equation: Equation, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Solve ``residual = 0`` for every row, by damped Newton; where that fails, by following the solution from step 0.

    Parameters
    ----------
    equation : Equation
        Its Jacobian is with respect to x; at share 0 it is solved by `start`.
    start : ndarray, shape (samples, n)

    Returns
    -------
    solution : ndarray, shape (samples, n)
    error : ndarray, shape (samples, n)
        Relative residual; above `TOLERANCE` where no solution was found.
    """
    rows = np.arange(len(start))
    x, error = _newton(equation, start, rows, 1.0)
    failed = np.flatnonzero(error.max(axis=1, initial=0.0) > TOLERANCE)
    for row in failed:
        x[row], error[row] = _follow(equation, start[row : row + 1], rows[row : row + 1])
    return x, error


def _follow(equation: Equation, x: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One sample: enlarge the share of the step, from solution to solution."""
    done, advance, previous = 0.0, 0.25, (0.0, x)
    error = np.full_like(x, np.inf)
    while done < 1.0:
        share = min(1.0, done + advance)
        guess = x if done == 0.0 else x + (x - previous[1]) * (share - done) / (done - previous[0])
        made, error = _newton(equation, guess, rows, share)
        if error.max() <= TOLERANCE:
            previous, x, done, advance = (done, x), made, share, 2.0 * advance
        elif advance < SMALLEST_SHARE:
            break
        else:
            advance *= 0.5
    return x[0], error[0]


def _newton(
    equation: Equation, start: np.ndarray, rows: np.ndarray, share: float
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    x = start.copy()
    residual, size, jacobian = equation(x, rows, share)
    for _ in range(ITERATIONS):
        wanted = np.flatnonzero((np.abs(residual) > TOLERANCE * size).any(axis=1))
        if wanted.size == 0:
            break
        try:
            step = np.linalg.solve(jacobian[wanted], residual[wanted][..., None])[..., 0]
        except np.linalg.LinAlgError:
            step = np.array([np.linalg.lstsq(jacobian[k], residual[k])[0] for k in wanted])
        before = np.linalg.norm(residual[wanted], axis=1)
        damping = np.ones(wanted.size)
        open_rows = np.arange(wanted.size)
        improved = np.zeros(wanted.size, dtype=bool)
        for _ in range(HALVINGS):
            which = wanted[open_rows]
            trial = x[which] - damping[open_rows, None] * step[open_rows]
            new_residual, new_size, new_jacobian = equation(trial, rows[which], share)
            with np.errstate(invalid="ignore"):
                norm = np.linalg.norm(new_residual, axis=1)
                better = norm < (1.0 - 1e-4 * damping[open_rows]) * before[open_rows]
            at = which[better]
            x[at], residual[at], size[at], jacobian[at] = (
                trial[better], new_residual[better], new_size[better], new_jacobian[better],
            )  # fmt: skip
            improved[open_rows[better]] = True
            open_rows = open_rows[~better]
            if open_rows.size == 0:
                break
            damping[open_rows] *= 0.5
        if not improved.any():
            break
    return x, np.abs(residual) / size
