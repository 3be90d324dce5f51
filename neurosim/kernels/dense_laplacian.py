"""Systems L(g) p = b of a graph's Laplacian by a dense Cholesky factor, in compiled code."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.abi import unit
from neurosim.kernels.native import by_address


@by_address
class LaplacianArrays(NamedTuple):
    """Edges, the unknown of each node (-1: its potential is given), the factor by rows, and work space."""

    tail: np.ndarray
    head: np.ndarray
    unknown: np.ndarray
    matrix: np.ndarray
    x: np.ndarray


def laplacian_type() -> Any:
    """Numba type of the address of a `LaplacianArrays`."""
    from numba import types

    from neurosim.kernels.tuple_pointer import tuple_pointer

    index, real = types.Array(types.i8, 1, "C"), types.Array(types.f8, 1, "C")
    return tuple_pointer([index, index, index, real, real], LaplacianArrays)


def _solve_signature() -> Any:
    from numba import types

    reals = types.Array(types.f8, 1, "C")
    return types.i8(laplacian_type(), reals, reals, reals, types.i8)


@unit(_solve_signature)
def solve_laplacian(arrays, g, b, p, refresh):
    """Solve L(g) p = b; `b` holds the potentials of fixed nodes. 0, or 1 + the unknown whose pivot is not positive."""
    unknown, L, x = arrays.unknown, arrays.matrix, arrays.x
    n = x.size
    for k in range(unknown.size):
        if unknown[k] >= 0:
            x[unknown[k]] = b[k]
    for e in range(arrays.tail.size):
        i, j = unknown[arrays.tail[e]], unknown[arrays.head[e]]
        if i >= 0 and j < 0:
            x[i] += g[e] * b[arrays.head[e]]
        elif j >= 0 and i < 0:
            x[j] += g[e] * b[arrays.tail[e]]
    if refresh != 0:
        L[:] = 0.0
        for e in range(arrays.tail.size):
            i, j = unknown[arrays.tail[e]], unknown[arrays.head[e]]
            if i >= 0:
                L[i * n + i] += g[e]
            if j >= 0:
                L[j * n + j] += g[e]
            if i >= 0 and j >= 0:
                L[max(i, j) * n + min(i, j)] -= g[e]
        for i in range(n):
            for j in range(i + 1):
                value = L[i * n + j]
                for k in range(j):
                    value -= L[i * n + k] * L[j * n + k]
                if i > j:
                    L[i * n + j] = value / L[j * n + j]
                elif value > 0.0:
                    L[i * n + i] = np.sqrt(value)
                else:
                    return i + 1
    for i in range(n):
        value = x[i]
        for k in range(i):
            value -= L[i * n + k] * x[k]
        x[i] = value / L[i * n + i]
    for i in range(n - 1, -1, -1):
        x[i] /= L[i * n + i]
        for k in range(i):
            x[k] -= L[i * n + k] * x[i]
    for k in range(unknown.size):
        p[k] = x[unknown[k]] if unknown[k] >= 0 else b[k]
    return 0


class LaplacianSolver:
    """What `plan_laplacian` gives."""

    def __init__(self, nodes: int, tail: np.ndarray, head: np.ndarray, fixed: np.ndarray) -> None:
        unknown = np.full(nodes, -1, np.int64)
        free = np.setdiff1d(np.arange(nodes), fixed)
        unknown[free] = np.arange(free.size)
        self.arrays = LaplacianArrays(tail, head, unknown, np.zeros(free.size**2), np.zeros(free.size))


def plan_laplacian(nodes: int, tail: np.ndarray, head: np.ndarray, fixed: np.ndarray) -> LaplacianSolver:
    """Plan systems on a graph; `fixed` are the nodes whose potential is given, at least one of each component."""
    return LaplacianSolver(nodes, np.array(tail, np.int64), np.array(head, np.int64), fixed)
