"""Sparse and dense Cholesky factorisation by fronts, on the plan of `neurosim.kernels.supernodes`.

Each supernode sums what the graph and its children in the elimination tree give to its columns, factors its block, and
leaves the product of its lower rows with themselves to its parent. A dense matrix is one supernode. All large sums are
products of dense blocks (`neurosim.kernels.matrix_product`).

Source: I. S. Duff, J. K. Reid, ACM TOMS 9, 302 (1983), doi:10.1145/356044.356047 (fronts).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import unit
from neurosim.kernels.functions import fused
from neurosim.kernels.laplacian_arrays import NOT_POSITIVE_DEFINITE, laplacian_type
from neurosim.kernels.matrix_product import add_product
from neurosim.kernels.unchecked import at, dot, put

BLOCK_COLUMNS = 8
"""Columns that are eliminated one by one before the rest of the block hears of them."""


def _factor_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type())


def _block_signature() -> Any:
    from numba import types

    reals = types.Array(types.f8, 1, "C")
    return types.i8(reals, types.i8, types.i8, types.i8, reals)


@unit(_block_signature)
def factor_block(panel, base, columns, height, scratch):
    """Factor the block at `base`: `columns` rows of `height` numbers, row j holds column j of L from its diagonal on.

    The diagonal becomes its reciprocal; `scratch` has room for `BLOCK_COLUMNS` times `columns` numbers. Returns 0, or
    `NOT_POSITIVE_DEFINITE`.
    """
    begin = 0
    while begin < columns:
        end = min(begin + BLOCK_COLUMNS, columns)
        if begin > 0:
            for k in range(begin):
                for j in range(end - begin):
                    put(scratch, k * BLOCK_COLUMNS + j, -at(panel, base + k * height + begin + j))
            corner = base + begin * height + begin
            add_product(
                panel, corner, height, scratch, 0, 1, BLOCK_COLUMNS, panel, base + begin, height, end - begin,
                height - begin, begin
            )  # fmt: skip
        for j in range(begin, end):
            own = base + j * height
            pivot = at(panel, own + j)
            if not 0.0 < pivot < np.inf:
                return NOT_POSITIVE_DEFINITE
            inverse = 1.0 / np.sqrt(pivot)
            put(panel, own + j, inverse)
            for i in range(j + 1, height):
                put(panel, own + i, at(panel, own + i) * inverse)
            for q in range(j + 1, end):
                factor = -at(panel, own + q)
                to = base + q * height
                for i in range(q, height):
                    put(panel, to + i, fused(factor, at(panel, own + i), at(panel, to + i)))
        begin = end
    return 0


@unit(_factor_signature)
def factor_laplacian(a):
    """Factor the matrix of `weight` and `diagonal`; return 0 or `NOT_POSITIVE_DEFINITE`."""
    panel, update = a.panel, a.update
    for s in range(a.first.size - 1):
        begin, end = np.int64(a.first[s]), np.int64(a.first[s + 1])
        columns = end - begin
        below = a.row_start[s + 1] - a.row_start[s]
        height = columns + below
        base, product = a.panel_at[s], a.update_at[s]
        for i in range(columns * height):
            put(panel, base + i, 0.0)
        for i in range(below * below):
            put(update, product + i, 0.0)
        for c in range(columns):
            own = base + c * height
            put(panel, own + c, at(a.diagonal, begin + c))
            for p in range(a.pair_start[begin + c], a.pair_start[begin + c + 1]):
                put(panel, own + at(a.pair_place, p), -at(a.weight, p))
        for p in range(a.child_start[s], a.child_start[s + 1]):
            child = np.int64(a.child[p])
            places = a.row_start[child]
            rows = a.row_start[child + 1] - places
            source = a.update_at[child]
            for j in range(rows):
                to = np.int64(at(a.place, places + j))
                line = source + j * rows
                if to < columns:
                    to = base + to * height
                    for i in range(j, rows):
                        here = to + at(a.place, places + i)
                        put(panel, here, at(panel, here) - at(update, line + i))
                else:
                    to = product + (to - columns) * below - columns
                    for i in range(j, rows):
                        here = to + at(a.place, places + i)
                        put(update, here, at(update, here) + at(update, line + i))
        if factor_block(panel, base, columns, height, a.y) != 0:
            return NOT_POSITIVE_DEFINITE
        j = 0
        while j < below:
            lines = min(BLOCK_COLUMNS, below - j)
            corner = base + columns + j
            add_product(
                update, product + j * below + j, below, panel, corner, 1, height, panel, corner, height, lines,
                below - j, columns
            )  # fmt: skip
            j += lines
    return 0


def _solve_signature() -> Any:
    from numba import types

    return types.void(laplacian_type())


@unit(_solve_signature)
def solve_factored(a):
    """Replace the right-hand side in `x` (by unknowns) by the solution."""
    panel, x, y = a.panel, a.x, a.y
    supernodes = a.first.size - 1
    for s in range(supernodes):
        begin, end = np.int64(a.first[s]), np.int64(a.first[s + 1])
        columns = end - begin
        rows = a.row_start[s]
        below = a.row_start[s + 1] - rows
        height = columns + below
        base = a.panel_at[s]
        for j in range(columns):
            own = base + j * height
            value = at(x, begin + j) * at(panel, own + j)
            put(x, begin + j, value)
            for i in range(j + 1, columns):
                put(x, begin + i, fused(-at(panel, own + i), value, at(x, begin + i)))
        if below > 0:
            for i in range(below):
                put(y, i, 0.0)
            add_product(y, 0, below, x, begin, 0, 1, panel, base + columns, height, 1, below, columns)
            for i in range(below):
                here = np.int64(at(a.row, rows + i))
                put(x, here, at(x, here) - at(y, i))
    for t in range(supernodes):
        s = supernodes - 1 - t
        begin, end = np.int64(a.first[s]), np.int64(a.first[s + 1])
        columns = end - begin
        rows = a.row_start[s]
        below = a.row_start[s + 1] - rows
        height = columns + below
        base = a.panel_at[s]
        for i in range(below):
            put(y, i, at(x, np.int64(at(a.row, rows + i))))
        for k in range(columns):
            j = columns - 1 - k
            own = base + j * height
            value = at(x, begin + j) - dot(panel, own + columns, y, 0, below)
            value -= dot(panel, own + j + 1, x, begin + j + 1, columns - j - 1)
            put(x, begin + j, value * at(panel, own + j))
