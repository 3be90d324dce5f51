"""One step of the Adams and backward differentiation formulas of variable order on ``M y' = f(t, y)``.

The history is kept as Nordsieck's array: row j holds ``h^j y^(j) / j!``. A step predicts it with Pascal's triangle and
adds a correction c times the coefficients l_j of the formula, where c is ``h y'`` less its prediction:

- Adams (order 1 to 12): ``c = h f(t + h, y) - z_1`` by functional iteration, no matrix;
- BDF (order 1 to 5): ``(M/(h l_0) - J) l_0 dc = f - M (z_1 + c)/h`` by Newton with a matrix that is kept while it
  serves.

A change of the step multiplies row j by its ratio to the power j. Step and order are chosen every q + 1 steps from the
error estimates of orders q - 1, q and q + 1. The array is also the interpolant: powers of the fraction of the step
counted from its end.

A state that stands at a bound and would leave it stays there for the step; one on its way to a bound may pass it and is
put back by the time loop, where the method starts again.

Source: A. C. Hindmarsh, ODEPACK, in Scientific Computing (North-Holland 1983) 55 (recalled); choice between the
formulas: L. Petzold, SIAM J. Sci. Stat. Comput. 4 (1983) 136, doi:10.1137/0904010.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import STEP, TIME, helper, unit
from neurosim.kernels.mass import is_ordinary, multiply_mass
from neurosim.kernels.run import (
    ALPHA,
    CONVERGENCE,
    EVALUATIONS,
    FAMILY,
    FIXED_STEP,
    GROWTH,
    HISTORY,
    ITERATIONS,
    JACOBIAN_AGE,
    JACOBIAN_SIZE,
    LINEAR_SYSTEM,
    LIPSCHITZ,
    LIPSCHITZ_SEEN,
    NORM,
    NOT_FINITE,
    ORDER_NOW,
    PIVOT,
    RMS_OF_BOTH_ENDS,
    RTOL,
    SCALED_STEP,
    STATUS_INDEX,
    SWITCH_WAIT,
    WAIT,
    H,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.small_lu import factor_small, has_small_factors, solve_small
from neurosim.kernels.sparse_lu import lu_type, solve
from neurosim.kernels.steps import REPEAT, factor_matrix, first_not_finite
from neurosim.kernels.system import (
    evaluate_both,
    evaluate_flow,
    project_rates,
    system_arrays_type,
)  # fmt: skip

ADAMS, BDF = range(2)
"""Values of ``count[FAMILY]``."""

MOST_ORDER = (12, 5)
"""Of Adams and BDF."""

COLUMNS, LESS, SAME, MORE, LIMIT = 17, 13, 14, 15, 16
"""Columns of a row of the tableau: l_0 .. l_12; what the estimates of the errors of order q - 1, q and q + 1 are
divided by; h times the size of df/dy up to which functional iteration is good."""

FIRST_FAMILY, MAY_SWITCH = 0, 1
"""Entries of row 0 of the tableau."""

CORRECTION, INVERSE_SCALE, WORK, PRODUCT, HELD, HISTORY_AT, PREDICTED_AT, EARLIER, ROWS = 1, 2, 3, 4, 5, 6, 19, 32, 33
"""Rows of ``run.stage``; row 0 is the right-hand side in a step, and free between steps."""

MOST_CORRECTIONS = 3
ROUNDING = 2.2e-16
JACOBIAN_LIFE = 50
"""Accepted steps after which the Jacobian is evaluated anew."""

STALE = 0.3
"""Relative change of 1/(h l_0) from which the matrix is factored anew."""

PART = 256
"""Unknowns whose history is predicted at a time: it stays in the first-level cache."""

SWITCH_PAUSE = 20
"""Steps between two changes of the formula."""


def nordsieck_tableau(first_family: int, *, may_switch: bool = False) -> np.ndarray:
    """Coefficients of both families, a row for each order, 13 rows for each family.

    Parameters
    ----------
    first_family : int
        `ADAMS` or `BDF`: with which an integration begins.
    may_switch : bool
        Whether it goes over to the other one where that allows longer steps. Default False.

    Returns
    -------
    ndarray, shape (26, 17)
    """
    table = np.zeros((26, COLUMNS))
    table[0, [FIRST_FAMILY, MAY_SWITCH]] = first_family, may_switch
    # Adams: Lambda(x) with Lambda(-1) = 0 and a derivative proportional to (x + 1) .. (x + q - 1).
    product, factorial = np.ones(1), 1.0
    for q in range(1, MOST_ORDER[ADAMS] + 1):
        row, powers = table[q], np.arange(q)
        signs = (-1.0) ** powers
        row[0] = (signs * product / (powers + 1)).sum() / factorial
        row[1 : q + 1] = product / (powers + 1) / factorial
        row[SAME] = factorial * q / (signs * product / (powers + 2)).sum()
        if q > 1:
            table[q - 1, MORE] = row[SAME]
            row[LESS] = table[q - 1, SAME] / (factorial * q)
        product, factorial = np.convolve(product, [float(q), 1.0]), factorial * q
    table[1:13, LIMIT] = _CONTRACTION
    # BDF: Lambda(x) = (1 + x)(1 + x/2) .. (1 + x/q), scaled so that l_1 = 1.
    product, factorial = np.ones(1), 1.0
    for q in range(1, MOST_ORDER[BDF] + 1):
        product = np.convolve(product, [float(q), 1.0])
        row = table[13 + q]
        row[: q + 1] = product / product[1]
        row[LESS], row[SAME], row[MORE] = 1.0 / factorial, (q + 1) / row[0], (q + 2) / row[0]
        factorial *= q
    return table


_CONTRACTION = (0.5, 0.575, 0.55, 0.45, 0.35, 0.25, 0.2, 0.15, 0.1, 0.075, 0.05, 0.025)
"""h |df/dy| up to which the Adams formulas of order 1 to 12 are stable and their iteration converges (LSODA)."""


@helper
def formula_row(family, order):
    return 13 * family + order


@helper
def weighted_size(run, v):
    """Root mean square of v relative to the tolerances, or its largest watched entry if that is more."""
    n = run.y.size - 1
    inverse = run.stage[INVERSE_SCALE]
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = n // 4 * 4
    for i in range(0, whole, 4):
        a, b, c, d = v[i] * inverse[i], v[i + 1] * inverse[i + 1], v[i + 2] * inverse[i + 2], v[i + 3] * inverse[i + 3]
        s0 += a * a
        s1 += b * b
        s2 += c * c
        s3 += d * d
    for i in range(whole, n):
        a = v[i] * inverse[i]
        s0 += a * a
    size = np.sqrt(((s0 + s1) + (s2 + s3)) / n)
    if run.count[NORM] != RMS_OF_BOTH_ENDS:
        for j in range(run.watched.size):
            i = run.watched[j]
            e = abs(v[i] * inverse[i])
            if not e <= size:
                size = e
    return size


@helper
def _set_scale(run):
    n = run.y.size - 1
    rtol = run.real[RTOL]
    inverse, y, atol, largest = run.stage[INVERSE_SCALE], run.y, run.atol, run.largest
    if run.count[NORM] == RMS_OF_BOTH_ENDS:
        for i in range(n):
            inverse[i] = 1.0 / (atol[i] + rtol * abs(y[i]))
    else:
        for i in range(n):
            reference = abs(y[i])
            reference = largest[i] if largest[i] > reference else reference
            inverse[i] = 1.0 / (atol[i] + rtol * reference)


def _restart_signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.i8)


@unit(_restart_signature)
def nordsieck_restart(S, run, context, ordinary):
    """Begin at order 1 from y and its slope, which is f or (M not the identity) ``run.past[3]``."""
    n = run.y.size - 1
    real, count, Z = run.real, run.count, run.stage[HISTORY_AT:]
    slope = run.past[3]
    if ordinary != 0:
        slope = run.f
        context[TIME] = real[T]
        evaluate_flow(S, context, run.y, slope)
        project_rates(S, run.y, slope)
        count[EVALUATIONS] += 1
    _set_scale(run)
    size = weighted_size(run, slope)
    h = real[H]
    if count[FIXED_STEP] == 0 and size > 0.0:
        # The error of a first step of order 1, had y'' the size of y' over the time in which y changes by itself.
        h = min(h, 1.0 / (np.sqrt(real[RTOL]) * size))
        real[H] = h
    for i in range(n):
        Z[0, i] = run.y[i]
        Z[1, i] = h * slope[i]
    real[SCALED_STEP] = h
    real[GROWTH] = 1e4
    real[CONVERGENCE] = 0.7
    real[LIPSCHITZ], real[LIPSCHITZ_SEEN] = 0.0, 0.0
    count[HISTORY] = 2
    count[ORDER_NOW] = 1
    count[WAIT] = 2
    count[SWITCH_WAIT] = SWITCH_PAUSE
    return 0


@helper
def _rescale(S, run, ratio):
    n = run.y.size - 1
    Z = run.stage[HISTORY_AT:]
    power = 1.0
    for j in range(1, run.count[ORDER_NOW] + 1):
        power *= ratio
        row = Z[j]
        for i in range(n):
            row[i] *= power
    run.real[SCALED_STEP] *= ratio
    if run.count[FAMILY] == BDF and not has_small_factors(S, run):
        # The matrix no longer fits: what was known of the convergence is of no use.
        run.real[CONVERGENCE] = 0.7
    run.count[WAIT] = run.count[ORDER_NOW] + 1


@helper
def _predict(run, q):
    """Multiply the history by Pascal's triangle."""
    n = run.y.size - 1
    for low in range(0, n, PART):
        high = min(low + PART, n)
        width = high - low
        above = run.stage[PREDICTED_AT + q, low:high]
        above[:] = run.stage[HISTORY_AT + q, low:high]
        for j in range(q - 1, -1, -1):
            z, p = run.stage[HISTORY_AT + j, low:high], run.stage[PREDICTED_AT + j, low:high]
            for i in range(width):
                p[i] = z[i] + above[i]
            above = p
        for k in range(1, q):
            above = run.stage[PREDICTED_AT + q, low:high]
            for j in range(q - 1, k - 1, -1):
                p = run.stage[PREDICTED_AT + j, low:high]
                for i in range(width):
                    p[i] += above[i]
                above = p


