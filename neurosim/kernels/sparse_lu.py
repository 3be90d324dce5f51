"""Sparse LU with a fixed pattern: analysed once in Python, refactored and solved inside compiled loops.

The analysis scales the rows, matches rows to columns for a large diagonal, peels off the rows and columns with a
single entry (they cause no fill), orders the rest by minimum degree on the pattern of ``B + B^T``, and runs one
left-looking factorisation with threshold pivoting that prefers the matched diagonal. It records the pattern that this
gives; `refactor` then repeats the arithmetic on new values without search, allocation or pivoting, and reports when
the recorded pivots no longer suit the values.

Source: T. A. Davis, E. Palamadai Natarajan, ACM TOMS 37, 36 (2010), doi:10.1145/1824801.1824814 (KLU: refactorisation
and diagonal preference for circuit matrices; recalled). Those of the analysis are in `elimination_order`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from neurosim.errors import NeurosimError, ParameterError
from neurosim.kernels.abi import driver, helper, unit
from neurosim.kernels.elimination_order import (
    equilibrate,
    fill_order,
    find_levels,
    find_pattern,
    index_and_real,
    match_rows,
    peel_singletons,
)
from neurosim.kernels.native import by_address
from neurosim.kernels.triangles import (
    DIRECT,
    LONG,
    SHORT,
    WIDEST,
    add_column,
    lay_out_rows,
    solve_transposed_triangles,
    solve_triangles,
    stretches,
)  # fmt: skip

GROWTH_LIMIT = 1e8
"""`refactor` refuses pivots smaller than 1/GROWTH_LIMIT of their column: results keep at least about 8 digits."""

CANCELLATION = 3.6e-15
"""A column left with less than this fraction of its diagonal entry (16 roundings) holds rounding errors only."""

KEPT, LARGEST_KEPT = 4, 150_000
"""Patterns of which the analysis is kept, and most entries of such a one: about 10 MB."""

LONGEST_SHORT = 4
"""Most entries beside the pivot in a short column."""


@by_address
class LU(NamedTuple):
    """Pattern, numbers and work space of one factorisation ``P R A Q = L U``: arrays only, for compiled code.

    ``R`` scales rows, ``P`` and ``Q`` permute rows and columns, ``L`` has a unit diagonal that is not stored. "Pivot
    number" k counts in elimination order. With n unknowns, z entries of A:

    Attributes
    ----------
    column_start : ndarray of uint32, shape (n + 1,)
        Where the entries of A in pivot column k begin in `entry_row` and `entry_source`.
    entry_row : ndarray of uint32, shape (z,)
        Pivot number of each entry's row.
    entry_source : ndarray of uint32, shape (z,)
        Position of the entry in the `values` of the caller.
    row_order, column_order : ndarray of uint32, shape (n,)
        Row and column of A that are eliminated as number k.
    row_scale : ndarray of float64, shape (n,)
        Power of two that multiplies the row of pivot number k.
    lower_start, upper_start : ndarray of uint32, shape (n + 1,)
        Where column k of L and U begins.
    lower_row, upper_row : ndarray of uint32
        Pivot numbers of the rows, ascending in each column; the diagonal is in neither.
    lower : ndarray of float64
        The numbers of L by columns.
    lower_stretch : ndarray of uint32
        Which rows of L follow each other, see `neurosim.kernels.triangles.stretches`.
    upper : ndarray of float64
        The numbers of U over the pivot of their row, by rows.
    upper_run to upper_place : ndarray of uint32
        The rows of U, see `neurosim.kernels.triangles.Rows`.
    run_start, run_kind : ndarray of uint32, shape (runs + 1,) and (runs,)
        Consecutive columns that are worked on in one go: `SHORT` ones have all as many entries in L and in U, `LONG`
        ones have not; `DIRECT` ones are those of A but for scaling.
    inverse_pivot : ndarray of float64, shape (n,)
        Reciprocal diagonal of U.
    work, solution, correction : ndarray of float64, shape (n,)
        Work space; `work` is zero between calls.
    """

    column_start: np.ndarray
    entry_row: np.ndarray
    entry_source: np.ndarray
    row_order: np.ndarray
    column_order: np.ndarray
    row_scale: np.ndarray
    lower_start: np.ndarray
    lower_row: np.ndarray
    lower: np.ndarray
    lower_stretch: np.ndarray
    upper_start: np.ndarray
    upper_row: np.ndarray
    upper: np.ndarray
    upper_run: np.ndarray
    upper_kind: np.ndarray
    upper_slot_at: np.ndarray
    upper_slot: np.ndarray
    upper_row_start: np.ndarray
    upper_row_end: np.ndarray
    upper_column: np.ndarray
    upper_place: np.ndarray
    run_start: np.ndarray
    run_kind: np.ndarray
    inverse_pivot: np.ndarray
    work: np.ndarray
    solution: np.ndarray
    correction: np.ndarray


NUMBERS = ("lower", "upper", "inverse_pivot", "work", "solution", "correction")
"""What each thread needs for itself: float64, as is `row_scale`; all else is uint32."""


def lu_type() -> Any:
    """Numba type of the address of an `LU`, for the signatures of drivers."""
    import numba

    from neurosim.kernels.tuple_pointer import tuple_pointer

    index, real = numba.types.Array(numba.uint32, 1, "C"), numba.types.Array(numba.float64, 1, "C")
    return tuple_pointer([real if name in {"row_scale", *NUMBERS} else index for name in LU._fields], LU)


class SingularStructure(NeurosimError, ArithmeticError):
    """A matrix whose pattern alone makes it singular: some equations cannot be given an unknown of their own.

    Attributes
    ----------
    rows : ndarray of int64
        Equations without a partner.
    columns : ndarray of int64
        Unknowns without a partner.
    """

    def __init__(self, rows: np.ndarray, columns: np.ndarray) -> None:
        self.rows, self.columns = rows, columns
        super().__init__(
            f"the matrix is structurally singular: equations {rows[:8].tolist()} and unknowns {columns[:8].tolist()} "
            f"({rows.size} of each) cannot be paired; look for a node without a path to ground or a loop of sources"
        )


@dataclass(frozen=True)
class Factorisation:
    """A pattern with its elimination order and numbers.

    Attributes
    ----------
    lu : LU
        What compiled code needs; holds the factors of the last values.
    column_pointer, row_index : ndarray
        The pattern of A (compressed columns).
    status : int
        What `refactor` said about the values of the analysis.
    """

    lu: LU
    column_pointer: np.ndarray
    row_index: np.ndarray
    status: int

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.lu.work.size

    @property
    def fill(self) -> int:
        """Stored numbers of L and U, diagonal included."""
        return self.lu.lower.size + self.lu.upper_row.size + self.size

    def refactor(self, values: np.ndarray) -> int:
        """Call `refactor` from Python."""
        return run_refactor(self.lu, np.ascontiguousarray(values, float))

    def solve(self, right_side: np.ndarray, *, transposed: bool = False) -> np.ndarray:
        """Solve ``A x = b`` (or ``A^T x = b``) with the last values; the right side is left alone."""
        x = np.array(right_side, float)
        (run_solve_transposed if transposed else run_solve)(self.lu, x)
        return x

    def reanalyse(self, values: np.ndarray) -> Factorisation:
        """Choose order and pivots anew for `values` on the same pattern, after `refactor` returned less than 0."""
        return analyse(self.size, self.column_pointer, self.row_index, values)

    def rescale(self, values: np.ndarray) -> Factorisation:
        """Keep order and pivots for other `values`, with numbers of its own and rows scaled to suit them.

        `refactor` judges pivots beside scaled numbers: with the scale of values far from these it refuses good ones.
        """
        copy, scale = self.copy(), equilibrate(self.column_pointer, self.row_index, np.abs(values))
        return replace(copy, lu=copy.lu._replace(row_scale=scale[self.lu.row_order]))

    def copy(self) -> Factorisation:
        """Share the pattern but own the numbers and work space: one copy per thread."""
        return replace(self, lu=self.lu._replace(**{name: getattr(self.lu, name).copy() for name in NUMBERS}))


def name_failure(status: int, names: list[str] | Callable[[int], str]) -> str:
    """Say in words what `refactor` returned.

    Parameters
    ----------
    status : int
        As returned by `refactor`.
    names : list of str or callable
        Names of the unknowns (columns).
    """
    if status == 0:
        return "the matrix was factorised"
    column = abs(status) - 1
    name = names(column) if callable(names) else names[column]
    if status > 0:
        return f"the matrix is singular or not finite at unknown '{name}'"
    return f"the pivot of unknown '{name}' has become too small for the recorded elimination order"


def analyse(n: int, column_pointer: np.ndarray, row_index: np.ndarray, values: np.ndarray) -> Factorisation:
    """Choose scaling, order and pivots for a sparse matrix and factorise it.

    Parameters
    ----------
    n : int
        Number of unknowns.
    column_pointer : ndarray of int, shape (n + 1,)
    row_index : ndarray of int, shape (z,)
        Compressed columns of A; each position at most once, in any order within its column.
    values : ndarray of float64, shape (z,)
        Representative numbers. Exact zeros are kept in the pattern.

    Returns
    -------
    Factorisation
        Ready to solve when its `status` is 0. A status above 0 (singular with these values) still carries a valid
        pattern: `refactor` with other values may succeed.

    Raises
    ------
    SingularStructure
        When no values could make the matrix regular.
    ParameterError
        When the pattern is malformed or a value is not finite.
    """
    pointer = np.ascontiguousarray(column_pointer, np.int64)
    rows = np.ascontiguousarray(row_index, np.int64)
    numbers = np.ascontiguousarray(values, float)
    _check_pattern(n, pointer, rows, numbers)
    magnitude = np.abs(numbers)
    scale = equilibrate(pointer, rows, magnitude)
    row_of_column, column_of_row = match_rows(pointer, rows, magnitude * scale[rows])
    if (row_of_column < 0).any():
        raise SingularStructure(np.flatnonzero(column_of_row < 0), np.flatnonzero(row_of_column < 0))

    matched_rows = column_of_row[rows]
    sequence = _kept(_elimination_sequence, pointer, matched_rows)
    pattern = find_pattern(pointer, rows, numbers * scale[rows], sequence, row_of_column)
    blank = _kept(_arranged, pointer, rows, sequence, *pattern)
    own = {name: np.zeros(getattr(blank, name).size) for name in NUMBERS}
    lu = blank._replace(row_scale=scale[blank.row_order], **own)
    return Factorisation(lu, pointer, rows, run_refactor(lu, numbers))


def _kept(function: Any, *parts: np.ndarray) -> Any:
    """Result of a function that keeps its last few, unless this one is large."""
    call = function if parts[1].size <= LARGEST_KEPT else function.__wrapped__
    return call(*(part.tobytes() for part in parts))


@functools.lru_cache(maxsize=KEPT)
def _elimination_sequence(pointer: bytes, matched_rows: bytes) -> np.ndarray:
    """Order in which columns are eliminated: it hangs on pattern and pairing alone; the last few are kept."""
    starts, rows = np.frombuffer(pointer, np.int64).copy(), np.frombuffer(matched_rows, np.int64).copy()
    sequence, first = peel_singletons(starts, rows)
    block = sequence[first:]
    sequence[first:] = block[fill_order(starts, rows, block)]
    return sequence


@functools.lru_cache(maxsize=KEPT)
def _arranged(*parts: bytes) -> LU:
    """`_arrange` of int64 arrays, kept as `_elimination_sequence` is: what rows of a sweep share."""
    return _arrange(*(np.frombuffer(part, np.int64).copy() for part in parts))


def _check_pattern(n: int, pointer: np.ndarray, rows: np.ndarray, numbers: np.ndarray) -> None:
    """Refuse what compiled code could not survive."""
    if n < 1 or pointer.shape != (n + 1,) or pointer[0] != 0 or (np.diff(pointer) < 0).any():
        raise ParameterError(f"column_pointer must rise from 0 and have n + 1 = {n + 1} entries, n >= 1")
    if rows.shape != (pointer[-1],) or numbers.shape != rows.shape:
        raise ParameterError(f"row_index and values must have column_pointer[-1] = {pointer[-1]} entries")
    if rows.size and not 0 <= rows.min() <= rows.max() < n:
        raise ParameterError(f"row_index must lie in 0..{n - 1}")
    columns = np.repeat(np.arange(n), np.diff(pointer))
    position = columns * n + rows
    if not (np.diff(position) > 0).all() and np.unique(position).size != rows.size:
        raise ParameterError("the pattern holds a position twice: sum duplicates first")
    if not np.isfinite(numbers).all():
        bad = np.flatnonzero(~np.isfinite(numbers))[0]
        raise ParameterError(f"value {numbers[bad]} at row {rows[bad]}, column {columns[bad]} is not finite")


def _arrange(
    pointer: np.ndarray, rows: np.ndarray, order: np.ndarray, lower_start: np.ndarray, lower_row: np.ndarray,
    upper_start: np.ndarray, upper_row: np.ndarray, number_of_row: np.ndarray,
) -> LU:  # fmt: skip
    """Renumber everything in elimination order and sort the columns; scales and numbers follow.

    Short columns come first, those of equal shape side by side, as far as no column moves before one that it needs.
    """
    n = order.size
    lower_row, upper_row = number_of_row[lower_row], np.asarray(upper_row)
    level, direct = np.empty(n, np.int64), np.empty(n, np.int64)
    find_levels(lower_start, lower_row, upper_start, upper_row, LONGEST_SHORT, level, direct)
    lower_count, upper_count = np.diff(lower_start), np.diff(upper_start)
    in_upper_row = np.bincount(upper_row, minlength=n)
    is_late, is_long = level < 0, lower_count + upper_count > LONGEST_SHORT
    # The late ones keep their order, in which neighbours share rows.
    number = np.arange(n)
    # A long column that nothing changes is a run of its own.
    single = np.where(is_long, number, -1)
    shape = np.stack([is_late, level, is_late | is_long, direct, single, upper_count, lower_count])
    shape[:3, is_late], shape[3:, is_late] = 1, 0
    moved = np.lexsort((number, np.where(is_late, 0, in_upper_row), *shape[::-1]))
    shape = shape[:, moved]
    new_number = np.empty(n, np.int64)
    new_number[moved] = number
    order, number_of_row = order[moved], new_number[number_of_row]
    run_start = np.concatenate([[0], np.flatnonzero((np.diff(shape[2:]) != 0).any(0)) + 1])
    kind = np.where(shape[2] > 0, LONG, SHORT)[run_start]
    run_kind = kind + DIRECT * shape[3, run_start]
    run_start = np.append(run_start, n)

    def columns(start: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        counts = np.diff(start)[moved]
        begin = np.concatenate([[0], np.cumsum(counts)])
        source = np.arange(rows.size) + np.repeat(start[moved] - begin[:-1], counts)
        column = np.repeat(np.arange(n), counts)
        index = np.sort(column * n + new_number[rows[source]]) % n
        return begin.astype(np.uint32), index.astype(np.uint32)

    lower_start, lower_row = columns(lower_start, lower_row)
    upper_start, upper_row = columns(upper_start, upper_row)
    counts = np.diff(pointer)[order]
    column_start = np.r_[0, np.cumsum(counts)]
    source = np.arange(rows.size) + np.repeat(pointer[order] - column_start[:-1], counts)
    source = source[np.lexsort((number_of_row[rows[source]], np.repeat(number, counts)))]
    row_order = np.argsort(number_of_row)
    rows_of_upper = lay_out_rows(upper_start, upper_row, np.where(is_late, -1, level)[moved])._asdict()
    rows_of_upper["row_start"], rows_of_upper["row_end"] = rows_of_upper.pop("start"), rows_of_upper.pop("end")
    return LU(
        column_start=column_start.astype(np.uint32),
        entry_row=number_of_row[rows[source]].astype(np.uint32),
        entry_source=source.astype(np.uint32),
        row_order=row_order.astype(np.uint32),
        column_order=order.astype(np.uint32),
        row_scale=np.empty(0),
        lower_start=lower_start,
        lower_row=lower_row,
        lower=np.zeros(lower_row.size),
        lower_stretch=stretches(lower_start, lower_row),
        upper_start=upper_start,
        upper_row=upper_row,
        upper=np.zeros(rows_of_upper["column"].size),
        **{f"upper_{name}": part for name, part in rows_of_upper.items()},
        run_start=run_start.astype(np.uint32),
        run_kind=run_kind.astype(np.uint32),
        inverse_pivot=np.zeros(n),
        work=np.zeros(n),
        solution=np.zeros(n),
        correction=np.zeros(n),
    )


def _refactor_signature() -> Any:
    import numba

    return numba.int64(lu_type(), index_and_real()[1])


@helper
def _refused(lu, k, largest, size, diagonal):
    """What `refactor` returns for a column whose pivot may be too small; 0 if it is not."""
    largest = max(largest, size)
    unknown = np.int64(lu.column_order[k]) + 1
    if not (largest > CANCELLATION * diagonal and largest < np.inf and size < np.inf):
        return unknown
    return -unknown if largest > GROWTH_LIMIT * size else np.int64(0)


@helper
def _refactor_direct(lu, values, first, last):
    """Columns that no earlier one changes: scaling is all there is to do. Returns how many pivots may be too small."""
    columns = last - first
    u, v = np.int64(lu.upper_start[first]), np.int64(lu.lower_start[first])
    upper_count = np.int64(lu.upper_start[first + 1]) - u
    lower_count = np.int64(lu.lower_start[first + 1]) - v
    step = upper_count + 1 + lower_count
    inverse, scale = lu.inverse_pivot[first:last], lu.row_scale
    bad = 0
    at = np.int64(lu.column_start[first])
    end = at + columns * step
    for j in range(upper_count):
        source, row = lu.entry_source[at + j : end : step], lu.entry_row[at + j : end : step]
        place = lu.upper_place[u + j : u + columns * upper_count : upper_count]
        for k in range(columns):
            lu.upper[place[k]] = values[source[k]] * scale[row[k]] * lu.inverse_pivot[row[k]]
    at += upper_count
    source = lu.entry_source[at:end:step]
    for k in range(columns):
        inverse[k] = 1.0 / (values[source[k]] * scale[first + k])
        bad += not 0.0 < abs(inverse[k]) < np.inf
    at += 1
    if columns == 1:
        source, row, lower = lu.entry_source[at:end], lu.entry_row[at:end], lu.lower[v : v + lower_count]
        for j in range(lower_count):
            a = values[source[j]] * scale[row[j]] * inverse[0]
            lower[j] = a
            bad += not abs(a) <= GROWTH_LIMIT
        return bad
    for j in range(lower_count):
        source, row = lu.entry_source[at + j : end : step], lu.entry_row[at + j : end : step]
        lower = lu.lower[v + j : v + columns * lower_count : lower_count]
        for k in range(columns):
            a = values[source[k]] * scale[row[k]] * inverse[k]
            lower[k] = a
            bad += not abs(a) <= GROWTH_LIMIT
    return bad


@helper
def _refactor_columns(lu, values, first, last):
    """Left-looking elimination, one column after another."""
    column_start, entry_row, entry_source = lu.column_start, lu.entry_row, lu.entry_source
    lower_start, lower_row, lower = lu.lower_start, lu.lower_row, lu.lower
    upper_start, upper_row, upper = lu.upper_start, lu.upper_row, lu.upper
    lower_stretch, upper_place = lu.lower_stretch, lu.upper_place
    scale, inverse_pivot, work = lu.row_scale, lu.inverse_pivot, lu.work
    for k in range(first, last):
        for p in range(column_start[k], column_start[k + 1]):
            i = entry_row[p]
            work[i] = values[entry_source[p]] * scale[i]
        diagonal = abs(work[k])
        for p in range(upper_start[k], upper_start[k + 1]):
            i = upper_row[p]
            u = work[i]
            work[i] = 0.0
            upper[upper_place[p]] = u * inverse_pivot[i]
            q, end = lower_start[i], lower_start[i + 1]
            if end - q > WIDEST:
                add_column(lower, lower_row, lower_stretch, q, end, -u, work)
            elif q < end:
                # Most columns are this short: a loop costs more than what it does.
                work[lower_row[q]] -= lower[q] * u
                for more in range(q + 1, end):
                    work[lower_row[more]] -= lower[more] * u
        pivot = work[k]
        work[k] = 0.0
        inverse = 1.0 / pivot
        inverse_pivot[k] = inverse
        largest = 0.0
        for p in range(lower_start[k], lower_start[k + 1]):
            i = lower_row[p]
            a = work[i]
            work[i] = 0.0
            largest = max(largest, abs(a))
            lower[p] = a * inverse
        size = abs(pivot)
        if not (largest <= GROWTH_LIMIT * size and size > CANCELLATION * diagonal and size < np.inf):
            refused = _refused(lu, k, largest, size, diagonal)
            if refused != 0:
                return refused
    return np.int64(0)


@unit(_refactor_signature)
def refactor(lu, values):
    """Compute L and U for new `values` (in the order of the analysis).

    Returns
    -------
    int
        0 when done; k + 1 when the column of unknown k holds a value that is not finite, or nothing but rounding
        errors after elimination (singular); -(k + 1) when the recorded pivot of unknown k is too small beside the
        rest of its column, so that a new analysis would help. The factors are usable only after 0.
    """
    bad = 0
    for p in range(lu.entry_source.size):
        bad += values[p] - values[p] != 0.0
    if bad:
        for k in range(lu.work.size):
            for p in range(lu.column_start[k], lu.column_start[k + 1]):
                if not np.isfinite(values[lu.entry_source[p]]):
                    return np.int64(lu.column_order[k]) + 1
    for r in range(lu.run_kind.size):
        first, last = np.int64(lu.run_start[r]), np.int64(lu.run_start[r + 1])
        if lu.run_kind[r] < DIRECT or _refactor_direct(lu, values, first, last) > 0:
            refused = _refactor_columns(lu, values, first, last)
            if refused != 0:
                return refused
    return np.int64(0)


def _solve_signature() -> Any:
    import numba

    return numba.void(lu_type(), index_and_real()[1])


@unit(_solve_signature)
def solve(lu, b):
    """Replace `b` (in the order of the equations) by the solution x of ``A x = b`` (in the order of the unknowns)."""
    solve_triangles(lu, b)


@helper
def residual(lu, values, x, r):
    """Subtract ``A x`` from `r`: with r = b on entry, r is the residual on return."""
    for k in range(lu.work.size):
        t = x[lu.column_order[k]]
        for p in range(lu.column_start[k], lu.column_start[k + 1]):
            r[lu.row_order[lu.entry_row[p]]] -= values[lu.entry_source[p]] * t


@helper
def refine(lu, values, b, x):
    """One step of iterative refinement: improve `x` as the solution of ``A x = b``; returns the largest change."""
    r = lu.correction
    for i in range(b.size):
        r[i] = b[i]
    residual(lu, values, x, r)
    solve(lu, r)
    change = 0.0
    for i in range(x.size):
        x[i] += r[i]
        change = max(change, abs(r[i]))
    return change


@driver(_refactor_signature)
def run_refactor(lu: LU, values: np.ndarray) -> int:
    """`refactor` for Python."""
    return refactor(lu, values)


@driver(_solve_signature)
def run_solve(lu: LU, b: np.ndarray) -> None:
    """`solve` for Python."""
    solve(lu, b)


@driver(_solve_signature)
def run_solve_transposed(lu: LU, b: np.ndarray) -> None:
    """`solve_transposed_triangles` for Python."""
    solve_transposed_triangles(lu, b)


def _run_refine_signature() -> Any:
    import numba

    real = index_and_real()[1]
    return numba.float64(lu_type(), real, real, real)


@driver(_run_refine_signature)
def run_refine(lu: LU, values: np.ndarray, b: np.ndarray, x: np.ndarray) -> float:
    """`refine` for Python."""
    return refine(lu, values, b, x)
