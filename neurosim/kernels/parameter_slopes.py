"""Derivatives of laws by the rows of their parameters, by central differences of order 8.

A law gives derivatives by its inputs only. Its flows at nine points of one parameter, a thousandth of it apart, give
the derivative to about 1e-13 of the flow: the truncation of order 8 is below the rounding as long as the flow changes
by less than a factor of e^40 with the parameter. All instances of a block are moved at once, each along its own
parameter.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import ANALYSIS, TIME, WANT_DERIVATIVES, driver, helper
from neurosim.kernels.system import (
    BLOCKS,
    FLOW_AT,
    FLOWS,
    LAW,
    LAW_FLOWS,
    LAW_INPUTS,
    PARAMETER_AT,
    PARAMETER_STEP,
    WIDTH,
    _call,
    _gather,
    system_arrays_type,
)

POINTS = 4
"""On either side of the parameter."""

WEIGHTS = np.array([4 / 5, -1 / 5, 4 / 105, -1 / 280])
"""Of the differences between the points 1, 2, 3, 4 steps up and down, per step (Fornberg, Math. Comp. 51, 699 (1988),
doi 10.1090/S0025-5718-1988-0935077-0; checked by the tests on polynomials)."""


def _signature(*kinds: str) -> Any:
    from numba import types

    whole, real = types.Array(types.i8, 1, "C"), types.Array(types.f8, 1, "C")
    rest = [whole if kind == "c" else types.f8 if kind == "f" else real for kind in kinds]
    return types.void(system_arrays_type(), real, *rest)


@helper
def _row_slopes(S, context, b, k, row, step, out):
    """out[flow, instance] = dF/dp of row `row` of block k of batch b, whose inputs are in S.u."""
    B = S.batch[b]
    w, size = B[WIDTH], B[LAW_FLOWS] * B[WIDTH]
    at = B[PARAMETER_AT] + k * B[PARAMETER_STEP] + row * w
    p = S.parameters[at : at + w]
    moves = step[at : at + w]
    for j in range(size):
        out[j] = 0.0
    context[WANT_DERIVATIVES] = 0.0
    for side in (1.0, -1.0):
        for point in range(POINTS):
            # What is kept in S.F is lost: laws write there.
            for e in range(w):
                out[size + e] = p[e]
                p[e] += side * (point + 1) * moves[e]
            _call(S, b, B[LAW], B[LAW_INPUTS], k, context, S.F, S.D)
            for e in range(w):
                p[e] = out[size + e]
            for j in range(size):
                out[j] += side * WEIGHTS[point] * S.F[j]
    for r in range(B[LAW_FLOWS]):
        for e in range(w):
            out[r * w + e] = out[r * w + e] / moves[e] if moves[e] != 0.0 else 0.0


@driver(lambda: _signature(*"cfrrrrrr"))
def add_row_gradients(S, context, rows, analysis, step, times, Y, nu, gradient, out):
    """``gradient[p] -= nu' df/dp`` for the parameters in the listed rows, summed over many points.

    Parameters
    ----------
    rows : int64 [2 * rows]
        Batch and row.
    step, gradient : as S.parameters
        0 where a parameter does not move.
    times : [points], Y, nu : [points (n + 1)]
    out : work space, (law flows + 1) width of the widest batch
    """
    context[ANALYSIS] = analysis
    length = Y.size // times.size
    for point in range(times.size):
        context[TIME] = times[point]
        y, multiplier = Y[point * length : (point + 1) * length], nu[point * length : (point + 1) * length]
        for q in range(0, rows.size, 2):
            b, row = rows[q], rows[q + 1]
            B = S.batch[b]
            w = B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _row_slopes(S, context, b, k, row, step, out)
                at = B[PARAMETER_AT] + k * B[PARAMETER_STEP] + row * w
                for r in range(B[LAW_FLOWS]):
                    place = B[FLOW_AT] + (k * B[FLOWS] + r) * w
                    for e in range(w):
                        weight = multiplier[S.flow_plus[place + e]] - multiplier[S.flow_minus[place + e]]
                        gradient[at + e] -= weight * out[r * w + e]


@driver(lambda: _signature(*"cfrrrrrr"))
def row_tangents(S, context, rows, analysis, step, chain, times, Y, slopes, out):
    """df/dp in some directions at many points: `slopes` [points, directions, n + 1].

    `chain` [directions, size of S.parameters] says how the parameters change in each direction. Others as in
    `add_row_gradients`.
    """
    context[ANALYSIS] = analysis
    length, total = Y.size // times.size, S.parameters.size
    count = chain.size // max(total, 1)
    slopes[:] = 0.0
    for point in range(times.size):
        context[TIME] = times[point]
        y = Y[point * length : (point + 1) * length]
        for q in range(0, rows.size, 2):
            b, row = rows[q], rows[q + 1]
            B = S.batch[b]
            w = B[WIDTH]
            for k in range(B[BLOCKS]):
                _gather(S, b, k, y)
                _row_slopes(S, context, b, k, row, step, out)
                at = B[PARAMETER_AT] + k * B[PARAMETER_STEP] + row * w
                for d in range(count):
                    target = slopes[(point * count + d) * length : (point * count + d + 1) * length]
                    for e in range(w):
                        share = chain[d * total + at + e]
                        if share != 0.0:
                            for r in range(B[LAW_FLOWS]):
                                place = B[FLOW_AT] + (k * B[FLOWS] + r) * w + e
                                target[S.flow_plus[place]] += share * out[r * w + e]
                                target[S.flow_minus[place]] -= share * out[r * w + e]
                    target[length - 1] = 0.0
