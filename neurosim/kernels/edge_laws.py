"""Device laws on the edges of a network: blocks of edges are gathered, and a law is called by its address.

Every device here has one voltage, from tail to head, and one state. `code` has at `first_word` the number of groups
(edges of one device) and then for each a record: address of the law (0: resistors), edges, rows of p, place of the
edges' numbers in `code`, place of p in `table`, 1 where all edges have the same p, one more than the first edge where
they follow each other from tail to head (else 0), and seven words of work for the law's dims. p is laid out
[block][row][edge in block]; of edges that are all alike a whole block and the last one.
`polarity` in `table` is +1 or -1 for each edge: whether the device stands from tail to head or the other way round.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import (
    BLOCK,
    CURRENTS,
    FLOWS,
    RATES,
    REQUEST,
    WANT_DERIVATIVES,
    call_kernel,
    driver,
    helper,
    unit,
)
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.laplacian_arrays import laplacian_type
from neurosim.kernels.unchecked import at, put

GROUP_WORDS = 14
ADDRESS, EDGES, ROWS, EDGES_AT, P_AT, ALIKE, IN_LINE, DIMS = range(8)
"""Words of a record; the last one is the first of seven."""

WORK = 8 * BLOCK
"""Numbers of work space: two inputs, two flows and four derivatives of a block."""


@helper
def _resistors(code, record, table, v, current, rate, D, wanted):
    m = v.size
    for k in range(code[record + EDGES]):
        e = code[code[record + EDGES_AT] + k]
        g = 1.0 / table[code[record + P_AT] + k]
        current[e], rate[e] = g * v[e], 0.0
        if wanted != 0:
            D[e], D[m + e], D[2 * m + e], D[3 * m + e] = g, 0.0, 0.0, 0.0


@unit(lambda: signature_of(*"rcirirrrrrri"))
def evaluate_edges(context, code, first_word, table, polarity, work, v, x, current, rate, D, wanted):
    """Currents from tail to head and rates at voltages v and states x of all m edges.

    With `wanted`, D [4, m] are di/dv, di/dx, dx'/dv and dx'/dx.
    """
    m = v.size
    context[WANT_DERIVATIVES] = wanted
    nothing = work[:0]
    for q in range(code[first_word]):
        record = first_word + 1 + q * GROUP_WORDS
        if code[record + ADDRESS] == 0:
            _resistors(code, record, table, v, current, rate, D, wanted)
            continue
        count, rows, edges = code[record + EDGES], code[record + ROWS], code[record + EDGES_AT]
        dims = code[record + DIMS : record + GROUP_WORDS]
        dims[0], dims[1], dims[2], dims[3], dims[4], dims[5] = 2, rows, 0, 0, 0, 2
        for first in range(0, count, BLOCK):
            w = min(BLOCK, count - first)
            dims[6] = w
            for k in range(w):
                e = at(code, edges + first + k)
                work[k] = at(table, polarity + e) * at(v, e)
                work[w + k] = at(x, e)
            place = rows * first
            if code[record + ALIKE] != 0:
                place = 0 if w == BLOCK else rows * BLOCK
            p = table[code[record + P_AT] + place :]
            F, slopes = work[2 * BLOCK : 4 * BLOCK], work[4 * BLOCK : 8 * BLOCK]
            call_kernel(code[record + ADDRESS], context, dims, work, p, nothing, nothing, code[:0], F, slopes)
            for k in range(w):
                e = at(code, edges + first + k)
                way = at(table, polarity + e)
                put(current, e, way * F[k])
                put(rate, e, F[w + k])
                if wanted != 0:
                    D[e], D[m + e] = slopes[k], way * slopes[w + k]
                    D[2 * m + e], D[3 * m + e] = way * slopes[2 * w + k], slopes[3 * w + k]


@driver(lambda: signature_of(*"rcirirrrrrri"))
def edges_at(context, code, first_word, table, polarity, work, v, x, current, rate, D, wanted):
    """`evaluate_edges` from Python."""
    evaluate_edges(context, code, first_word, table, polarity, work, v, x, current, rate, D, wanted)


@helper
def edge_number(code, record, k):
    """Number of the k-th edge of a group."""
    return code[record + IN_LINE] - 1 + k if code[record + IN_LINE] != 0 else at(code, code[record + EDGES_AT] + k)


@helper
def parameters_of(code, record, table, first, w):
    """p of a block."""
    place = code[record + ROWS] * first
    if code[record + ALIKE] != 0:
        place = 0 if w == BLOCK else code[record + ROWS] * BLOCK
    return table[code[record + P_AT] + place :]


def _gather_signature() -> Any:
    from numba import types

    real, code = types.Array(types.f8, 1, "C"), types.Array(types.i8, 1, "C")
    return types.i8(laplacian_type(), real, code, *[real] * 5)


@unit(_gather_signature)
def gather_edges(a, context, code, table, work, emf, x, right):
    """Of ohmic edges at states x: conductances into ``a.weight``, what is driven through them added to `right`.

    `emf` [m] are their sources. Potentials of given nodes stand behind the unknowns in ``a.x``. Returns 0, or 1 + the
    first edge whose conductance is refused.
    """
    weight, potential, slot, tail, head = a.weight, a.x, a.slot, a.tail, a.head
    n = a.node.size
    for k in range(weight.size):
        put(weight, k, 0.0)
    context[WANT_DERIVATIVES], context[REQUEST] = 0.0, CURRENTS
    refused = np.int64(0)
    g, nothing = work[2 * BLOCK : 4 * BLOCK], work[:0]
    for q in range(code[0]):
        record = 1 + q * GROUP_WORDS
        address, count = code[record + ADDRESS], code[record + EDGES]
        dims = code[record + DIMS : record + GROUP_WORDS]
        dims[0], dims[1], dims[2], dims[3], dims[4], dims[5] = 2, code[record + ROWS], 0, 0, 0, 2
        for first in range(0, count, BLOCK):
            w = min(BLOCK, count - first)
            dims[6] = w
            if address != 0:
                for k in range(w):
                    put(work, k, 1.0)
                    put(work, w + k, at(x, edge_number(code, record, first + k)))
                p = parameters_of(code, record, table, first, w)
                call_kernel(address, context, dims, work, p, nothing, nothing, code[:0], g, work[4 * BLOCK :])
            else:
                for k in range(w):
                    put(g, k, 1.0 / at(table, code[record + P_AT] + first + k))
            for k in range(w):
                e = edge_number(code, record, first + k)
                value = at(g, k)
                if not 0.0 < value < np.inf and refused == 0:
                    refused = e + 1
                i, j, place = np.int64(at(tail, e)), np.int64(at(head, e)), at(slot, e)
                put(weight, place, at(weight, place) + value)
                drive = value * at(emf, e)
                if max(i, j) < n:
                    if drive != 0.0:
                        put(right, i, at(right, i) - drive)
                        put(right, j, at(right, j) + drive)
                elif i < n:
                    put(right, i, at(right, i) + value * at(potential, j) - drive)
                elif j < n:
                    put(right, j, at(right, j) + value * at(potential, i) + drive)
    context[REQUEST] = FLOWS
    return refused


def _rates_signature() -> Any:
    from numba import types

    real, code = types.Array(types.f8, 1, "C"), types.Array(types.i8, 1, "C")
    return types.void(laplacian_type(), real, code, *[real] * 5)


@unit(_rates_signature)
def rates_of_edges(a, context, code, table, work, emf, x, rate):
    """Rates of all edges at states x and potentials ``a.x`` (by number), with EMFs `emf` [m]."""
    potential, tail, head = a.x, a.tail, a.head
    context[WANT_DERIVATIVES], context[REQUEST] = 0.0, RATES
    nothing = work[:0]
    for q in range(code[0]):
        record = 1 + q * GROUP_WORDS
        address, count, in_line = code[record + ADDRESS], code[record + EDGES], code[record + IN_LINE]
        dims = code[record + DIMS : record + GROUP_WORDS]
        dims[0], dims[1], dims[2], dims[3], dims[4], dims[5] = 2, code[record + ROWS], 0, 0, 0, 2
        for first in range(0, count, BLOCK):
            w = min(BLOCK, count - first)
            dims[6] = w
            F = work[2 * BLOCK : 4 * BLOCK]
            if address != 0:
                for k in range(w):
                    e = edge_number(code, record, first + k)
                    v = at(potential, at(tail, e)) - at(potential, at(head, e)) + at(emf, e)
                    put(work, k, v if in_line != 0 else at(table, e) * v)
                    put(work, w + k, at(x, e))
                p = parameters_of(code, record, table, first, w)
                call_kernel(address, context, dims, work, p, nothing, nothing, code[:0], F, work[4 * BLOCK :])
            for k in range(w):
                put(rate, edge_number(code, record, first + k), at(F, w + k) if address != 0 else 0.0)
    context[REQUEST] = FLOWS
