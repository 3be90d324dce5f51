"""Device laws on the edges of a network: blocks of edges are gathered, and a law is called by its address.

Every device here has one voltage, from tail to head, and one state. `code` has at `first_word` the number of groups
(edges of one device) and then for each a record: address of the law (0: resistors), edges, rows of p, place of the
edges' numbers in `code`, place of p in `table`, 1 where all edges have the same p, and seven words of work for the
law's dims. p is laid out [block][row][edge in block]; of edges that are all alike a whole block and the last one.
`polarity` in `table` is +1 or -1 for each edge: whether the device stands from tail to head or the other way round.
"""

from __future__ import annotations

from neurosim.kernels.abi import BLOCK, WANT_DERIVATIVES, call_kernel, driver, helper, unit
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.unchecked import at, put

GROUP_WORDS = 13
ADDRESS, EDGES, ROWS, EDGES_AT, P_AT, ALIKE, DIMS = range(7)
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
