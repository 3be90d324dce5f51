"""One evaluation of a memristive network again from its potentials, and backward: one solution with the same matrix.

With currents ``i(v, x)`` and rates ``f(v, x)`` at voltages ``v = B' p + S``, where ``B i = J`` at free nodes, the
gradient of ``u . f + c . i + q . p`` follows from ``L z = q + B (f_v u + i_v c)``, z = 0 at fixed nodes, and
d = c - B' z: ``f_x u + i_x d`` by the states, ``f_v u + i_v d`` by the EMFs, z by injected currents.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import BLOCK, WANT_DERIVATIVES, call_kernel, driver, helper, unit
from neurosim.kernels.array_program import INPUTS
from neurosim.kernels.edge_laws import (
    ADDRESS,
    DIMS,
    GROUP_WORDS,
    P_AT,
    ROWS,
    edge_number,
    evaluate_edges,
    parameters_of,
    rates_of_edges,
)  # fmt: skip
from neurosim.kernels.edge_laws import EDGES as GROUP_EDGES
from neurosim.kernels.edge_slopes import add_row_slopes
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.laplacian import factor_gathered, right_hand_side, solve_gathered
from neurosim.kernels.laplacian_arrays import TOLERANCE, laplacian_type
from neurosim.kernels.unchecked import at, put
from neurosim.memristive.law import (
    AT,
    CONSTANT_AT,
    EDGES,
    EMF_DRIVEN,
    ENDS_AT,
    LAWS_AT,
    LAWS_TABLE,
    NODES,
    OHMIC,
    SOLVER,
    gather_sources,
    laplacian_at,
    ohmic_rates,
    solve_network,
)

PART = 512
"""Edges that sums over stages treat at a time."""

LOOSEST = 1e-2
"""Largest tolerance of an adjoint solution."""


@helper
def _evaluate(time, context, table, code, memory, y, p, wanted):
    """Voltages, currents, rates and, if wanted, slopes at known potentials, where `solve_network` has them."""
    m, n = code[AT + EDGES], code[AT + NODES]
    gather_sources(time, table, code, memory, y, m)
    start = m + 2 * n + code[INPUTS]
    v, i, rate = memory[start : start + m], memory[start + m : start + 2 * m], memory[start + 2 * m : start + 3 * m]
    slopes, work = memory[start + 3 * m : start + 7 * m], memory[start + 7 * m + 3 * n :]
    tails = code[AT + ENDS_AT]
    for e in range(m):
        put(v, e, at(p, at(code, tails + e)) - at(p, at(code, tails + m + e)) + at(memory, e))
    evaluate_edges(
        context, code[code[AT + LAWS_AT] :], 0, table[code[AT + LAWS_TABLE] :], 0, work, v, y, i, rate, slopes, wanted
    )


@helper
def _hold_rates(m, y, rate, bounds):
    """Rates are 0 where a state stands at a bound with a rate outward."""
    for e in range(m):
        f = at(rate, e)
        if (at(y, e) >= at(bounds, m + e) and f > 0.0) or (at(y, e) <= at(bounds, e) and f < 0.0):
            put(rate, e, 0.0)


@helper
def _combine(m, first, base, scale, weights, place, stride, low, high, rows, out):
    """out = first base + scale sum_q weights[place + q stride] rows[q], low <= q < high, part by part in the cache."""
    for begin in range(0, m, PART):
        end = min(begin + PART, m)
        one, start = out[begin:end], base[begin:end]
        for i in range(end - begin):
            one[i] = first * start[i]
        for q in range(low, high):
            weight = scale * weights[place + q * stride]
            if weight != 0.0:
                row = rows[q * m + begin : q * m + end]
                for i in range(end - begin):
                    one[i] += weight * row[i]


@helper
def _stage(m, j, count, h, a, y, slopes, out):
    """out = y + h sum_q a[j, q] slopes[q], and the samples of y."""
    _combine(m, 1.0, y, h, a, j * count, 1, 0, j, slopes, out)
    for k in range(m, out.size):
        out[k] = y[k]


@helper
def _solve(time, context, table, code, memory, y, rate, p):
    """Rates and potentials at unknowns y; the status of the solver."""
    m, n = code[AT + EDGES], code[AT + NODES]
    if code[AT + OHMIC] == 0:
        status = solve_network(time, context, table, code, memory, y, m)
        start = m + 2 * n + code[INPUTS]
        rate[:] = memory[start + 2 * m : start + 3 * m]
        p[:] = memory[start + 7 * m + n : start + 7 * m + 2 * n]
        return status
    status = ohmic_rates(time, context, table, code, memory, y, m, rate)
    a = laplacian_at(code[AT + SOLVER])
    count = a.node.size
    for i in range(count):
        put(p, at(a.node, i), at(a.x, i))
    for k in range(a.fixed.size):
        p[a.fixed[k]] = a.x[count + k]
    for k in range(a.grounded.size):
        p[a.grounded[k]] = 0.0
    return status


@helper
def _rates(time, context, table, code, memory, y, p, rate):
    """Rates at unknowns y and known potentials."""
    m, n = code[AT + EDGES], code[AT + NODES]
    if code[AT + OHMIC] == 0:
        _evaluate(time, context, table, code, memory, y, p, 0)
        start = m + 2 * n + code[INPUTS]
        rate[:] = memory[start + 2 * m : start + 3 * m]
        return
    gather_sources(time, table, code, memory, y, m, True)
    a, constant = laplacian_at(code[AT + SOLVER]), code[AT + CONSTANT_AT]
    emf = memory[:m] if code[AT + EMF_DRIVEN] != 0 else table[constant : constant + m]
    count = a.node.size
    for i in range(count):
        put(a.x, i, at(p, at(a.node, i)))
    for k in range(a.fixed.size):
        a.x[count + k] = p[a.fixed[k]]
    for k in range(a.grounded.size):
        a.x[count + a.fixed.size + k] = 0.0
    work = memory[m + 2 * n + code[INPUTS] + 7 * m + 3 * n :]
    rates_of_edges(a, context, code[code[AT + LAWS_AT] :], table[code[AT + LAWS_TABLE] :], work, emf, y, rate)


@driver(lambda: signature_of(*"rrrcrrrrrrrrr"))
def network_step(span, context, table, code, memory, y, a, c, bounds, kept, slopes, new, later):
    """One step of an explicit method from unknowns y, and the evaluation at its end.

    Parameters
    ----------
    span : [2]
        Start and length of the step [s].
    a, c : [(E + 1) E], [E]
        Rows of the stages, then of the end; fractions of the step.
    bounds : [2 m]
        Lower, then upper ones; the end is put back on them.
    kept : [E nodes]
        Receives the potentials of the evaluations; those of the first are known.
    slopes : [(E + 1) m]
        Receives the rates of the evaluations, that at the end included; those of the first are known.
    new, later : [unknowns], [nodes]
        Receive the end and its potentials.
    """
    m, n, count = code[AT + EDGES], code[AT + NODES], c.size
    for j in range(1, count + 1):
        _stage(m, j, count, span[1], a, y, slopes, new)
        time = span[0] + span[1]
        if j < count:
            time = span[0] + c[j] * span[1]
        else:
            for e in range(m):
                new[e] = min(max(new[e], bounds[e]), bounds[m + e])
        rate, p = slopes[j * m : (j + 1) * m], later
        if j < count:
            p = kept[j * n : (j + 1) * n]
        status = _solve(time, context, table, code, memory, new, rate, p)
        _hold_rates(m, new, rate, bounds)
        if status != 0:
            rate[0] = np.nan


@driver(lambda: signature_of(*"rrrrrrr"))
def step_norm(span, weights, slopes, allowed, new, largest, out):
    """The largest estimated error of a step over what is allowed into ``out[0]``.

    Parameters
    ----------
    span : [3]
        Length of the step; relative tolerance; 1 where a second estimate damps the first.
    weights : [2 (E + 1)]
        Of both estimates.
    slopes : [(E + 1) m]
    allowed : [m]
        Absolute tolerances.
    new, largest : [m]
        The end of the step; the largest size of each state so far.
    out : [1 + 2 PART]
        Work space behind the first.
    """
    m, count = allowed.size, weights.size // 2
    worst, size, other = 0.0, 0.0, 0.0
    first, second = out[1 : 1 + PART], out[1 + PART : 1 + 2 * PART]
    for begin in range(0, m, PART):
        end = min(begin + PART, m)
        first[:] = 0.0
        second[:] = 0.0
        for q in range(count):
            row = slopes[q * m + begin : q * m + end]
            by_first, by_second = span[0] * weights[q], span[0] * weights[count + q] * span[2]
            for i in range(end - begin):
                first[i] += by_first * row[i]
            if by_second != 0.0:
                for i in range(end - begin):
                    second[i] += by_second * row[i]
        for i in range(end - begin):
            e = begin + i
            scale = allowed[e] + span[1] * max(largest[e], abs(new[e]))
            error = abs(first[i]) / scale
            if not error <= worst:
                worst = error
            size += error * error
            other += (second[i] / scale) ** 2
    if span[2] != 0.0 and size > 0.0:
        worst *= np.sqrt(size / (size + 0.01 * other))
    out[0] = worst


@driver(lambda: signature_of(*"rrrcrrrrrrrrr"))
def network_again(span, context, table, code, memory, y, a, c, bounds, kept, slopes, new, clipped):
    """The rates of a step from its potentials, and in `clipped` [m] 1 where its end was put back on a bound."""
    m, n, count = code[AT + EDGES], code[AT + NODES], c.size
    for j in range(count):
        _stage(m, j, count, span[1], a, y, slopes, new)
        time, rate = span[0] + c[j] * span[1], slopes[j * m : (j + 1) * m]
        _rates(time, context, table, code, memory, new, kept[j * n : (j + 1) * n], rate)
        _hold_rates(m, new, rate, bounds)
    _stage(m, count, count, span[1], a, y, slopes, new)
    for e in range(m):
        clipped[e] = 1.0 if new[e] < bounds[e] or new[e] > bounds[m + e] else 0.0


@driver(lambda: signature_of(*"rrrcrrr"))
def network_known(time, context, table, code, memory, y, p):
    """Voltages, currents and rates at unknowns y and potentials p, into `memory`."""
    _evaluate(time[0], context, table, code, memory, y, p, 0)


def _gather_signature() -> Any:
    from numba import types

    real, code = types.Array(types.f8, 1, "C"), types.Array(types.i8, 1, "C")
    return types.i8(laplacian_type(), real, code, *[real] * 12)


@unit(_gather_signature)
def _gather_back(
    a, context, code, table, work, emf, potential, x, bounds, by_rate, by_current, right, by_voltage, voltage, slopes
):  # fmt: skip
    """Edges once before the adjoint solution: slopes, conductances into ``a.weight``, what pulls added to `right`.

    `potential` is by number; `by_rate` becomes 0 where a state is held. Returns 0, or 1 + the first edge whose
    conductance is refused.
    """
    weight, slot, tail, head = a.weight, a.slot, a.tail, a.head
    m, n, refused, nothing = voltage.size, a.node.size, np.int64(0), work[:0]
    for k in range(weight.size):
        put(weight, k, 0.0)
    F, D = work[2 * BLOCK : 4 * BLOCK], work[4 * BLOCK : 8 * BLOCK]
    for q in range(code[0]):
        record = 1 + q * GROUP_WORDS
        address, count = code[record + ADDRESS], code[record + GROUP_EDGES]
        dims = code[record + DIMS : record + GROUP_WORDS]
        dims[0], dims[1], dims[2], dims[3], dims[4], dims[5] = 2, code[record + ROWS], 0, 0, 0, 2
        for first in range(0, count, BLOCK):
            w = min(BLOCK, count - first)
            dims[6] = w
            for k in range(w):
                e = edge_number(code, record, first + k)
                v = at(potential, at(tail, e)) - at(potential, at(head, e)) + at(emf, e)
                put(voltage, e, v)
                put(work, k, at(table, e) * v)
                put(work, w + k, at(x, e))
            if address != 0:
                context[WANT_DERIVATIVES] = 1.0
                p = parameters_of(code, record, table, first, w)
                call_kernel(address, context, dims, work, p, nothing, nothing, code[:0], F, D)
            else:
                D[: 4 * w] = 0.0
                F[: 2 * w] = 0.0
                for k in range(w):
                    D[k] = 1.0 / at(table, code[record + P_AT] + first + k)
            for k in range(w):
                e = edge_number(code, record, first + k)
                way, f, y, g = at(table, e), at(F, w + k), at(x, e), at(D, k)
                if (y >= at(bounds, m + e) and f > 0.0) or (y <= at(bounds, e) and f < 0.0):
                    put(by_rate, e, 0.0)
                if not 0.0 < g < np.inf and refused == 0:
                    refused = e + 1
                pull = way * at(D, 2 * w + k) * at(by_rate, e)
                put(by_voltage, e, pull)
                pull += g * at(by_current, e)
                put(slopes, e, g)
                put(slopes, m + e, way * at(D, w + k))
                put(slopes, 3 * m + e, at(D, 3 * w + k))
                i, j, place = np.int64(at(tail, e)), np.int64(at(head, e)), at(slot, e)
                put(weight, place, at(weight, place) + g)
                if i < n:
                    put(right, i, at(right, i) + pull)
                if j < n:
                    put(right, j, at(right, j) - pull)
    context[WANT_DERIVATIVES] = 0.0
    return refused


@helper
def _back(
    time, context, table, code, memory, y, p, bounds, by_rate, by_current, by_potential, by_state, by_voltage,
    multiplier
):  # fmt: skip
    """The gradient as in the module docstring.

    Parameters
    ----------
    bounds : [2 m]
        Lower, then upper ones: a state that stands at one with a rate outward has the rate 0.
    by_rate, by_current, by_potential : [m], [m], [nodes]
        u, c and q; u becomes 0 where a state stands, c becomes d.
    by_state, by_voltage, multiplier : [m], [m], [nodes]
        Receive the gradients by states and EMFs, and z; z is NaN where there is no solution.
    """
    m, n = code[AT + EDGES], code[AT + NODES]
    start = m + 2 * n + code[INPUTS]
    slopes, numbered = memory[start + 3 * m : start + 7 * m], memory[start + 7 * m + 2 * n :]
    gather_sources(time, table, code, memory, y, m, True)
    constant, a = code[AT + CONSTANT_AT], laplacian_at(code[AT + SOLVER])
    emf = memory[:m] if code[AT + EMF_DRIVEN] != 0 else table[constant : constant + m]
    count, given = a.node.size, a.fixed.size + a.grounded.size
    for i in range(count):
        put(numbered, i, at(p, at(a.node, i)))
    for k in range(a.fixed.size):
        numbered[count + k] = p[a.fixed[k]]
    for k in range(a.grounded.size):
        numbered[count + a.fixed.size + k] = 0.0
    right = right_hand_side(a)
    for i in range(count):
        put(right, i, at(by_potential, at(a.node, i)))
    laws, numbers = code[code[AT + LAWS_AT] :], table[code[AT + LAWS_TABLE] :]
    status = _gather_back(
        a, context, laws, numbers, memory[start + 7 * m + 3 * n :], emf, numbered, y, bounds, by_rate, by_current,
        right, by_voltage, memory[start : start + m], slopes
    )  # fmt: skip
    if status == 0:
        status = factor_gathered(a)
    if status == 0:
        status = solve_gathered(a, 1)
    z = a.x
    for k in range(given):
        z[count + k] = 0.0
    multiplier[:] = 0.0 if status == 0 else np.nan
    for i in range(count):
        put(multiplier, at(a.node, i), at(z, i) if status == 0 else np.nan)
    for e in range(m):
        rest = at(by_current, e) - at(z, at(a.tail, e)) + at(z, at(a.head, e))
        put(by_current, e, rest)
        put(by_state, e, at(slopes, 3 * m + e) * at(by_rate, e) + at(slopes, m + e) * rest)
        put(by_voltage, e, at(by_voltage, e) + at(slopes, e) * rest)


@helper
def _collect(
    code, table, memory, context, y, by_rate, by_current, by_voltage, multiplier, rows, size, ends, by_row, by_emf,
    seen, work
):  # fmt: skip
    """Add to the gradients by rows of laws and by all EMFs, and note those by single sources."""
    m, n = code[AT + EDGES], code[AT + NODES]
    start = m + 2 * n + code[INPUTS]
    if rows.size > 0:
        laws, laws_table = code[code[AT + LAWS_AT] :], table[code[AT + LAWS_TABLE] :]
        v = memory[start : start + m]
        add_row_slopes(context, laws, laws_table, work, v, y, by_rate, by_current, rows, size, by_row)
    for e in range(by_emf.size):
        put(by_emf, e, at(by_emf, e) + at(by_voltage, e))
    for k in range(seen.size):
        node, total = ends[2 * k], 0.0
        if node >= 0:
            total = multiplier[node]
        for q in range(ends[2 * k + 1], ends[2 * k + 3]):
            e = ends[q]
            total += by_voltage[e] if e >= 0 else -by_voltage[-1 - e]
        seen[k] = total


@driver(lambda: signature_of(*"rrrcrrrrrrrrrrrccrrrrrrr"))
def network_step_back(
    span, context, table, code, memory, y, a, c, bounds, kept, slopes, adjoint, stages, by_output, rows_size, rows,
    ends, by_row, by_emf, seen, stage, vectors, work, given,
):  # fmt: skip
    """Adjoint of `network_step` after `network_again`: `adjoint` enters as that of the end and leaves as that of y.

    Parameters
    ----------
    span : [4]
        Start and length of the step; the tolerance of solutions; the largest weight of an evaluation.
    stages : [E m]
        Work space.
    by_output : [m + nodes or 0]
        Gradient by the currents and potentials at the start, from what was saved there.
    rows, rows_size, by_row
        As `neurosim.kernels.edge_slopes.add_row_slopes`.
    ends : int64
        For each source a node, or -1, and the place of its edges in `ends` (-1 - e where it counts negative), one
        after the other; then -1 and the end.
    by_emf : [m or 0]
    seen : [E sources]
        Receives the gradients by sources.
    stage : [unknowns]
    vectors : [4 m + 2 nodes]
    given : [1]
        Receives 1, or 0 where equations have no solution.
    """
    m, n, count = code[AT + EDGES], code[AT + NODES], c.size
    by_rate, by_current, by_voltage = vectors[:m], vectors[m : 2 * m], vectors[3 * m : 4 * m]
    by_potential, multiplier = vectors[4 * m : 4 * m + n], vectors[4 * m + n : 4 * m + 2 * n]
    control = laplacian_at(code[AT + SOLVER]).control
    sources = seen.size // count
    largest = 0.0
    for e in range(m):
        largest = max(largest, abs(at(adjoint, e)))
    largest *= span[1] * span[3]
    given[0] = 1.0
    for j in range(count - 1, -1, -1):
        size = 0.0
        _combine(m, span[1] * a[count * count + j], adjoint, span[1], a, j, count, j + 1, count, stages, by_rate)
        for e in range(m):
            size = max(size, abs(at(by_rate, e)))
        by_current[:] = 0.0
        by_potential[:] = 0.0
        # What one evaluation may be wrong by counts in the whole: those of small weight need fewer digits.
        control[TOLERANCE] = span[2]
        if j == 0 and by_output.size > 0:
            by_current[:] = by_output[:m]
            by_potential[:] = by_output[m:]
        elif size > 0.0:
            control[TOLERANCE] = min(LOOSEST, span[2] * max(1.0, largest / size))
        _stage(m, j, count, span[1], a, y, slopes, stage)
        time = span[0] + c[j] * span[1]
        _back(
            time, context, table, code, memory, stage, kept[j * n : (j + 1) * n], bounds, by_rate, by_current,
            by_potential, stages[j * m : (j + 1) * m], by_voltage, multiplier
        )  # fmt: skip
        if np.isnan(multiplier[0]):
            given[0] = 0.0
        _collect(
            code, table, memory, context, stage, by_rate, by_current, by_voltage, multiplier, rows, rows_size, ends,
            by_row, by_emf, seen[j * sources : (j + 1) * sources], work
        )  # fmt: skip
    control[TOLERANCE] = span[2]
    for begin in range(0, m, PART):
        end = min(begin + PART, m)
        for j in range(count):
            for e in range(begin, end):
                put(adjoint, e, at(adjoint, e) + at(stages, j * m + e))


@driver(lambda: signature_of(*"rrrcrrrrrccrrrrrr"))
def network_end_back(
    span, context, table, code, memory, y, p, bounds, by_output, rows, ends, rows_size, by_row, by_emf, seen, vectors,
    work
):  # fmt: skip
    """Gradient of what was saved at the end of a run, into the third part of `vectors`; see `network_step_back`."""
    m, n = code[AT + EDGES], code[AT + NODES]
    by_rate, by_current, by_state = vectors[:m], vectors[m : 2 * m], vectors[2 * m : 3 * m]
    by_voltage = vectors[3 * m : 4 * m]
    by_potential, multiplier = vectors[4 * m : 4 * m + n], vectors[4 * m + n : 4 * m + 2 * n]
    by_rate[:] = 0.0
    by_current[:] = by_output[:m]
    by_potential[:] = by_output[m:]
    _back(
        span[0], context, table, code, memory, y, p, bounds, by_rate, by_current, by_potential, by_state, by_voltage,
        multiplier
    )  # fmt: skip
    _collect(
        code, table, memory, context, y, by_rate, by_current, by_voltage, multiplier, rows, rows_size, ends, by_row,
        by_emf, seen, work
    )  # fmt: skip
