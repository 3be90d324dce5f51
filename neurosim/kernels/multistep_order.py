"""What follows a step of a method of variable order: its history, its order and formula, and the size of the next step.

Sources and layout: `neurosim.kernels.multistep_nordsieck`.
"""

from __future__ import annotations

from typing import Any

from neurosim.kernels.abi import helper, unit
from neurosim.kernels.multistep_nordsieck import (
    ADAMS,
    BDF,
    CORRECTION,
    EARLIER,
    HISTORY_AT,
    LESS,
    LIMIT,
    MAY_SWITCH,
    MORE,
    MOST_ORDER,
    PREDICTED_AT,
    SAME,
    SWITCH_PAUSE,
    WORK,
    formula_row,
    weighted_size,
)  # fmt: skip
from neurosim.kernels.run import (
    AFTER_REJECT,
    ALPHA,
    CONVERGENCE,
    ERROR,
    FAMILY,
    FIXED_STEP,
    GROWTH,
    H_MAX,
    HISTORY,
    JACOBIAN_AGE,
    JACOBIAN_SIZE,
    LIPSCHITZ,
    LIPSCHITZ_SEEN,
    ORDER_NOW,
    STIFF,
    STIFF_FROM,
    STIFF_STEPS,
    SWITCH_WAIT,
    SWITCHES,
    WAIT,
    H,
    T,
    run_type,
)  # fmt: skip

SWITCH_GAIN, SIGNS = 5.0, 5
"""How much longer a step of BDF must be to pay for its matrices. Where the formula must stay, so many signs in
succession, each after a pause, count as stiffness."""


@helper
def _factor(error, order, safety):
    """By how much a step may grow when its error is of this order."""
    return 1.0 / (safety * error ** (1.0 / order) + 1e-6 * safety)


def _accept_signature() -> Any:
    from numba import types

    return types.void(run_type(), types.f8, types.i8)


@unit(_accept_signature)
def nordsieck_accept(run, h, interpolant_wanted):
    """Correct the history, copy it to ``run.q`` where wanted, and choose order and step for what follows."""
    n = run.y.size - 1
    real, count = run.real, run.count
    q, family = count[ORDER_NOW], count[FAMILY]
    formula = run.tableau[formula_row(family, q)]
    Z, P, c = run.stage[HISTORY_AT:], run.stage[PREDICTED_AT:], run.stage[CORRECTION]
    for j in range(q + 1):
        z, p, l = Z[j], P[j], formula[j]
        for i in range(n):
            z[i] = p[i] + l * c[i]
    if interpolant_wanted != 0:
        for j in range(run.q.shape[0]):
            if j <= q:
                run.q[j, :] = Z[j, :n]
            else:
                run.q[j, :] = 0.0
    count[HISTORY] = 3
    count[JACOBIAN_AGE] += 1
    if count[FIXED_STEP] != 0:
        return
    real[H] = h
    count[WAIT] -= 1
    count[SWITCH_WAIT] -= 1
    if count[SWITCH_WAIT] <= 0 and _changes_formula(run, h):
        return
    most = MOST_ORDER[0] if family == ADAMS else MOST_ORDER[1]
    if count[WAIT] <= 0:
        _choose_order(run, h, q, most, formula)
    elif count[WAIT] == 1 and q < most:
        run.stage[EARLIER] = c


@helper
def _choose_order(run, h, q, most, formula):
    """Take the one of orders q - 1, q, q + 1 that allows the longest step, if it is longer by a tenth."""
    n = run.y.size - 1
    real, count = run.real, run.count
    Z, c = run.stage[HISTORY_AT:], run.stage[CORRECTION]
    adams = count[FAMILY] == ADAMS
    same = _factor(real[ERROR], q + 1, 1.2)
    less, more = 0.0, 0.0
    if q > 1:
        less = _factor(weighted_size(run, Z[q]) / formula[LESS], q, 1.3)
    if q < most:
        change = run.stage[WORK]
        earlier = run.stage[EARLIER]
        for i in range(n):
            change[i] = c[i] - earlier[i]
        more = _factor(weighted_size(run, change) / formula[MORE], q + 2, 1.4)
    contraction = 0.0
    if adams:
        contraction = max(h * real[LIPSCHITZ], 1e-6)
        same = min(same, formula[LIMIT] / contraction)
        if q > 1:
            less = min(less, run.tableau[formula_row(ADAMS, q - 1), LIMIT] / contraction)
        if q < most:
            more = min(more, run.tableau[formula_row(ADAMS, q + 1), LIMIT] / contraction)
        real[LIPSCHITZ_SEEN] = 0.0
    order, ratio = q, same
    if more > same and more > less:
        order, ratio = q + 1, more
    elif less > same:
        order, ratio = q - 1, less
    bounded_by_stability = adams and ratio * contraction * 1.00001 >= run.tableau[formula_row(ADAMS, order), LIMIT]
    if (ratio < 1.1 and not bounded_by_stability) or (order == q + 1 and ratio <= 1.1):
        real[GROWTH] = 10.0
        count[WAIT] = 3
        return
    if order == q + 1:
        by = formula[q] / (q + 1)
        for i in range(n):
            Z[q + 1, i] = c[i] * by
    _set_order(run, h, order, ratio)