@helper
def _hold(S, run, f):
    """Mark the states that stand at a bound and would leave it, and stop them; return how many."""
    held = run.stage[HELD]
    count = 0
    for j in range(S.bounded.size):
        i = S.bounded[j]
        stays = (run.y[i] >= S.upper[j] and f[i] > 0.0) or (run.y[i] <= S.lower[j] and f[i] < 0.0)
        held[i] = 1.0 if stays else 0.0
        count += stays
    return count


@helper
def _stop(S, run, f):
    """Set the entries of f of the states that `_hold` marked to zero."""
    held = run.stage[HELD]
    for j in range(S.bounded.size):
        if held[S.bounded[j]] != 0.0:
            f[S.bounded[j]] = 0.0


@helper
def _has_converged(run, iteration, size, previous, by_error, q):
    """Judge an iteration by the size of its correction; remembers the rate of convergence."""
    real = run.real
    rate = 0.0
    if iteration > 0:
        rate = size / previous if size <= 1024.0 * previous else 1024.0
        real[CONVERGENCE] = max(0.2 * real[CONVERGENCE], rate)
    return size * min(1.0, 1.5 * real[CONVERGENCE]) <= by_error * 0.5 / (q + 2)


@helper
def _iterate(S, run, context, h, q, l_0, by_error):
    """Functional iteration for the correction of an Adams formula."""
    n = run.y.size - 1
    f, c, work, y = run.stage[0], run.stage[CORRECTION], run.stage[WORK], run.y_new
    z_0, z_1 = run.stage[PREDICTED_AT], run.stage[PREDICTED_AT + 1]
    bounded = S.bounded.size > 0
    previous, rate = 0.0, 0.0
    for i in range(n):
        y[i] = z_0[i]
        c[i] = 0.0
    y[n] = 0.0
    for iteration in range(MOST_CORRECTIONS):
        evaluate_flow(S, context, y, f)
        run.count[EVALUATIONS] += 1
        if bounded:
            if iteration == 0:
                _hold(S, run, f)
            _stop(S, run, f)
        for i in range(n):
            new = h * f[i] - z_1[i]
            work[i] = new - c[i]
            c[i] = new
            y[i] = z_0[i] + l_0 * new
        size = weighted_size(run, work)
        if size - size != 0.0:
            run.count[STATUS_INDEX] = max(first_not_finite(f, n), 0)
            return NOT_FINITE
        # A correction of the size of rounding errors says nothing about the rate.
        exact = size <= 100.0 * ROUNDING / run.real[RTOL]
        if iteration > 0 and not exact:
            rate = max(rate, size / previous if size <= 1024.0 * previous else 1024.0)
        # One correction alone has neither the stability nor the error estimate of the formula.
        if _has_converged(run, iteration, size, previous, by_error, q) and (iteration > 0 or exact):
            run.real[LIPSCHITZ_SEEN] = max(run.real[LIPSCHITZ_SEEN], rate / abs(h * l_0))
            if run.real[LIPSCHITZ_SEEN] != 0.0:
                run.real[LIPSCHITZ] = run.real[LIPSCHITZ_SEEN]
            return 0
        if iteration >= 1 and size > 2.0 * previous:
            break
        previous = size
    return REPEAT


