"""Cholesky factorisation in the space of loops, for graphs with few of them: A R A' z = -A R f.

A spanning tree carries the given currents in one way (f), each edge outside it (a chord) closes one loop of current z,
and Kirchhoff's voltage law around the loops gives z. Unknowns are numbered so that each one comes before its parent in
the tree; tree edge i goes from unknown i to its parent, chord from the lower to the higher number, and a loop runs
along its chord.

Arrays of `LaplacianArrays`: `tree_parent`, `tree_edge` (n,) hold the parent of each unknown (n: what is given) and the
place of the edge in `weight`; `chord` (loops,) that of each chord; loops `loop_edge` with `loop_sign` from
`loop_start[i]` on run through tree edge i.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.kernels.abi import unit
from neurosim.kernels.front_cholesky import factor_block, solve_factored
from neurosim.kernels.laplacian_arrays import laplacian_type


def _factor_signature() -> Any:
    from numba import types

    return types.i8(laplacian_type())


@unit(_factor_signature)
def factor_cycles(a):
    """Factor A R A'; return 0 or `NOT_POSITIVE_DEFINITE`."""
    panel, weight = a.panel, a.weight
    loops = a.chord.size
    panel[:] = 0.0
    for k in range(loops):
        panel[k * loops + k] = 1.0 / weight[a.chord[k]]
    for i in range(a.node.size):
        resistance = 1.0 / weight[a.tree_edge[i]]
        begin, end = np.int64(a.loop_start[i]), np.int64(a.loop_start[i + 1])
        for p in range(begin, end):
            line = a.loop_edge[p] * loops
            signed = a.loop_sign[p] * resistance
            for q in range(p, end):
                panel[line + a.loop_edge[q]] += signed * a.loop_sign[q]
    return factor_block(panel, 0, loops, loops, a.y)


def _solve_signature() -> Any:
    from numba import types

    return types.void(laplacian_type())


@unit(_solve_signature)
def solve_cycles(a):
    """Replace the right-hand side in `x` (by unknowns) by the solution."""
    x, flow, weight = a.x, a.product, a.weight
    n = a.node.size
    loops = a.chord.size
    flow[:] = 0.0
    for i in range(n):
        flow[i] += x[i]
        flow[a.tree_parent[i]] += flow[i]
    x[:] = 0.0
    for i in range(n):
        drop = flow[i] / weight[a.tree_edge[i]]
        for p in range(a.loop_start[i], a.loop_start[i + 1]):
            x[a.loop_edge[p]] -= a.loop_sign[p] * drop
    if loops > 0:
        solve_factored(a)
    for i in range(n):
        for p in range(a.loop_start[i], a.loop_start[i + 1]):
            flow[i] += a.loop_sign[p] * x[a.loop_edge[p]]
    for k in range(n):
        i = n - 1 - k
        above = a.tree_parent[i]
        x[i] = flow[i] / weight[a.tree_edge[i]] + (x[above] if above < n else 0.0)
