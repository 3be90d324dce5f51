"""One solver on one graph, in a process of its own: ``python memristive_runs.py LIBRARY GRAPH EDGES COUNT``.

Prints the CPU time [s] of a right-hand side with new conductances (least of COUNT; of iterations the mean after the
first), the norm of its residual over that of the right-hand side, the time [s] of the analysis, the peak memory of the
process [MB], and a word on what was done. Rivals get the assembled matrix for nothing. Only ``neurosim`` needs
neurosim.

Conductances follow a smooth path: states w in [0, 1] that start at random and drift by 0.002 (root mean square) from
one right-hand side to the next, g = 1 / (1 + 159 w).
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402 (threads are set before)
import scipy.sparse as sp  # noqa: E402

LIBRARIES = ("scipy", "cvxopt", "pyamg")
TOLERANCE = 1e-8
"""Of all that iterates."""


def make_graph(kind: str, edges: int) -> tuple[int, np.ndarray, np.ndarray]:
    """Nodes, tails and heads of a square grid, a Delaunay triangulation of random points, or a small world
    (Watts-Strogatz, 4 neighbours, a tenth rewired)."""
    draw = np.random.default_rng(0)
    if kind == "grid":
        side = round((edges / 2) ** 0.5)
        number = np.arange(side * side).reshape(side, side)
        across, down = (number[:, :-1], number[:, 1:]), (number[:-1], number[1:])
        pairs = np.vstack([np.c_[a.ravel(), b.ravel()] for a, b in (across, down)])
        return side * side, pairs[:, 0].copy(), pairs[:, 1].copy()
    if kind == "small world":
        nodes = edges // 2
        around = np.arange(nodes)
        pairs = np.vstack([np.c_[around, (around + 1) % nodes], np.c_[around, (around + 2) % nodes]])
        moved = draw.random(len(pairs)) < 0.1
        pairs[moved, 1] = draw.integers(0, nodes, moved.sum())
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    else:
        from scipy.spatial import Delaunay

        nodes = edges // 3
        corners = Delaunay(draw.random((nodes, 2))).simplices
        pairs = np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]])
    pairs.sort(axis=1)
    pairs = np.unique(pairs, axis=0)
    return nodes, pairs[:, 0].copy(), pairs[:, 1].copy()


class Path:
    """Conductances and right-hand sides along the path, by number."""

    def __init__(self, nodes: int, tail: np.ndarray, head: np.ndarray) -> None:
        draw = np.random.default_rng(1)
        self.nodes, self.tail, self.head = nodes, tail, head
        self.start = draw.random(tail.size)
        self.drift, self.emf = draw.normal(size=(2, tail.size))

    def at(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        g = 1.0 / (1.0 + 159.0 * np.clip(self.start + 0.002 * k * self.drift, 0.0, 1.0))
        f = -g * self.emf
        return g, self.divergence(f)

    def divergence(self, flow: np.ndarray) -> np.ndarray:
        return np.bincount(self.tail, flow, self.nodes) - np.bincount(self.head, flow, self.nodes)

    def matrix(self, g: np.ndarray) -> sp.csc_matrix:
        """Laplacian without its last row and column."""
        i, j = np.r_[self.tail, self.head], np.r_[self.head, self.tail]
        off = sp.coo_matrix((np.r_[-g, -g], (i, j)), shape=(self.nodes, self.nodes)).tocsc()
        whole = off - sp.diags(np.asarray(off.sum(axis=0)).ravel())
        return whole.tocsc()[:-1, :-1]


def neurosim(path: Path, count: int) -> tuple[list[float], float, float, str]:
    """Ours, as planned."""
    from neurosim.kernels.laplacian import solve_many
    from neurosim.memristive.plan import plan_laplacian

    plan_laplacian(3, [0, 1], [1, 2], kind="dense").solve(np.ones(2), np.zeros(3))
    clock = time.process_time()
    kind = os.environ.get("NEUROSIM_BENCHMARK_KIND", "auto")
    solver = plan_laplacian(path.nodes, path.tail, path.head, kind=kind, tolerance=TOLERANCE)
    analysis = time.process_time() - clock
    times: list[float] = []
    p = np.empty((1, path.nodes))
    for k in range(count + 1):
        g, b = path.at(k)
        lines = b[None].copy()
        clock = time.process_time()
        assert solve_many(solver.arrays, g, lines, p, 1) == 0
        times.append(time.process_time() - clock)
    rest = b - path.divergence(g * (p[0, path.tail] - p[0, path.head]))
    rest[solver.grounded] = 0.0
    words = f"{solver.kind}, {solver.bytes / 1e6:.3g} MB"
    times = times[1:]
    if solver.kind == "conjugate_gradients":
        times = [float(np.mean(times))]
        words += f", {solver.iterations:.1f} iterations, built {solver.rebuilt} times"
    return times, float(np.linalg.norm(rest) / np.linalg.norm(b)), analysis, words


def _direct(path: Path, count: int, analyse: Callable[[sp.csc_matrix], Any], solve: Callable[..., Any]) -> Any:
    times, analysis, state = [], 0.0, None
    for k in range(count):
        g, b = path.at(k)
        matrix, b = path.matrix(g), b[:-1]
        if k == 0:
            clock = time.process_time()
            state = analyse(matrix)
            analysis = time.process_time() - clock
        seconds, x = solve(state, matrix, b)
        times.append(seconds)
    return times, float(np.linalg.norm(matrix @ x - b) / np.linalg.norm(b)), analysis, ""


def scipy(path: Path, count: int) -> Any:
    """SuperLU with a symmetric order."""
    from scipy.sparse.linalg import splu

    def solve(state: Any, matrix: sp.csc_matrix, b: np.ndarray) -> Any:
        clock = time.process_time()
        x = splu(
            matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True}
        ).solve(b)  # fmt: skip
        return time.process_time() - clock, x

    return _direct(path, count, lambda matrix: None, solve)


def cvxopt(path: Path, count: int) -> Any:
    """CHOLMOD: symbolic once, numeric and solve for each."""
    from cvxopt import cholmod, spmatrix
    from cvxopt import matrix as dense

    def convert(a: sp.csc_matrix) -> Any:
        low = sp.tril(a).tocoo()
        return spmatrix(dense(low.data), dense(low.row.astype(np.int64)), dense(low.col.astype(np.int64)), a.shape)

    def solve(factor: Any, a: sp.csc_matrix, b: np.ndarray) -> Any:
        converted, x = convert(a), dense(b)
        clock = time.process_time()
        cholmod.numeric(converted, factor)
        cholmod.solve(factor, x)
        return time.process_time() - clock, np.array(x).ravel()

    return _direct(path, count, lambda a: cholmod.symbolic(convert(a)), solve)


def pyamg(path: Path, count: int) -> Any:
    """Smoothed aggregation in front of conjugate gradients; the hierarchy of the first matrix is kept."""
    from pyamg import smoothed_aggregation_solver
    from scipy.sparse.linalg import cg

    last: list[np.ndarray] = []

    def solve(preconditioner: Any, matrix: sp.csc_matrix, b: np.ndarray) -> Any:
        matrix = matrix.tocsr()
        start = last[-1] if last else None
        clock = time.process_time()
        x, _ = cg(matrix, b, x0=start, rtol=TOLERANCE, atol=0.0, M=preconditioner, maxiter=1000)
        last.append(x)
        return time.process_time() - clock, x

    def analyse(matrix: sp.csc_matrix) -> Any:
        return smoothed_aggregation_solver(matrix.tocsr(), max_coarse=500).aspreconditioner()

    times, rest, analysis, _ = _direct(path, count + 1, analyse, solve)
    return [float(np.mean(times[1:]))], rest, analysis, "start from the last solution, setup not counted"


def main() -> None:
    library, kind, edges, count = sys.argv[1], sys.argv[2], int(float(sys.argv[3])), int(sys.argv[4])
    run = {"neurosim": neurosim, "scipy": scipy, "cvxopt": cvxopt, "pyamg": pyamg}[library]
    times, rest, analysis, words = run(Path(*make_graph(kind, edges)), count)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(json.dumps([min(times), rest, analysis, memory, words]))


if __name__ == "__main__":
    main()