@helper
def _set_jacobian_size(S, run):
    """Largest sum of a row of |df/dy| in units of the tolerances."""
    n = run.y.size - 1
    inverse, total = run.stage[INVERSE_SCALE], run.stage[WORK]
    total[:] = 0.0
    for column in range(n):
        for p in range(S.column_pointer[column], S.column_pointer[column + 1]):
            total[S.row_index[p]] += abs(run.jacobian[p]) / inverse[column]
    largest = 0.0
    for i in range(n):
        largest = max(largest, total[i] * inverse[i])
    run.real[JACOBIAN_SIZE] = largest


@helper
def _renew(S, lu, run, context, alpha, with_jacobian, y, small):
    """Factor alpha M - J, with the Jacobian at y where it is too old."""
    if with_jacobian:
        evaluate_both(S, context, y, run.stage[0], run.jacobian)
        run.count[EVALUATIONS] += 1
        run.count[JACOBIAN_AGE] = 0
        place = first_not_finite(run.stage[0], run.y.size - 1)
        if place >= 0:
            run.count[STATUS_INDEX] = place
            return NOT_FINITE
        if run.tableau[0, MAY_SWITCH] != 0.0:
            _set_jacobian_size(S, run)
    run.real[ALPHA] = -1.0
    status = factor_small(S, run, alpha) if small else factor_matrix(S, lu, run, alpha)
    if status == 0:
        run.real[ALPHA] = alpha
        if with_jacobian or not small:
            run.real[CONVERGENCE] = 0.7
    return status