@helper
def _set_order(run, h, order, ratio):
    real, count = run.real, run.count
    ratio = min(ratio, real[GROWTH], real[H_MAX] / h)
    real[GROWTH] = 10.0
    count[ORDER_NOW] = order
    count[WAIT] = order + 1
    real[H] = h * ratio


@helper
def _changes_formula(run, h):
    """Go over to BDF where stability bounds the steps of Adams, and back; without leave, only say that it is stiff."""
    real, count = run.real, run.count
    q, error = count[ORDER_NOW], real[ERROR]
    adams = count[FAMILY] == ADAMS
    may = run.tableau[0, MAY_SWITCH] != 0.0
    if not adams and not may:
        return False
    if adams:
        own = run.tableau[formula_row(ADAMS, q)]
        order = min(q, MOST_ORDER[1])
        if q > MOST_ORDER[1]:
            if real[LIPSCHITZ_SEEN] == 0.0:
                return False
            other = run.tableau[formula_row(BDF, order)]
            Z = run.stage[HISTORY_AT:]
            by_bdf = _factor(weighted_size(run, Z[order + 1]) / (other[SAME] * other[0]), order + 1, 1.2)
        else:
            other = run.tableau[formula_row(BDF, q)]
            by_bdf = _factor(error * (own[SAME] * own[0]) / (other[SAME] * other[0]), q + 1, 1.2)
        by_adams = _factor(error, q + 1, 1.2)
        contraction = h * real[LIPSCHITZ]
        if contraction * by_adams > 1e-5:
            by_adams = min(by_adams, own[LIMIT] / contraction)
        if by_bdf < SWITCH_GAIN * by_adams:
            count[STIFF_STEPS] = 0
            return False
        if not may:
            count[STIFF_STEPS] += 1
            count[SWITCH_WAIT] = SWITCH_PAUSE
            if count[STIFF_STEPS] >= SIGNS and count[STIFF] == 0:
                count[STIFF] = 1
                real[STIFF_FROM] = real[T]
            return False
        count[FAMILY] = BDF
        ratio = by_bdf
    else:
        own, other = run.tableau[formula_row(BDF, q)], run.tableau[formula_row(ADAMS, q)]
        order = q
        by_bdf = _factor(error, q + 1, 1.2)
        ratio = _factor(error * (own[SAME] * own[0]) / (other[SAME] * other[0]), q + 1, 1.2)
        contraction = h * real[JACOBIAN_SIZE]
        if contraction * ratio > 1e-5:
            ratio = min(ratio, other[LIMIT] / contraction)
        if ratio < by_bdf:
            return False
        count[FAMILY] = ADAMS
    real[ALPHA] = -1.0
    real[LIPSCHITZ], real[LIPSCHITZ_SEEN] = 0.0, 0.0
    real[GROWTH] = 10.0
    real[CONVERGENCE] = 0.7
    count[SWITCH_WAIT] = SWITCH_PAUSE
    count[SWITCHES] += 1
    _set_order(run, h, order, ratio)
    return True


def _refuse_signature() -> Any:
    from numba import types

    return types.void(run_type(), types.f8, types.f8)


@unit(_refuse_signature)
def nordsieck_refuse(run, h, error):
    """Choose order and step after a step that is not good enough."""
    real, count = run.real, run.count
    q = count[ORDER_NOW]
    real[GROWTH] = 2.0
    if not error < 1e9:
        real[H] = 0.25 * h
    elif count[AFTER_REJECT] >= 2:
        # The history is of no use: a jump that nobody announced.
        count[ORDER_NOW] = 1
        real[H] = 0.1 * h
    else:
        ratio = min(_factor(error, q + 1, 1.2), 0.9)
        if q > 1:
            formula = run.tableau[formula_row(count[FAMILY], q)]
            less = _factor(weighted_size(run, run.stage[HISTORY_AT + q]) / formula[LESS], q, 1.3)
            if less > ratio:
                count[ORDER_NOW] = q - 1
                ratio = min(less, 0.9)
        if count[AFTER_REJECT] >= 1:
            ratio = min(ratio, 0.2)
        real[H] = h * max(ratio, 0.1)
    count[WAIT] = count[ORDER_NOW] + 1


@helper
def cut_nordsieck_interpolant(run, fraction):
    """Let the interpolant of the last step count from an earlier end, at this fraction of it."""
    degree = run.q.shape[0] - 1
    q = run.q
    by = fraction - 1.0
    for k in range(degree):
        for j in range(degree - 1, k - 1, -1):
            for i in range(q.shape[1]):
                q[j, i] += by * q[j + 1, i]
    power = 1.0
    for k in range(1, degree + 1):
        power *= fraction
        for i in range(q.shape[1]):
            q[k, i] *= power
