"""The arrays that each kind of solver needs beside the numbered graph."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.approximate_cholesky import random_elimination
from neurosim.kernels.elimination_order import fill_order
from neurosim.kernels.front_cholesky import BLOCK_COLUMNS
from neurosim.kernels.laplacian_arrays import CHOLESKY, CONJUGATE_GRADIENTS, CYCLES
from neurosim.kernels.supernodes import Supernodes, eliminate, find_supernodes, number_of, one_supernode
from neurosim.memristive.reduction import Reduction

SPARE = 1.2
"""Room in an approximate factor, over what its order took: how many entries there are hangs on chance a little."""


def dense(graph: Reduction) -> dict[str, Any]:
    """One supernode with all unknowns."""
    order = np.arange(graph.unknowns)
    return _blocks(graph, one_supernode(graph.unknowns), order)


def sparse(graph: Reduction, limit: int) -> tuple[Supernodes, dict[str, Any]] | None:
    """Fill-reducing order and supernodes; None when the factor has more than `limit` entries."""
    start, other = graph.neighbours()
    order = fill_order(start, other, np.arange(graph.unknowns))
    order, tree, entries = eliminate(start, other, np.ascontiguousarray(order, np.int64), limit)
    if entries < 0:
        return None
    numbers = find_supernodes(start, other, order, tree)
    return numbers, _blocks(graph, numbers, order)


def _blocks(graph: Reduction, numbers: Supernodes, order: np.ndarray) -> dict[str, Any]:
    n = graph.unknowns
    number = number_of(order)
    i, j = number[graph.low], number[graph.high]
    i, j = np.minimum(i, j), np.maximum(i, j)
    sequence = np.lexsort((j, i))
    i, j = i[sequence], j[sequence]
    first = numbers.first.astype(np.int64)
    width = np.diff(first)
    supernode = np.repeat(np.arange(width.size), width)[i]
    owner = np.repeat(np.arange(width.size), np.diff(numbers.row_start))
    below = np.searchsorted(owner * n + numbers.row, supernode * n + j) - numbers.row_start[supernode]
    place = np.where(j < first[supernode + 1], j - first[supernode], width[supernode] + below)
    return {
        "kind": CHOLESKY,
        "order": order,
        "pair_place": place,
        "work": max(numbers.longest, BLOCK_COLUMNS * int(width.max(initial=1))),
        "panel": np.zeros(numbers.panel_size),
        "update": np.zeros(numbers.update_size),
        **{
            name: getattr(numbers, name)
            for name in ("first", "row_start", "row", "place", "child_start", "child", "panel_at", "update_at")
        },
    }


def approximate(graph: Reduction) -> dict[str, Any]:
    """Order of random elimination, and room for its factor."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    n, pairs = graph.unknowns, graph.pairs
    start, other = graph.neighbours()
    sequence = np.arange(n)
    if pairs:
        near = csr_array((np.ones(other.size, np.int8), other, start), shape=(n, n))
        narrow = reverse_cuthill_mckee(near, symmetric_mode=True).astype(np.int64)
        if _spread(graph, number_of(narrow)) < _spread(graph, sequence):
            sequence = narrow
    order, entries = random_elimination(start, other, sequence)
    room = int(SPARE * entries) + 2 * n + 16
    return {
        "kind": CONJUGATE_GRADIENTS,
        "order": order,
        "factor_start": np.zeros(n + 1),
        "factor_row": np.zeros(room),
        "factor_value": np.zeros(room),
        "pivot": np.zeros(n),
        "first_entry": np.zeros(n + 1),
        "mark": np.zeros(n + 1),
        "following": np.zeros(pairs + n),
        "entry_other": np.zeros(pairs + n),
        "entry_weight": np.zeros(pairs + n),
    }


def _spread(graph: Reduction, number: np.ndarray) -> float:
    """Mean logarithm of how far apart neighbours are numbered: what is near is still in the cache."""
    return float(np.log1p(np.abs(number[graph.low] - number[graph.high]).astype(np.float32)).mean())


def _tree(graph: Reduction) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Breadth-first tree from what is given (unknown n): order with children before parents, and in that numbering the
    parents, and the ends of all edges of the simple graph, low < high."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    n = graph.unknowns
    leading = graph.leading
    i, j = np.r_[graph.low, leading], np.r_[graph.high, np.full(leading.size, n)]
    links = coo_array((np.ones(i.size, np.int8), (i, j)), shape=(n + 1, n + 1)).tocsr()
    visited, above = breadth_first_order(links, n, directed=False)
    order = visited[:0:-1].astype(np.int64)
    number = np.append(number_of(order), n)
    i, j = number[i], number[j]
    return order, number[above[order]], np.minimum(i, j), np.maximum(i, j)


def _loops(graph: Reduction) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[tuple[int, int, int]]]:
    """Order, parents, tree edges and chords (places in the unnumbered simple graph), and (tree edge, loop, sign)."""
    order, parent, low, high = _tree(graph)
    n = order.size
    on_tree = parent[np.minimum(low, n - 1)] == high if n else np.zeros(0, bool)
    tree_edge = np.empty(n, np.int64)
    tree_edge[low[on_tree]] = np.flatnonzero(on_tree)
    chord = np.flatnonzero(~on_tree)
    up = parent.tolist()
    passed = []
    for loop, (u, v) in enumerate(zip(low[chord].tolist(), high[chord].tolist(), strict=True)):
        while u != v:
            if u < v:
                passed.append((u, loop, -1))
                u = up[u]
            else:
                passed.append((v, loop, 1))
                v = up[v]
    return order, parent, tree_edge, chord, passed


def loop_products(graph: Reduction) -> float:
    """Products that building A R A' takes."""
    passed = _loops(graph)[-1]
    through = np.bincount([edge for edge, _, _ in passed], minlength=1).astype(float)
    return float((through * (through + 1) / 2).sum())


def cycles(graph: Reduction) -> dict[str, Any]:
    """Spanning tree and its fundamental loops."""
    order, parent, tree_edge, chord, passed = _loops(graph)
    n, pairs, loops = graph.unknowns, graph.pairs, chord.size
    # In the numbered graph pairs are sorted anew, and what leads to given nodes comes after them by unknown.
    numbered = graph.numbered(order)["pair_start"], number_of(order)
    i, j = numbered[1][graph.low], numbered[1][graph.high]
    sequence = np.lexsort((np.maximum(i, j), np.minimum(i, j)))
    to = np.empty(pairs, np.int64)
    to[sequence] = np.arange(pairs)
    to = np.r_[to, pairs + numbered[1][graph.leading]]
    table = np.array(sorted(passed), np.int64).reshape(-1, 3)
    numbers = one_supernode(loops)
    return {
        "kind": CYCLES,
        "order": order,
        "work": max(loops, n + 1, BLOCK_COLUMNS * loops),
        "panel": np.zeros(loops * loops),
        "tree_parent": parent,
        "tree_edge": to[tree_edge],
        "chord": to[chord],
        "loop_start": np.concatenate([[0], np.cumsum(np.bincount(table[:, 0], minlength=n))]),
        "loop_edge": table[:, 1],
        "loop_sign": table[:, 2],
        **{
            name: getattr(numbers, name)
            for name in ("first", "row_start", "row", "place", "child_start", "child", "panel_at", "update_at")
        },
    }
