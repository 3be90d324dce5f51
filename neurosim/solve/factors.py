"""The factorisations that an analysis needs: made on first use, made anew when their pivots no longer suit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.errors import SimulationError
from neurosim.kernels.builder import System
from neurosim.kernels.sparse_lu import LU, NUMBERS, Factorisation, SingularStructure, analyse
from neurosim.kernels.system import compute_both

REANALYSES_LIMIT = 20
"""How often one analysis may choose its pivots anew."""

NO_FACTORS = LU(*(np.empty(0, float if name in {"row_scale", *NUMBERS} else np.uint32) for name in LU._fields))
"""Stands for a factorisation where none is needed."""


class Factors:
    """Factorisation of ``beta M - J`` for one range of beta."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.analysis: Factorisation | None = None
        self.reanalyses = 0

    def fork(self, system: System | None = None) -> Factors:
        """Factors with the same order and pivots and numbers of their own, of a system with the same pattern."""
        other = Factors(system or self.system)
        other.analysis = None if self.analysis is None else self.analysis.copy()
        return other

    def fork_at(self, y: np.ndarray, beta: float) -> Factors:
        """Factors with the same order and pivots, and numbers of their own, for another y and range of beta."""
        other = Factors(self.system)
        if self.analysis is not None:
            other.analysis = self.analysis.rescale(self.matrix(y, beta)[:-1])
        return other

    def share(self, other: Factors) -> None:
        """Let `other` start with the order and pivots found here, if it has none."""
        if other.analysis is None and self.analysis is not None:
            other.analysis = self.analysis.copy()

    def at(self, y: np.ndarray, beta: float, *, shunt: np.ndarray | None = None, held: np.ndarray | None = None) -> LU:
        """Order and pivots, chosen at y the first time or after `forget`.

        Parameters
        ----------
        y : ndarray, shape (n + 1,)
        beta : float
        shunt : ndarray, shape (n,), optional
            Added to the diagonal.
        held : ndarray of int, optional
            Unknowns whose row is replaced by that of the unit matrix.
        """
        if self.analysis is None:
            self.analysis = self._analyse(y, beta, shunt, held)
        return self.analysis.lu

    def forget(self, names: Sequence[str], unknown: int) -> None:
        """Let the next call choose pivots anew.

        Raises
        ------
        SimulationError
            After too many times, naming the unknown.
        """
        self.analysis = None
        self.reanalyses += 1
        if self.reanalyses > REANALYSES_LIMIT:
            raise SimulationError(
                f"the equations are too badly scaled to be solved: the pivot of '{names[unknown]}' vanished "
                f"{self.reanalyses} times; look for extreme parameter values near it"
            )

    def _analyse(self, y: np.ndarray, beta: float, shunt: np.ndarray | None, held: np.ndarray | None) -> Factorisation:
        arrays, n = self.system.arrays, self.system.size
        matrix = self.matrix(y, beta)
        if shunt is not None:
            matrix[arrays.diagonal] += shunt
        if held is not None and held.size:
            matrix[:-1][np.isin(arrays.row_index, held)] = 0.0
            matrix[arrays.diagonal[held]] = 1.0
        try:
            return analyse(n, arrays.column_pointer, arrays.row_index, matrix[:-1])
        except SingularStructure as error:
            names = [self.system.names[int(i)] for i in error.columns[:4]]
            raise SimulationError(f"nothing determines {', '.join(names)}: the equations are singular") from None

    def matrix(self, y: np.ndarray, beta: float) -> np.ndarray:
        """Values of ``beta M - J`` at y on the pattern, and a zero.

        Derivatives that are not finite at a first guess count as 1: only the order of elimination hangs on them.
        """
        arrays, n = self.system.arrays, self.system.size
        values, f = np.zeros(arrays.mass.size + 1), np.zeros(n + 1)
        compute_both(arrays, self.system.context, y, f, values)
        values[~np.isfinite(values)] = 1.0
        return np.append(beta * arrays.mass - values[:-1], 0.0)
