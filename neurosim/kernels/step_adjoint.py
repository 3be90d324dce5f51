"""Diagonally implicit steps of ``M y' = f(t, y)`` on a given mesh, their discrete adjoint and their tangents.

A diagonally implicit method has s stages with coefficients a (lower triangular, a_ii > 0) and c; the last stage is the
new y: ``M (Y_i - y) = h sum_j a_ij F_j``, ``F_i = f(t + c_i h, Y_i)``, each solved by Newton's method to rounding. M
may be singular: y enters a step through M y only. A state either obeys its rate or stands at a bound; where it stands,
its row is that of the unit matrix.

Adjoint (mu_i, nu_i the multipliers of the two equations, w_i = h sum_{k>i} a_ki mu_k, Lambda that of the new y):
``(M/(h a_ii) - J_i)' nu_i = M' w_i / (h a_ii) - Lambda [i = s]``, ``mu_i = (nu_i - w_i) / (h a_ii)``, and
``-M' sum mu_i`` is that of y. A parameter p adds ``sum_i mu_i' dM/dp (Y_i - y) - nu_i' df_i/dp``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.abi import ANALYSIS, LIMITED, LIMITING, STEP, TIME, TRANSIENT, driver, helper, unit
from neurosim.kernels.mass import multiply_mass
from neurosim.kernels.native import by_address
from neurosim.kernels.sparse_lu import lu_type, refactor, solve
from neurosim.kernels.system import evaluate_both, system_arrays_type
from neurosim.kernels.triangles import solve_transposed_triangles

DONE, NEW_PIVOTS, SINGULAR, NO_CONVERGENCE = range(4)
"""What the drivers return; ``plan[AT]`` is then the step that was not done."""

STEPS, STAGES, KEEP, AT, LINEAR, DIRECTIONS = range(6)
"""Entries of `Steps.plan`: steps; stages; 1 to keep all stages in `tape`; the step to begin with, and at the end the
one that was not done; 1 where the Jacobian is constant; directions of the tangents."""

MOST_ITERATIONS, RESIDUE = 25, 1e-9
"""Newton: most corrections; size of one, relative to the largest values, after which one more is the last."""


@by_address
class Steps(NamedTuple):
    """Mesh, method and tape of n unknowns with b bounded ones, and work space."""

    plan: np.ndarray
    """int64, see above."""
    saved: np.ndarray
    """int64 [steps + 1]: row of the values to which each mesh point belongs, -1 for none."""
    times: np.ndarray
    """[steps + 1]."""
    tableau: np.ndarray
    """[s + 2, s]: a, c, and what the sum of h F_j with these weights differs by from the embedded solution."""
    typical: np.ndarray
    """[n]: largest size of each unknown, for the convergence of Newton's method."""
    atol: np.ndarray
    """[n], and rtol in the last place [n + 1]: for the error estimate."""
    start: np.ndarray
    """[n + 1]: y at the first mesh point."""
    tape: np.ndarray
    """[steps or 1, s, n + 1]: the stages."""
    held: np.ndarray
    """[steps or 1, s, b]: 1 where a state stands at a bound."""
    error: np.ndarray
    """[steps]: estimated error relative to the tolerance."""
    y: np.ndarray
    """[n + 1]."""
    f: np.ndarray
    """[n + 1]."""
    work: np.ndarray
    """[s + 4, n + 1]."""
    jacobian: np.ndarray
    """[nnz + 1]."""
    matrix: np.ndarray
    """[nnz + 1]."""
    alpha: np.ndarray
    """[1]: 1/(h a_ii) of the matrix that is factored, -1 for none."""


