"""One whole trajectory of one network by one library, in a process of its own.

``python memristive_integrations.py LIBRARY GRAPH EDGES SECONDS FILE`` prints the CPU time [s] and the number of its
right-hand sides, and whether it came to the end before SECONDS were over; the states at the end go to FILE. Only
``neurosim`` needs neurosim; the others are what one would write with NumPy and SciPy: SciPy's RK45 at the same
tolerance, patterns of matrices found once, and linear systems by SuperLU (``scipy``), CHOLMOD with its analysis kept
(``cvxopt``), conjugate gradients before which smoothed aggregation with its first hierarchy stands (``pyamg``), or the
published matrix formula with the projector on loops (``dense``). Iterations stop at a residual of 1e-5, ours at an
error in energy of that.

The network: flipped convention, linear drift with decay, EMFs of 0.03 V (root mean square) in all edges, a sine of 2 V
at every hundredth node and 0 V at as many others, for five periods, in which no state reaches a bound.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import memristive_runs
import numpy as np
import scipy.sparse as sp

R_ON, R_OFF, ALPHA, BETA = 100.0, 16e3, 0.5, 1e-2
STOP, RTOL, ITERATED = 5e-3, 1e-4, 1e-5
AMPLITUDE, FREQUENCY, EMF = 2.0, 1e3, 0.03
STEPS = 50
"""Least number of steps, of ours and of the others."""

Flows = Callable[[np.ndarray, float], np.ndarray]


class OutOfTime(Exception):
    """The seconds are over."""


class Network:
    """Numbers of the network."""

    def __init__(self, kind: str, edges: int) -> None:
        self.nodes, self.tail, self.head = memristive_runs.make_graph(kind, edges)
        draw = np.random.default_rng(0)
        self.emf = EMF * draw.normal(size=self.tail.size)
        self.start = draw.uniform(0.3, 0.5, self.tail.size)
        self.given = draw.permutation(self.nodes)[: self.nodes // 100 * 2]
        self.driven = self.given[::2]

    def potentials(self, t: float) -> np.ndarray:
        """Of all nodes [V], 0 where they are not given."""
        p = np.zeros(self.nodes)
        p[self.driven] = AMPLITUDE * np.sin(2.0 * np.pi * FREQUENCY * t)
        return p

    def voltages(self, p: np.ndarray) -> np.ndarray:
        """Of all edges [V] at potentials p."""
        return p[self.tail] - p[self.head] + self.emf


def sparse_currents(net: Network, solve: Callable[[sp.csc_matrix, np.ndarray], np.ndarray]) -> Flows:
    """Currents from the Laplacian of the nodes that are not given, whose pattern is found once."""
    number = np.full(net.nodes, -1)
    free = np.setdiff1d(np.arange(net.nodes), net.given)
    number[free] = np.arange(free.size)
    i, j = number[net.tail], number[net.head]
    edge = np.arange(net.tail.size)
    both, first, second = (i >= 0) & (j >= 0), i >= 0, j >= 0
    rows = np.concatenate([i[first], j[second], i[both], j[both]])
    columns = np.concatenate([i[first], j[second], j[both], i[both]])
    edges = np.concatenate([edge[first], edge[second], edge[both], edge[both]])
    sign = np.repeat([1.0, -1.0], [first.sum() + second.sum(), 2 * both.sum()])
    keys, place = np.unique(columns * free.size + rows, return_inverse=True)
    pattern = sp.csc_matrix(
        (np.ones(keys.size), keys % free.size, np.searchsorted(keys, np.arange(free.size + 1) * free.size)),
        shape=(free.size, free.size),
    )

    def currents(g: np.ndarray, t: float) -> np.ndarray:
        pattern.data = np.bincount(place, sign * g[edges], keys.size)
        p = net.potentials(t)
        flow = g * net.voltages(p)
        into = np.bincount(net.head, flow, net.nodes) - np.bincount(net.tail, flow, net.nodes)
        p[free] = solve(pattern, into[free])
        return g * net.voltages(p)

    return currents


def scipy(net: Network) -> Flows:
    """SuperLU with a symmetric order."""
    from scipy.sparse.linalg import splu

    options = {"SymmetricMode": True}
    return sparse_currents(
        net, lambda a, b: splu(a, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).solve(b)
    )


def cvxopt(net: Network) -> Flows:
    """CHOLMOD: symbolic once, numeric and solve for each."""
    from cvxopt import cholmod, spmatrix
    from cvxopt import matrix as dense

    kept: list[Any] = []

    def solve(a: sp.csc_matrix, b: np.ndarray) -> np.ndarray:
        if not kept:
            column = np.repeat(np.arange(b.size), np.diff(a.indptr))
            low = np.flatnonzero(a.indices >= column)
            made = spmatrix(dense(a.data[low]), dense(a.indices[low].astype(int)), dense(column[low]), a.shape)
            kept.extend([low, made, cholmod.symbolic(made)])
        low, made, factor = kept
        made.V = dense(a.data[low])
        x = dense(b)
        cholmod.numeric(made, factor)
        cholmod.solve(factor, x)
        return np.array(x).ravel()

    return sparse_currents(net, solve)


def pyamg(net: Network) -> Flows:
    """Conjugate gradients from the last solution, the hierarchy of the first matrix kept."""
    from pyamg import smoothed_aggregation_solver
    from scipy.sparse.linalg import cg

    kept: list[Any] = []

    def solve(a: sp.csc_matrix, b: np.ndarray) -> np.ndarray:
        a = a.T  # symmetric: the same matrix, by rows
        if not kept:
            kept.extend([smoothed_aggregation_solver(a.copy(), max_coarse=500).aspreconditioner(), None])
        kept[1], _ = cg(a, b, x0=kept[1], rtol=ITERATED, atol=0.0, M=kept[0], maxiter=1000)
        return kept[1].copy()

    return sparse_currents(net, solve)


def dense(net: Network) -> Flows:
    """i = (I - chi Omega X)^-1 Omega S / R_off, where edges without resistance lead from one more node to the given."""
    m, size = net.tail.size, net.tail.size + net.given.size
    tail, head = np.append(net.tail, np.full(net.given.size, net.nodes)), np.append(net.head, net.given)
    incidence = np.zeros((net.nodes + 1, size))
    incidence[tail, np.arange(size)] += 1.0
    incidence[head, np.arange(size)] -= 1.0
    loops = np.eye(size) - np.linalg.pinv(incidence) @ incidence

    def currents(g: np.ndarray, t: float) -> np.ndarray:
        share = np.append(1.0 - 1.0 / (R_OFF * g), np.ones(net.given.size))
        source = np.append(net.emf, net.potentials(t)[net.given])
        return (np.linalg.solve(np.eye(size) - loops * share, loops @ source) / R_OFF)[:m]

    return currents


def rival(library: str, net: Network, seconds: float) -> tuple[float, int, bool, np.ndarray]:
    """CPU time, right-hand sides, whether the end was reached, and the states there."""
    from scipy.integrate import solve_ivp

    currents = {"scipy": scipy, "cvxopt": cvxopt, "pyamg": pyamg, "dense": dense}[library](net)
    calls = 0

    def rates(t: float, x: np.ndarray) -> np.ndarray:
        nonlocal calls
        if time.process_time() - clock > seconds and calls > 1:
            raise OutOfTime
        calls += 1
        g = 1.0 / (R_OFF - (R_OFF - R_ON) * np.clip(x, 0.0, 1.0))
        return R_OFF / BETA * currents(g, t) - ALPHA * x

    # What is found once is no part of the cost.
    clock = time.process_time()
    rates(0.0, net.start)
    calls, clock = 0, time.process_time()
    try:
        found = solve_ivp(
            rates, (0.0, STOP), net.start, rtol=RTOL, atol=1e-3 * RTOL, t_eval=[STOP], max_step=STOP / STEPS
        )  # fmt: skip
    except OutOfTime:
        return time.process_time() - clock, calls, False, net.start
    return time.process_time() - clock, calls, True, found.y[:, -1]


def neurosim(net: Network) -> tuple[float, int, bool, np.ndarray]:
    """Ours; what reading, planning and saving take counts as well."""
    import neurosim as ns

    def run(graph: ns.GraphArrays, emf: np.ndarray, start: np.ndarray, electrodes: dict[int, Any]) -> ns.Result:
        made = ns.MemristiveNetwork(
            graph, convention="flipped", r_on=R_ON, r_off=R_OFF, alpha=ALPHA, beta=BETA, sources=emf, initial=start,
            electrodes=electrodes,
        )  # fmt: skip
        return ns.simulate(made, (0.0, STOP), rtol=RTOL, save=["states"], print_step=STOP, save_steps=False)

    # What is loaded for a first run is no part of the cost.
    drive = f"SIN(0 {AMPLITUDE} {FREQUENCY})"
    run(ns.GraphArrays(4, np.arange(3), np.arange(1, 4)), np.ones(3), np.full(3, 0.5), {0: drive, 3: 0.0})
    electrodes = dict.fromkeys(net.given.tolist(), 0.0) | dict.fromkeys(net.driven.tolist(), drive)
    clock = time.process_time()
    result = run(ns.GraphArrays(net.nodes, net.tail, net.head), net.emf, net.start, electrodes)
    seconds = time.process_time() - clock
    end = np.array([result[f"m[{k}].x"][-1] for k in range(net.tail.size)])
    return seconds, result.attrs["statistics"]["evaluations"], True, end


def main() -> None:
    library, kind, edges, seconds, path = sys.argv[1], sys.argv[2], int(float(sys.argv[3])), *sys.argv[4:]
    net = Network(kind, edges)
    *numbers, end = neurosim(net) if library == "neurosim" else rival(library, net, float(seconds))
    np.save(path, end)
    print(json.dumps(numbers))


if __name__ == "__main__":
    main()
