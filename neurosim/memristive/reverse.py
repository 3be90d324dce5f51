"""One evaluation of a memristive network again from its potentials, and backward: one solution with the same matrix.

With currents ``i(v, x)`` and rates ``f(v, x)`` at voltages ``v = B' p + S``, where ``B i = J`` at free nodes, the
gradient of ``u . f + c . i + q . p`` follows from ``L z = q + B (f_v u + i_v c)``, z = 0 at fixed nodes, and
d = c - B' z: ``f_x u + i_x d`` by the states, ``f_v u + i_v d`` by the EMFs, z by injected currents.
"""

from __future__ import annotations

import numpy as np

from neurosim.kernels.abi import driver, helper
from neurosim.kernels.array_program import INPUTS
from neurosim.kernels.edge_laws import evaluate_edges
from neurosim.kernels.edge_slopes import add_row_slopes
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.laplacian import solve_laplacian
from neurosim.kernels.laplacian_arrays import TOLERANCE
from neurosim.kernels.unchecked import at, put
from neurosim.memristive.law import (
    AT,
    EDGES,
    ENDS_AT,
    FIXED,
    FIXED_AT,
    LAWS_AT,
    LAWS_TABLE,
    NODES,
    SOLVER,
    gather_sources,
    laplacian_at,
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
    start = m + 2 * n + code[INPUTS]
    rate, p = memory[start + 2 * m : start + 3 * m], memory[start + 7 * m + n : start + 7 * m + 2 * n]
    for j in range(1, count + 1):
        _stage(m, j, count, span[1], a, y, slopes, new)
        time = span[0] + span[1]
        if j < count:
            time = span[0] + c[j] * span[1]
        else:
            for e in range(m):
                new[e] = min(max(new[e], bounds[e]), bounds[m + e])
        status = solve_network(time, context, table, code, memory, new, m)
        _hold_rates(m, new, rate, bounds)
        slopes[j * m : (j + 1) * m] = rate
        if status != 0:
            slopes[j * m] = np.nan
        if j < count:
            kept[j * n : (j + 1) * n] = p
        else:
            later[:] = p


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
    start = m + 2 * n + code[INPUTS]
    rate = memory[start + 2 * m : start + 3 * m]
    for j in range(count):
        _stage(m, j, count, span[1], a, y, slopes, new)
        _evaluate(
            span[0] + c[j] * span[1], context, table, code, memory, new, kept[j * n : (j + 1) * n], 0
        )  # fmt: skip
        _hold_rates(m, new, rate, bounds)
        slopes[j * m : (j + 1) * m] = rate
    _stage(m, count, count, span[1], a, y, slopes, new)
    for e in range(m):
        clipped[e] = 1.0 if new[e] < bounds[e] or new[e] > bounds[m + e] else 0.0


@driver(lambda: signature_of(*"rrrcrrr"))
def network_known(time, context, table, code, memory, y, p):
    """Voltages, currents and rates at unknowns y and potentials p, into `memory`."""
    _evaluate(time[0], context, table, code, memory, y, p, 0)


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
    _evaluate(time, context, table, code, memory, y, p, 1)
    start = m + 2 * n + code[INPUTS]
    rate, slopes = memory[start + 2 * m : start + 3 * m], memory[start + 3 * m : start + 7 * m]
    b = memory[start + 7 * m : start + 7 * m + n]
    tails, fixed = code[AT + ENDS_AT], code[AT + FIXED_AT]
    b[:] = by_potential
    for e in range(m):
        f = at(rate, e)
        if (at(y, e) >= at(bounds, m + e) and f > 0.0) or (at(y, e) <= at(bounds, e) and f < 0.0):
            put(by_rate, e, 0.0)
        pull = at(slopes, 2 * m + e) * at(by_rate, e)
        put(by_voltage, e, pull)
        pull += at(slopes, e) * at(by_current, e)
        if pull != 0.0:
            first_end, last_end = at(code, tails + e), at(code, tails + m + e)
            put(b, first_end, at(b, first_end) + pull)
            put(b, last_end, at(b, last_end) - pull)
    for k in range(code[AT + FIXED]):
        b[code[fixed + k]] = 0.0
    status = solve_laplacian(laplacian_at(code[AT + SOLVER]), slopes[:m], b, multiplier, 1)
    if status != 0:
        multiplier[:] = np.nan
    for e in range(m):
        rest = at(by_current, e) - at(multiplier, at(code, tails + e)) + at(multiplier, at(code, tails + m + e))
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
