"""The arrays of a plan for systems with a graph's Laplacian, as compiled code sees them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from neurosim.kernels.native import by_address

CHOLESKY, CYCLES, CONJUGATE_GRADIENTS = range(3)
"""Kinds of solvers."""

KIND, FACTORED, BUILT, IS_FRESH, IS_STALE, ITERATIONS, SOLUTIONS, KEPT_COUNT, KEPT_COUNT_OTHER = range(9)
"""Entries of `state`: kind; 1 when there is a factor; how often an approximate one was built; 1 until it was used; 1
when the next refresh has to build it again; iterations and solutions so far; solutions kept for starts after a refresh,
and for the others."""

TOLERANCE, FRESH_RATE, LOST, BY_ENERGY = range(4)
"""Entries of `control`: where conjugate gradients stop, norm of the residual over that of the right-hand side [1];
reduction (natural logarithm) per iteration with a new approximate factor; iterations lost since, because it aged; 1
where the tolerance is for the error's norm in energy over that of the solution, as the approximate factor sees it."""

NO_CONVERGENCE, NO_ROOM, NOT_POSITIVE_DEFINITE, NO_FACTOR = -4, -3, -2, -1
"""What a solution returns beside 0 (it is right) and e + 1 (the conductance of edge e is not positive and finite)."""

KEPT = 2
"""Numbers that are kept of each unknown for the next guess: its last solution, and its change with the change of that,
two short numbers in the place of one."""


@by_address
class LaplacianArrays(NamedTuple):
    """Pattern, numbers and work space of a plan.

    Unknowns are the n nodes whose potential is not given, numbered as they are eliminated; pairs are the pairs of
    unknowns with at least one edge between them.

    Attributes
    ----------
    state : ndarray of int64
        See `KIND` and the entries after it.
    control : ndarray of float64
        See `TOLERANCE` and the entries after it.
    node : ndarray of uint32, shape (n,)
        Node of each unknown.
    fixed, grounded : ndarray of uint32
        Nodes whose potential is given, and those at 0 V because nothing in their component is given.
    slot : ndarray of uint32, shape (edges,)
        Where each edge adds to `weight`.
    tail, head : ndarray of uint32, shape (edges,)
        Numbers of its ends: unknowns, then the fixed and then the grounded nodes.
    weight : ndarray of float64, shape (pairs + n + 1,)
        Conductance [S] of each pair, from each unknown to the nodes that are given, and what has no effect.
    diagonal : ndarray of float64, shape (n,)
        Sum of the conductances [S] at each unknown, for sparse and dense factors.
    boundary_edge, boundary_unknown, boundary_node : ndarray of uint32
        The edges from unknowns to fixed nodes.
    pair_start, pair_other, pair_place : ndarray of uint32
        The pairs of each unknown with a later one, the later one, and its place in the panel of a supernode.
    first, row_start, row, place, child_start, child, panel_at, update_at : ndarray
        See `neurosim.kernels.supernodes.Supernodes`.
    panel, update : ndarray of float64
        The factor and the products that wait for their parents. The factor holds reciprocals on its diagonal.
    x, y : ndarray of float64
        Right-hand side and solution (then what is given, by number), and work space.
    loop_start, loop_edge, loop_sign, tree_parent, tree_edge, chord : ndarray
        Cycle space, see `neurosim.kernels.cycle_space`.
    factor_start, factor_row, factor_value, pivot : ndarray
        Approximate factor, see `neurosim.kernels.approximate_cholesky`.
    first_entry, following, entry_other, entry_weight, mark : ndarray
        The lists from which it is made.
    residual, direction, product, sums, kept : ndarray
        Conjugate gradients; the right-hand side comes in `residual`.
    """

    state: np.ndarray
    control: np.ndarray
    node: np.ndarray
    fixed: np.ndarray
    grounded: np.ndarray
    slot: np.ndarray
    tail: np.ndarray
    head: np.ndarray
    weight: np.ndarray
    diagonal: np.ndarray
    boundary_edge: np.ndarray
    boundary_unknown: np.ndarray
    boundary_node: np.ndarray
    pair_start: np.ndarray
    pair_other: np.ndarray
    pair_place: np.ndarray
    first: np.ndarray
    row_start: np.ndarray
    row: np.ndarray
    place: np.ndarray
    child_start: np.ndarray
    child: np.ndarray
    panel_at: np.ndarray
    update_at: np.ndarray
    panel: np.ndarray
    update: np.ndarray
    x: np.ndarray
    y: np.ndarray
    loop_start: np.ndarray
    loop_edge: np.ndarray
    loop_sign: np.ndarray
    tree_parent: np.ndarray
    tree_edge: np.ndarray
    chord: np.ndarray
    factor_start: np.ndarray
    factor_row: np.ndarray
    factor_value: np.ndarray
    pivot: np.ndarray
    first_entry: np.ndarray
    following: np.ndarray
    entry_other: np.ndarray
    entry_weight: np.ndarray
    mark: np.ndarray
    residual: np.ndarray
    direction: np.ndarray
    product: np.ndarray
    sums: np.ndarray
    kept: np.ndarray

    def with_own_numbers(self) -> LaplacianArrays:
        """The same pattern with factor and work space of its own, for another thread; nothing is factored yet."""
        made = self._replace(**{name: getattr(self, name).copy() for name in CHANGES})
        made.state[FACTORED : KEPT_COUNT_OTHER + 1] = 0
        made.control[[FRESH_RATE, LOST]] = 0.0
        return made


CHANGES = (
    "state", "control", "weight", "diagonal", "panel", "update", "x", "y", "factor_start", "factor_row", "factor_value",
    "pivot", "first_entry", "following", "entry_other", "entry_weight", "mark", "residual", "direction", "product",
    "sums", "kept",
)  # fmt: skip
"""What a plan changes when it is refreshed and solves."""

_REAL = {
    "control", "weight", "diagonal", "panel", "update", "x", "y", "loop_sign", "entry_weight", "residual", "direction",
    "product", "kept",
}  # fmt: skip
_LONG = {"state", "row_start", "panel_at", "update_at", "first_entry", "following", "mark"}
_SHORT_REAL = {"factor_value", "pivot", "sums"}
"""An approximate factor is rounded to seven digits: half of what an iteration reads, and as good."""


def dtype_of(name: str) -> type:
    """Kind of the numbers in a field of `LaplacianArrays`."""
    if name in _REAL:
        return np.float64
    if name in _SHORT_REAL:
        return np.float32
    return np.int64 if name in _LONG else np.uint32


def laplacian_type() -> Any:
    """Numba type of the address of a `LaplacianArrays`."""
    from numba import types
    from numba.np.numpy_support import from_dtype

    from neurosim.kernels.tuple_pointer import tuple_pointer

    kinds = [types.Array(from_dtype(np.dtype(dtype_of(name))), 1, "C") for name in LaplacianArrays._fields]
    return tuple_pointer(kinds, LaplacianArrays)
