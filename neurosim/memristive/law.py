"""The one compiled law of every memristive network: conductances, one Laplacian, voltages of the edges, rates.

The engine's unknowns are the states of the m edges, then the samples of held sources. `code` starts as that of a signal
graph, so that sources are read as its inputs are (`neurosim.graph.law`); words of the network stand at ``code[AT]``:
see `WORDS_OF_NETWORK`. `table` holds the numbers of the sources, the constant ones [m + 2 n] and those of the edge
laws. `memory` is work space; the voltages in it are where Newton's method starts for devices that are not ohmic.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.graph.law import WORDS_OF_LAW, apply_clocks, fill_inputs
from neurosim.kernels.abi import (
    FLOWS,
    PREPARE,
    REQUEST,
    SOLVE,
    TIME,
    WANT_DERIVATIVES,
    WITH,
    driver,
    helper,
    kernel,
    numba_object,
    unit,
)  # fmt: skip
from neurosim.kernels.array_program import HEADER, INPUTS
from neurosim.kernels.edge_laws import WORK, evaluate_edges, gather_edges, rates_of_edges
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.laplacian import factor_gathered, right_hand_side, solve_gathered, solve_laplacian
from neurosim.kernels.laplacian_arrays import TOLERANCE, laplacian_type
from neurosim.kernels.unchecked import at, copy, flat, put

AT = HEADER + WORDS_OF_LAW
WORDS_OF_NETWORK = 17
(
    EDGES, NODES, SOLVER, ENDS_AT, FIXED, FIXED_AT, TARGETS, TARGETS_AT, CONSTANT_AT, LAWS_AT, LAWS_TABLE, OHMIC,
    WITH_JACOBIAN, STEP_SOLVER, BOUNDS_AT, EMF_DRIVEN, INJECTED,
) = range(WORDS_OF_NETWORK)  # fmt: skip
"""m; n; address of the solver's arrays; place of tails, then heads; number and place of the nodes whose potential is
given; number and place of pairs (input, place in the vector of sources); place of the constant sources in `table`;
place of the edge laws in `code` and in `table`; 1 if all currents are proportional to their voltages; 1 if the law
gives its dense Jacobian; address of the arrays for the systems of implicit steps, 0 for none, and place of the lower
and upper bounds in `table`; 1 if an EMF is no constant; 1 if currents are injected."""

STEPS, SHARE, SMALL = 60, 10.0, 1e-3
"""Newton's method: most steps; the change of voltages that ends it, relative to the largest or this [V], in tolerances
of the solver (what is left then is of second order)."""

NO_CURRENTS = -100
"""Status where Newton's method found none."""


def work_size(edges: int, nodes: int, inputs: int, implicit: bool = False) -> int:
    """Numbers of work space: sources, inputs; v, i, rates, slopes; b, p, and p of a derivative; a block of edges; for
    implicit steps the slopes at their start, changed conductances, 1 / (alpha - dx'/dx), alpha, and whether to factor.
    """
    return (edges + 2 * nodes) + inputs + 7 * edges + 3 * nodes + WORK + implicit * (6 * edges + 2)


@numba_object
def laplacian_at() -> Any:
    """Intrinsic: the arrays of a Laplacian from the address of their block."""
    from numba.extending import intrinsic

    from neurosim.kernels.tuple_pointer import WORD

    kind = laplacian_type()

    @intrinsic
    def laplacian_at(typing_context, address):
        def generate(target, builder, sig, values):
            return builder.inttoptr(values[0], WORD.as_pointer())

        return kind(address), generate

    return laplacian_at


@helper
def gather_sources(time, table, code, memory, y, first, needed=False):
    """Sources at `time` into the first m + 2 n numbers of `memory`; held ones from ``y[first:]``.

    With `needed` only those that are not constant, and the potentials of fixed nodes.
    """
    m, n = code[AT + EDGES], code[AT + NODES]
    size = m + 2 * n
    constant = code[AT + CONSTANT_AT]
    if not needed or code[AT + EMF_DRIVEN] != 0:
        copy(memory, 0, table, constant, m)
    if not needed or code[AT + INJECTED] != 0:
        copy(memory, m + n, table, constant + m + n, n)
    if needed:
        for k in range(code[AT + FIXED]):
            place = m + code[code[AT + FIXED_AT] + k]
            memory[place] = table[constant + place]
    else:
        copy(memory, m, table, constant + m, n)
    if code[INPUTS] > 0:
        fill_inputs(time, table, code, memory, size, y, first)
        for q in range(code[AT + TARGETS]):
            pair = code[AT + TARGETS_AT] + 2 * q
            memory[code[pair + 1]] += memory[size + code[pair]]