def steps_type() -> Any:
    """Numba type of the address of a `Steps`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    dimensions = {"tape": 3, "held": 3, "tableau": 2, "work": 2}
    kinds = [
        types.Array(types.i8 if name in ("plan", "saved") else types.f8, dimensions.get(name, 1), "C")
        for name in Steps._fields
    ]
    return tuple_pointer(kinds, Steps)


def _signature(arrays: int) -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(system_arrays_type(), lu_type(), steps_type(), *[real] * arrays)


@helper
def _save(saved, k, y, values):
    """Put y into the row of values that mesh point k has."""
    if saved[k] >= 0:
        n = y.size - 1
        at = saved[k] * n
        for i in range(n):
            values[at + i] = y[i]


@helper
def _factor(S, lu, T, alpha):
    """Factor ``alpha M - J`` as it stands in T.matrix."""
    status = refactor(lu, T.matrix)
    T.alpha[0] = alpha if status == 0 else -1.0
    if status != 0:
        return SINGULAR if status > 0 else NEW_PIVOTS
    return DONE


@helper
def _held_matrix(S, T, alpha, held):
    """``alpha M - J`` with the rows of held states replaced."""
    for q in range(S.mass.size):
        T.matrix[q] = alpha * S.mass[q] - T.jacobian[q]
    for b in range(S.bounded.size):
        if held[b] != 0.0:
            for q in range(S.row_slot_pointer[b], S.row_slot_pointer[b + 1]):
                T.matrix[S.row_slot[q]] = 0.0
            T.matrix[S.diagonal[S.bounded[b]]] = 1.0


@helper
def _linearise(S, lu, T, context, t, Y, alpha, held):
    """Factor the matrix of a stage that was solved."""
    any_held = False
    for b in range(S.bounded.size):
        any_held = any_held or held[b] != 0.0
    if T.plan[LINEAR] != 0 and not any_held and T.alpha[0] == alpha:
        return DONE
    context[TIME] = t
    evaluate_both(S, context, Y, T.f, T.jacobian)
    _held_matrix(S, T, alpha, held)
    status = _factor(S, lu, T, alpha)
    if any_held:
        T.alpha[0] = -1.0
    return status


@unit(lambda: _stage_signature())
def _solve_stage(S, lu, T, context, t, alpha, Y, held, known):
    """Newton's method on ``alpha M (Y - y) = f(t, Y) + known`` from the guess Y; the matrix of the last correction is
    left factored."""
    n = Y.size - 1
    R = T.work[T.work.shape[0] - 1]
    difference = T.work[T.work.shape[0] - 2]
    context[TIME] = t
    is_last = False
    previous = np.inf
    for _ in range(MOST_ITERATIONS):
        context[LIMITING] = 1.0
        evaluate_both(S, context, Y, T.f, T.jacobian)
        context[LIMITING] = 0.0
        for i in range(n):
            difference[i] = Y[i] - T.y[i]
        multiply_mass(S, difference, R)
        for i in range(n):
            R[i] = T.f[i] + known[i] - alpha * R[i]
            if not np.isfinite(R[i]):
                return NO_CONVERGENCE
        stopped = 0
        for b in range(S.bounded.size):
            i = S.bounded[b]
            target = Y[i] + R[i] / alpha
            held[b] = 0.0
            if target > S.upper[b] or target < S.lower[b]:
                stopped += 1
                held[b] = 1.0
                R[i] = (S.upper[b] if target > S.upper[b] else S.lower[b]) - Y[i]
        if not (T.plan[LINEAR] != 0 and stopped == 0 and T.alpha[0] == alpha):
            _held_matrix(S, T, alpha, held)
            status = _factor(S, lu, T, alpha)
            if status != DONE:
                return status
            if stopped > 0:
                T.alpha[0] = -1.0
        solve(lu, R[:n])
        size = 0.0
        for i in range(n):
            Y[i] += R[i]
            e = abs(R[i]) / max(T.typical[i], abs(Y[i]))
            if not e <= size:
                size = e
        if not np.isfinite(size):
            return NO_CONVERGENCE
        if context[LIMITED] == 0.0:
            if is_last or size < 1e-15:
                return DONE
            # What is left over is rounding once corrections no longer shrink.
            is_last = size < RESIDUE or (T.plan[LINEAR] != 0 and stopped == 0) or (size < 1e-7 and size > previous)
        previous = size
    return NO_CONVERGENCE


def _stage_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(system_arrays_type(), lu_type(), steps_type(), real, types.f8, types.f8, real, real, real)


@driver(lambda: _signature(2))
def take_steps(S, lu, T, context, values):
    """Take the steps from ``plan[AT]`` on, from T.y; see `Steps`."""
    n, stages = T.y.size - 1, T.plan[STAGES]
    context[ANALYSIS] = TRANSIENT
    known = T.work[stages]
    for k in range(T.plan[AT], T.plan[STEPS]):
        T.plan[AT] = k
        if k == 0:
            _save(T.saved, 0, T.y, values)
        t, h = T.times[k], T.times[k + 1] - T.times[k]
        context[STEP] = h
        row = k if T.plan[KEEP] != 0 else 0
        for i in range(stages):
            Y, F, gamma = T.tape[row, i], T.work[i], T.tableau[i, i]
            known[:] = 0.0
            for j in range(i):
                a = T.tableau[i, j]
                if a != 0.0:
                    for m in range(n):
                        known[m] += a * T.work[j, m]
            alpha = 1.0 / (h * gamma)
            for m in range(n):
                Y[m] = T.y[m] if i == 0 else T.tape[row, i - 1, m]
                known[m] /= gamma
            Y[n] = 0.0
            status = _solve_stage(S, lu, T, context, t + T.tableau[stages, i] * h, alpha, Y, T.held[row, i], known)
            if status != DONE:
                return status
            # F follows from the equation of the stage, also where a state stands at a bound.
            for m in range(n):
                known[m] *= -gamma
            _add_difference(S, T, Y, 1.0 / h, known)
            for m in range(n):
                F[m] = known[m] / gamma
        new = T.tape[row, stages - 1]
        T.error[k] = _estimated_error(S, lu, T, T.held[row, stages - 1], new)
        T.y[:] = new
        _save(T.saved, k + 1, T.y, values)
    T.plan[AT] = T.plan[STEPS]
    return DONE


@helper
def _add_difference(S, T, Y, factor, out):
    """out += factor M (Y - y)."""
    for q in range(S.mass_value.size):
        m = S.mass_column[q]
        out[S.mass_row[q]] += factor * S.mass_value[q] * (Y[m] - T.y[m])


@helper
def _estimated_error(S, lu, T, held, new):
    """Error of the step relative to the tolerance, by the matrix of the last stage."""
    n, stages = T.y.size - 1, T.plan[STAGES]
    e = T.work[stages]
    e[:] = 0.0
    for j in range(stages):
        weight = T.tableau[stages + 1, j] / T.tableau[stages - 1, stages - 1]
        for m in range(n):
            e[m] += weight * T.work[j, m]
    for b in range(S.bounded.size):
        if held[b] != 0.0:
            e[S.bounded[b]] = 0.0
    solve(lu, e[:n])
    total = 0.0
    for m in range(n):
        scale = T.atol[m] + T.atol[n] * max(abs(new[m]), T.typical[m])
        total += (e[m] / scale) ** 2
    return np.sqrt(total / n)


@driver(lambda: _signature(6))
def reverse_steps(S, lu, T, context, d_values, adjoint, nu, d_mass, old):
    """Adjoint of `take_steps` from its tape: `adjoint` [n + 1] enters as that of the last y and leaves as the first's.

    Steps are done from ``plan[AT]`` down. `nu` [steps, s, n + 1] gets the multipliers of f at each stage, `d_mass` is
    added to. `old` is work space of n + 1.
    """
    n, stages = T.y.size - 1, T.plan[STAGES]
    context[ANALYSIS] = TRANSIENT
    w, rhs = T.work[stages], T.work[stages + 1]
    for k in range(T.plan[AT], -1, -1):
        T.plan[AT] = k
        t, h = T.times[k], T.times[k + 1] - T.times[k]
        context[STEP] = h
        T.y[:] = T.start if k == 0 else T.tape[k - 1, stages - 1]
        for i in range(stages - 1, -1, -1):
            mu, Y, held, gamma = T.work[i], T.tape[k, i], T.held[k, i], T.tableau[i, i]
            at = (k * stages + i) * (n + 1)
            multiplier = nu[at : at + n + 1]
            time = t + T.tableau[stages, i] * h
            w[:] = 0.0
            for j in range(i + 1, stages):
                a = h * T.tableau[j, i]
                if a != 0.0:
                    for m in range(n):
                        w[m] += a * T.work[j, m]
            alpha = 1.0 / (h * gamma)
            status = _linearise(S, lu, T, context, time, Y, alpha, held)
            if status != DONE:
                return status
            rhs[:] = 0.0
            for q in range(S.mass_value.size):
                rhs[S.mass_column[q]] += alpha * S.mass_value[q] * w[S.mass_row[q]]
            if i == stages - 1:
                for m in range(n):
                    rhs[m] -= adjoint[m]
            solve_transposed_triangles(lu, rhs[:n])
            for b in range(S.bounded.size):
                if held[b] != 0.0:
                    rhs[S.bounded[b]] = 0.0
            rhs[n] = 0.0
            multiplier[:] = rhs
            for m in range(n):
                mu[m] = alpha * (rhs[m] - w[m])
        old[:] = 0.0
        for i in range(stages):
            mu, Y = T.work[i], T.tape[k, i]
            for q in range(S.mass_value.size):
                r, c = S.mass_row[q], S.mass_column[q]
                old[c] -= S.mass_value[q] * mu[r]
                d_mass[q] += mu[r] * (Y[c] - T.y[c])
        adjoint[:] = old
        if T.saved[k] >= 0:
            at = T.saved[k] * n
            for m in range(n):
                adjoint[m] += d_values[at + m]
    T.plan[AT] = -1
    return DONE


@driver(lambda: _signature(6))
def tangent_steps(S, lu, T, context, slopes, mass_slopes, s, values, changes):
    """Directions through `take_steps`, from its tape: s [directions, n + 1] becomes that of the last y.

    `slopes` [steps, s, directions, n + 1] is df/dp at the stages, `mass_slopes` [directions, entries of M] dM/dp;
    `changes` [s + 1, directions, n + 1] is work space.
    """
    n, stages, count = T.y.size - 1, T.plan[STAGES], T.plan[DIRECTIONS]
    context[ANALYSIS] = TRANSIENT
    rhs, length = T.work[stages], count * (n + 1)
    entries = S.mass_value.size
    for k in range(T.plan[AT], T.plan[STEPS]):
        T.plan[AT] = k
        if k == 0:
            _save_directions(T, 0, s, values)
        t, h = T.times[k], T.times[k + 1] - T.times[k]
        context[STEP] = h
        T.y[:] = T.start if k == 0 else T.tape[k - 1, stages - 1]
        for i in range(stages):
            Y, held, gamma = T.tape[k, i], T.held[k, i], T.tableau[i, i]
            time = t + T.tableau[stages, i] * h
            alpha = 1.0 / (h * gamma)
            status = _linearise(S, lu, T, context, time, Y, alpha, held)
            if status != DONE:
                return status
            for r in range(count):
                before = s[r * (n + 1) : (r + 1) * (n + 1)]
                at = ((k * stages + i) * count + r) * (n + 1)
                slope = slopes[at : at + n + 1]
                dF = changes[i * length + r * (n + 1) : i * length + (r + 1) * (n + 1)]
                rhs[:] = 0.0
                for j in range(i):
                    a = T.tableau[i, j]
                    if a != 0.0:
                        earlier = changes[j * length + r * (n + 1) : j * length + (r + 1) * (n + 1)]
                        for m in range(n):
                            rhs[m] += a * earlier[m]
                # dF_i = (dM (Y - y)/h + M (dY - dy)/h - sum a_ij dF_j)/gamma; what does not hang on dY comes first.
                for m in range(n):
                    dF[m] = -rhs[m] / gamma
                for q in range(entries):
                    row, c = S.mass_row[q], S.mass_column[q]
                    dF[row] -= alpha * S.mass_value[q] * before[c]
                    dF[row] += alpha * mass_slopes[r * entries + q] * (Y[c] - T.y[c])
                for m in range(n):
                    rhs[m] = slope[m] - dF[m]
                for b in range(S.bounded.size):
                    if held[b] != 0.0:
                        rhs[S.bounded[b]] = 0.0
                solve(lu, rhs[:n])
                rhs[n] = 0.0
                for q in range(entries):
                    dF[S.mass_row[q]] += alpha * S.mass_value[q] * rhs[S.mass_column[q]]
                if i == stages - 1:
                    new = changes[stages * length + r * (n + 1) : stages * length + (r + 1) * (n + 1)]
                    new[:] = rhs
        s[:] = changes[stages * length : (stages + 1) * length]
        _save_directions(T, k + 1, s, values)
    T.plan[AT] = T.plan[STEPS]
    return DONE


@helper
def _save_directions(T, k, s, values):
    if T.saved[k] >= 0:
        n, count = T.y.size - 1, T.plan[DIRECTIONS]
        for r in range(count):
            for i in range(n):
                values[(T.saved[k] * count + r) * n + i] = s[r * (n + 1) + i]
