"""Plans for systems L(g) p = b with the Laplacian L = B diag(g) B' of one graph and ever new conductances g.

The graph is analysed once. Four kinds of solvers do the rest in compiled code without asking for memory; which one
takes the least time follows from the graph alone (`LaplacianSolver.explain`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.kernels import laplacian_arrays
from neurosim.kernels.laplacian_arrays import (
    BUILT,
    BY_ENERGY,
    CHOLESKY,
    CONJUGATE_GRADIENTS,
    CYCLES,
    KEPT,
    KIND,
    NO_CONVERGENCE,
    NO_ROOM,
    NOT_POSITIVE_DEFINITE,
    SOLUTIONS,
    TOLERANCE,
    LaplacianArrays,
    dtype_of,
)
from neurosim.memristive.reduction import Reduction, reduce_graph

KINDS = ("dense", "cycles", "sparse_cholesky", "conjugate_gradients")

DENSE_UNKNOWNS = 40
"""Up to so many unknowns the dense factor is taken without a look at others."""
LARGEST_DENSE = 1500
"""From so many unknowns (or loops) on, dense factors are not considered."""
LARGEST_FACTOR = 60_000_000
"""Entries of a sparse factor (480 MB) above which it is not considered."""
LARGEST_ORDERED = 150_000
"""Unknowns above which no order for a sparse factor is looked for: on a grid, the best case that is no tree, iterations
are faster by then, and on an expander the search alone takes half a minute."""

SECONDS = {"multiplication": 1e-10, "entry": 4e-9, "edge": 6e-9, "iteration": 2.2e-9, "miss": 2.2e-9}
"""Cost model, one thread of a 2.5 GHz Xeon of 2019: a multiplication in a factorisation; an entry of a sparse factor
(cleared, filled, passed on, read twice); an edge (gathered); an entry of graph or approximate factor in one iteration,
and what each decade of unknowns above `NEAR` adds because less of it is in the cache. Only their ratios matter."""
NEAR = 2e3

ITERATIONS, ITERATIONS_OF_RUN, START_PASSES = 0.54, 0.11, 2.0
"""Iterations of a right-hand side for each decade of unknowns and of the tolerance: of any sequence that changes
slowly, and along a trajectory, where the start is nearly right and errors count in energy; what the start costs, in
iterations."""

SHARE_OF_RTOL, LEAST_TOLERANCE, LARGEST_TOLERANCE = 0.1, 1e-13, 1e-4
"""Error (in energy) of potentials found by iteration in a run, as a share of its rtol, and its limits: a step changes a
state by a small part of itself, so the error of the step is that much smaller. At 1e4 edges of a grid the end of a run
at rtol 1e-4 is off by 7e-8 with this share, 2e-8 with 0.03, 3e-8 with 1e-4 (root mean square, states in 0 to 1)."""

_REASONS = {
    NO_CONVERGENCE: "conjugate gradients did not converge; are conductances more than about 1e12 apart? Try "
    "kind='sparse_cholesky', or a larger tolerance",
    NO_ROOM: "the approximate factor found no room; try kind='sparse_cholesky'",
    NOT_POSITIVE_DEFINITE: "a pivot is not positive: conductances are too far apart for double precision",
}


@dataclass(frozen=True)
class Estimate:
    """What a kind of solver would take."""

    kind: str
    seconds: float
    words: str


@dataclass
class LaplacianSolver:
    """Solves L(g) p = b on one graph; made by `plan_laplacian`.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    nodes : int
    tail, head : ndarray of int64, shape (m,)
    fixed : ndarray of int64
        Nodes whose potential is given.
    grounded : ndarray of int64
        One node at 0 V in each component in which nothing is given; what flows into the component leaves there.
    arrays : LaplacianArrays
        For compiled code: ``solve_laplacian(arrays, g, b, p, refresh)`` of `neurosim.kernels.laplacian`.
    estimates : tuple of Estimate
        What was compared.
    lock : threading.Lock
        For several threads that use one solver; compiled code takes `LaplacianArrays.with_own_numbers` instead.
    tolerance : float
    by_energy : bool
        Where iterations end, see `plan_laplacian`.
    """

    kind: str
    nodes: int
    tail: np.ndarray
    head: np.ndarray
    fixed: np.ndarray
    grounded: np.ndarray
    arrays: LaplacianArrays
    estimates: tuple[Estimate, ...]
    tolerance: float
    by_energy: bool
    lock: Lock = field(default_factory=Lock, repr=False)
    _conductance: np.ndarray | None = None
    _columns: dict[int, np.ndarray] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, values: dict[str, Any]) -> None:
        self.__dict__.update(values, lock=Lock())

    def solve(self, g: np.ndarray | None, b: np.ndarray) -> np.ndarray:
        """Solve L(g) p = b.

        Parameters
        ----------
        g : ndarray of float, shape (m,), or None
            Conductance [S] of each edge. None keeps the last ones with their factor.
        b : ndarray of float, shape (nodes,) or (nodes, k)
            Current [A] into each node; at fixed nodes the potential [V] instead.

        Returns
        -------
        ndarray, shape of `b`
            Potentials [V].

        Raises
        ------
        ParameterError
            A conductance is not positive and finite, or a shape is wrong.
        SimulationError
            No factor exists for these numbers, or conjugate gradients do not converge.
        """
        from neurosim.kernels.laplacian import solve_many

        b = np.asarray(b, float)
        if b.ndim not in (1, 2) or b.shape[0] != self.nodes:
            raise ParameterError(f"b has shape {b.shape}; ({self.nodes},) or ({self.nodes}, k) is needed")
        if g is not None:
            g = np.ascontiguousarray(g, float)
            if g.shape != self.tail.shape:
                raise ParameterError(f"g has shape {g.shape}; one conductance for each of {self.tail.size} edges")
            self._conductance, self._columns = g.copy(), None
        elif self._conductance is None:
            raise ParameterError("g is None, but no conductances were given before")
        lines = np.array(b.T, float, order="C", ndmin=2, copy=True)
        p = np.empty_like(lines)
        status = solve_many(self.arrays, self._conductance, lines, p, int(g is not None))
        if status != 0:
            kept, self._conductance = self._conductance, None
            raise self.error(status, kept)
        return p[0] if b.ndim == 1 else np.ascontiguousarray(p.T)

    def solve_changed(self, edges: np.ndarray, dg: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Solve with few conductances changed against those of the last `solve`, which are kept.

        The factor is used as it is (Woodbury's formula): each edge costs one solution when it first appears, and from
        then on nothing but its share of a small dense system. It pays for one or two new edges at 1e4 edges. The engine
        does without: in an avalanche of 2e3 nanowire junctions 200 (binary ones) to 860 (tunnelling) change in a step,
        and iterations that start from the last solutions take less time than one column.

        Parameters
        ----------
        edges : ndarray of int, shape (k,)
            Edges that differ, each once.
        dg : ndarray of float, shape (k,)
            What is added to their conductances [S].
        b : ndarray of float, shape (nodes,) or (nodes, r)
            As in `solve`.

        Returns
        -------
        ndarray, shape of `b`
            Potentials [V].

        Raises
        ------
        ParameterError
            No conductances yet, an edge twice, or a conductance that is not positive any more.
        """
        edges, dg = np.atleast_1d(np.asarray(edges, np.int64)), np.atleast_1d(np.asarray(dg, float))
        if self._conductance is None:
            raise ParameterError("solve(g, b) comes first: changes are counted from its conductances")
        if edges.shape != dg.shape or edges.ndim != 1 or np.unique(edges).size != edges.size:
            raise ParameterError("edges and dg must be of one length, and name each edge once")
        if edges.size and not 0 <= edges.min() <= edges.max() < self.tail.size:
            raise ParameterError(f"edge {edges.max()} or {edges.min()} is not between 0 and {self.tail.size - 1}")
        changed = self._conductance[edges] + dg
        if not np.all((changed > 0.0) & np.isfinite(changed)):
            bad = int(np.flatnonzero(~((changed > 0.0) & np.isfinite(changed)))[0])
            raise self.error(int(edges[bad]) + 1, {int(edges[bad]): changed[bad]})
        p = self.solve(None, b)
        edges, dg = edges[dg != 0.0], dg[dg != 0.0]
        if not edges.size:
            return p
        if self._columns is None:
            self._columns = {}
        new = [int(e) for e in edges if int(e) not in self._columns]
        if new:
            unit = np.zeros((self.nodes, len(new)))
            places = np.arange(len(new))
            unit[self.tail[new], places] = 1.0
            unit[self.head[new], places] = -1.0
            unit[self.fixed] = 0.0
            self._columns.update(zip(new, self.solve(None, unit).T.copy(), strict=True))
        z = np.stack([self._columns[int(e)] for e in edges], axis=1)
        drop = self.tail[edges], self.head[edges]
        small = z[drop[0]] - z[drop[1]]
        # (1/dg + U'Z) y = U'p, scaled so that a tiny change is no tiny divisor.
        small = np.eye(edges.size) + dg[:, None] * small
        return p - z @ np.linalg.solve(small, (dg * (p[drop[0]] - p[drop[1]]).T).T)

    def error(self, status: int, g: Any) -> ParameterError | SimulationError:
        """The error for a `status` of `solve_laplacian` that is not 0; `g` are the conductances it was given."""
        if status > 0:
            e = status - 1
            ends = f"node {self.tail[e]} to node {self.head[e]}"
            return ParameterError(f"edge {e} ({ends}): its conductance {g[e]} S is not positive and finite")
        return SimulationError(_REASONS.get(status, "there is no factor yet: the first call must refresh"))

    @property
    def iterations(self) -> float:
        """Mean number of iterations of a solution so far (0 for kinds without)."""
        return float(self.arrays.state[laplacian_arrays.ITERATIONS] / max(1, self.arrays.state[SOLUTIONS]))

    @property
    def rebuilt(self) -> int:
        """How often the approximate factor was built."""
        return int(self.arrays.state[BUILT])

    @property
    def bytes(self) -> int:
        """Memory [B] of the plan."""
        return sum(array.nbytes for array in self.arrays)

    def explain(self) -> str:
        """Sizes, what each kind would take, and why this one was chosen."""
        n, pairs = self.arrays.node.size, self.arrays.pair_other.size
        error = "error in energy" if self.by_energy else "residual"
        lines = [
            f"{self.nodes} nodes, {self.tail.size} edges: {n} unknowns with {pairs} pairs of neighbours, "
            f"{self.fixed.size} given, {self.grounded.size} grounded; a right-hand side takes:",
            *(
                f"{'->' if estimate.kind == self.kind else '  '} {estimate.kind}: {estimate.words}"
                + (f", about {estimate.seconds * 1e3:.3g} ms" if np.isfinite(estimate.seconds) else "")
                for estimate in self.estimates
            ),
            f"iterations end at a relative {error} of {self.tolerance:g}",
            f"memory of the plan: {self.bytes / 1e6:.3g} MB",
        ]
        return "\n".join(lines)


