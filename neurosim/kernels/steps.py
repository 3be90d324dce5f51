"""One step of each implicit method on ``M y' = f(t, y)``; `neurosim.kernels.time_loop` decides on its size.

A step reads ``run.y`` (and its history), writes ``run.y_new`` and the error estimate ``run.error``, and returns 0 or a
status. States at a bound stay there: the linearly implicit method drops their rows, the others solve the
complementarity condition (a state either obeys its rate or stands at the bound) by a semismooth Newton iteration.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import LIMITED, LIMITING, STEP, TIME, helper, unit
from neurosim.kernels.run import (
    ALPHA,
    BDF2,
    BETA,
    EVALUATIONS,
    FACTORISATIONS,
    H_1,
    H_2,
    HISTORY,
    INDEX_TWO,
    ITERATIONS,
    LINEAR_SYSTEM,
    METHOD,
    NEWTON_TOLERANCE,
    NOT_FINITE,
    PIVOT,
    POLISH_READY,
    RTOL,
    SINGULAR,
    STATUS_INDEX,
    T_START,
    T_STOP,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.sparse_lu import lu_type, refactor, solve
from neurosim.kernels.system import (
    evaluate_both,
    evaluate_flow,
    multiply_mass,
    project_rates,
    project_rates_and_rows,
    system_arrays_type,
)  # fmt: skip

REPEAT = 100
"""Returned by a step that did not converge: try a smaller one."""

@helper
def _factor(S, lu, run, alpha):
    """Factor alpha M - J."""
    matrix = run.matrix
    for p in range(S.mass.size):
        matrix[p] = alpha * S.mass[p] - run.jacobian[p]
    return _refactor(lu, run, matrix)


@helper
def _refactor(lu, run, matrix):
    run.count[FACTORISATIONS] += 1
    status = refactor(lu, matrix)
    if status != 0:
        run.count[STATUS_INDEX] = abs(status) - 1
        return SINGULAR if status > 0 else PIVOT
    return 0


@unit(lambda: _step_signature())
def rosenbrock_defect(S, lu, run, context, h):
    """Put an estimate of the interpolant's error in the middle of the step into `run.error`.

    The interpolant has a lower order than the step and nothing else controls it. Its defect
    ``f(t + h/2, y(1/2)) - M y'(1/2)`` is turned into an error by the matrix of the step.
    """
    n = run.y.size - 1
    middle = run.stage[0]
    slope = run.stage[1]
    error = run.error
    work = run.stage[2]
    for i in range(n):
        q1, q2, q3, q4 = run.q[1, i], run.q[2, i], run.q[3, i], run.q[4, i]
        middle[i] = run.q[0, i] + 0.5 * (q1 + 0.5 * (q2 + 0.5 * (q3 + 0.5 * q4)))
        slope[i] = (q1 + q2 + 0.75 * q3 + 0.5 * q4) / h
    middle[n] = 0.0
    context[TIME] = run.real[T] + 0.5 * h
    evaluate_flow(S, context, middle, error)
    run.count[EVALUATIONS] += 1
    multiply_mass(S, slope, work)
    for i in range(n):
        error[i] -= work[i]
    for j in range(S.bounded.size):
        # The interpolant of a state that meets a bound in this step is cut there.
        i = S.bounded[j]
        if not S.lower[j] < run.y_new[i] < S.upper[j] or not S.lower[j] < run.y[i] < S.upper[j]:
            error[i] = 0.0
    solve(lu, error[:n])
    return 0


def _step_signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_step_signature)
def rosenbrock_step(S, lu, run, context, h):
    """Linearly implicit step; `run.tableau` rows: A (s), C (s), then [c], [d], then gamma in the first column.

    With k_i the stage increments: ``(M/(h gamma) - J) k_i = f(t + c_i h, y + sum a_ij k_j) + M sum (C_ij/h) k_j
    + h d_i f_t``; the last stage is the error estimate and completes the step (stiffly accurate).
    """
    n = run.y.size - 1
    tableau = run.tableau
    s = tableau.shape[1]
    gamma = tableau[2 * s + 2, 0]
    K = run.stage
    f0 = run.f
    ft = run.stage[s]
    u = run.stage[s + 1]
    work = run.stage[s + 2]
    increment = run.stage[s + 3]
    t = run.real[T]
    context[TIME] = t
    context[STEP] = h
    alpha = 1.0 / (h * gamma)
    linear = run.count[LINEAR_SYSTEM] != 0
    evaluate_both(S, context, run.y, f0, run.jacobian)
    project_rates_and_rows(S, run.y, f0, run.jacobian)
    for i in range(n):
        if not np.isfinite(f0[i]):
            run.count[STATUS_INDEX] = i
            return NOT_FINITE
    # The time derivative enters multiplied by h: a forward difference over a small part of the step is enough.
    small = 1e-5 * h
    context[TIME] = t + small
    evaluate_flow(S, context, run.y, ft)
    project_rates(S, run.y, ft)
    for i in range(n):
        ft[i] = (ft[i] - f0[i]) / small
    run.count[EVALUATIONS] += 2
    if not (linear and run.real[ALPHA] == alpha):
        status = _factor(S, lu, run, alpha)
        if status != 0:
            run.real[ALPHA] = -1.0
            return status
        run.real[ALPHA] = alpha
    for stage in range(s):
        if stage == 0:
            u[:] = run.y
            work[:] = f0
        else:
            u[:] = run.y
            for j in range(stage):
                a = tableau[stage, j]
                if a != 0.0:
                    for i in range(n):
                        u[i] += a * K[j, i]
            context[TIME] = t + tableau[2 * s, stage] * h
            evaluate_flow(S, context, u, work)
            # What stood at a bound stays there for the step. A state on its way to one may pass it: it is put back at
            # the end, while a rate that vanished halfway would make the error estimate refuse every step.
            for j in range(S.bounded.size):
                i = S.bounded[j]
                if f0[i] == 0.0 and (run.y[i] >= S.upper[j] or run.y[i] <= S.lower[j]):
                    work[i] = 0.0
            run.count[EVALUATIONS] += 1
            increment[:] = 0.0
            for j in range(stage):
                c = tableau[s + stage, j] / h
                if c != 0.0:
                    for i in range(n):
                        increment[i] += c * K[j, i]
            multiply_mass(S, increment, K[stage])
            for i in range(n):
                work[i] += K[stage, i]
        d = tableau[2 * s + 1, stage] * h
        if d != 0.0:
            for i in range(n):
                work[i] += d * ft[i]
        solve(lu, work[:n])
        for i in range(n):
            K[stage, i] = work[i]
    for i in range(n):
        run.y_new[i] = u[i] + K[s - 1, i]
        run.error[i] = K[s - 1, i]
    run.y_new[n] = 0.0
    return 0


@helper
def rosenbrock_interpolant(run):
    """Powers of the step fraction x: (1-x) y0 + x (y1 + (1-x)(k1 + x (k2 + x k3))), k = H K."""
    n = run.y.size - 1
    s = run.tableau.shape[1]
    row = 2 * s + 3
    q = run.q
    q[1:, :] = 0.0
    # Down the rows of the stages, so that the loops vectorise: first k1, k2, k3 into q1, q2, q3.
    for j in range(s):
        for k in range(3):
            h = run.tableau[row + k, j]
            if h != 0.0:
                for i in range(n):
                    q[1 + k, i] += h * run.stage[j, i]
    for i in range(n):
        k1, k2, k3 = q[1, i], q[2, i], q[3, i]
        q[0, i] = run.y[i]
        q[1, i] = run.y_new[i] - run.y[i] + k1
        q[2, i] = k2 - k1
        q[3, i] = k3 - k2
        q[4, i] = -k3


@unit(_step_signature)
def multistep_step(S, lu, run, context, h):
    """Backward Euler after a restart, then trapezoid or variable-step BDF2, by Newton.

    Writes M y' = alpha M y - m0 with m0 from the history: the slope of charges and fluxes, so charge is conserved. The
    error estimate is the difference to the extrapolated history, scaled to the leading error of the formula.
    """
    n = run.y.size - 1
    history = run.count[HISTORY]
    t = run.real[T] + h
    context[TIME] = t
    context[STEP] = h
    h1 = run.real[H_1]
    h2 = run.real[H_2]
    y = run.y_new
    m0 = run.stage[0]
    R = run.stage[1]
    My = run.stage[2]
    predicted = run.stage[3]
    f = run.stage[4]
    bdf = run.count[METHOD] == BDF2
    order = 1 if history < 2 else 2
    if order == 1:
        alpha = 1.0 / h
        multiply_mass(S, run.y, m0)
        for i in range(n):
            m0[i] *= alpha
    elif bdf:
        w = h / h1
        alpha = (1.0 + 2.0 * w) / (h * (1.0 + w))
        a1 = (1.0 + w) / h
        a2 = w * w / (h * (1.0 + w))
        for i in range(n + 1):
            R[i] = a1 * run.y[i] - a2 * run.past[0, i]
        multiply_mass(S, R, m0)
    else:
        alpha = 2.0 / h
        multiply_mass(S, run.y, m0)
        for i in range(n):
            m0[i] = alpha * m0[i] + run.f[i]
    # Extrapolate the history; after a restart along the slope of the differential unknowns.
    if history >= 3:
        l0 = (h + h1) * (h + h1 + h2) / (h1 * (h1 + h2))
        l1 = -h * (h + h1 + h2) / (h1 * h2)
        l2 = h * (h + h1) / ((h1 + h2) * h2)
        for i in range(n):
            predicted[i] = l0 * run.y[i] + l1 * run.past[0, i] + l2 * run.past[1, i]
    elif history == 2:
        for i in range(n):
            predicted[i] = run.y[i] + h / h1 * (run.y[i] - run.past[0, i])
    else:
        for i in range(n):
            predicted[i] = run.y[i] + h * run.differential[i] * run.past[3, i]
    for i in range(n):
        y[i] = predicted[i]
    y[n] = 0.0
    linear = run.count[LINEAR_SYSTEM] != 0
    context[LIMITING] = 1.0
    previous = np.inf
    converged = False
    matrix_is_old = linear and run.real[ALPHA] == alpha
    for iteration in range(12):
        evaluate_both(S, context, y, f, run.jacobian)
        run.count[ITERATIONS] += 1
        multiply_mass(S, y, My)
        for i in range(n):
            R[i] = f[i] - alpha * My[i] + m0[i]
        R[n] = 0.0
        stopped = 0
        for j in range(S.bounded.size):
            i = S.bounded[j]
            target = y[i] + R[i] / alpha
            if target > S.upper[j] or target < S.lower[j]:
                stopped += 1
        fresh = False
        if not matrix_is_old and (iteration == 0 or stopped > 0 or not linear):
            matrix = run.matrix
            for p in range(S.mass.size):
                matrix[p] = alpha * S.mass[p] - run.jacobian[p]
            fresh = True
        for j in range(S.bounded.size):
            i = S.bounded[j]
            target = y[i] + R[i] / alpha
            if target > S.upper[j] or target < S.lower[j]:
                bound = S.upper[j] if target > S.upper[j] else S.lower[j]
                R[i] = alpha * (bound - y[i])
                if fresh:
                    for q in range(S.row_slot_pointer[j], S.row_slot_pointer[j + 1]):
                        run.matrix[S.row_slot[q]] = 0.0
                    run.matrix[S.diagonal[i]] = alpha
        for i in range(n):
            if not np.isfinite(R[i]):
                run.count[STATUS_INDEX] = i
                context[LIMITING] = 0.0
                return NOT_FINITE
        if fresh:
            status = _refactor(lu, run, run.matrix)
            run.real[ALPHA] = alpha if status == 0 and linear and stopped == 0 else -1.0
            if status != 0:
                context[LIMITING] = 0.0
                return status
            matrix_is_old = linear and stopped == 0
        solve(lu, R[:n])
        size = 0.0
        for i in range(n):
            y[i] += R[i]
            e = abs(R[i]) / (run.real[RTOL] * max(run.largest[i], abs(y[i])) + run.atol[i])
            if not e <= size:
                size = e
        if not np.isfinite(size):
            break
        limit = run.real[NEWTON_TOLERANCE]
        limited = context[LIMITED] != 0.0
        if not limited and (size < limit * 1e-3 or (linear and stopped == 0) or (iteration > 0 and size < limit)):
            converged = True
            break
        if iteration > 3 and size > 2.0 * previous and not limited:
            break
        previous = size
    context[LIMITING] = 0.0
    if not converged:
        return REPEAT
    # The slope of charges and fluxes at the new point, from the formula itself.
    multiply_mass(S, y, My)
    for i in range(n):
        run.stage[1, i] = alpha * My[i] - m0[i]
    if history >= 3:
        extrapolation = h * (h + h1) * (h + h1 + h2) / 6.0
        own = (h + h1) ** 2 * h * h / (6.0 * (2.0 * h + h1)) if bdf else h**3 / 12.0
        factor = own / (extrapolation + own)
    elif history == 2:
        factor = h * h / (h * h + h * (h + h1))
    else:
        factor = 0.5
    for i in range(n):
        weight = 1.0 if history >= 2 else run.differential[i]
        run.error[i] = weight * factor * (y[i] - predicted[i])
    return 0


@helper
def multistep_interpolant(run, h):
    """Quadratic through the last three points, or a line after a restart."""
    n = run.y.size - 1
    if run.count[HISTORY] >= 2:
        w = h / run.real[H_1]
        for i in range(n):
            a = run.y_new[i] - run.y[i]
            b = w * (run.y[i] - run.past[0, i])
            c = (a - b) / (1.0 + 1.0 / w)
            # Newton form in x: y0 + b x + c x (x + 1/w)
            run.q[0, i] = run.y[i]
            run.q[1, i] = b + c / w
            run.q[2, i] = c
    else:
        for i in range(n):
            run.q[0, i] = run.y[i]
            run.q[1, i] = run.y_new[i] - run.y[i]
            run.q[2, i] = 0.0
    for k in range(3, run.q.shape[0]):
        run.q[k, :] = 0.0


@helper
def multistep_accept(run, h):
    """Shift the history after an accepted step."""
    run.past[1, :] = run.past[0, :]
    run.past[0, :] = run.y
    run.real[H_2] = run.real[H_1]
    run.real[H_1] = h
    run.f[:] = run.stage[1]
    run.count[HISTORY] = min(run.count[HISTORY] + 1, 3)


def _polish_signature() -> Any:
    from numba import types

    real = types.Array(types.f8, 1, "C")
    return types.i8(system_arrays_type(), lu_type(), run_type(), real, types.f8, real, real)


@unit(_polish_signature)
def polish(S, lu, run, context, t, y, slope):
    """Make y satisfy the algebraic equations at t and find y', keeping charges, fluxes and states.

    Newton on d in ``beta M d = f(t, y + d)`` with a large beta, so that d is y'/beta for what M determines and the
    correction for the rest. The factorisation is kept as long as it converges fast. With index 2 a second round moves
    the time by 1/beta, which makes d the step that the imposed voltages or currents take.
    """
    status = _polish_at(S, lu, run, context, t, y, slope)
    if status == 0 and run.count[INDEX_TWO] != 0:
        status = _polish_at(S, lu, run, context, t + 1.0 / run.real[BETA], y, slope)
    return status


@helper
def _polish_at(S, lu, run, context, t, y, slope):
    """One round of `polish`, all of it at time t."""
    n = y.size - 1
    f = run.error
    d = run.past[2]
    work = slope
    beta = run.real[BETA]
    span = run.real[T_STOP] - run.real[T_START]
    context[TIME] = t
    d[:] = 0.0
    previous = np.inf
    for iteration in range(40):
        for i in range(n):
            work[i] = y[i] + d[i]
        work[n] = 0.0
        refreshed = run.count[POLISH_READY] == 0
        if refreshed:
            evaluate_both(S, context, work, f, run.jacobian)
            project_rates_and_rows(S, work, f, run.jacobian)
            status = _factor(S, lu, run, beta)
            if status != 0:
                return status
            run.count[POLISH_READY] = 1
        else:
            evaluate_flow(S, context, work, f)
            project_rates(S, work, f)
        run.count[EVALUATIONS] += 1
        multiply_mass(S, d, work)
        for i in range(n):
            f[i] -= beta * work[i]
            if not np.isfinite(f[i]):
                run.count[STATUS_INDEX] = i
                return NOT_FINITE
        solve(lu, f[:n])
        size = 0.0
        for i in range(n):
            moved = d[i] + f[i]
            reference = max(run.largest[i], abs(y[i]))
            if run.differential[i] != 0.0:
                scale = 1e-10 * (abs(moved) + reference / (beta * span))
            else:
                scale = 1e-12 * reference
            e = abs(f[i]) / (scale + 1e-6 * run.atol[i] / (beta * span))
            if not e <= size:
                size = e
        stuck = iteration > 1 and size > 0.5 * previous and refreshed
        # Across a kink of a law full corrections go to and fro; near the floor of rounding nothing more is to be had.
        fraction = 0.5 if stuck and size > 1e4 else 1.0
        for i in range(n):
            d[i] += fraction * f[i]
        # With constant derivatives one correction is exact.
        if size < 1.0 or run.count[LINEAR_SYSTEM] != 0 or (stuck and fraction == 1.0):
            break
        if size > 0.1 * previous:
            run.count[POLISH_READY] = 0
        previous = size
    for i in range(n):
        y[i] += d[i]
        slope[i] = beta * d[i] * run.differential[i]
    slope[n] = 0.0
    return 0
