"""From a graph with given nodes to unknowns, pairs of neighbours, and edges to what is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError


@dataclass(frozen=True)
class Reduction:
    """A graph without what is given.

    Unknowns are counted in the order of their nodes; a pair is two unknowns with at least one edge between them.

    Attributes
    ----------
    nodes : int
    tail, head : ndarray of int64, shape (m,)
    fixed, grounded : ndarray of int64
        Nodes with a given potential, and those put at 0 V.
    node : ndarray of int64, shape (n,)
        Node of each unknown.
    low, high : ndarray of int64
        The pairs, low < high, sorted.
    slot : ndarray of int64, shape (m,)
        Pair of each edge; pairs + i for an edge between unknown i and a given node; pairs + n for one between such.
    """

    nodes: int
    tail: np.ndarray
    head: np.ndarray
    fixed: np.ndarray
    grounded: np.ndarray
    node: np.ndarray
    low: np.ndarray
    high: np.ndarray
    slot: np.ndarray

    @property
    def unknowns(self) -> int:
        """Number of unknowns n."""
        return self.node.size

    @property
    def pairs(self) -> int:
        """Number of pairs."""
        return self.low.size

    @property
    def leading(self) -> np.ndarray:
        """Unknowns with an edge to a given node."""
        found = np.unique(self.slot[self.slot >= self.pairs]) - self.pairs
        return found[found < self.unknowns]

    @property
    def loops(self) -> int:
        """Independent loops when all that is given counts as one node and edges between the same two as one."""
        return self.pairs + self.leading.size - self.unknowns

    def neighbours(self) -> tuple[np.ndarray, np.ndarray]:
        """Neighbours of each unknown: where they begin, and they, ascending."""
        i, j = np.r_[self.low, self.high], np.r_[self.high, self.low]
        sequence = np.lexsort((j, i))
        start = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=self.unknowns))])
        return start, j[sequence]

    def numbered(self, order: np.ndarray) -> dict[str, np.ndarray]:
        """Arrays of `LaplacianArrays` when unknown ``order[k]`` gets number k."""
        n, pairs = self.unknowns, self.pairs
        number = np.empty(n, np.int64)
        number[order] = np.arange(n)
        i, j = number[self.low], number[self.high]
        i, j = np.minimum(i, j), np.maximum(i, j)
        sequence = np.lexsort((j, i))
        to = np.empty(pairs + n + 1, np.int64)
        to[sequence] = np.arange(pairs)
        to[pairs:] = np.append(pairs + number, pairs + n)
        edge = np.flatnonzero((self.slot >= pairs) & (self.slot < pairs + n))
        unknown = self.slot[edge] - pairs
        given = np.where(self.tail[edge] == self.node[unknown], self.head[edge], self.tail[edge])
        # A grounded node adds nothing to the right-hand side.
        counts = ~np.isin(given, self.grounded)
        end = np.empty(self.nodes, np.uint32)
        end[self.node[order]] = np.arange(n)
        end[np.concatenate([self.fixed, self.grounded])] = np.arange(n, self.nodes)
        return {
            "node": self.node[order],
            "slot": to[self.slot],
            "tail": end[self.tail],
            "head": end[self.head],
            "pair_start": np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n))]),
            "pair_other": j[sequence],
            "boundary_edge": edge[counts],
            "boundary_unknown": number[unknown[counts]],
            "boundary_node": given[counts],
        }


def reduce_graph(nodes: int, tail: Any, head: Any, fixed: Any) -> Reduction:
    """Check a graph, ground what floats, and number the rest.

    Raises
    ------
    ParameterError
        See `neurosim.memristive.plan.plan_laplacian`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    tail, head = (np.ascontiguousarray(ends, np.int64).reshape(-1) for ends in (tail, head))
    fixed = np.unique(np.asarray(fixed, np.int64).reshape(-1))
    if tail.shape != head.shape:
        raise ParameterError(f"{tail.size} tails but {head.size} heads; each edge has one of both")
    for name, ends in (("tail", tail), ("head", head)):
        if (outside := np.flatnonzero((ends < 0) | (ends >= nodes))).size:
            e = outside[0]
            raise ParameterError(f"edge {e}: its {name} {ends[e]} is not a node; nodes are 0 to {nodes - 1}")
    if (same := np.flatnonzero(tail == head)).size:
        e = same[0]
        raise ParameterError(f"edge {e} joins node {tail[e]} with itself; leave it out, no current flows in it")
    if fixed.size and not 0 <= fixed[0] <= fixed[-1] < nodes:
        raise ParameterError(f"fixed node {fixed[0] if fixed[0] < 0 else fixed[-1]} is not between 0 and {nodes - 1}")
    links = coo_array((np.ones(tail.size, np.int8), (tail, head)), shape=(nodes, nodes))
    components, component = connected_components(links, directed=False) if nodes else (0, np.zeros(0, np.int64))
    floating = np.ones(components, bool)
    floating[component[fixed]] = False
    degree = np.bincount(tail, minlength=nodes) + np.bincount(head, minlength=nodes)
    by_degree = np.lexsort((-degree, component))
    first = np.searchsorted(component[by_degree], np.arange(components))
    grounded = np.sort(by_degree[first[floating]])
    given = np.zeros(nodes, bool)
    given[fixed] = given[grounded] = True
    node = np.flatnonzero(~given)
    n = node.size
    unknown = np.full(nodes, n)
    unknown[node] = np.arange(n)
    i, j = unknown[tail], unknown[head]
    i, j = np.minimum(i, j), np.maximum(i, j)
    inside = j < n
    keys, place = np.unique(i[inside] * n + j[inside], return_inverse=True)
    slot = keys.size + i
    slot[inside] = place
    return Reduction(nodes, tail, head, fixed, grounded, node, keys // max(n, 1), keys % max(n, 1), slot)
