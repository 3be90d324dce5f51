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


def fill_order(pointer: np.ndarray, rows: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Order the block of pivots `kept` (its diagonal is full) by minimum degree on the pattern of ``B + B^T``.

    The ordering is SuperLU's; on circuit matrices its column orderings (COLAMD) gave up to twice the fill.
    """
    import scipy.sparse as sparse
    from scipy.sparse.linalg import spilu

    m = kept.size
    if m < 3:
        return np.arange(m)
    number = np.full(pointer.size - 1, -1)
    number[kept] = np.arange(m)
    i, j = number[rows], np.repeat(number, np.diff(pointer))
    inside = (i >= 0) & (j >= 0) & (i != j)
    i, j = i[inside], j[inside]
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
    return numba.void(index, index, real, real)


@driver(_equilibrate_signature)
def equilibrate(pointer: np.ndarray, rows: np.ndarray, magnitude: np.ndarray, scale: np.ndarray) -> None:
    """Find powers of two for the rows such that rows and (freely scaled) columns have largest entries near 1.

    The first sweep normalises the rows alone, so that the units of the equations cannot matter; the others take
    square roots on both sides (Ruiz).
    """
    n = scale.size
    column_scale = np.ones(n)
    row_max = np.empty(n)
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
    return numba.void(index, index, real, index, index)


@driver(_match_signature)
def match_rows(
    pointer: np.ndarray, rows: np.ndarray, magnitude: np.ndarray, row_of_column: np.ndarray, column_of_row: np.ndarray
) -> None:
    """Give each column a row: the natural diagonal where large, shortest augmenting paths elsewhere; -1 = unmatched.

    A first pass uses entries of at least `PIVOT_THRESHOLD` of their column's largest, a second all nonzero entries,
    a third all entries of the pattern.
    """
    n = row_of_column.size
    row_of_column[:] = -1
    column_of_row[:] = -1
    large = np.empty(n)
    for j in range(n):
        large[j] = 0.0
        for p in range(pointer[j], pointer[j + 1]):
            large[j] = max(large[j], magnitude[p])
        large[j] *= PIVOT_THRESHOLD
        for p in range(pointer[j], pointer[j + 1]):
            if rows[p] == j and magnitude[p] >= large[j] and magnitude[p] > 0.0:
                row_of_column[j] = j
                column_of_row[j] = j
    queue = np.empty(n, np.int64)
    previous = np.empty(n, np.int64)
    seen = np.full(n, -1, np.int64)
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
    return numba.int64(index, index, index)


@driver(_peel_signature)
def peel_singletons(pointer: np.ndarray, rows: np.ndarray, sequence: np.ndarray) -> int:
    """Order first the pivots that are alone in their row or in their column: they cause no fill.

    `rows` are already numbered so that the matched entry of column j is in row j. Fills `sequence` with the peeled
    pivots, then the remaining block in natural order; returns where that block begins.
    """
    n = sequence.size
    across_start = np.zeros(n + 1, np.int64)
    for p in range(rows.size):
        across_start[rows[p] + 1] += 1
    for i in range(n):
        across_start[i + 1] += across_start[i]
    place = across_start[:-1].copy()
    across = np.empty(rows.size, np.int64)
    for j in range(n):
        for p in range(pointer[j], pointer[j + 1]):
            across[place[rows[p]]] = j
            place[rows[p]] += 1
    in_row = across_start[1:] - across_start[:-1]
    in_column = pointer[1:] - pointer[:-1]
    done = np.zeros(n, np.bool_)
    tail = 0
    for k in range(n):
        if in_row[k] == 1 or in_column[k] == 1:
            done[k] = True
            sequence[tail] = k
            tail += 1
    head = 0
    while head < tail:
        k = sequence[head]
        head += 1
        for p in range(pointer[k], pointer[k + 1]):
            i = rows[p]
            in_row[i] -= 1
            if not done[i] and in_row[i] == 1:
                done[i] = True
                sequence[tail] = i
                tail += 1
        for p in range(across_start[k], across_start[k + 1]):
            j = across[p]
            in_column[j] -= 1
            if not done[j] and in_column[j] == 1:
                done[j] = True
                sequence[tail] = j
                tail += 1
    for k in range(n):
        if not done[k]:
            sequence[tail] = k
            tail += 1
    return head


def _pattern_signature() -> Any:
    import numba

    index, real = index_and_real()
    return numba.types.UniTuple(index, 5)(index, index, real, index, index)


@driver(_pattern_signature)
def find_pattern(
    pointer: np.ndarray, rows: np.ndarray, values: np.ndarray, order: np.ndarray, preferred: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Factorise once with threshold pivoting and record where L and U have entries.

    Column ``order[k]`` is eliminated as number k with row ``preferred[order[k]]`` unless that is too small. The
    pattern of each column is the set of rows reached in the graph of L by depth-first search, whatever the numbers.
    Returns the starts and rows of L (rows of A), the starts and rows of U (pivot numbers), and each row's number.
    """
    n = order.size
    lower_start = np.zeros(n + 1, np.int64)
    upper_start = np.zeros(n + 1, np.int64)
    lower_row = np.empty(2 * rows.size + n, np.int64)
    lower = np.empty(2 * rows.size + n)
    upper_row = np.empty(2 * rows.size + n, np.int64)
    number = np.full(n, -1, np.int64)
    seen = np.full(n, -1, np.int64)
    x = np.zeros(n)
    stack = np.empty(n, np.int64)
    place = np.empty(n, np.int64)
    reached = np.empty(n, np.int64)
    nl = nu = 0
    for k in range(n):
        column = order[k]
        if nl + n - k > lower_row.size:
            longer_row = np.empty(2 * lower_row.size + n, np.int64)
            longer = np.empty(2 * lower_row.size + n)
            for p in range(nl):
                longer_row[p] = lower_row[p]
                longer[p] = lower[p]
            lower_row = longer_row
            lower = longer
        if nu + k > upper_row.size:
            longer_row = np.empty(2 * upper_row.size + n, np.int64)
            for p in range(nu):
                longer_row[p] = upper_row[p]
            upper_row = longer_row
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
    return lower_start, lower_row[:nl], upper_start, upper_row[:nu], number


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
