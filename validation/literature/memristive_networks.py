"""Memristive networks at rest: projectors, effective resistances, percolation of sticks."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import networkx as nx
import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

import neurosim as ns
from neurosim.memristive.generators.nanowires import CRITICAL_DENSITY, intersections
from neurosim.randomness import stream
from validation.case import Case, Context, number_case

UNIT = {"r_on": 1.0, "r_off": 100.0, "convention": "flipped", "initial": 1.0}
"""Every edge has 1 ohm."""

CARAVELLI = "Caravelli, Traversa & Di Ventra, Phys. Rev. E 95, 022140 (2017), arXiv:1608.08651"
LADDER_RUNGS = 40
STICKS = 16
"""Sides of the square in lengths of a stick."""


def cases(context: Context) -> Iterator[Case]:
    """Yield all comparisons of this module."""
    yield from traces()
    yield from resistances()
    yield projector_of_random_graphs()
    yield lattice_decay(context)
    yield from sticks(context)


def network(graph: nx.Graph) -> Any:
    """A network of resistors of one ohm, as memristors that all are on."""
    return ns.MemristiveNetwork(graph, **UNIT)


def traces() -> Iterator[Case]:
    """Foster's theorem and its dual on graphs of several parts."""
    worst_cut, worst_cycle, count = 0.0, 0.0, 0
    for seed in range(12):
        graph = ns.generators.erdos_renyi(40, 3.0, giant=False, seed=seed)
        graph.remove_nodes_from([n for n in list(graph) if graph.degree(n) == 0])
        net = network(graph)
        n, m, c = len(net.nodes), net.size, nx.number_connected_components(graph)
        cut, cycle = (float(np.trace(net.projector(space=space))) for space in ("cut", "cycle"))
        worst_cut, worst_cycle = max(worst_cut, abs(cut - (n - c))), max(worst_cycle, abs(cycle - (m - n + c)))
        count += 1
    source = "Foster, Contributions to Applied Mechanics (1949) 333: sum of R_eff g = n - c (recalled)"
    yield Case("foster's theorem", source, f"largest |tr Omega_B - (n - c)| of {count} random graphs", "0",
               f"{worst_cut:.2g}", worst_cut, 1e-11, "rounding")  # fmt: skip
    yield Case("trace of the cycle projector", CARAVELLI, f"largest |tr Omega_A - (m - n + c)| of {count} graphs", "0",
               f"{worst_cycle:.2g}", worst_cycle, 1e-11, "rounding")  # fmt: skip


def resistances() -> Iterator[Case]:
    """Effective resistances [ohm] of graphs with edges of one ohm."""
    net = network(ns.generators.networkx_graph("complete_graph", n=9))
    yield number_case("resistance of a complete graph", "2/n by symmetry", "R between two of 9 nodes, ohm", 2.0 / 9.0,
                      1.0 / net.conductance(None, "n0", "n5"), 1e-12, "rounding")  # fmt: skip
    side = 60
    net = network(ns.generators.square_lattice(side, side, periodic=True))
    exact = (side**2 - 1) / (2 * side**2)
    source = "Foster's theorem on an edge-transitive torus: (n - 1) / m, which tends to 1/2"
    yield number_case("resistance of a square lattice", source, f"R between neighbours of a {side} x {side} torus, ohm",
                      exact, 1.0 / net.conductance(None, "r5c5", "r5c6"), 1e-11, "rounding")  # fmt: skip
    source = "Venezian, Am. J. Phys. 62, 1000 (1994): 2/pi on the infinite lattice (recalled)"
    yield number_case("resistance across a square", source, f"R across a diagonal of a {side} x {side} torus, ohm",
                      2.0 / math.pi, 1.0 / net.conductance(None, "r5c5", "r6c6"), 1e-3,
                      "a finite torus lacks about 1/n of it")  # fmt: skip
    side = 9
    net = network(ns.generators.cubic_lattice(side, side, side, periodic=True))
    yield number_case("resistance of a cubic lattice", "Foster's theorem: (n - 1) / m, which tends to 1/3",
                      f"R between neighbours of a periodic lattice of {side}^3, ohm",
                      (side**3 - 1) / (3 * side**3), 1.0 / net.conductance(None, "r1c1l1", "r1c2l1"), 1e-11,
                      "rounding")  # fmt: skip
    ladder = ns.generators.square_lattice(2, LADDER_RUNGS + 1)
    ladder.remove_edge("r0c0", "r1c0")
    net = network(ladder)
    yield number_case("resistance of a ladder", "R = 2 + R / (1 + R): 1 + sqrt(3) for ever more rungs",
                      f"R at the open end of a ladder of {LADDER_RUNGS} rungs, ohm", 1.0 + math.sqrt(3.0),
                      1.0 / net.conductance(None, "r0c0", "r1c0"), 1e-12,
                      "each rung brings it 14 times nearer")  # fmt: skip


def projector_of_random_graphs() -> Case:
    """Root mean square of the elements beside the diagonal of Omega_A."""
    worst, shown = 0.0, []
    for nodes in (30, 60, 120):
        found, expected = [], []
        for seed in range(4):
            net = network(ns.generators.erdos_renyi(nodes, 10.0, seed=seed))
            omega = net.projector()
            m = net.size
            rest = omega - np.diag(np.diag(omega))
            found.append(math.sqrt((rest**2).sum() / (m * (m - 1)) * m))
            p = (m - len(net.nodes) + 1) / m
            expected.append(math.sqrt(p * (1.0 - p)))
        worst = max(worst, abs(np.mean(found) / np.mean(expected) - 1.0))
        shown.append((np.mean(expected), np.mean(found)))
    return Case(
        "spread of the projector of random graphs",
        "Caravelli, Entropy 21, 789 (2019), arXiv:1712.07046: 1/sqrt(m), here with its factor from Omega^2 = Omega: "
        "sqrt(p (1 - p)), p = L/m",
        "rms beside the diagonal times sqrt(m), Erdos-Renyi, 30, 60 and 120 nodes, mean degree 10",
        ", ".join(f"{expected:.4f}" for expected, _ in shown), ", ".join(f"{found:.4f}" for _, found in shown),
        float(worst), 0.02, "the diagonal is not all alike; its variance is left out",
    )  # fmt: skip