def plan_laplacian(
    nodes: int, tail: Any, head: Any, fixed: Any = (), *, kind: str = "auto", tolerance: float = 1e-8,
    by_energy: bool = False,
) -> LaplacianSolver:  # fmt: skip
    """Analyse a graph for solving L(g) p = b with L = B diag(g) B' again and again.

    Parameters
    ----------
    nodes : int
        Number of nodes.
    tail, head : array_like of int, shape (m,)
        Ends of each edge. Several edges may join two nodes; none may join a node with itself.
    fixed : array_like of int, optional
        Nodes whose potential is given. A component without one gets a node of highest degree grounded.
    kind : str, optional
        ``"dense"`` (nodal Cholesky), ``"cycles"`` (Cholesky of A R A', for few loops), ``"sparse_cholesky"``,
        ``"conjugate_gradients"``, or ``"auto"``: the one with the least estimated time.
    tolerance : float, optional
        Norm of the residual over that of the right-hand side [1] at which conjugate gradients stop.
    by_energy : bool, optional
        The tolerance is for the error of the solution in energy instead: the root of the power of the wrong currents
        over that of the right ones [1], as the approximate factor sees it. Default False.

    Returns
    -------
    LaplacianSolver

    Raises
    ------
    ParameterError
        An edge or a node is out of range, an edge joins a node with itself, or the kind is not one of these.
    """
    if kind != "auto" and kind not in KINDS:
        raise ParameterError(f"kind {kind!r} is not one of 'auto', " + ", ".join(map(repr, KINDS)))
    if not 0.0 < tolerance < 1.0:
        raise ParameterError(f"tolerance {tolerance} is not between 0 and 1")
    graph = reduce_graph(nodes, tail, head, fixed)
    candidates = _candidates(graph, kind, tolerance, by_energy)
    estimate, make = min(candidates, key=lambda candidate: candidate[0].seconds)
    arrays = _lay_out(graph, make(), tolerance, by_energy)
    return LaplacianSolver(
        estimate.kind, graph.nodes, graph.tail, graph.head, graph.fixed, graph.grounded, arrays,
        tuple(candidate[0] for candidate in candidates), tolerance, by_energy,
    )  # fmt: skip


