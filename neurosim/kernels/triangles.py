"""Triangular solves for the factors of `neurosim.kernels.sparse_lu`: with L by columns, with U by rows.

Each number is read once and in order. Rows of U that do not need each other and have equally many entries form a
*block*: their first entries lie side by side, then their second ones. Where the columns of such entries are all the
same or follow each other, as in arrays of like parts, they are not looked up and the loop runs on vector registers. All
other rows are worked on one after another. The like holds for *stretches* of rows in a column of L.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import fused

LONG, SHORT, DIRECT = 0, 1, 2
"""Kinds of runs of columns, see `neurosim.kernels.sparse_lu.LU`: LONG or SHORT, plus DIRECT."""

LONGEST, SHORTEST = 512, 8
"""Rows in a block: its numbers stay in the first-level cache; fewer rows are not worth one."""

WIDEST = 8
"""Most entries of a row in a block: longer rows are sums that keep the processor busy by themselves."""

GAP = 8
"""Places left free behind blocks and long rows: columns are written to equal ones of 2^k entries, which would all share
a few lines of the cache."""

ONE_BY_ONE = 2**32 - 1
"""Kind of a run of rows that are no block."""

SAME, NEXT, IRREGULAR = range(3)
"""How the columns of entries that lie side by side follow each other."""


class Rows(NamedTuple):
    """A triangle by rows; all uint32. Rows ``run[g]`` to ``run[g + 1]`` form a block of ``kind[g]`` entries each, or
    are `ONE_BY_ONE`."""

    run: np.ndarray
    kind: np.ndarray
    slot_at: np.ndarray
    """Where the slots of each run begin in `slot`."""
    slot: np.ndarray
    """How the columns of entries side by side follow each other."""
    start: np.ndarray
    """Where the entries of each row begin, if it is not in a block."""
    end: np.ndarray
    column: np.ndarray
    place: np.ndarray
    """Where each entry in the order of columns stands here."""


def lay_out_rows(start: np.ndarray, row: np.ndarray, level: np.ndarray) -> Rows:
    """Lay out a triangle that is given by columns.

    Parameters
    ----------
    start, row : ndarray of int
        Where each column begins, and the rows of its entries.
    level : ndarray of int
        Rows that have the same level of 0 or more and follow each other do not need each other.
    """
    n = level.size
    column = np.repeat(np.arange(n), np.diff(start))
    order = np.lexsort((column, row))
    column = column[order]
    count = np.bincount(row, minlength=n)
    begin = np.concatenate([[0], np.cumsum(count)])
    position = np.arange(row.size)
    changes = (np.diff(level) != 0) | (np.diff(count) != 0)
    bounds = np.concatenate([[0], np.flatnonzero(changes) + 1, [n]]).tolist()
    runs: list[tuple[int, int, int]] = []
    slots: list[int] = []
    gap = np.zeros(n, np.int64)
    for first, last in itertools.pairwise(bounds):
        entries = int(count[first])
        if level[first] < 0 or last - first < SHORTEST or entries > WIDEST:
            if not runs or runs[-1][1] != ONE_BY_ONE:
                runs.append((first, ONE_BY_ONE, len(slots)))
            if entries > WIDEST:
                gap[first:last] = GAP
            continue
        columns = column[begin[first] : begin[last]].reshape(last - first, entries)
        for low, high in _pieces(columns):
            runs.append((first + low, entries, len(slots)))
            steps = np.diff(columns[low:high], axis=0)
            kinds = np.where((steps == 0).all(0), SAME, np.where((steps == 1).all(0), NEXT, IRREGULAR))
            slots += kinds.tolist()
            at, width = begin[first + low], high - low
            side_by_side = np.arange(width)[:, None] + width * np.arange(entries)
            position[at : at + width * entries] = at + side_by_side.ravel()
            gap[first + high - 1] = GAP * (entries > 0)
    before = np.cumsum(gap) - gap
    position += np.repeat(before, count)
    place, moved = np.empty(row.size, np.int64), np.zeros(row.size + gap.sum(), np.int64)
    place[order], moved[position] = position, column
    run, kind, slot_at = np.array(runs).T
    parts = np.append(run, n), kind, slot_at, np.array(slots), begin[:-1] + before, begin[1:] + before, moved, place
    return Rows(*(part.astype(np.uint32) for part in parts))


def _pieces(columns: np.ndarray) -> Iterator[tuple[int, int]]:
    """Cut equally long rows, [rows, entries], where their columns begin to follow each other in another way."""
    rows = len(columns)
    steps = np.diff(columns, axis=0)
    even = ((steps == 0) | (steps == 1)).all(1)
    differs = np.concatenate([[False], (steps[1:] != steps[:-1]).any(1)])
    cut = -1
    begin = pending = 0

    def short(until: int) -> Iterator[tuple[int, int]]:
        yield from ((low, min(low + LONGEST, until)) for low in range(pending, until, LONGEST))

    for last in [*np.flatnonzero(~even | differs[: rows - 1]).tolist(), rows - 1]:
        # The first step behind a cut has none to be like.
        if last < rows - 1 and even[last] and last == cut + 1:
            continue
        cut, end = last, last + 1
        if end - begin >= SHORTEST:
            yield from short(begin)
            pending = begin
            yield from short(end)
            pending = end
        begin = end
    yield from short(rows)


def stretches(start: np.ndarray, row: np.ndarray) -> np.ndarray:
    """Cut the columns of a triangle where its rows begin or end to follow each other.

    At the beginning of each stretch there is twice the number of its entries, plus 1 where its rows follow each other;
    uint32 for each entry.
    """
    inside = np.ones(row.size + 1, bool)
    inside[start] = False
    follows = np.diff(row.astype(np.int64), prepend=-2, append=-2) == 1
    follows &= inside
    # Shorter ones are left to the others: begin of each, and which are long enough.
    begin = np.flatnonzero(~follows[:-1])
    long = np.diff(np.append(begin, row.size)) >= SHORTEST
    is_long = np.repeat(long, np.diff(np.append(begin, row.size)))
    cut = ~inside[:-1]
    cut[begin[long]] = True
    cut[1:] |= is_long[1:] != is_long[:-1]
    begin = np.flatnonzero(cut)
    found = np.zeros(row.size, np.uint32)
    found[begin] = 2 * np.diff(np.append(begin, row.size)) + is_long[begin]
    return found


@helper
def less_products(rest, values, columns, first, last, y):
    """rest - sum of values[p] y[columns[p]] over first <= p < last (uint32)."""
    # Most rows are this short: a loop costs more than what it does.
    if last == first:
        return rest
    rest = fused(-values[first], y[columns[first]], rest)
    first += np.uint32(1)
    if last == first:
        return rest
    if last - first < 8:
        for p in range(first, last):
            rest = fused(-values[p], y[columns[p]], rest)
        return rest
    value, column = values[np.int64(first) : np.int64(last)], columns[np.int64(first) : np.int64(last)]
    # Four sums side by side: one alone would wait for itself.
    s1, s2, s3 = 0.0, 0.0, 0.0
    whole = value.size // 4 * 4
    for p in range(0, whole, 4):
        rest = fused(-value[p], y[column[p]], rest)
        s1 = fused(-value[p + 1], y[column[p + 1]], s1)
        s2 = fused(-value[p + 2], y[column[p + 2]], s2)
        s3 = fused(-value[p + 3], y[column[p + 3]], s3)
    for p in range(whole, value.size):
        rest = fused(-value[p], y[column[p]], rest)
    return (rest + s1) + (s2 + s3)


@helper
def subtract_block(values, columns, slot, entries, y, first, last):
    """Subtract from y[first:last] the products of a block whose values, columns and slots begin the given arrays."""
    w = last - first
    rest = y[first:last]
    for j in range(entries):
        value = values[j * w : (j + 1) * w]
        column = columns[j * w : (j + 1) * w]
        at = np.int64(column[0])
        if slot[j] == SAME:
            factor = y[at]
            for m in range(w):
                rest[m] = fused(-value[m], factor, rest[m])
        elif slot[j] == NEXT:
            source = y[at : at + w]
            for m in range(w):
                rest[m] = fused(-value[m], source[m], rest[m])
        else:
            for m in range(w):
                rest[m] = fused(-value[m], y[column[m]], rest[m])


@helper
def add_column(values, rows, stretch, p, last, factor, y):
    """Add factor times the entries p to last (uint32) of a column to y."""
    while p < last:
        length = np.int64(stretch[p] >> 1)
        value = values[np.int64(p) :]
        if stretch[p] & 1:
            target = y[np.int64(rows[p]) :]
            for m in range(length):
                target[m] = fused(factor, value[m], target[m])
        else:
            row = rows[np.int64(p) :]
            for m in range(length):
                y[row[m]] = fused(factor, value[m], y[row[m]])
        p += np.uint32(length)


@helper
def solve_triangles(lu, b):
    """Replace `b` (in the order of the equations) by the solution x of ``A x = b`` (in the order of the unknowns)."""
    y = lu.solution
    row_order, row_scale = lu.row_order, lu.row_scale
    for k in range(y.size):
        y[k] = b[row_order[k]] * row_scale[k]
    start, row, values = lu.lower_start, lu.lower_row, lu.lower
    for g in range(lu.run_kind.size):
        first, last = np.int64(lu.run_start[g]), np.int64(lu.run_start[g + 1])
        at = np.int64(start[first])
        entries = np.int64(start[first + 1]) - at
        if lu.run_kind[g] & SHORT and entries == 1:
            factor, where, number = y[first:last], row[at:], values[at:]
            for k in range(last - first):
                y[where[k]] -= number[k] * factor[k]
        elif lu.run_kind[g] & SHORT and entries == 2:
            factor, where, number = y[first:last], row[at:], values[at:]
            for k in range(last - first):
                t, one, two = -factor[k], where[2 * k], where[2 * k + 1]
                y[one] = fused(number[2 * k], t, y[one])
                y[two] = fused(number[2 * k + 1], t, y[two])
        elif lu.run_kind[g] & SHORT == 0 or entries > 0:
            for k in range(first, last):
                p, end = start[k], start[k + 1]
                if end - p > WIDEST:
                    add_column(values, row, lu.lower_stretch, p, end, -y[k], y)
                elif p < end:
                    t = y[k]
                    y[row[p]] = fused(-values[p], t, y[row[p]])
                    for q in range(p + np.uint32(1), end):
                        y[row[q]] = fused(-values[q], t, y[row[q]])
    start, end, column, values, slot = lu.upper_row_start, lu.upper_row_end, lu.upper_column, lu.upper, lu.upper_slot
    for g in range(lu.upper_kind.size - 1, -1, -1):
        first, last = np.int64(lu.upper_run[g]), np.int64(lu.upper_run[g + 1])
        if lu.upper_kind[g] == ONE_BY_ONE:
            for k in range(last - 1, first - 1, -1):
                rest = less_products(y[k] * lu.inverse_pivot[k], values, column, start[k], end[k], y)
                y[k] = rest
                b[lu.column_order[k]] = rest
            continue
        order, inverse, target = lu.column_order[first:last], lu.inverse_pivot[first:last], y[first:last]
        for m in range(last - first):
            target[m] *= inverse[m]
        at = np.int64(start[first])
        subtract_block(values[at:], column[at:], slot[lu.upper_slot_at[g] :], lu.upper_kind[g], y, first, last)
        for m in range(last - first):
            b[order[m]] = target[m]


@helper
def solve_transposed_triangles(lu, b):
    """Replace `b` (in the order of the unknowns) by the solution x of ``A^T x = b`` (in the order of the equations)."""
    n = lu.solution.size
    y = lu.solution
    # Rows of U are divided by their pivots: y is found before that division.
    for k in range(n):
        t = b[lu.column_order[k]]
        for p in range(lu.upper_start[k], lu.upper_start[k + 1]):
            t -= lu.upper[lu.upper_place[p]] * y[lu.upper_row[p]]
        y[k] = t
    for k in range(n - 1, -1, -1):
        t = y[k] * lu.inverse_pivot[k]
        for p in range(lu.lower_start[k], lu.lower_start[k + 1]):
            t -= lu.lower[p] * y[lu.lower_row[p]]
        y[k] = t
        b[lu.row_order[k]] = t * lu.row_scale[k]