@helper
def solve_network(time, context, table, code, memory, y, first):
    """Sources, voltages v, currents, rates, slopes and potentials into `memory`; 0, or the status of the solver."""
    m, n = code[AT + EDGES], code[AT + NODES]
    gather_sources(time, table, code, memory, y, first)
    emf, potential, inject = memory[:m], memory[m : m + n], memory[m + n : m + 2 * n]
    start = m + 2 * n + code[INPUTS]
    v, i, rate = memory[start : start + m], memory[start + m : start + 2 * m], memory[start + 2 * m : start + 3 * m]
    slopes = memory[start + 3 * m : start + 7 * m]
    b, p = memory[start + 7 * m : start + 7 * m + n], memory[start + 7 * m + n : start + 7 * m + 2 * n]
    work = memory[start + 7 * m + 3 * n :]
    tails, fixed = code[AT + ENDS_AT], code[AT + FIXED_AT]
    laws, laws_table, is_ohmic = code[code[AT + LAWS_AT] :], table[code[AT + LAWS_TABLE] :], code[AT + OHMIC]
    arrays = laplacian_at(code[AT + SOLVER])
    wanted, status = context[WANT_DERIVATIVES], NO_CURRENTS
    if is_ohmic != 0:
        v[:] = 1.0
    for _ in range(STEPS):
        evaluate_edges(context, laws, 0, laws_table, 0, work, v, y, i, rate, slopes, 1 - is_ohmic)
        if is_ohmic != 0:
            slopes[:m] = i
        b[:] = inject
        for e in range(m):
            rest = at(slopes, e) * at(emf, e)
            if is_ohmic == 0:
                rest += i[e] - slopes[e] * v[e]
            if rest != 0.0:
                first_end, last_end = at(code, tails + e), at(code, tails + m + e)
                put(b, first_end, at(b, first_end) - rest)
                put(b, last_end, at(b, last_end) + rest)
        for k in range(code[AT + FIXED]):
            b[code[fixed + k]] = potential[code[fixed + k]]
        status = solve_laplacian(arrays, slopes[:m], b, p, 1)
        if status != 0:
            break
        moved, largest = 0.0, SMALL
        for e in range(m):
            new = at(p, at(code, tails + e)) - at(p, at(code, tails + m + e)) + at(emf, e)
            if is_ohmic == 0:
                moved = max(moved, abs(new - v[e]))
                largest = max(largest, abs(new))
            put(v, e, new)
        if is_ohmic != 0 or moved <= SHARE * arrays.control[TOLERANCE] * largest:
            break
        status = NO_CURRENTS
    if status != 0:
        v[:] = 0.0
    evaluate_edges(context, laws, 0, laws_table, 0, work, v, y, i, rate, slopes, np.int64(wanted))
    context[WANT_DERIVATIVES] = wanted
    return status


@helper
def _place_given(a, code, potential):
    """Potentials of given nodes behind the unknowns in ``a.x``."""
    n = a.node.size
    for k in range(a.fixed.size):
        a.x[n + k] = potential[a.fixed[k]]
    for k in range(a.grounded.size):
        a.x[n + a.fixed.size + k] = 0.0


def _ohmic_signature() -> Any:
    from numba import types

    real, code = types.Array(types.f8, 1, "C"), types.Array(types.i8, 1, "C")
    return types.i8(types.f8, real, real, code, real, real, types.i8, real)


@unit(_ohmic_signature)
def ohmic_rates(time, context, table, code, memory, y, first, rate):
    """Rates of a network whose currents are all proportional to their voltages; 0, or the status of the solver.

    Numbers of edges are read once before and once after the solution, and nothing of an edge is kept between: a large
    network takes the time that its memory takes.
    """
    m, n = code[AT + EDGES], code[AT + NODES]
    gather_sources(time, table, code, memory, y, first, True)
    constant = code[AT + CONSTANT_AT]
    emf = memory[:m] if code[AT + EMF_DRIVEN] != 0 else table[constant : constant + m]
    laws, numbers = code[code[AT + LAWS_AT] :], table[code[AT + LAWS_TABLE] :]
    work = memory[m + 2 * n + code[INPUTS] + 7 * m + 3 * n :]
    a = laplacian_at(code[AT + SOLVER])
    right = right_hand_side(a)
    if code[AT + INJECTED] != 0:
        for i in range(a.node.size):
            put(right, i, at(memory, m + n + np.int64(at(a.node, i))))
    else:
        for i in range(a.node.size):
            put(right, i, 0.0)
    _place_given(a, code, memory[m : m + n])
    status = gather_edges(a, context, laws, numbers, work, emf, y, right)
    if status == 0:
        status = factor_gathered(a)
    if status == 0:
        status = solve_gathered(a, 1)
    if status == 0:
        _place_given(a, code, memory[m : m + n])
        rates_of_edges(a, context, laws, numbers, work, emf, y, rate)
    return status