def lattice_decay(context: Context) -> Case:
    """Elements of the cut projector between edges in a row of a square lattice."""
    side = 80
    net = network(ns.generators.square_lattice(side, side, periodic=True))
    unit = np.zeros(net.size)
    first = net.edge_index(("r0c0", "r0c1", 0))
    unit[first] = 1.0
    column = net.projector(unit, space="cut")
    distance = np.arange(2, 13)
    values = np.array([abs(column[net.edge_index((f"r0c{k}", f"r0c{k + 1}", 0))]) for k in distance])
    # The dipole's field on the infinite plane: second derivative of ln(r) / (2 pi).
    plane = 1.0 / (2.0 * math.pi * distance**2)
    slope = float(np.polyfit(np.log(distance[2:7]), np.log(values[2:7]), 1)[0])

    def draw(ax: Any) -> None:
        ax.loglog(distance, values, "o", label=f"torus of {side} x {side}")
        ax.loglog(distance, plane, "-", label="1 / (2 π r²)")
        ax.loglog(distance, values[0] * np.exp(-(distance - 2.0)), "--", label="an exponential")
        ax.set(xlabel="distance r (edges)", ylabel="|Ω_B|", ylim=(values.min() / 3, values.max() * 2))
        ax.legend()

    figure = context.figure("memristive lattice decay", draw)
    return number_case(
        "decay of the projector of a square lattice",
        "field of a dipole in the plane; arXiv:1705.00244 proves an exponential bound only (it is no decay law)",
        "slope of log |Omega_B| against log distance, r = 4 ... 8", -2.0, slope, 0.05,
        "the lattice bends it at small r, the torus at large", figure,
    )  # fmt: skip


def threshold(seed: int, side: float) -> float:
    """Density at which sticks of length 1, thrown one by one on a square, first join its left and right sides."""
    count = int(9.0 * side * side)
    draw = stream(seed, "sticks")
    centres, angles = draw.random((count, 2)) * side, math.pi * draw.random(count)
    half = 0.5 * np.column_stack([np.cos(angles), np.sin(angles)])
    pairs, _ = intersections(centres, half)
    reach = np.abs(half[:, 0])
    left, right = np.flatnonzero(centres[:, 0] <= reach), np.flatnonzero(centres[:, 0] >= side - reach)
    first = np.r_[pairs[:, 0], np.full(left.size, count), right]
    second = np.r_[pairs[:, 1], left, np.full(right.size, count + 1)]
    # A link exists once its later stick has fallen; the path whose latest stick is earliest lies in the least tree.
    born = np.where(np.maximum(first, second) < count, np.maximum(first, second), np.minimum(first, second)) + 1.0
    tree = csgraph.minimum_spanning_tree(sparse.csr_matrix((born, (first, second)), (count + 2, count + 2)))
    _, before = csgraph.breadth_first_order(tree, count, directed=False, return_predecessors=True)
    tree = (tree + tree.T).tocsr()
    latest, node = 0.0, count + 1
    while node != count:
        latest, node = max(latest, float(tree[node, before[node]])), int(before[node])
    return latest / side**2


def sticks(context: Context) -> Iterator[Case]:
    """Percolation threshold, and the number of crossings."""
    runs = 40 if context.fast else 400
    found = np.array([threshold(seed, STICKS) for seed in range(runs)])
    median = float(np.median(found))
    error = 1.2533 * float(found.std()) / math.sqrt(runs)

    def draw(ax: Any) -> None:
        ax.plot(np.sort(found), (np.arange(runs) + 0.5) / runs, label=f"{runs} squares of {STICKS} x {STICKS} sticks")
        ax.axvline(CRITICAL_DENSITY, color="0.4", linestyle="--", label="5.63726, infinite area")
        ax.axhline(0.5, color="0.8", linewidth=0.8)
        ax.set(xlabel="density × length²", ylabel="probability of a path")
        ax.legend(fontsize="small")

    figure = context.figure("memristive stick percolation", draw)
    yield number_case(
        "percolation of sticks", "Li & Zhang, Phys. Rev. E 80, 040104 (2009): 5.63726(2) (recalled)",
        f"median n l^2 at which a square of {STICKS} lengths conducts ({runs} squares, error {error:.2f})",
        CRITICAL_DENSITY, median, 0.04, "three standard errors, and the finite square (about 1/side)", figure,
    )  # fmt: skip
    graph = ns.generators.nanowires(6000, length=5e-6, width=400e-6, height=400e-6, giant=False, seed=5)
    scaled = 6000 * (5e-6 / 400e-6) ** 2
    inside = [data["pos"] for *_, data in graph.edges(data=True)]
    kept = sum(10e-6 < x < 390e-6 and 10e-6 < y < 390e-6 for x, y in inside)
    yield number_case(
        "crossings of sticks", "Buffon's needle: n^2 l^2 / pi crossings per area",
        "crossings per l^2 of sticks at n l^2 = 0.94, 10 um inside the border", scaled**2 / math.pi,
        kept * (5e-6) ** 2 / (380e-6) ** 2, 0.08, "about 1,700 crossings, which are correlated: 3 standard errors",
    )  # fmt: skip