def _candidates(
    graph: Reduction, kind: str, tolerance: float, by_energy: bool
) -> list[tuple[Estimate, Callable[[], dict[str, Any]]]]:
    """Estimates of the kinds that may be taken, each with what makes the arrays of its plan."""
    from neurosim.memristive import factors

    n, loops, pairs = graph.unknowns, graph.loops, graph.pairs
    gather = SECONDS["edge"] * graph.tail.size
    found: list[tuple[Estimate, Callable[[], dict[str, Any]]]] = []
    automatic = kind == "auto"
    if kind == "dense" or (automatic and n <= LARGEST_DENSE):
        seconds = gather + SECONDS["multiplication"] * n**3 / 6 + SECONDS["edge"] * n * n / 4
        found.append((Estimate("dense", seconds, f"{n} x {n}"), lambda: factors.dense(graph)))
    if kind == "cycles" or (automatic and loops < n and loops <= LARGEST_DENSE):
        length = factors.loop_products(graph)
        touched = length + loops * loops + 20 * n
        seconds = gather + SECONDS["multiplication"] * loops**3 / 6 + SECONDS["edge"] / 4 * touched
        found.append((Estimate("cycles", seconds, f"{loops} loops"), lambda: factors.cycles(graph)))
    if kind == "conjugate_gradients" or (automatic and n > LARGEST_DENSE // 2):
        each = SECONDS["iteration"] + SECONDS["miss"] * np.log10(max(1.0, n / NEAR))
        iterations = -(ITERATIONS_OF_RUN if by_energy else ITERATIONS) * np.log10(max(n, 2)) * np.log10(tolerance)
        iterations += START_PASSES
        seconds = gather + each * iterations * (2 * n + 2.5 * pairs)
        words = f"about {iterations:.0f} iterations with a reused approximate factor"
        found.append((Estimate("conjugate_gradients", seconds, words), lambda: factors.approximate(graph)))
    if automatic and n > LARGEST_ORDERED:
        found.append(
            (Estimate("sparse_cholesky", np.inf, f"not looked at for more than {LARGEST_ORDERED} unknowns"), dict)
        )
    elif kind == "sparse_cholesky" or (automatic and n > DENSE_UNKNOWNS):
        limit = LARGEST_FACTOR if automatic else np.iinfo(np.int64).max
        pattern = factors.sparse(graph, limit)
        if pattern is None:
            words = f"more than {limit} entries in the factor"
            found.append((Estimate("sparse_cholesky", np.inf, words), dict))
        else:
            numbers, fields = pattern
            seconds = gather + SECONDS["multiplication"] * numbers.work + SECONDS["entry"] * numbers.panel_size
            blocks = numbers.first.size - 1
            words = f"{numbers.panel_size} numbers in {blocks} supernodes, {numbers.work:.3g} multiplications"
            found.append((Estimate("sparse_cholesky", seconds, words), lambda: fields))
    return found


def _lay_out(graph: Reduction, fields: dict[str, Any], tolerance: float, by_energy: bool) -> LaplacianArrays:
    n, pairs = graph.unknowns, graph.pairs
    solver = fields.pop("kind")
    order = fields.pop("order")
    state, control = np.zeros(9, np.int64), np.zeros(4)
    state[KIND], control[TOLERANCE], control[BY_ENERGY] = solver, tolerance, by_energy
    work = max(int(fields.pop("work", 0)), graph.nodes + 1)
    fields |= {
        "state": state, "control": control, "fixed": graph.fixed, "grounded": graph.grounded,
        "weight": np.zeros(pairs + n + 1), "diagonal": np.zeros(n), "x": np.zeros(work), "y": np.zeros(work),
        "product": np.zeros(n + 1), **graph.numbered(order),
    }  # fmt: skip
    if solver != CHOLESKY and solver != CYCLES:
        assert solver == CONJUGATE_GRADIENTS
        fields |= {
            "residual": np.zeros(n), "direction": np.zeros(n + 1), "sums": np.zeros(n + 1),
            "kept": np.zeros(2 * KEPT * n),
        }  # fmt: skip
    none: dict[str, Any] = {name: np.zeros(0) for name in LaplacianArrays._fields}
    return LaplacianArrays(*(np.ascontiguousarray(value, dtype_of(name)) for name, value in (none | fields).items()))