@helper
def _fill_jacobian(code, memory, D):
    """Derivatives of all rates by all states, after `solve_network`: one solution with the same factor for each."""
    m, n = code[AT + EDGES], code[AT + NODES]
    start = m + 2 * n + code[INPUTS]
    slopes = memory[start + 3 * m : start + 7 * m]
    b, q = memory[start + 7 * m : start + 7 * m + n], memory[start + 7 * m + 2 * n : start + 7 * m + 3 * n]
    tails = code[AT + ENDS_AT]
    arrays = laplacian_at(code[AT + SOLVER])
    for j in range(m):
        b[:] = 0.0
        b[code[tails + j]] -= slopes[m + j]
        b[code[tails + m + j]] += slopes[m + j]
        for k in range(code[AT + FIXED]):
            b[code[code[AT + FIXED_AT] + k]] = 0.0
        solve_laplacian(arrays, slopes[:m], b, q, 0)
        for e in range(m):
            D[e, j, 0] = slopes[2 * m + e] * (q[code[tails + e]] - q[code[tails + m + e]])
        D[j, j, 0] += slopes[3 * m + j]


@helper
def _push(code, memory, push, arrays, g, refresh):
    """Potentials of the flow that ``push`` (m) drives: L(g) q = -B push, 0 where they are given; their place."""
    m, n = code[AT + EDGES], code[AT + NODES]
    first = m + 2 * n + code[INPUTS] + 7 * m
    b, q = memory[first : first + n], memory[first + 2 * n : first + 3 * n]
    tails, fixed = code[AT + ENDS_AT], code[AT + FIXED_AT]
    b[:] = 0.0
    for e in range(m):
        flow = at(push, e)
        first_end, last_end = at(code, tails + e), at(code, tails + m + e)
        put(b, first_end, at(b, first_end) - flow)
        put(b, last_end, at(b, last_end) + flow)
    for k in range(code[AT + FIXED]):
        b[code[fixed + k]] = 0.0
    if solve_laplacian(arrays, g, b, q, refresh) != 0:
        q[:] = np.nan
    return first + 2 * n


@helper
def _keep_slopes(code, table, memory, y):
    """Slopes for the implicit step that starts here; the rates of states that are held at a bound have none."""
    m, n = code[AT + EDGES], code[AT + NODES]
    start = m + 2 * n + code[INPUTS]
    rate, slopes = memory[start + 2 * m : start + 3 * m], memory[start + 3 * m : start + 7 * m]
    first = start + 7 * m + 3 * n + WORK
    kept, bounds = memory[first : first + 4 * m], table[code[AT + BOUNDS_AT] :]
    kept[:] = slopes
    for e in range(m):
        f = at(rate, e)
        if (at(y, e) >= at(bounds, m + e) and f > 0.0) or (at(y, e) <= at(bounds, e) and f < 0.0):
            put(kept, 2 * m + e, 0.0)
            put(kept, 3 * m + e, 0.0)


