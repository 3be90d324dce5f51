"""Rates y' of ``M y' = f(y)`` where M may be singular: its algebraic equations are solved at each point."""

from __future__ import annotations

import numpy as np

from neurosim.analyses.field import Field
from neurosim.errors import ParameterError

ITERATIONS = 60
"""Of Newton's method on the algebraic equations."""


class ReducedFlow:
    """The flow on the states alone.

    With M = U S V' (after scaling of rows and columns), U0 and V0 what belongs to the singular values 0: the algebraic
    equations U0' f(y) = 0 are solved for the part of y in V0, and the rest of y moves with V1 S^-1 U1' f.

    Parameters
    ----------
    field : Field
        Of a flow.

    Attributes
    ----------
    rank : int
        Number of states.
    states : ndarray, shape (n, rank)
        Directions in which y is free, orthogonal in scaled unknowns.
    inverse : ndarray, shape (n, n)
        From M y' to the part of y' in `states`.
    to_rates : ndarray, shape (rank, n)
        From M y' to rates along `states`.
    coordinates : ndarray, shape (rank, n)
        From y to its coordinates along `states`.
    """

    def __init__(self, field: Field) -> None:
        self.field = field
        n = field.start.size
        mass = np.eye(n) if field.mass is None else field.mass
        row = np.abs(mass).max(axis=1)
        row = 1.0 / np.where(row > 0.0, row, 1.0)
        column = np.abs(mass * row[:, None]).max(axis=0)
        column = np.where(column > 0.0, column, 1.0)
        u, s, vt = np.linalg.svd(mass * row[:, None] / column)
        self.rank = int((s > 1e-12 * s[0]).sum())
        right = vt.T / column[:, None]
        self.states, self.algebraic = right[:, : self.rank], right[:, self.rank :]
        self.equations = u[:, self.rank :].T * row
        self.to_rates = (u[:, : self.rank].T * row) / s[: self.rank, None]
        self.inverse = self.states @ self.to_rates
        self.coordinates = self.to_rates @ mass
        self._last = np.zeros(n - self.rank)

    def is_state(self, place: int) -> bool:
        """Whether an unknown is a state by itself, not moved by algebraic equations."""
        scale = np.abs(self.states[place]).max(initial=0.0)
        return bool(np.abs(self.algebraic[place]).max(initial=0.0) <= 1e-9 * scale)

    def check_states(self, names: tuple[str, ...]) -> None:
        """Refuse unknowns that follow from others.

        Raises
        ------
        ParameterError
        """
        for name in names:
            if not self.is_state(self.field.index(name)):
                own = [n for k, n in enumerate(self.field.names) if self.is_state(k)]
                raise ParameterError(
                    f"'{name}' of '{self.field.title}' is no state: it follows from the others by algebraic "
                    f"equations; states are {', '.join(own[:8]) or 'combinations of unknowns only'}"
                )

    def consistent(self, y: np.ndarray) -> np.ndarray | None:
        """y with its algebraic part solved for, from the last solution on; None where none is found."""
        if not self.algebraic.size:
            return y
        for start in (self._last, np.zeros_like(self._last)):
            found = self._newton(y, start)
            if found is not None:
                self._last = found
                return y + self.algebraic @ found
        return None

    def rate(self, y: np.ndarray) -> np.ndarray:
        """The part of y' in `states` at (a consistent point near) y, shape (n,); NaN where there is none."""
        if self.field.mass is None:
            return self.field.value(y)
        there = self.consistent(y)
        return np.full(y.shape, np.nan) if there is None else self.inverse @ self.field.value(there)

    def _newton(self, y: np.ndarray, start: np.ndarray) -> np.ndarray | None:
        a = start.copy()
        g = self.equations @ self.field.value(y + self.algebraic @ a)
        for _ in range(ITERATIONS):
            if not np.isfinite(g).all():
                return None
            there = y + self.algebraic @ a
            matrix = self.equations @ self.field.jacobian(there) @ self.algebraic
            try:
                change = np.linalg.solve(matrix, g)
            except np.linalg.LinAlgError:
                return None
            if np.abs(change).max() <= 1e-10 * (1.0 + np.abs(a).max()):
                return a - change
            share, size = 1.0, np.linalg.norm(g)
            while share > 1e-6:
                tried = self.equations @ self.field.value(y + self.algebraic @ (a - share * change))
                if np.isfinite(tried).all() and np.linalg.norm(tried) < size:
                    break
                share *= 0.5
            else:
                return a if np.abs(change).max() <= 1e-6 * (1.0 + np.abs(a).max()) else None
            a, g = a - share * change, tried
        return None
