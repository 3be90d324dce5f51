"""What a memristive network is at one moment, with what its derivatives need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.memristive.plan import LaplacianSolver


@dataclass(frozen=True)
class Solved:
    """A network at one moment.

    Attributes
    ----------
    p : ndarray, shape (nodes,)
        Potentials [V].
    v, i, rate : ndarray, shape (m,)
        Voltages [V] and currents [A] from tail to head; rates of the states.
    slopes : ndarray, shape (4, m)
        di/dv, di/dx, dx'/dv, dx'/dx.
    inject : ndarray, shape (nodes,)
        Currents [A] put into nodes.
    potentials : callable
        ``potentials(b)``: p with ``L p = b`` at nodes that are not fixed, 0 at those that are.
    """

    p: np.ndarray
    v: np.ndarray
    i: np.ndarray
    rate: np.ndarray
    slopes: np.ndarray
    inject: np.ndarray
    potentials: Callable[[np.ndarray], np.ndarray]


def potentials_of(plan: LaplacianSolver, g: np.ndarray, fixed: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """``solve(b)``: p with L(g) p = b, 0 at fixed nodes; factored again only where others used the plan meanwhile."""

    def solve(b: np.ndarray) -> np.ndarray:
        given = np.array(b, float)
        given[fixed] = 0.0
        with plan.lock:
            kept = getattr(plan, "solved_for", None) is g
            p = plan.solve(None if kept else g, given)
            plan.solved_for = g  # type: ignore[attr-defined]
        return p

    return solve
