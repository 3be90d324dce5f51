"""Approximate Cholesky factor of a Laplacian by random elimination, and an order of elimination for it.

Eliminating an unknown joins all its d neighbours with each other; here only a random tree of d - 1 of these edges is
kept, with weights that make the sum right on average. So the factor has about as many entries as the graph edges, on
any graph, and conjugate gradients with it need few iterations. The order is found once (least degree first, on unit
weights). Then it is changed to one of the same meaning, for the sake of memory: parts of the graph that fit in the
cache are gone through one after the other, sweep by sweep, and all is eliminated that waits for no part still to come.
Within a part, unknowns that do not wait for each other are put together, and those with as many neighbours next to each
other (the ends of short loops are foreseen).

Sources: R. Kyng, S. Sachdeva, FOCS 2016, arXiv:1605.02353 (random elimination); Y. Gao, R. Kyng, D. A. Spielman,
arXiv:2303.00709 (the tree: neighbours in ascending order of weight, each joined with a heavier one that is drawn by
weight). Recalled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver, helper, unit
from neurosim.kernels.laplacian_arrays import BUILT, NO_ROOM, NOT_POSITIVE_DEFINITE, laplacian_type
from neurosim.kernels.unchecked import at, put

SEED = np.uint64(0x9E3779B97F4A7C15)
SHIFT_A, SHIFT_B, SHIFT_C, SHIFT_TO_REAL = np.uint64(13), np.uint64(7), np.uint64(17), np.uint64(11)
RESOLUTION = 2.0**-53
LONG = 32
"""Longer lists of neighbours are sorted with gaps first."""
PART = 4096
"""Unknowns of a part; in an iteration about 100 bytes are read of each."""


@helper
def _next_random(number):
    """Next state of G. Marsaglia's 64-bit xorshift generator (J. Stat. Softw. 8, 14 (2003), doi:10.18637/jss.v008.i14;
    recalled)."""
    number ^= number << SHIFT_A
    number ^= number >> SHIFT_B
    number ^= number << SHIFT_C
    return number


def _order_signature() -> Any:
    from numba import types

    index, short = types.Array(types.i8, 1, "C"), types.Array(types.i4, 1, "C")
    return types.i8(*[index] * 3, *[short] * 2, *[index] * 10)


def random_elimination(start: np.ndarray, other: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, int]:
    """Eliminate at random, least degree first.

    Parameters
    ----------
    start, other : ndarray of int64
        Neighbours of each unknown, each pair in both directions.
    sequence : ndarray of int64
        All unknowns, near ones near each other; among those of one degree the first in this sequence, or the one that
        has it longest, goes first.

    Returns
    -------
    order : ndarray of int64
        In which the unknowns are eliminated.
    entries : int
        Of the factor below the diagonal.
    """
    n = start.size - 1
    room = 2 * other.size + 4 * n + 64
    while True:
        pool, following = np.empty((2, room), np.int32)
        work = np.zeros((10, n + 1), np.int64)
        level, sweep, part, count = work[:4, :n]
        number = np.empty(n, np.int64)
        number[sequence] = np.arange(n)
        part[:] = number // PART
        entries = _eliminate(start, other, sequence, pool, following, *work)
        if entries >= 0:
            return np.lexsort((number, count, level, part, sweep)), entries
        room *= 2


@helper
def _append(first, last, after, before, d, v):
    """Put v at the end of queue d."""
    after[v] = 0
    before[v] = last[d]
    if last[d] > 0:
        after[last[d] - 1] = v + 1
    else:
        first[d] = v + 1
    last[d] = v + 1


@helper
def _remove(first, last, after, before, d, v):
    """Take v out of queue d."""
    if before[v] > 0:
        after[before[v] - 1] = after[v]
    else:
        first[d] = after[v]
    if after[v] > 0:
        before[after[v] - 1] = before[v]
    else:
        last[d] = before[v]


@driver(_order_signature)
def _eliminate(
    start, other, sequence, pool, following, level, sweep, part, head, degree, bucket, last, after, before, near
):  # fmt: skip
    """Eliminate; return the number of entries, or -1 where there is no room.

    `level` becomes one more than the highest of what is joined to an unknown and goes before it, `sweep` the first one
    in which all of these have been reached, `head` the number of neighbours left then. `bucket` and `last` hold
    the ends of queues of unknowns by degree, linked by `after` and `before` (entries are one more than a number; 0 is
    none); `degree` -1 marks what is eliminated; `head` begins the list of neighbours in `pool`.
    """
    n = start.size - 1
    top = other.size
    free = -1
    for k in range(n):
        v = sequence[k]
        head[v] = -1
        degree[v] = start[v + 1] - start[v]
        for p in range(start[v], start[v + 1]):
            pool[p] = other[p]
            following[p] = head[v]
            head[v] = p
        _append(bucket, last, after, before, degree[v], v)
    random = SEED
    entries = 0
    least = 0
    for _ in range(n):
        while bucket[least] == 0:
            least += 1
        v = bucket[least] - 1
        _remove(bucket, last, after, before, least, v)
        degree[v] = -1
        # Neighbours that are still there, once each; their degree is negated for as long, less 2.
        count = 0
        p = head[v]
        while p >= 0:
            u = np.int64(pool[p])
            following_p = np.int64(following[p])
            following[p] = free
            free = p
            p = following_p
            if degree[u] == -1:
                continue
            if degree[u] >= 0:
                d = degree[u]
                _remove(bucket, last, after, before, min(d, n), u)
                near[count] = u
                count += 1
                degree[u] = -2 - d
                level[u] = max(level[u], level[v] + 1)
                sweep[u] = max(sweep[u], sweep[v] + (1 if part[v] > part[u] else 0))
            # One edge to v less.
            degree[u] += 1
        entries += count
        head[v] = count
        for k in range(count - 1):
            random = _next_random(random)
            chosen = k + 1 + np.int64(np.float64(random >> SHIFT_TO_REAL) * RESOLUTION * (count - 1 - k))
            for side in range(2):
                u, w = (near[k], near[chosen]) if side == 0 else (near[chosen], near[k])
                if free >= 0:
                    q = free
                    free = np.int64(following[q])
                else:
                    q = top
                    top += 1
                    if q >= pool.size:
                        return -1
                pool[q] = w
                following[q] = head[u]
                head[u] = q
                degree[u] -= 1
        for k in range(count):
            u = near[k]
            degree[u] = -2 - degree[u]
            # Parallel edges count, so there may be more than there are unknowns.
            d = min(degree[u], n)
            _append(bucket, last, after, before, d, u)
            least = min(least, d)
    return entries


def _factor_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type())


@unit(_factor_signature)
def factor_approximately(a):
    """Fill `factor_value` and `pivot` from `weight`; return 0, `NO_ROOM` or `NOT_POSITIVE_DEFINITE`.

    Each pair waits in the list of its lower unknown; what is given counts as unknown n. What an elimination takes off
    the lists is more than it puts on them, so the room for the pairs is enough.
    """
    n = a.node.size
    pairs = a.pair_other.size
    head, following, other, weight, mark = a.first_entry, a.following, a.entry_other, a.entry_weight, a.mark
    near_weight, rest = a.direction, a.product
    row, value = a.factor_row, a.factor_value
    none = np.int64(-1)
    for i in range(n):
        begin, end = np.int64(a.pair_start[i]), np.int64(a.pair_start[i + 1])
        link = none
        if at(a.weight, pairs + i) > 0.0:
            link = pairs + i
            put(other, link, n)
            put(weight, link, at(a.weight, link))
            put(following, link, -1)
        for p in range(begin, end):
            put(other, p, at(a.pair_other, p))
            put(weight, p, at(a.weight, p))
            put(following, p, link)
            link = p
        put(head, i, link)
        put(mark, i, -1)
    mark[n] = -1
    random = SEED + np.uint64(a.state[BUILT])
    free = none
    used = np.int64(0)
    for v in range(n):
        a.factor_start[v] = used
        p = at(head, v)
        count = 0
        total = 0.0
        if used + n - v + 1 > row.size:
            length = np.int64(0)
            while p >= 0:
                length += 1
                p = at(following, p)
            if used + length > row.size:
                return NO_ROOM
            p = at(head, v)
        while p >= 0:
            u = np.int64(at(other, p))
            w = at(weight, p)
            total += w
            k = at(mark, u)
            if k < 0:
                put(mark, u, count)
                put(row, used + count, u)
                put(near_weight, count, w)
                count += 1
            else:
                put(near_weight, k, at(near_weight, k) + w)
            link = at(following, p)
            put(following, p, free)
            free = p
            p = link
        if not 0.0 < total < np.inf:
            return NOT_POSITIVE_DEFINITE
        gap = np.int64(1)
        while gap * 3 < count and count > LONG:
            gap = gap * 3 + 1
        while gap > 0:
            for k in range(gap, count):
                moved_weight, moved_row = at(near_weight, k), at(row, used + k)
                q = k
                while q >= gap and at(near_weight, q - gap) > moved_weight:
                    put(near_weight, q, at(near_weight, q - gap))
                    put(row, used + q, at(row, used + q - gap))
                    q -= gap
                put(near_weight, q, moved_weight)
                put(row, used + q, moved_row)
            gap //= 3
        running = 0.0
        for t in range(count):
            k = count - 1 - t
            put(mark, at(row, used + k), -1)
            running += at(near_weight, k)
            put(rest, k, running)
        inverse = 1.0 / total
        put(a.pivot, v, inverse)
        for k in range(count - 1):
            heavier = at(rest, k + 1)
            random = _next_random(random)
            drawn = np.float64(random >> SHIFT_TO_REAL) * RESOLUTION * heavier
            low, high = np.int64(k + 1), np.int64(count - 1)
            # The last one whose sum with all after it is above what was drawn.
            while low < high:
                middle = (low + high + 1) // 2
                if at(rest, middle) > drawn:
                    low = middle
                else:
                    high = middle - 1
            one, two = np.int64(at(row, used + k)), np.int64(at(row, used + low))
            lower, higher = min(one, two), max(one, two)
            p = free
            free = at(following, p)
            put(other, p, higher)
            put(weight, p, at(near_weight, k) * heavier * inverse)
            put(following, p, at(head, lower))
            put(head, lower, p)
        # What is given has no column: its potential does not change.
        kept = used
        for k in range(count):
            neighbour = at(row, used + k)
            if neighbour < n:
                put(row, kept, neighbour)
                put(value, kept, at(near_weight, k) * inverse)
                kept += 1
        used = kept
    a.factor_start[n] = used
    return 0