@helper
def _newton(S, lu, run, context, h, q, l_0, by_error):
    """Newton's iteration for the correction of a BDF."""
    n = run.y.size - 1
    real, count = run.real, run.count
    ordinary, small = is_ordinary(S, n), has_small_factors(S, run)
    if lu.column_start.size == 0 and not small:
        # The matrix has no order of elimination yet.
        count[STATUS_INDEX] = 0
        return PIVOT
    f, c, work, y = run.stage[0], run.stage[CORRECTION], run.stage[WORK], run.y_new
    z_0, z_1 = run.stage[PREDICTED_AT], run.stage[PREDICTED_AT + 1]
    bounded = S.bounded.size > 0
    alpha = 1.0 / (h * l_0)
    by_step = 1.0 / h
    with_jacobian = real[ALPHA] < 0.0 or (count[JACOBIAN_AGE] >= JACOBIAN_LIFE and count[LINEAR_SYSTEM] == 0)
    stale = with_jacobian or abs(alpha / real[ALPHA] - 1.0) > STALE
    # Factors of few unknowns cost less than an iteration with those of another step.
    stale = stale or ((count[LINEAR_SYSTEM] != 0 or small) and alpha != real[ALPHA])
    while True:
        for i in range(n):
            y[i] = z_0[i]
            c[i] = 0.0
        y[n] = 0.0
        renewed = stale
        if stale:
            status = _renew(S, lu, run, context, alpha, with_jacobian, y, small)
            if status != 0:
                return status
        # Half of the way to the matrix that would be right; algebraic equations need no correction.
        correct = 1.0
        if real[ALPHA] != alpha and ordinary:
            correct = 2.0 / (1.0 + real[ALPHA] / alpha)
        previous = 0.0
        for iteration in range(MOST_CORRECTIONS + 1):
            if iteration > 0 or not (renewed and with_jacobian):
                evaluate_flow(S, context, y, f)
            count[ITERATIONS] += 1
            if bounded:
                if iteration == 0:
                    _hold(S, run, f)
                _stop(S, run, f)
            for i in range(n):
                work[i] = by_step * (z_1[i] + c[i])
            if ordinary:
                product = work
            else:
                work[n] = 0.0
                product = run.stage[PRODUCT]
                multiply_mass(S, work, product)
            for i in range(n):
                work[i] = correct * (f[i] - product[i])
            place = first_not_finite(work, n)
            if place >= 0:
                count[STATUS_INDEX] = place
                return NOT_FINITE
            if small:
                solve_small(run, work)
            else:
                solve(lu, work[:n])
            if bounded:
                _stop(S, run, work)
            for i in range(n):
                work[i] /= l_0
                c[i] += work[i]
                y[i] = z_0[i] + l_0 * c[i]
            size = weighted_size(run, work)
            if _has_converged(run, iteration, size, previous, by_error, q):
                return 0
            if iteration >= 1 and size > 2.0 * previous:
                break
            previous = size
        if renewed and with_jacobian:
            return REPEAT
        stale = True
        with_jacobian = True


def _step_signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), lu_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_step_signature)
def nordsieck_step(S, lu, run, context, h):
    """Write ``run.y_new`` and ``run.error``; the history is left as it is until the step is accepted."""
    n = run.y.size - 1
    real, count = run.real, run.count
    if h != real[SCALED_STEP]:
        _rescale(S, run, h / real[SCALED_STEP])
        real[SCALED_STEP] = h
    q, family = count[ORDER_NOW], count[FAMILY]
    formula = run.tableau[formula_row(family, q)]
    _predict(run, q)
    _set_scale(run)
    context[TIME] = real[T] + h
    context[STEP] = h
    by_error = formula[SAME]
    if family == ADAMS:
        status = _iterate(S, run, context, h, q, formula[0], by_error)
    else:
        status = _newton(S, lu, run, context, h, q, formula[0], by_error)
    if status != 0:
        return status
    c, error = run.stage[CORRECTION], run.error
    for i in range(n):
        error[i] = c[i] / by_error
    if count[HISTORY] == 2:
        # What M does not determine had no slope to start with.
        for i in range(n):
            error[i] *= run.differential[i]
    return 0
