"""One step of each implicit method on ``M y' = f(t, y)``; `neurosim.kernels.time_loop` decides on its size.

A step reads ``run.y`` (and its history), writes ``run.y_new`` and the error estimate ``run.error``, and returns 0 or a
status. States at a bound stay there: the linearly implicit method drops their rows, the others solve the
complementarity condition (a state either obeys its rate or stands at the bound) by a semismooth Newton iteration.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import FLOWS, LIMITED, LIMITING, PREPARE, REQUEST, SOLVE, STEP, TIME, WITH, helper, unit
from neurosim.kernels.mass import add_mass, multiply_mass
from neurosim.kernels.run import (
    ALPHA,
    BDF2,
    EVALUATED,
    EVALUATIONS,
    FACTORISATIONS,
    H_1,
    H_2,
    HISTORY,
    ITERATIONS,
    LINEAR_SYSTEM,
    METHOD,
    MIDPOINT,
    NEWTON_TOLERANCE,
    NOT_FINITE,
    OWN_SOLVER,
    PIVOT,
    RTOL,
    SINGULAR,
    STATUS_INDEX,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.small_lu import has_small_factors, solve_small
from neurosim.kernels.sparse_lu import lu_type, refactor, solve
from neurosim.kernels.system import (
    evaluate_both,
    evaluate_flow,
    evaluate_timed,
    project_rates_and_rows,
    system_arrays_type,
)  # fmt: skip

PART = 512
"""Unknowns that linear combinations of stages treat at a time [1]."""

REPEAT = 100
"""Returned by a step that did not converge: try a smaller one."""


@helper
def factor_matrix(S, lu, run, alpha):
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


@helper
def first_not_finite(values, n):
    """Place of the first of n values that is not finite; -1 if all are."""
    bad = 0
    for i in range(n):
        bad += values[i] - values[i] != 0.0
    if bad > 0:
        for i in range(n):
            if not np.isfinite(values[i]):
                return i
    return -1


@helper
def _combine(stage, count, y, first, by_first, second, by_second, scale, n):
    """Put y + sum of the first `count` rows of `stage` times `by_first` into `first`, and `scale` times the sum by
    `by_second` into `second`.

    Parts that stay in the first-level cache are finished one after another.
    """
    for low in range(0, n, PART):
        high = min(low + PART, n)
        one, two, start = first[low:high], second[low:high], y[low:high]
        for i in range(high - low):
            one[i] = start[i]
            two[i] = 0.0
        for j in range(count):
            k = stage[j, low:high]
            a, b = by_first[j], scale * by_second[j]
            if a != 0.0:
                for i in range(high - low):
                    one[i] += a * k[i]
            if b != 0.0:
                for i in range(high - low):
                    two[i] += b * k[i]


@helper
def _prepare_step(S, lu, run, context, alpha, spare):
    """Get ready for solutions with alpha M - J; 0 or a status. `spare` is work space."""
    if run.count[OWN_SOLVER] == 0:
        return factor_matrix(S, lu, run, alpha)
    run.count[FACTORISATIONS] += 1
    context[REQUEST], context[WITH] = PREPARE, alpha
    evaluate_flow(S, context, run.y, spare)
    context[REQUEST] = FLOWS
    return 0 if spare[0] == 0.0 else REPEAT


@helper
def _solve_step(S, lu, run, context, work, spare):
    """work = (alpha M - J)^-1 work, after `_prepare_step`."""
    n = run.y.size - 1
    if run.count[OWN_SOLVER] == 0:
        solve(lu, work[:n])
        return
    context[REQUEST] = SOLVE
    evaluate_flow(S, context, work, spare)
    context[REQUEST] = FLOWS
    for i in range(n):
        work[i] = spare[i]


def _step_signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_step_signature)
def rosenbrock_defect(S, lu, run, context, h):
    """Put an estimate of the interpolant's error in the middle of the step into `run.error`.

    The interpolant has a lower order than the step and nothing else controls it. Its defect
    ``f(t + h/2, y(1/2)) - M y'(1/2)`` is turned into an error by the matrix of the step.
    """
    n = run.y.size - 1
    s = run.tableau.shape[1]
    middle, slope = run.stage[s + 1], run.stage[s + 2]
    error = run.error
    # With k_r = sum_j H_rj K_j: y(1/2) = (y0 + y1)/2 + k1/4 + k2/8 + k3/16 and h y'(1/2) = y1 - y0 + (k2 + k3)/4.
    by_middle, by_slope = run.tableau[2 * s + 6], run.tableau[2 * s + 7]
    _combine(run.stage, s, run.y, middle, by_middle, slope, by_slope, 1.0 / h, n)
    for i in range(n):
        change = run.y_new[i] - run.y[i]
        middle[i] += 0.5 * change
        slope[i] = -(slope[i] + change / h)
    middle[n] = 0.0
    context[TIME] = run.real[T] + 0.5 * h
    evaluate_flow(S, context, middle, error)
    run.count[EVALUATIONS] += 1
    add_mass(S, slope, error)
    for j in range(S.bounded.size):
        # The interpolant of a state that meets a bound in this step is cut there.
        i = S.bounded[j]
        if not S.lower[j] < run.y_new[i] < S.upper[j] or not S.lower[j] < run.y[i] < S.upper[j]:
            error[i] = 0.0
    if has_small_factors(S, run):
        solve_small(run, error[:n])
    else:
        _solve_step(S, lu, run, context, error, slope)
    return 0


@helper
def evaluate_step(S, run, context, t, h):
    """Put f, its derivatives and its time derivative at (t, y) into the run, or return `NOT_FINITE`."""
    n = run.y.size - 1
    f0 = run.f
    s = run.tableau.shape[1]
    ft, before = run.stage[s], run.stage[s + 1]
    context[TIME] = t
    evaluate_both(S, context, run.y, f0, run.jacobian)
    run.count[EVALUATIONS] += 1
    project_rates_and_rows(S, run.y, f0, run.jacobian)
    place = first_not_finite(f0, n)
    if place >= 0:
        run.count[STATUS_INDEX] = place
        return NOT_FINITE
    # The time derivative enters multiplied by h: a forward difference over a small part of the step is enough.
    small = 1e-5 * h
    evaluate_timed(S, context, run.y, before)
    context[TIME] = t + small
    evaluate_timed(S, context, run.y, ft)
    for i in range(n):
        ft[i] = (ft[i] - before[i]) / small
    _hold_stopped(S, run, ft)
    return 0


@helper
def _stopped(S, run):
    """Number of states that stand at a bound without a rate that leads away from it."""
    count = 0
    for j in range(S.bounded.size):
        i = S.bounded[j]
        count += run.f[i] == 0.0 and (run.y[i] >= S.upper[j] or run.y[i] <= S.lower[j])
    return count


@helper
def _hold_stopped(S, run, f):
    """Set the rates of `_stopped` states to zero."""
    for j in range(S.bounded.size):
        i = S.bounded[j]
        if run.f[i] == 0.0 and (run.y[i] >= S.upper[j] or run.y[i] <= S.lower[j]):
            f[i] = 0.0


@helper
def _keep_inside(S, run, f):
    """Set those rates of `_stopped` states to zero that lead beyond the bound."""
    for j in range(S.bounded.size):
        i = S.bounded[j]
        beyond = (run.y[i] >= S.upper[j] and f[i] > 0.0) or (run.y[i] <= S.lower[j] and f[i] < 0.0)
        if beyond and run.f[i] == 0.0:
            f[i] = 0.0


@unit(_step_signature)
def rosenbrock_step(S, lu, run, context, h):
    """Linearly implicit step; `run.tableau` as `neurosim.solve.methods.method.rosenbrock_tableau` makes it.

    With k_i the stage increments: ``(M/(h gamma) - J) k_i = f(t + c_i h, y + sum a_ij k_j) + M sum (C_ij/h) k_j
    + h d_i f_t``; the last stage is the error estimate and completes the step (stiffly accurate).
    """
    n = run.y.size - 1
    tableau = run.tableau
    s = tableau.shape[1]
    gamma = tableau[2 * s + 2, 0]
    K = run.stage
    ft, u, increment = run.stage[s], run.stage[s + 1], run.stage[s + 2]
    t = run.real[T]
    context[STEP] = h
    alpha = 1.0 / (h * gamma)
    linear = run.count[LINEAR_SYSTEM] != 0
    if run.count[EVALUATED] == 0:
        status = evaluate_step(S, run, context, t, h)
        if status != 0:
            return status
        run.count[EVALUATED] = 1
    stopped = _stopped(S, run)
    if not (linear and run.real[ALPHA] == alpha):
        status = _prepare_step(S, lu, run, context, alpha, increment)
        if status != 0:
            run.real[ALPHA] = -1.0
            return status
        run.real[ALPHA] = alpha
    for stage in range(s):
        work = K[stage]
        if stage == 0:
            for i in range(n):
                work[i] = run.f[i]
        else:
            _combine(K, stage, run.y, u, tableau[stage], increment, tableau[s + stage], 1.0 / h, n)
            if tableau[2 * s, stage] == 0.0 and not tableau[stage, :stage].any():
                for i in range(n):
                    work[i] = run.f[i]
            else:
                u[n] = 0.0
                context[TIME] = t + tableau[2 * s, stage] * h
                evaluate_flow(S, context, u, work)
                # What stood at a bound may leave it within the step, not pass it. A state on its way to one may pass
                # it: it is put back at the end, while a rate that vanished halfway would make the error estimate
                # refuse every step.
                if stopped > 0:
                    _keep_inside(S, run, work)
                run.count[EVALUATIONS] += 1
            add_mass(S, increment, work)
        d = tableau[2 * s + 1, stage] * h
        if d != 0.0:
            for i in range(n):
                work[i] += d * ft[i]
        _solve_step(S, lu, run, context, work, increment)
    for i in range(n):
        run.y_new[i] = u[i] + K[s - 1, i]
        run.error[i] = K[s - 1, i]
    run.y_new[n] = 0.0
    return 0


@helper
def rosenbrock_interpolant(run, places):
    """Powers of the step fraction x: (1-x) y0 + x (y1 + (1-x)(k1 + x (k2 + x k3))), k = H K, of some unknowns."""
    s = run.tableau.shape[1]
    H = run.tableau[2 * s + 3 :]
    q = run.q
    for place in range(places.size):
        i = places[place]
        k1, k2, k3 = 0.0, 0.0, 0.0
        for j in range(s):
            k = run.stage[j, i]
            k1 += H[0, j] * k
            k2 += H[1, j] * k
            k3 += H[2, j] * k
        q[0, i] = run.y[i]
        q[1, i] = run.y_new[i] - run.y[i] + k1
        q[2, i] = k2 - k1
        q[3, i] = k3 - k2
        q[4, i] = -k3


@helper
def whole_rosenbrock_interpolant(run):
    """`rosenbrock_interpolant` of all unknowns."""
    n = run.y.size - 1
    s = run.tableau.shape[1]
    H = run.tableau[2 * s + 3 :]
    q = run.q
    # Down the rows of the stages, so that the loops vectorise: y + k1, k2, k3 into q1, q2, q3.
    _combine(run.stage, s, run.y, q[1], H[0], q[2], H[1], 1.0, n)
    _combine(run.stage, s, run.y, q[4], H[2], q[3], H[2], 1.0, n)
    for i in range(n):
        k1, k2, k3 = q[1, i] - run.y[i], q[2, i], q[3, i]
        q[0, i] = run.y[i]
        q[1, i] = run.y_new[i] - run.y[i] + k1
        q[2, i] = k2 - k1
        q[3, i] = k3 - k2
        q[4, i] = -k3


@unit(_step_signature)
def multistep_step(S, lu, run, context, h):
    """Backward Euler after a restart, then trapezoid or variable-step BDF2, by Newton; or the implicit midpoint rule.

    Writes M y' = alpha M y - m0 with m0 from the history: the slope of charges and fluxes, so charge is conserved. The
    error estimate is the difference to the extrapolated history, scaled to the leading error of the formula.
    """
    n = run.y.size - 1
    history = run.count[HISTORY]
    midpoint = run.count[METHOD] == MIDPOINT
    context[STEP] = h
    if midpoint:
        # Backward Euler to the middle, then as far again.
        h *= 0.5
    t = run.real[T] + h
    context[TIME] = t
    h1 = run.real[H_1]
    h2 = run.real[H_2]
    y = run.y_new
    m0 = run.stage[0]
    R = run.stage[1]
    My = run.stage[2]
    predicted = run.stage[3]
    f = run.stage[4]
    bdf = run.count[METHOD] == BDF2
    order = 1 if history < 2 or midpoint else 2
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
    if midpoint:
        for i in range(n):
            y[i] = 2.0 * y[i] - run.y[i]
            run.error[i] = 0.0
        return 0
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
