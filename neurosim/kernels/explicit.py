"""One step and the interpolant of any explicit Runge-Kutta method ``y' = f(t, y)``, with the coefficients as data.

`explicit_tableau` lays the coefficients out in rows, for ``run.tableau``: with s stages, the last of which is
f(t + h, y_new), and e further stages that only the interpolant needs,

===============  ===================================================================================================
row              content
===============  ===================================================================================================
0                s, e, 1 where the second error estimate is used, h times the size of df/dy at the end of the stability
                 region (0: not tested)
1 .. s           a: stage j is f(t + c_j h, y + h sum_i a_ji K_i); the last of these rows gives y_new
s+1 .. s+e       a of the further stages
s+e+1            c
s+e+2            weights of the error estimate; all zero for a method that has none
s+e+3            weights of a second, lower estimate that damps the first; all zero for none
s+e+4 ..         weights of the powers 1, 2, ... of the step fraction in the interpolant
===============  ===================================================================================================

Work rows: ``run.stage`` needs `stage_rows` (s + e, at least 4).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import STEP, TIME, driver, helper, unit
from neurosim.kernels.run import (
    EVALUATIONS,
    EVENTFUL,
    FIXED_STEP,
    FRESH,
    KNOTS,
    MILD_STEPS,
    NEXT_GRID,
    NORM,
    NOT_FINITE,
    POLISH,
    RMS_OF_BOTH_ENDS,
    RTOL,
    STATUS_INDEX,
    STEPS,
    STEPS_AHEAD,
    STIFF,
    STIFF_STEPS,
    T_STOP,
    T,
    run_type,
)  # fmt: skip
from neurosim.kernels.system import evaluate_flow, project_rates, system_arrays_type

_SMALL = 16
"""Up to this many unknowns, sums over stages run in a register instead of over vectors."""

_PART = 1024
"""Unknowns summed at a time where there are more."""

TEST_EVERY, SIGNS = 16, 15
"""Steps between two tests for stiffness; signs of it from which it counts."""


def explicit_tableau(
    a: np.ndarray,
    c: np.ndarray,
    error: np.ndarray,
    power: np.ndarray,
    *,
    second_error: np.ndarray | None = None,
    further: int = 0,
    stability_limit: float = 0.0,
) -> np.ndarray:
    """Lay coefficients out as the module docstring says.

    Parameters
    ----------
    a : array_like, shape (s + e, s + e)
        Strictly lower triangular; row s - 1 holds the weights of y_new.
    c : array_like, shape (s + e,)
        Fractions of the step.
    error : array_like, shape (s + e,)
        Weights of the error estimate.
    power : array_like, shape (degree, s + e)
        ``y(t + x h) = y + h sum_k x^k sum_i power[k - 1, i] K_i``.
    second_error : array_like, shape (s + e,), optional
        Lower-order estimate (DOP853): the error e is multiplied by ``|e| / sqrt(|e|^2 + 0.01 |e_2|^2)``.
    further : int
        e, default 0.
    stability_limit : float
        Where the stability region ends on the negative real axis, for the detection of stiffness; needs
        ``c[s - 2] = c[s - 1] = 1``. Default 0: not detected.

    Returns
    -------
    ndarray, shape (s + e + 4 + degree, s + e)
    """
    a = np.asarray(a, float)
    total = a.shape[0]
    head = np.zeros(max(total, 4))
    head[:4] = total - further, further, second_error is not None, stability_limit
    rows = [head[None, :], a, [c], [error], [np.zeros(total) if second_error is None else second_error], power]
    return np.concatenate([np.pad(np.asarray(r, float), ((0, 0), (0, head.size - np.shape(r)[1]))) for r in rows])


def stage_rows(tableau: np.ndarray) -> int:
    """Rows that ``run.stage`` needs for a tableau made by `explicit_tableau`."""
    return max(int(tableau[0, 0] + tableau[0, 1]), 4)


@helper
def _combine(K, weights, count, n, base, h, out):
    """out = base + h sum_j weights[j] K[j]."""
    if n <= _SMALL:
        # Four sums side by side, ground among them, and what is left one by one.
        whole = (n + 1) // 4 * 4
        for i in range(0, whole, 4):
            v0, v1, v2, v3 = 0.0, 0.0, 0.0, 0.0
            for j in range(count):
                w = weights[j]
                v0 += w * K[j, i]
                v1 += w * K[j, i + 1]
                v2 += w * K[j, i + 2]
                v3 += w * K[j, i + 3]
            out[i], out[i + 1] = base[i] + h * v0, base[i + 1] + h * v1
            out[i + 2], out[i + 3] = base[i + 2] + h * v2, base[i + 3] + h * v3
        for i in range(whole, n):
            value = 0.0
            for j in range(count):
                value += weights[j] * K[j, i]
            out[i] = base[i] + h * value
        out[n] = 0.0
        return
    # Parts of a row stay in the cache while the stages are added up.
    for first in range(0, n, _PART):
        last = min(n, first + _PART)
        for i in range(first, last):
            out[i] = weights[0] * K[0, i]
        for j in range(1, count):
            w = weights[j]
            if w != 0.0:
                row = K[j]
                for i in range(first, last):
                    out[i] += w * row[i]
        for i in range(first, last):
            out[i] = base[i] + h * out[i]


@helper
def _evaluate(S, run, context, t, y, f):
    context[TIME] = t
    evaluate_flow(S, context, y, f)
    project_rates(S, y, f)
    run.count[EVALUATIONS] += 1


def _signature() -> Any:
    from numba import types

    return types.i8(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_signature)
def explicit_step(S, run, context, h):
    """Write ``run.y_new`` and ``run.error`` from ``run.y`` (and ``run.f`` when it is fresh); 0 or NOT_FINITE."""
    n = run.y.size - 1
    tableau = run.tableau
    s = np.int64(tableau[0, 0])
    total = s + np.int64(tableau[0, 1])
    c = tableau[total + 1]
    K = run.stage
    y_new = run.y_new
    t = run.real[T]
    context[STEP] = h
    if run.count[FRESH] == 0:
        _evaluate(S, run, context, t, run.y, run.f)
        run.count[FRESH] = 1
    for i in range(n):
        K[0, i] = run.f[i]
        if not np.isfinite(run.f[i]):
            run.count[STATUS_INDEX] = i
            return NOT_FINITE
    y_new[n] = 0.0
    for stage in range(1, s):
        _combine(K, tableau[1 + stage], stage, n, run.y, h, y_new)
        _evaluate(S, run, context, t + c[stage] * h, y_new, K[stage])
    weights = tableau[total + 2]
    second = tableau[total + 3]
    damped = tableau[0, 2] != 0.0
    error = run.error
    sum_1 = 0.0
    sum_2 = 0.0
    for i in range(n):
        e_1 = 0.0
        for j in range(s):
            e_1 += weights[j] * K[j, i]
        error[i] = h * e_1
        if damped:
            e_2 = 0.0
            for j in range(s):
                e_2 += second[j] * K[j, i]
            reference = max(abs(run.y[i]), abs(y_new[i]))
            if run.count[NORM] != RMS_OF_BOTH_ENDS:
                reference = max(reference, run.largest[i])
            scale = run.atol[i] + run.real[RTOL] * reference
            sum_1 += (e_1 / scale) ** 2
            sum_2 += (e_2 / scale) ** 2
    if damped and sum_1 > 0.0:
        factor = np.sqrt(sum_1 / (sum_1 + 0.01 * sum_2))
        for i in range(n):
            error[i] *= factor
    return 0


@helper
def _detect_stiffness(run, s, h):
    """Set ``count[STIFF]`` when the step has been bounded by stability for long and will be for long.

    The size of df/dy follows from the last two stages, both at t + h (Hairer and Wanner, Solving Ordinary Differential
    Equations II, IV.2). Steps near an equilibrium are bounded by stability too, which costs nothing when the end is
    near.
    """
    n = run.y.size - 1
    count, K, tableau = run.count, run.stage, run.tableau
    last, before = tableau[s], tableau[s - 1]
    change, distance = 0.0, 0.0
    for i in range(n):
        move = 0.0
        for j in range(s - 1):
            move += (last[j] - before[j]) * K[j, i]
        reference = max(abs(run.y[i]), run.largest[i] if count[NORM] != RMS_OF_BOTH_ENDS else 0.0)
        scale = run.atol[i] + run.real[RTOL] * reference
        change += ((K[s - 1, i] - K[s - 2, i]) / scale) ** 2
        distance += (h * move / scale) ** 2
    if h * h * change > tableau[0, 3] ** 2 * distance:
        count[STIFF_STEPS] += 1
        count[MILD_STEPS] = 0
        if count[STIFF_STEPS] >= SIGNS and run.real[T_STOP] - run.real[T] > run.real[STEPS_AHEAD] * h:
            count[STIFF] = 1
    else:
        count[MILD_STEPS] += 1
        if count[MILD_STEPS] >= 6:
            count[STIFF_STEPS] = 0


def _interpolant_signature() -> Any:
    from numba import types

    return types.void(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"), types.f8)


@unit(_interpolant_signature)
def explicit_interpolant(S, run, context, h):
    """After an accepted step: ``run.q``, and ``run.f`` at its end. Further stages are evaluated only when q is used."""
    n = run.y.size - 1
    tableau = run.tableau
    s = np.int64(tableau[0, 0])
    K, t = run.stage, run.real[T]
    run.f[:] = K[s - 1]
    tested = tableau[0, 3] > 0.0 and run.count[FIXED_STEP] == 0 and run.count[STIFF] == 0
    if tested and (run.count[STIFF_STEPS] > 0 or run.count[STEPS] % TEST_EVERY == 0):
        _detect_stiffness(run, s, h)
    inside = run.count[NEXT_GRID] < run.grid.size and run.grid[run.count[NEXT_GRID]] <= t + h
    kept = keeps_stages(run)
    if kept:
        knot = run.knot_q[run.count[KNOTS]]
        for i in range(n):
            knot[0, i] = run.y[i]
        for j in range(s):
            for i in range(n):
                knot[1 + j, i] = K[j, i]
    if (run.knot_t.size == 0 or kept) and run.count[EVENTFUL] == 0 and not inside:
        return
    everywhere = (run.knot_t.size > 0 and not kept) or run.count[EVENTFUL] != 0 or run.count[POLISH] != 0
    _interpolate_stages(S, run, context, run.y, t, h, everywhere)


@helper
def _interpolate_stages(S, run, context, y, t, h, everywhere):
    """Write ``run.q``, or what of it is saved, of the step whose start is y and whose stages are in ``run.stage``."""
    n = run.y.size - 1
    tableau = run.tableau
    s = np.int64(tableau[0, 0])
    total = s + np.int64(tableau[0, 1])
    K = run.stage
    u = run.error
    u[n] = 0.0
    for stage in range(s, total):
        _combine(K, tableau[1 + stage], stage, n, y, h, u)
        _evaluate(S, run, context, t + tableau[total + 1, stage] * h, u, K[stage])
    q = run.q
    if not everywhere:
        for place in range(run.probes.size):
            i = run.probes[place]
            q[0, i] = y[i]
            for k in range(1, q.shape[0]):
                value = 0.0
                for j in range(total):
                    value += tableau[total + 3 + k, j] * K[j, i]
                q[k, i] = h * value
        return
    for i in range(n):
        q[0, i] = y[i]
    for k in range(1, q.shape[0]):
        weights = tableau[total + 3 + k]
        for i in range(n):
            value = 0.0
            for j in range(total):
                value += weights[j] * K[j, i]
            q[k, i] = h * value


@helper
def keeps_stages(run):
    """Whether ``run.knot_q`` takes y and the stages of each step: what interpolates is then made by
    `interpolate_knots`, for those who want it."""
    return run.knot_q.shape[0] > 0 and run.knot_q.shape[1] > run.q.shape[0]


def kept_rows(tableau: np.ndarray, degree: int) -> int:
    """Rows of a step in ``run.knot_q`` for a method that keeps its stages there."""
    return max(int(tableau[0, 0]) + 1, degree + 2)


def _knots_signature() -> Any:
    from numba import types

    return types.void(system_arrays_type(), run_type(), types.Array(types.f8, 1, "C"))


@driver(_knots_signature)
def interpolate_knots(S, run, context):
    """Put the interpolants of the kept steps into the first rows of ``run.knot_q``, where their stages were."""
    n = run.y.size - 1
    s = np.int64(run.tableau[0, 0])
    for step in range(run.count[KNOTS]):
        t, knot = run.knot_t[step], run.knot_q[step]
        for i in range(n):
            run.y_new[i] = knot[0, i]
        for j in range(s):
            for i in range(n):
                run.stage[j, i] = knot[1 + j, i]
        _interpolate_stages(S, run, context, run.y_new, t, run.knot_t[step + 1] - t, True)
        for k in range(run.q.shape[0]):
            for i in range(n):
                knot[k, i] = run.q[k, i]
