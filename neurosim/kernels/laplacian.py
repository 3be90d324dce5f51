"""Systems L(g) p = b of a graph's Laplacian L = B diag(g) B', solved again and again on one plan, in compiled code."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import driver, helper, unit
from neurosim.kernels.conjugate_gradients import prepare_iterations, solve_iteratively
from neurosim.kernels.cycle_space import factor_cycles, solve_cycles
from neurosim.kernels.front_cholesky import factor_laplacian, solve_factored
from neurosim.kernels.laplacian_arrays import (
    CHOLESKY,
    CONJUGATE_GRADIENTS,
    CYCLES,
    FACTORED,
    KIND,
    NO_FACTOR,
    laplacian_type,
)
from neurosim.kernels.unchecked import at, put


def _plain_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type())


def _refresh_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type(), types.i8)


@unit(_plain_signature)
def factor_gathered(a):
    """Factor, or make ready to iterate with, the conductances in `weight`; return 0 or why that cannot be done."""
    state = a.state
    if state[KIND] == CONJUGATE_GRADIENTS:
        status = prepare_iterations(a)
    elif state[KIND] == CYCLES:
        status = factor_cycles(a)
    else:
        weight, diagonal = a.weight, a.diagonal
        n = a.node.size
        pairs = a.pair_other.size
        for i in range(n):
            diagonal[i] = at(weight, pairs + i)
        for i in range(n):
            total = 0.0
            for k in range(a.pair_start[i], a.pair_start[i + 1]):
                value = at(weight, k)
                total += value
                j = at(a.pair_other, k)
                put(diagonal, j, at(diagonal, j) + value)
            diagonal[i] += total
        status = factor_laplacian(a)
    state[FACTORED] = 1 if status == 0 else 0
    return status


@helper
def right_hand_side(a):
    """Where the right-hand side is written, by unknowns."""
    return a.residual if a.state[KIND] == CONJUGATE_GRADIENTS else a.x


@unit(_refresh_signature)
def solve_gathered(a, refresh):
    """Solve for the `right_hand_side`, into `x`; `refresh` is 0 when conductances are as before; return a status."""
    kind = a.state[KIND]
    if kind == CONJUGATE_GRADIENTS:
        return solve_iteratively(a, refresh)
    if kind == CHOLESKY:
        solve_factored(a)
    else:
        solve_cycles(a)
    return 0


def _gather_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type(), types.Array(types.f8, 1, "C"))


@unit(_gather_signature)
def gather_conductances(a, g):
    """Sum the conductances of edges in `weight`; return 0, or 1 + the first edge that is refused."""
    weight = a.weight
    for k in range(weight.size):
        weight[k] = 0.0
    for e in range(a.slot.size):
        value = at(g, e)
        if not 0.0 < value < np.inf:
            return e + 1
        k = at(a.slot, e)
        put(weight, k, at(weight, k) + value)
    return 0


def _solve_signature() -> Any:
    from numba import types

    reals = types.Array(types.f8, 1, "C")
    return types.i8(laplacian_type(), reals, reals, reals, types.i8)


@unit(_solve_signature)
def solve_laplacian(arrays, g, b, p, refresh):
    """Solve L(g) p = b.

    Parameters
    ----------
    arrays : LaplacianArrays
    g : array of float64, shape (edges,)
        Conductances [S].
    b : array of float64, shape (nodes,)
        Current [A] into each node; at fixed nodes the potential [V].
    p : array of float64, shape (nodes,)
        Receives the potentials [V].
    refresh : int
        0 when `g` is as in the last call: its factor is used again.

    Returns
    -------
    int
        0; 1 + e when the conductance of edge e is not positive and finite; or one of the negative numbers of
        `neurosim.kernels.laplacian_arrays`.
    """
    a = arrays
    if refresh != 0:
        a.state[FACTORED] = 0
        status = gather_conductances(a, g)
        if status == 0:
            status = factor_gathered(a)
        if status != 0:
            return status
    elif a.state[FACTORED] == 0:
        return NO_FACTOR
    right = right_hand_side(a)
    for i in range(a.node.size):
        put(right, i, at(b, at(a.node, i)))
    for k in range(a.boundary_edge.size):
        i = at(a.boundary_unknown, k)
        put(right, i, at(right, i) + at(g, at(a.boundary_edge, k)) * at(b, at(a.boundary_node, k)))
    status = solve_gathered(a, refresh)
    for i in range(a.node.size):
        put(p, at(a.node, i), at(a.x, i))
    for k in range(a.fixed.size):
        put(p, at(a.fixed, k), at(b, at(a.fixed, k)))
    for k in range(a.grounded.size):
        put(p, at(a.grounded, k), 0.0)
    return status


def _many_signature() -> Any:
    from numba import types

    reals, lines = types.Array(types.f8, 1, "C"), types.Array(types.f8, 2, "C")
    return types.i8(laplacian_type(), reals, lines, lines, types.i8)


@driver(_many_signature)
def solve_many(arrays, g, b, p, refresh):
    """`solve_laplacian` for each row of `b`, from Python; returns the first status that is not 0."""
    for k in range(b.shape[0]):
        status = solve_laplacian(arrays, g, b[k], p[k], refresh if k == 0 else 0)
        if status != 0:
            return status
    return 0
