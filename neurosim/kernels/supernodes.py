"""Symbolic phase of a sparse Cholesky factorisation by fronts: elimination tree, supernodes, rows, places.

Runs once per pattern; `neurosim.kernels.cholesky` then repeats the arithmetic on new numbers. A supernode is a run of
columns of L with (nearly) the same rows, kept as one dense block. Neighbours in the tree are merged where that adds
few zeros, because large blocks run on vector registers.

Sources: J. W. H. Liu, SIAM J. Matrix Anal. Appl. 11, 134 (1990), doi:10.1137/0611010 (elimination trees); Y. Chen,
T. A. Davis, W. W. Hager, S. Rajamanickam, ACM TOMS 35, 22 (2008), doi:10.1145/1391989.1391995 (relaxed supernodes and
their thresholds). Recalled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.kernels.abi import driver

RELAXED = ((4, 1.0), (16, 0.8), (48, 0.1))
"""Supernodes of up to so many columns may hold this share of zeros; larger ones `RELAXED_LARGE`."""
RELAXED_LARGE = 0.05
(SMALL, SMALL_SHARE), (MEDIUM, MEDIUM_SHARE), (LARGE, LARGE_SHARE) = RELAXED


@dataclass(frozen=True)
class Supernodes:
    """Where everything is in a factor L of n columns in s supernodes; all index arrays uint32 unless said otherwise.

    Attributes
    ----------
    first : ndarray, shape (s + 1,)
        First column of each supernode.
    row_start : ndarray of int64, shape (s + 1,)
        Where its rows below the block begin in `row`.
    row, place : ndarray
        Those rows, ascending, and where each is in the front of the parent.
    child_start, child : ndarray
        The supernodes whose rows begin in this one.
    panel_at, update_at : ndarray of int64, shape (s,)
        Where the columns, and the product that is passed on to the parent, are kept.
    panel_size, update_size, longest : int
        Numbers in all panels, in all products alive at once, in the longest column.
    work : float
        Multiplications of one factorisation.
    """

    first: np.ndarray
    row_start: np.ndarray
    row: np.ndarray
    place: np.ndarray
    child_start: np.ndarray
    child: np.ndarray
    panel_at: np.ndarray
    update_at: np.ndarray
    panel_size: int
    update_size: int
    longest: int
    work: float


def _signature(*kinds: str) -> Any:
    from numba import types

    index = types.Array(types.i8, 1, "C")
    by_letter = {"c": index, "i": types.i8, "u": types.Array(types.u4, 1, "C")}
    return types.i8(*[by_letter[kind] for kind in kinds])


def eliminate(
    start: np.ndarray, other: np.ndarray, order: np.ndarray, limit: int
) -> tuple[np.ndarray, np.ndarray, int]:
    """Postorder an elimination order and count the entries of each column of L.

    Parameters
    ----------
    start, other : ndarray of int64
        Neighbours of each unknown (both directions, sorted or not).
    order : ndarray of int64, shape (n,)
        Unknown that is eliminated as number k.
    limit : int
        Give up when L has more entries than this.

    Returns
    -------
    order : ndarray of int64
        An equivalent order in which every subtree of the elimination tree is contiguous.
    tree : ndarray of int64, shape (2, n)
        Parent of each column (n for a root), and its number of entries with the diagonal.
    entries : int
        Entries of L; -1 where there are more than `limit`.
    """
    n = order.size
    number = np.empty(n, np.int64)
    number[order] = np.arange(n)
    parent, count, a, b, c = np.zeros((5, n), np.int64)
    _tree(start, other, order, number, parent, a, b, c)
    after = a
    order = order[after]
    number[order] = np.arange(n)
    position = np.append(number_of(after), n)
    parent = position[parent[after]]
    entries = _count(start, other, order, number, parent, count, b, limit)
    return order, np.stack([parent, count]), entries


def number_of(order: np.ndarray) -> np.ndarray:
    """Inverse of a permutation."""
    number = np.empty_like(order)
    number[order] = np.arange(order.size)
    return number


@driver(lambda: _signature(*"cccccccc"))
def _tree(start, other, order, number, parent, after, head, following):
    """Parents of the columns (n for a root), and in `after` the columns by postorder."""
    n = order.size
    ancestor = head
    for k in range(n):
        parent[k] = n
        ancestor[k] = n
        node = order[k]
        for p in range(start[node], start[node + 1]):
            i = number[other[p]]
            while i < k:
                above = ancestor[i]
                ancestor[i] = k
                if above == n:
                    parent[i] = k
                    break
                i = above
    for k in range(n):
        head[k] = -1
    roots = -1
    for j in range(n):
        # Descending, so that the children of each come out in ascending order.
        k = n - 1 - j
        above = parent[k]
        if above == n:
            following[k] = roots
            roots = k
        else:
            following[k] = head[above]
            head[above] = k
    put = 0
    k = roots
    while k >= 0:
        # Down to a leaf, out with it, then to its sibling or up.
        while head[k] >= 0:
            below = head[k]
            head[k] = -1
            k = below
        after[put] = k
        put += 1
        if following[k] >= 0:
            k = following[k]
        else:
            k = parent[k]
            while k < n:
                after[put] = k
                put += 1
                if following[k] >= 0:
                    k = following[k]
                    break
                k = parent[k]
            if k == n:
                k = -1
    return put


@driver(lambda: _signature(*"ccccccci"))
def _count(start, other, order, number, parent, count, seen, limit):
    n = order.size
    total = n
    for k in range(n):
        seen[k] = -1
        count[k] = 1
    for k in range(n):
        seen[k] = k
        node = order[k]
        for p in range(start[node], start[node + 1]):
            j = number[other[p]]
            if j < k:
                while seen[j] != k:
                    seen[j] = k
                    count[j] += 1
                    total += 1
                    j = parent[j]
        if total > limit:
            return -1
    return total


def find_supernodes(start: np.ndarray, other: np.ndarray, order: np.ndarray, tree: np.ndarray) -> Supernodes:
    """Gather the columns of L in supernodes; arguments as `eliminate` takes and returns them."""
    n = order.size
    parent, count = np.ascontiguousarray(tree[0]), np.ascontiguousarray(tree[1])
    first, zeros = np.zeros((2, n + 1), np.int64)
    supernodes = _merge(parent, count, first, zeros)
    first = first[: supernodes + 1]
    first[supernodes] = n
    last = first[1:] - 1
    width, below = np.diff(first), count[last] - 1
    of_column = np.repeat(np.arange(supernodes), width)
    above = np.append(of_column, supernodes)[parent[last]]
    row_start = np.concatenate([[0], np.cumsum(below)])
    row, place = np.empty((2, row_start[-1]), np.uint32)
    put, seen = row_start[:-1].copy(), np.full(supernodes, -1)
    _rows(start, other, order, number_of(order), of_column, above, put, seen, row)
    _places(first, row_start, above, row, place)
    child_start = np.concatenate([[0], np.cumsum(np.bincount(above, minlength=supernodes + 1)[:supernodes])])
    child = np.argsort(above, kind="stable")[: child_start[-1]]
    height = width + below
    panel_at = np.concatenate([[0], np.cumsum(width * height)])
    depth, update_at = np.zeros((2, supernodes), np.int64)
    sizes = np.zeros(4, np.int64)
    _stacks(above, below, child_start, child, depth, update_at, sizes)
    update_at[depth % 2 == 1] += sizes[2]
    w, h = width.astype(float), below.astype(float)
    return Supernodes(
        first.astype(np.uint32), row_start, row, place, child_start.astype(np.uint32), child.astype(np.uint32),
        panel_at[:-1].copy(), update_at, int(panel_at[-1]), int(sizes[2] + sizes[3]), int(height.max(initial=1)),
        float((w**3 / 6 + w * w * h / 2 + w * h * h / 2).sum()),
    )  # fmt: skip


def one_supernode(n: int) -> Supernodes:
    """The dense factor of n columns."""
    none, zero = np.zeros(0, np.uint32), np.zeros(1, np.int64)
    first = np.array([0, n] if n else [0], np.uint32)
    starts = np.zeros(first.size, np.int64)
    return Supernodes(
        first, starts, none, none, starts.astype(np.uint32), none, zero, zero.copy(), n * n, 0, max(n, 1), n**3 / 6.0
    )


@driver(lambda: _signature(*"cccc"))
def _merge(parent, count, first, zeros):
    """Write the first column of each supernode; `zeros` counts what merging added."""
    n = parent.size
    top = 0
    j = 0
    while j < n:
        first[top] = j
        zeros[top] = 0
        top += 1
        while j + 1 < n and parent[j] == j + 1 and count[j + 1] == count[j] - 1:
            j += 1
        while top > 1:
            begin, middle = first[top - 2], first[top - 1]
            if parent[middle - 1] > j:
                break
            # Rows below both blocks, counted at their last columns.
            lower, upper = middle - begin, j + 1 - middle
            added = lower * (upper + count[j] - count[middle - 1])
            width = lower + upper
            total = zeros[top - 1] + zeros[top - 2] + added
            share = total / (width * (width + 1) / 2 + width * (count[j] - 1))
            if added > 0 and not (
                width <= SMALL
                or (width <= MEDIUM and share < MEDIUM_SHARE)
                or (width <= LARGE and share < LARGE_SHARE)
                or share < RELAXED_LARGE
            ):
                break
            zeros[top - 2] = total
            top -= 1
        j += 1
    return top


@driver(lambda: _signature(*"ccccccccu"))
def _rows(start, other, order, number, of_column, above, put, seen, row):
    """Rows of each supernode: a row belongs to all supernodes on the way from its entries up to its own."""
    n = order.size
    for k in range(n):
        node = order[k]
        own = of_column[k]
        seen[own] = k
        for p in range(start[node], start[node + 1]):
            j = number[other[p]]
            if j < k:
                s = of_column[j]
                while seen[s] != k:
                    seen[s] = k
                    row[put[s]] = k
                    put[s] += 1
                    s = above[s]
    return 0


@driver(lambda: _signature(*"cccuu"))
def _places(first, row_start, above, row, place):
    supernodes = above.size
    for s in range(supernodes):
        a = above[s]
        if a == supernodes:
            continue
        begin, end = first[a], first[a + 1]
        q = row_start[a]
        for p in range(row_start[s], row_start[s + 1]):
            k = np.int64(row[p])
            if k < end:
                place[p] = k - begin
            else:
                while np.int64(row[q]) != k:
                    q += 1
                place[p] = end - begin + q - row_start[a]
    return 0


@driver(lambda: _signature(*"ccccccc"))
def _stacks(above, below, child_start, child, depth, update_at, sizes):
    """Two stacks, for even and odd depths: what a supernode reads (its children's) is on top of one, what it writes
    goes on top of the other."""
    supernodes = above.size
    for t in range(supernodes):
        s = supernodes - 1 - t
        depth[s] = depth[above[s]] + 1 if above[s] < supernodes else 0
    for s in range(supernodes):
        side = depth[s] % 2
        update_at[s] = sizes[side]
        sizes[side] += below[s] * below[s]
        sizes[2 + side] = max(sizes[2 + side], sizes[side])
        for p in range(child_start[s], child_start[s + 1]):
            sizes[1 - side] -= below[child[p]] * below[child[p]]
    return 0
