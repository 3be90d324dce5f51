"""Scaling, pairing and elimination order of a sparse matrix, and the pattern of its factors.

Runs once per matrix pattern, for `neurosim.kernels.sparse_lu`.

Sources: J. R. Gilbert, T. Peierls, SIAM J. Sci. Stat. Comput. 9, 862 (1988), doi:10.1137/0909058 (left-looking LU by
depth-first search); I. S. Duff, ACM TOMS 7, 315 (1981), doi:10.1145/355958.355963 (pairing by augmenting paths);
D. Ruiz, RAL-TR-2001-034 (equilibration). All recalled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver

PIVOT_THRESHOLD = 0.03
"""A diagonal pivot is kept when it is at least this fraction of its (row-scaled) column's largest entry."""

DENSE_ORDER = 64
"""Up to this many unknowns a dense pattern is ordered in less time than SciPy takes to load."""


def fill_order(pointer: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Order the block of pivots `kept` (its diagonal is full) by minimum degree on the pattern of ``B + B^T``.

    The ordering of large blocks is SuperLU's; on circuit matrices its column orderings (COLAMD) gave up to twice the
    fill.
    """
    m = kept.size
    if m < 3:
        return np.arange(m)
    number = np.full(pointer.size - 1, -1)
    number[kept] = np.arange(m)
    i, j = number[rows], np.repeat(number, np.diff(pointer))
    inside = (i >= 0) & (j >= 0) & (i != j)
    i, j = i[inside], j[inside]
    return _dense_order(m, i, j) if m <= DENSE_ORDER else _superlu_order(m, i, j)


def _dense_order(m: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """Eliminate the unknown with the fewest neighbours, join these, and again."""
    joined = np.zeros((m, m), bool)
    joined[i, j] = joined[j, i] = True
    order = np.empty(m, np.int64)
    degree = joined.sum(1)
    for k in range(m):
        order[k] = pivot = degree.argmin()
        near = np.flatnonzero(joined[pivot])
        joined[np.ix_(near, near)] = True
        joined[near, near] = False
        joined[near, pivot] = False
        degree[near] = joined[near].sum(1)
        degree[pivot] = m
    return order


def _superlu_order(m: int, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    import scipy.sparse as sparse
    from scipy.sparse.linalg import spilu

    block = sparse.csc_matrix((np.ones(2 * i.size), (np.r_[i, j], np.r_[j, i])), shape=(m, m))
    block.data[:] = 1.0
    block = (block + sparse.diags(1.0 + np.diff(block.indptr))).tocsc()
    # An incomplete factorisation that drops everything: only the column order is wanted.
    options = {"SymmetricMode": True}
    incomplete = spilu(
        block, drop_tol=1.0, fill_factor=1.0, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
    )
    return np.argsort(incomplete.perm_c)


def index_and_real() -> tuple[Any, Any]:
    """Numba types of the index and number arrays."""
    import numba

    return numba.types.Array(numba.int64, 1, "C"), numba.types.Array(numba.float64, 1, "C")


def _equilibrate_signature() -> Any:
    import numba

    index, real = index_and_real()
    return numba.void(index, index, real, real, real, real)


def equilibrate(pointer: np.ndarray, rows: np.ndarray, magnitude: np.ndarray) -> np.ndarray:
    """Find powers of two for the rows such that rows and (freely scaled) columns have largest entries near 1.

    The first sweep normalises the rows alone, so that the units of the equations cannot matter; the others take
    square roots on both sides (Ruiz).
    """
    scale, column_scale, row_max = np.ones((3, pointer.size - 1))
    _equilibrate(pointer, rows, magnitude, scale, column_scale, row_max)
    return scale


@driver(_equilibrate_signature)
def _equilibrate(pointer, rows, magnitude, scale, column_scale, row_max):
    n = scale.size
    for sweep in range(5):
        row_max[:] = 0.0
        for j in range(n):
            largest = 0.0
            for p in range(pointer[j], pointer[j + 1]):
                a = magnitude[p] * scale[rows[p]] * column_scale[j]
                largest = max(largest, a)
                row_max[rows[p]] = max(row_max[rows[p]], a)
            if sweep > 0 and largest > 0.0:
                column_scale[j] /= np.sqrt(largest)
        for i in range(n):
            if row_max[i] > 0.0:
                scale[i] /= np.sqrt(row_max[i]) if sweep > 0 else row_max[i]
    for i in range(n):
        scale[i] = 2.0 ** np.round(np.log2(scale[i]))


def _match_signature() -> Any:
    import numba

    index, real = index_and_real()
    return numba.void(index, index, real, *[index] * 5, real)


def match_rows(pointer: np.ndarray, rows: np.ndarray, magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give each column a row: the natural diagonal where large, shortest augmenting paths elsewhere.

    A first pass uses entries of at least `PIVOT_THRESHOLD` of their column's largest, a second all nonzero entries,
    a third all entries of the pattern. Returns the row of each column and the column of each row; -1 = unmatched.
    """
    n = pointer.size - 1
    row_of_column, column_of_row, seen, queue, previous = np.full((5, n), -1, np.int64)
    _match(pointer, rows, magnitude, row_of_column, column_of_row, seen, queue, previous, np.empty(n))
    return row_of_column, column_of_row


@driver(_match_signature)
def _match(pointer, rows, magnitude, row_of_column, column_of_row, seen, queue, previous, large):
    n = row_of_column.size
    for j in range(n):
        large[j] = 0.0
        for p in range(pointer[j], pointer[j + 1]):
            large[j] = max(large[j], magnitude[p])
        large[j] *= PIVOT_THRESHOLD
        for p in range(pointer[j], pointer[j + 1]):
            if rows[p] == j and magnitude[p] >= large[j] and magnitude[p] > 0.0:
                row_of_column[j] = j
                column_of_row[j] = j
    for level in range(3):
        for start in range(n):
            if row_of_column[start] >= 0:
                continue
            head, tail, free = 0, 1, -1
            queue[0] = start
            while head < tail and free < 0:
                j = queue[head]
                head += 1
                limit = large[j] if level == 0 else 0.0
                for p in range(pointer[j], pointer[j + 1]):
                    i = rows[p]
                    if seen[i] == start + level * n or magnitude[p] < limit or (level < 2 and magnitude[p] == 0.0):
                        continue
                    seen[i] = start + level * n
                    previous[i] = j
                    if column_of_row[i] < 0:
                        free = i
                        break
                    queue[tail] = column_of_row[i]
                    tail += 1
            while free >= 0:
                j = previous[free]
                following = row_of_column[j]
                row_of_column[j] = free
                column_of_row[free] = j
                free = following if j != start else -1


def _peel_signature() -> Any:
    import numba

    index, _ = index_and_real()
    return numba.int64(*[index] * 8)


def peel_singletons(pointer: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Order first the pivots that are alone in their row or in their column: they cause no fill.

    `rows` are already numbered so that the matched entry of column j is in row j. Returns the sequence of the peeled
    pivots followed by the remaining block in natural order, and where that block begins.
    """
    n = pointer.size - 1
    sequence, place, in_row, in_column = np.zeros((4, n), np.int64)
    across_start, across = np.zeros(n + 1, np.int64), np.empty(rows.size, np.int64)
    return sequence, _peel(pointer, rows, sequence, across_start, across, place, in_row, in_column)


@driver(_peel_signature)
def _peel(pointer, rows, sequence, across_start, across, place, in_row, in_column):
    n = sequence.size
    for p in range(rows.size):
        across_start[rows[p] + 1] += 1
    for i in range(n):
        across_start[i + 1] += across_start[i]
    for i in range(n):
        place[i] = across_start[i]
        in_row[i] = across_start[i + 1] - across_start[i]
        in_column[i] = pointer[i + 1] - pointer[i]
    for j in range(n):
        for p in range(pointer[j], pointer[j + 1]):
            across[place[rows[p]]] = j
            place[rows[p]] += 1
    # From here on `place` is -1 for pivots already in the sequence.
    tail = 0
    for k in range(n):
        if in_row[k] == 1 or in_column[k] == 1:
            place[k] = -1
            sequence[tail] = k
            tail += 1
    head = 0
    while head < tail:
        k = sequence[head]
        head += 1
        for p in range(pointer[k], pointer[k + 1]):
            i = rows[p]
            in_row[i] -= 1
            if place[i] >= 0 and in_row[i] == 1:
                place[i] = -1
                sequence[tail] = i
                tail += 1
        for p in range(across_start[k], across_start[k + 1]):
            j = across[p]
            in_column[j] -= 1
            if place[j] >= 0 and in_column[j] == 1:
                place[j] = -1
                sequence[tail] = j
                tail += 1
    for k in range(n):
        if place[k] >= 0:
            sequence[tail] = k
            tail += 1
    return head


def _pattern_signature() -> Any:
    import numba

    index, real = index_and_real()
    return numba.int64(index, index, real, *[index] * 11, real, real, numba.int64)


def find_pattern(
    pointer: np.ndarray, rows: np.ndarray, values: np.ndarray, order: np.ndarray, preferred: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Factorise once with threshold pivoting and record where L and U have entries.

    Column ``order[k]`` is eliminated as number k with row ``preferred[order[k]]`` unless that is too small. The
    pattern of each column is the set of rows reached in the graph of L by depth-first search, whatever the numbers.
    Returns the starts and rows of L (rows of A), the starts and rows of U (pivot numbers), and each row's number.
    """
    n = order.size
    number, seen, stack, place, reached = np.full((5, n), -1, np.int64)
    starts, x = np.zeros((2, n + 1), np.int64), np.zeros(n)
    entries, lower = np.empty((2, 2 * rows.size + 2 * n), np.int64), np.empty(2 * rows.size + 2 * n)
    done = 0
    while True:
        done = _find(
            pointer, rows, values, order, preferred, number, *starts, *entries, seen, stack, place, reached, lower, x,
            done,
        )  # fmt: skip
        if done == n:
            break
        # L or U fills up: go on with twice the room.
        entries, lower = (np.concatenate([a, np.empty_like(a)], axis=-1) for a in (entries, lower))
    return starts[0], entries[0, : starts[0, n]].copy(), starts[1], entries[1, : starts[1, n]].copy(), number


@driver(_pattern_signature)
def _find(
    pointer, rows, values, order, preferred, number, lower_start, upper_start, lower_row, upper_row, seen, stack,
    place, reached, lower, x, first_column
):  # fmt: skip
    """Go on with the column `first_column`; return the first one for which there was no room, or n."""
    n = order.size
    nl = lower_start[first_column]
    nu = upper_start[first_column]
    for k in range(first_column, n):
        column = order[k]
        if nl + n - k > lower_row.size or nu + k > upper_row.size:
            return k
        # Rows already eliminated are collected from the end of `reached` in topological order; the others go to L.
        top = n
        first = nl
        for p in range(pointer[column], pointer[column + 1]):
            root = rows[p]
            x[root] = values[p]
            if seen[root] == k:
                continue
            seen[root] = k
            if number[root] < 0:
                lower_row[nl] = root
                nl += 1
                continue
            depth = 0
            stack[0] = root
            place[0] = lower_start[number[root]]
            while depth >= 0:
                j = number[stack[depth]]
                end = lower_start[j + 1]
                q = place[depth]
                descended = False
                while q < end:
                    i = lower_row[q]
                    q += 1
                    if seen[i] != k:
                        seen[i] = k
                        if number[i] < 0:
                            lower_row[nl] = i
                            nl += 1
                        else:
                            place[depth] = q
                            depth += 1
                            stack[depth] = i
                            place[depth] = lower_start[number[i]]
                            descended = True
                            break
                if not descended:
                    top -= 1
                    reached[top] = stack[depth]
                    depth -= 1
        for q in range(top, n):
            i = reached[q]
            j = number[i]
            upper_row[nu] = j
            nu += 1
            u = x[i]
            x[i] = 0.0
            for p in range(lower_start[j], lower_start[j + 1]):
                x[lower_row[p]] -= lower[p] * u
        upper_start[k + 1] = nu
        largest = 0.0
        pivot_row = lower_row[first]
        for p in range(first, nl):
            a = abs(x[lower_row[p]])
            if a > largest:
                largest = a
                pivot_row = lower_row[p]
        wanted = preferred[column]
        if seen[wanted] == k and number[wanted] < 0 and abs(x[wanted]) >= PIVOT_THRESHOLD * largest:
            pivot_row = wanted
        pivot = x[pivot_row]
        # A column that is zero with these values gets a formal pivot, so that the pattern stays valid for others.
        inverse = 1.0 / pivot if pivot != 0.0 else 0.0
        number[pivot_row] = k
        put = first
        for p in range(first, nl):
            i = lower_row[p]
            if i != pivot_row:
                lower_row[put] = i
                lower[put] = x[i] * inverse
                put += 1
            x[i] = 0.0
        nl = put
        lower_start[k + 1] = nl
    return n


def _levels_signature() -> Any:
    import numba

    index, _ = index_and_real()
    return numba.void(index, index, index, index, numba.int64, index, index)


@driver(_levels_signature)
def find_levels(
    lower_start: np.ndarray, lower_row: np.ndarray, upper_start: np.ndarray, upper_row: np.ndarray, longest: int,
    level: np.ndarray, direct: np.ndarray,
) -> None:  # fmt: skip
    """Find the columns that may be eliminated first, in which order, and which of them nothing changes.

    All rows and columns by pivot number. `level` gets the number of columns that must come one after another before
    each one, and columns of one level do not touch each other; it is -1 for columns that need others and have more than
    `longest` entries beside the pivot, and for all that need such a one. `direct` gets 1 where the columns of L that a
    column needs are empty.
    """
    n = level.size
    for k in range(n):
        level[k] = 0
    for k in range(n):
        direct[k] = 1
        for p in range(upper_start[k], upper_start[k + 1]):
            i = upper_row[p]
            if lower_start[i + 1] > lower_start[i]:
                direct[k] = 0
            if level[i] < 0:
                level[k] = -1
            elif level[k] >= 0:
                level[k] = max(level[k], level[i] + 1)
        count = upper_start[k + 1] - upper_start[k] + lower_start[k + 1] - lower_start[k]
        if level[k] > 0 and count > longest:
            level[k] = -1
        for p in range(lower_start[k], lower_start[k + 1]):
            i = lower_row[p]
            if level[k] < 0:
                level[i] = -1
            elif level[i] >= 0:
                level[i] = max(level[i], level[k] + 1)