@helper
def _answer(context, u, memory, code, F):
    """What is asked for with ``context[REQUEST]``, see `neurosim.kernels.abi.PREPARE`.

    With i = i(v, x), x' = f(v, x) and ``L q = -B i_x k`` for the potentials, ``(a - f_x) k - f_v B' q = r`` becomes
    ``B (i_v + i_x f_v / (a - f_x)) B' q = -B i_x r / (a - f_x)``: the same Laplacian with other conductances, those of
    edges at the rate a. They are positive while a is above the growth of each edge alone, at fixed voltage and at
    fixed current, which a step that is accurate resolves.
    """
    m, n = code[AT + EDGES], code[AT + NODES]
    start = m + 2 * n + code[INPUTS]
    first = start + 7 * m + 3 * n + WORK
    tails, request = code[AT + ENDS_AT], context[REQUEST]
    if request == PREPARE:
        kept, g, inverse = memory[first : first + 4 * m], memory[first + 4 * m :], memory[first + 5 * m :]
        memory[first + 6 * m], memory[first + 6 * m + 1] = context[WITH], 1.0
        F[:] = 0.0
        for e in range(m):
            left = context[WITH] - at(kept, 3 * m + e)
            value = at(kept, e) + at(kept, m + e) * at(kept, 2 * m + e) / left
            put(inverse, e, 1.0 / left)
            put(g, e, value)
            if not (left > 0.0 and 0.0 < value < np.inf):
                F[0, 0] = np.nan
        return
    push = memory[start + m : start + 2 * m]
    if request == SOLVE:
        kept, g = memory[first : first + 4 * m], memory[first + 4 * m : first + 5 * m]
        inverse = memory[first + 5 * m : first + 6 * m]
        for e in range(m):
            put(push, e, at(kept, m + e) * at(inverse, e) * at(u, e))
        arrays, refresh = laplacian_at(code[AT + STEP_SOLVER]), np.int64(memory[first + 6 * m + 1])
        q = _push(code, memory, push, arrays, g, refresh)
        memory[first + 6 * m + 1] = 0.0
        for e in range(m):
            moved = at(memory, q + at(code, tails + e)) - at(memory, q + at(code, tails + m + e))
            F[e, 0] = at(inverse, e) * (at(u, e) + at(kept, 2 * m + e) * moved)
        for e in range(m, F.shape[0]):
            F[e, 0] = u[e] / memory[first + 6 * m]
        return
    slopes = memory[start + 3 * m : start + 7 * m]
    for e in range(m):
        put(push, e, at(slopes, m + e) * at(u, e))
    q = _push(code, memory, push, laplacian_at(code[AT + SOLVER]), slopes[:m], 0)
    for e in range(m):
        moved = at(memory, q + at(code, tails + e)) - at(memory, q + at(code, tails + m + e))
        F[e, 0] = at(slopes, 2 * m + e) * moved + at(slopes, 3 * m + e) * at(u, e)
    for e in range(m, F.shape[0]):
        F[e, 0] = 0.0


@kernel
def network_flow(context, u, p, memory, table, code, F, D):
    """Rates of the states; 0 of the samples of held sources."""
    m = code[AT + EDGES]
    y, numbers, rate = flat(u), flat(memory), flat(F)
    if context[REQUEST] != FLOWS:
        _answer(context, y, numbers, code, F)
        return
    if code[AT + OHMIC] != 0 and context[WANT_DERIVATIVES] == 0.0:
        status = ohmic_rates(context[TIME], context, table, code, numbers, y, m, rate)
    else:
        status = solve_network(context[TIME], context, table, code, numbers, y, m)
        copy(rate, 0, numbers, m + 2 * code[AT + NODES] + code[INPUTS] + 2 * m, m)
    if status != 0:
        for e in range(m):
            rate[e] = np.nan
    for k in range(m, F.shape[0]):
        F[k, 0] = 0.0
    if context[WANT_DERIVATIVES] != 0.0 and code[AT + WITH_JACOBIAN] != 0:
        _fill_jacobian(code, numbers, D)
    if context[WANT_DERIVATIVES] != 0.0 and code[AT + STEP_SOLVER] != 0:
        _keep_slopes(code, table, numbers, y)


@kernel
def network_ticks(context, u, p, memory, table, code, F, D):
    """Held sources take their next sample."""
    apply_clocks(context, u, memory, table, code, F)


@driver(lambda: signature_of(*"rrrcrrrr"))
def network_at(times, context, table, code, memory, values, potentials, currents):
    """Potentials (points * nodes) and currents (points * edges) at unknowns `values` (points * unknowns)."""
    m, n = code[AT + EDGES], code[AT + NODES]
    width = values.size // max(times.size, 1)
    start = m + 2 * n + code[INPUTS]
    context[WANT_DERIVATIVES] = 0.0
    for k in range(times.size):
        y = values[k * width : (k + 1) * width]
        status = solve_network(times[k], context, table, code, memory, y, m)
        for j in range(n):
            potentials[k * n + j] = memory[start + 7 * m + n + j] if status == 0 else np.nan
        for e in range(m):
            currents[k * m + e] = memory[start + m + e] if status == 0 else np.nan
