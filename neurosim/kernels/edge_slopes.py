"""Derivatives of laws on the edges of a network by the rows of their parameters, by central differences of order 8.

As `neurosim.kernels.parameter_slopes`, on the blocks of `neurosim.kernels.edge_laws`.
"""

from __future__ import annotations

from neurosim.kernels.abi import BLOCK, WANT_DERIVATIVES, call_kernel, driver
from neurosim.kernels.edge_laws import ADDRESS, ALIKE, DIMS, EDGES, EDGES_AT, GROUP_WORDS, P_AT, ROWS, WORK
from neurosim.kernels.flat_signature import signature_of
from neurosim.kernels.parameter_slopes import POINTS, WEIGHTS
from neurosim.kernels.unchecked import at

RELATIVE_STEP = 1e-3
"""Distance of two points of a difference, relative to the row; see `neurosim.kernels.parameter_slopes`."""

ROWS_OF_LAW = 6
"""Most rows that a law of derivatives gives."""

WORK_OF_SLOPES = WORK + (4 + 2 * ROWS_OF_LAW) * BLOCK
"""Numbers of work space."""


@driver(lambda: signature_of(*"rcrrrrrrcrr"))
def add_row_slopes(context, code, table, work, v, x, by_rate, by_current, rows, size, out):
    """``out[place + k] += by_rate dx'/dp + by_current di/dp`` for edge k of a group, at voltages v and states x.

    Parameters
    ----------
    code, table
        As `neurosim.kernels.edge_laws.evaluate_edges` takes them, from its first word on.
    work : [WORK_OF_SLOPES]
    by_rate, by_current : [m]
    rows : int64 [4 * rows]
        Group, row, place in `out`, and the address of a law of all derivatives (`Device.row_slopes`) or 0.
    size : [rows]
        What a row that is 0 is moved by, in thousandths.
    """
    context[WANT_DERIVATIVES] = 0.0
    nothing = work[:0]
    r, count_of_rows = 0, rows.size // 4
    while r < count_of_rows:
        record, address = 1 + rows[4 * r] * GROUP_WORDS, rows[4 * r + 3]
        row, place, stop = rows[4 * r + 1], rows[4 * r + 2], r + 1
        while address != 0 and stop < count_of_rows and rows[4 * stop] == rows[4 * r] and rows[4 * stop + 3] == address:
            stop += 1
        count, total, edges = code[record + EDGES], code[record + ROWS], code[record + EDGES_AT]
        if code[record + ADDRESS] == 0:
            for k in range(count):
                e, resistance = code[edges + k], table[code[record + P_AT] + k]
                out[place + k] -= by_current[e] * v[e] / (resistance * resistance)
            r = stop
            continue
        dims = code[record + DIMS : record + GROUP_WORDS]
        dims[0], dims[1], dims[2], dims[3], dims[4], dims[5] = 2, total, 0, 0, 0, 2
        for first in range(0, count, BLOCK):
            w = min(BLOCK, count - first)
            dims[6] = w
            for k in range(w):
                e = at(code, edges + first + k)
                work[k] = at(table, e) * at(v, e)
                work[w + k] = at(x, e)
            block = total * first
            if code[record + ALIKE] != 0:
                block = 0 if w == BLOCK else total * BLOCK
            p = table[code[record + P_AT] + block :]
            F, D, own = work[2 * BLOCK : 4 * BLOCK], work[4 * BLOCK : 8 * BLOCK], work[WORK:]
            if address != 0:
                dims[5] = 2 * ROWS_OF_LAW
                call_kernel(address, context, dims, work, p, nothing, nothing, code[:0], own, D)
                pull, push = own[2 * ROWS_OF_LAW * BLOCK :], own[(2 * ROWS_OF_LAW + 1) * BLOCK :]
                for k in range(w):
                    e = at(code, edges + first + k)
                    pull[k], push[k] = at(by_rate, e), at(table, e) * at(by_current, e)
                for q in range(r, stop):
                    slope, to = 2 * rows[4 * q + 1] * w, rows[4 * q + 2] + first
                    goal, of_current, of_rate = out[to : to + w], own[slope:], own[slope + w :]
                    for k in range(w):
                        goal[k] += pull[k] * of_rate[k] + push[k] * of_current[k]
                continue
            kept, sums, moves = own[:w], own[BLOCK : BLOCK + 2 * w], own[3 * BLOCK : 3 * BLOCK + w]
            moved = p[row * w : row * w + w]
            for k in range(w):
                kept[k] = moved[k]
                moves[k] = RELATIVE_STEP * (abs(moved[k]) if moved[k] != 0.0 else size[r])
            sums[:] = 0.0
            for point in range(POINTS):
                for side in (1.0, -1.0):
                    for k in range(w):
                        moved[k] = kept[k] + side * (point + 1) * moves[k]
                    call_kernel(code[record + ADDRESS], context, dims, work, p, nothing, nothing, code[:0], F, D)
                    for k in range(2 * w):
                        sums[k] += side * WEIGHTS[point] * F[k]
            for k in range(w):
                moved[k] = kept[k]
                e = at(code, edges + first + k)
                out[place + first + k] += (
                    at(by_rate, e) * sums[w + k] + at(table, e) * at(by_current, e) * sums[k]
                ) / moves[k]
        r = stop
