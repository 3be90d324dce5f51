"""Newton's method with damping for algebraic systems: operating points, DC sweeps, consistent starts.

Solves ``f(t, y) - beta (M y - q) - g (y - y_ref) = 0``, with some unknowns held. beta = 0 and g = 0 is an operating
point; g > 0 on nets is gmin stepping (y_ref = 0) or a pseudo-transient step (y_ref = last y); beta -> infinity keeps
the charges and fluxes q and finds the rest, which is a consistent start.

The damping is the natural monotonicity test of P. Deuflhard, Newton Methods for Nonlinear Problems (Springer 2004),
section 3.3 (recalled): a step fraction is accepted when the simplified correction there is smaller than the correction.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import LIMITED, driver, helper
from neurosim.kernels.mass import multiply_mass
from neurosim.kernels.sparse_lu import lu_type, refactor, solve
from neurosim.kernels.system import evaluate_both, project_rates, system_arrays_type

CONVERGED, SLOW, SINGULAR, NOT_FINITE, PIVOT = range(5)
"""Status of `newton`: done; too many iterations; singular matrix; a flow is not finite; pivots no longer suit."""


@helper
def _residual(S, f, y, beta, q, g, y_ref, held, held_value, work):
    """Turn f into the residual in place."""
    n = y.size - 1
    if beta > 0.0:
        multiply_mass(S, y, work)
        for i in range(n):
            f[i] -= beta * (work[i] - q[i])
    for i in range(n):
        if g[i] != 0.0:
            f[i] -= g[i] * (y[i] - y_ref[i])
    for j in range(held.size):
        f[held[j]] = held_value[j] - y[held[j]]


@helper
def _matrix(S, jacobian, beta, g, held, held_pointer, held_slot, matrix):
    """matrix = minus the derivative of the residual."""
    for p in range(S.mass.size):
        matrix[p] = beta * S.mass[p] - jacobian[p]
    for i in range(S.diagonal.size):
        if g[i] != 0.0:
            matrix[S.diagonal[i]] += g[i]
    for j in range(held.size):
        for p in range(held_pointer[j], held_pointer[j + 1]):
            matrix[held_slot[p]] = 0.0
        matrix[S.diagonal[held[j]]] = 1.0


@helper
def _size(delta, y, rtol, atol):
    """Largest scaled entry of a correction."""
    worst = 0.0
    for i in range(delta.size):
        e = abs(delta[i]) / (rtol * abs(y[i]) + atol[i])
        if not e <= worst:
            worst = e
    return worst


def _signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    whole = types.Array(types.i8, 1, "C")
    table = types.Array(types.f8, 2, "C")
    return types.UniTuple(types.i8, 3)(
        system_arrays_type(), lu_type(), real, real, types.f8, real, real, real, whole, real, whole, whole,
        types.f8, real, types.i8, table, table,
    )  # fmt: skip


@driver(_signature)
def newton(
    S, lu, context, y, beta, q, g, y_ref, held, held_value, held_pointer, held_slot, rtol, atol, most, work_y,
    work_jacobian,
):  # fmt: skip
    """Solve in place for y (n + 1 entries, ground last).

    Parameters
    ----------
    beta : float
        Weight of M y = q [1/s].
    q : ndarray, shape (n + 1,)
        Target of M y.
    g, y_ref : ndarray, shape (n,)
        Shunt at each unknown, and where it pulls.
    held, held_value : ndarray
        Unknowns whose equation is replaced by ``y = value``; `held_pointer`, `held_slot` list their matrix rows.
    rtol : float
    atol : ndarray, shape (n,)
        A correction below ``rtol |y| + atol`` everywhere ends the search.
    most : int
        Limit of iterations.
    work_y : ndarray, shape (6, n + 1)
    work_jacobian : ndarray, shape (2, nnz + 1)
        Room to work in.

    Returns
    -------
    status, unknown, iterations : int
        `unknown` is the one that is singular, not finite, or slowest.
    """
    n = y.size - 1
    f, work, trial, scratch = work_y[0], work_y[1], work_y[2], work_y[3]
    delta, simplified = work_y[4, :n], work_y[5, :n]
    jacobian, matrix = work_jacobian[0], work_jacobian[1]
    trial[n] = 0.0
    evaluate_both(S, context, y, f, jacobian)
    worst = 0
    previous = np.inf
    for iteration in range(most):
        limited = context[LIMITED] != 0.0
        project_rates(S, y, f)
        _residual(S, f, y, beta, q, g, y_ref, held, held_value, work)
        for i in range(n):
            if not np.isfinite(f[i]):
                return NOT_FINITE, i, iteration
            delta[i] = f[i]
        _matrix(S, jacobian, beta, g, held, held_pointer, held_slot, matrix)
        for p in range(S.mass.size):
            if not np.isfinite(matrix[p]):
                return NOT_FINITE, S.row_index[p], iteration
        status = refactor(lu, matrix)
        if status > 0:
            return SINGULAR, status - 1, iteration
        if status < 0:
            return PIVOT, -status - 1, iteration
        solve(lu, delta)
        size = _size(delta, y, rtol, atol)
        if not np.isfinite(size):
            return NOT_FINITE, 0, iteration
        worst = 0
        largest = -1.0
        for i in range(n):
            e = abs(delta[i]) / (rtol * abs(y[i]) + atol[i])
            if e > largest:
                largest = e
                worst = i
        # Rounding sets the floor: a correction that is small and no longer shrinks will not get better.
        done = (size < 1e-3 or (size < 1.0 and size > 0.2 * previous)) and not limited
        previous = size
        fraction = 1.0
        while True:
            for i in range(n):
                trial[i] = y[i] + fraction * delta[i]
            evaluate_both(S, context, trial, f, jacobian)
            finite = True
            for i in range(n):
                if not np.isfinite(f[i]):
                    finite = False
            if finite and (limited or context[LIMITED] != 0.0 or size < 1.0):
                break
            if finite:
                for i in range(n + 1):
                    work[i] = f[i]
                project_rates(S, trial, work)
                for i in range(n):
                    simplified[i] = 0.0
                _residual(S, work, trial, beta, q, g, y_ref, held, held_value, scratch)
                for i in range(n):
                    simplified[i] = work[i]
                solve(lu, simplified)
                if _size(simplified, y, rtol, atol) <= (1.0 - 0.25 * fraction) * size:
                    break
            if fraction < 1e-3:
                if finite:
                    break
                for i in range(n):
                    if not np.isfinite(f[i]):
                        return NOT_FINITE, i, iteration
            fraction *= 0.5
        y[:n] = trial[:n]
        if done:
            return CONVERGED, worst, iteration + 1
    return SLOW, worst, most
