"""The discrete solution of a memristive network by an explicit method, with its adjoint and its tangents.

The potentials of all evaluations are kept, so an evaluation backward costs one solution with the same matrix and none
forward. Where the steps are not given, they are chosen on the way: finding them costs no run of its own. A state that
stands at a bound with a rate outward has the rate 0, and one that a step carries past a bound is put back on it; both
are constant there. Equations that are solved by iteration have derivatives as exact as their solutions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import SimulationError
from neurosim.kernels.abi import ANALYSIS, TRANSIENT
from neurosim.kernels.edge_slopes import WORK_OF_SLOPES, add_row_slopes
from neurosim.kernels.laplacian_arrays import TOLERANCE
from neurosim.kernels.time_loop import FIRST_FACTOR_MAX
from neurosim.memristive import law, reverse
from neurosim.memristive.assembly import assemble_network
from neurosim.solve.dynamics import NetworkDynamics
from neurosim.solve.methods.method import Method
from neurosim.solve.network_parameters import EmfPath, LawPath, NetworkPaths, network_paths
from neurosim.solve.simulate_network import ATOL_SHARE_OF_RTOL, LEAST_STEPS

LOOSER = 10.0
"""Adjoint solutions by iteration end at an error so many times that of the run's: 0.3 of its rtol."""

AFTER_REFUSAL = 1.5
"""Most growth behind a step that followed a refused one. A step costs its way back too: states that meet their bounds
make many short ones where this is 1, and many refused ones where it is large."""

LEAST_SHARE = 1e-12
"""A step shorter than this part of the run is none."""


@dataclass
class _Step:
    """What is kept of a step: its start, and the potentials of its evaluations."""

    t: float
    h: float
    y: np.ndarray
    potentials: np.ndarray


class NetworkSteps:
    """Steps of an explicit method, from evaluation to evaluation.

    Parameters
    ----------
    dynamics : NetworkDynamics
    method : Method
    rtol : float
    memory : int
        Most bytes of kept potentials; a longer run is computed again piece by piece from saved states.

    Attributes
    ----------
    mesh : ndarray, shape (steps + 1,)
        Times of the ends of the steps [s]; known after a run.
    evaluations : int
        Of all runs so far.
    """

    def __init__(self, dynamics: NetworkDynamics, method: Method, rtol: float, memory: int) -> None:
        self.dynamics, self.method, self.rtol = dynamics, method, rtol
        self.net = net = dynamics.assembly.net
        self.drives = dynamics.assembly.drives
        self.assembly = assemble_network(net, self.drives, derivatives=False, rtol=rtol)
        arrays, m, n = self.assembly.system.arrays, net.size, len(net.nodes)
        self._code, self._table, self._memory = arrays.code[: self.assembly.code_size], arrays.table, arrays.memory
        self._context = self.assembly.system.context.copy()
        self._context[ANALYSIS] = TRANSIENT
        tableau = method.tableau
        self._count = count = int(tableau[0, 0]) - 1
        total = 1 + int(tableau[0, :2].sum())
        self._a = np.ascontiguousarray(tableau[1 : 2 + count, :count])
        self._c = np.ascontiguousarray(tableau[total, :count])
        self._estimates = tableau[total + 1 : total + 3, : count + 1].ravel()
        self._norms = np.empty(1 + 2 * reverse.PART)
        self._is_damped = tableau[0, 2] != 0.0
        self._lower, self._upper = net.laws.lower, net.laws.upper
        self._bounds = np.concatenate([self._lower, self._upper])
        self._slopes, self._currents, self._clipped = np.empty((count + 1, m)), np.empty(m), np.empty(m)
        self._largest_weight = float(np.abs(self._a[count]).max())
        start = m + 2 * n + self.drives.inputs.size
        self._v, self._i, self._rate = self._memory[start : start + 3 * m].reshape(3, m)
        self._inject = self._memory[m + n : m + 2 * n]
        self._limit = max(1, memory // (8 * (count * n + m)))
        self._unknowns = np.concatenate([np.empty(m), self.drives.start])
        self._stage = self._unknowns.copy()
        self.evaluations = 0
        self._outputs(dynamics.watched)

    def _outputs(self, watched: Sequence[tuple[str, int]]) -> None:
        """Matrices that give what is watched from potentials, currents and injected currents."""
        count, n, m = len(watched), len(self.net.nodes), self.net.size
        self._of_p, self._of_i, self._of_j = np.zeros((count, n)), np.zeros((count, m)), np.zeros((count, n))
        for row, (kind, place) in enumerate(watched):
            if kind == "v":
                self._of_p[row, place] = 1.0
            elif kind == "i":
                self._of_i[row, place] = 1.0
            else:
                self._of_i[row] = self.net.incidence[[place]].todense()
                self._of_j[row, place] = -1.0

    def _evaluate(self, t: float, y: np.ndarray, p: np.ndarray, slope: np.ndarray) -> None:
        """Potentials and rates at states y and the samples that stand in the unknowns."""
        self._unknowns[: y.size] = y
        time, context, table, code, memory = self._words(np.array([t]))
        law.network_at(time, context, table, code, memory, self._unknowns, p, self._currents)
        self.evaluations += 1
        slope[:] = self._rate
        slope[((y >= self._upper) & (slope > 0.0)) | ((y <= self._lower) & (slope < 0.0))] = 0.0

    def _words(self, times: np.ndarray) -> tuple[np.ndarray, ...]:
        """What every compiled function begins with."""
        return times, self._context, self._table, self._code, self._memory

    def _hold(self, t: float) -> bool:
        """Put the samples that are held from t on in place; whether they changed."""
        if not self.drives.start.size:
            return False
        samples, m = self.drives.samples(np.array([t]))[0], self.net.size
        changed = not np.array_equal(self._unknowns[m:], samples)
        self._unknowns[m:] = samples
        return changed

    def _observed(self, t: float, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        """What is watched, at states y and potentials p."""
        if self.dynamics.watched:
            self._known(t, y, p)
        return self._of_p @ p + self._of_i @ self._i + self._of_j @ self._inject

    def run(
        self, times: np.ndarray, stop: float, *, mesh: np.ndarray | None = None, corners: Sequence[float] = ()
    ) -> np.ndarray:
        """Values at `times`, shape (points, states and what is watched).

        Parameters
        ----------
        mesh : ndarray, shape (steps + 1,), optional
            The ends of the steps, with all of `times`; by default steps that keep rtol, with `corners` among
            their ends.

        Raises
        ------
        SimulationError
            A state is not finite, or no step keeps rtol.
        """
        m, y, t = self.net.size, self.dynamics.start[: self.net.size].copy(), 0.0
        values = np.empty((times.size, m + len(self.dynamics.watched)))
        ends = mesh if mesh is not None else np.unique(np.concatenate([times, corners, [0.0, stop]]))
        self._checkpoints: list[tuple[int, np.ndarray]] = []
        self._kept: list[_Step] = []
        made, at, refused = [0.0], 0, False
        scale = ATOL_SHARE_OF_RTOL * self.rtol * self.net.laws.scale
        largest, proposed = np.abs(y), min(stop / LEAST_STEPS, stop * 1e-3) * 1e-2
        p, K = np.empty(len(self.net.nodes)), self._slopes
        self._hold(0.0)
        self._evaluate(0.0, y, p, K[0])
        while True:
            if at < times.size and times[at] == t:
                values[at, :m], values[at, m:] = y, self._observed(t, y, p)
                at += 1
            if t >= stop:
                break
            if len(self._kept) == self._limit or not self._checkpoints:
                self._checkpoints.append((len(made) - 1, y.copy()))
                self._kept = []
            target = ends[np.searchsorted(ends, t, side="right")]
            h, last = target - t, True
            while mesh is None:
                last = proposed >= (target - t) * (1.0 - 1e-9)
                h = target - t if last else min(proposed, 0.5 * (target - t))
                step, new, later = self._advance(t, h, y, p)
                norm = self._norm(h, new, scale, largest)
                if norm <= 1.0:
                    factor = self.method.safety * max(norm, 1e-10) ** (-1.0 / (self.method.error_order + 1))
                    most = AFTER_REFUSAL if refused else self.method.factor_max if len(made) > 1 else FIRST_FACTOR_MAX
                    factor, refused = min(max(factor, self.method.factor_min), most), False
                    # A step cut short says little about the next one.
                    proposed = min(max(h * factor, proposed if last and factor >= 1.0 else 0.0), stop / LEAST_STEPS)
                    break
                refused = True
                factor = self.method.safety * norm ** (-1.0 / (self.method.error_order + 1))
                proposed = h * (max(factor, self.method.factor_min) if norm < 1e9 else 0.25)
                if proposed < LEAST_SHARE * stop:
                    raise self._failed(t, new, "no step keeps rtol")
            else:
                step, new, later = self._advance(t, h, y, p)
            t = float(target) if last else t + h
            if not np.isfinite(new).all() or not np.isfinite(K[self._count]).all():
                raise self._failed(t, new, "it is not finite")
            self._kept.append(step)
            made.append(t)
            y, p = new, later
            np.maximum(largest, np.abs(y), out=largest)
            if self._hold(t):
                self._evaluate(t, y, p, K[self._count])
            K[0] = K[self._count]
        self.mesh = np.array(made) if mesh is None else mesh
        self._end, self._last_y = p, y
        self._piece = len(self._checkpoints) - 1
        return values

    def _failed(self, t: float, y: np.ndarray, why: str) -> SimulationError:
        wrong = int(np.argmin(np.isfinite(y)))
        return SimulationError(
            f"'{self.net.title}' at t = {t:g} s: state {self.net.state_names[wrong]} = {y[wrong]:g}, method "
            f"'{self.method.name}': {why}; take shorter steps"
        )

    def _advance(self, t: float, h: float, y: np.ndarray, p: np.ndarray) -> tuple[_Step, np.ndarray, np.ndarray]:
        """One step from y, where the first evaluation is known: its end, held in bounds, and the potentials there."""
        kept, later, m = np.empty((self._count, p.size)), np.empty(p.size), y.size
        kept[0] = p
        self._unknowns[:m] = y
        reverse.network_step(
            *self._words(np.array([t, h])), self._unknowns, self._a.ravel(), self._c, self._bounds, kept.ravel(),
            self._slopes.ravel(), self._stage, later,
        )  # fmt: skip
        self.evaluations += self._count
        return _Step(t, h, y, kept), self._stage[:m].copy(), later

    def _norm(self, h: float, new: np.ndarray, atol: np.ndarray, largest: np.ndarray) -> float:
        """The largest estimated error over what is allowed."""
        span = np.array([h, self.rtol, float(self._is_damped)])
        reverse.step_norm(span, self._estimates, self._slopes.ravel(), atol, new, largest, self._norms)
        return float(self._norms[0])

    def _steps_of(self, piece: int) -> list[_Step]:
        """The steps of a piece, computed again where they were given up."""
        if piece == self._piece:
            return self._kept
        first, y = self._checkpoints[piece]
        self._kept, self._piece = [], piece
        p = np.empty(len(self.net.nodes))
        is_last = piece == len(self._checkpoints) - 1
        for k in range(first, self.mesh.size - 1 if is_last else self._checkpoints[piece + 1][0]):
            t, h = self.mesh[k], self.mesh[k + 1] - self.mesh[k]
            self._hold(t)
            self._evaluate(t, y, p, self._slopes[0])
            step, y, _ = self._advance(t, h, y, p)
            self._kept.append(step)
        return self._kept

    def _again(self, step: _Step) -> None:
        """Slopes of a step from its potentials, and which states it put back on a bound."""
        self._hold(step.t)
        self._unknowns[: step.y.size] = step.y
        reverse.network_again(
            *self._words(np.array([step.t, step.h])), self._unknowns, self._a.ravel(), self._c, self._bounds,
            step.potentials.ravel(), self._slopes.ravel(), self._stage, self._clipped,
        )  # fmt: skip

    def _known(self, t: float, y: np.ndarray, p: np.ndarray) -> None:
        self._unknowns[: y.size] = y
        reverse.network_known(*self._words(np.array([t])), self._unknowns, p)

    def _each_back(self) -> Iterator[tuple[int, _Step]]:
        for piece in range(len(self._checkpoints) - 1, -1, -1):
            steps = self._steps_of(piece)
            for k in range(len(steps) - 1, -1, -1):
                yield self._checkpoints[piece][0] + k, steps[k]

    def _each(self) -> Iterator[_Step]:
        for piece in range(len(self._checkpoints)):
            yield from self._steps_of(piece)

    def reverse(
        self, d_values: np.ndarray, times: np.ndarray, paths: NetworkPaths
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Gradient of a scalar whose gradient by the values is given.

        Returns
        -------
        by_start : ndarray, shape (m,)
        by_row : ndarray
            By the rows of laws that move in `paths`.
        by_emf : ndarray, shape (m,)
            By constant EMFs; zero where nothing asks for it.
        seen : ndarray, shape (evaluations, 2 + sources)
            Time, start of the step, and gradients by the sources of `paths`, of each evaluation.
        """
        m, n, steps, count = self.net.size, len(self.net.nodes), self.mesh.size - 1, self._count
        row_of = dict(zip(np.searchsorted(self.mesh, times).tolist(), range(times.size), strict=True))
        wants_emf = any(isinstance(path, EmfPath) for path in paths.paths)
        by_row, by_emf = np.zeros(paths.total), np.zeros(m if wants_emf else 0)
        ends, places = self._ends(paths), np.array([path.source.place for path in paths.sources], int)
        seen = np.zeros((steps * count + 1, 2 + places.size))
        seen[:-1, 1] = np.repeat(self.mesh[:-1], count)
        seen[:-1, 0] = seen[:-1, 1] + np.outer(np.diff(self.mesh), self._c).ravel()
        seen[-1, :2] = self.mesh[-1]
        stages, vectors, work = np.empty((count, m)), np.empty(4 * m + 2 * n), np.empty(WORK_OF_SLOPES)
        control = self.assembly.solver.arrays.control
        forward = float(control[TOLERANCE])
        tolerance = forward * LOOSER
        found, solved, watched = np.zeros((count, places.size)), np.ones(1), d_values.shape[1] > m

        def outputs(row: int | None, place: int) -> np.ndarray:
            """By currents and potentials of what was saved, and at once what it is of the sources themselves."""
            if row is None or not watched:
                return np.empty(0)
            given = d_values[row, m:]
            by_p, by_j = given @ self._of_p, given @ self._of_j
            seen[place, 2:] += np.concatenate([np.zeros(m), by_p, by_j])[places]
            return np.concatenate([given @ self._of_i, by_p])

        adjoint, last = np.zeros(m), row_of.get(steps)
        if last is not None:
            adjoint += d_values[last, :m]
            if watched:
                self._hold(self.mesh[-1])
                self._unknowns[:m] = self._last_y
                by_output = outputs(last, -1)
                reverse.network_end_back(
                    *self._words(self.mesh[-1:].copy()), self._unknowns, self._end, self._bounds, by_output, paths.rows,
                    ends, paths.size, by_row, by_emf, found[0], vectors, work,
                )  # fmt: skip
                adjoint += vectors[2 * m : 3 * m]
                seen[-1, 2:] += found[0]
        for k, step in self._each_back():
            self._again(step)
            adjoint[self._clipped != 0.0] = 0.0
            row = row_of.get(k)
            span = np.array([step.t, step.h, tolerance, self._largest_weight])
            self._unknowns[:m] = step.y
            reverse.network_step_back(
                *self._words(span), self._unknowns, self._a.ravel(), self._c, self._bounds, step.potentials.ravel(),
                self._slopes.ravel(), adjoint, stages.ravel(), outputs(row, k * count), paths.size, paths.rows, ends,
                by_row, by_emf, found.ravel(), self._stage, vectors, work, solved,
            )  # fmt: skip
            if solved[0] == 0.0:
                raise SimulationError(f"'{self.net.title}' at t = {step.t:g} s: the adjoint equations have no solution")
            seen[k * count : (k + 1) * count, 2:] += found
            if row is not None:
                adjoint += d_values[row, :m]
        control[TOLERANCE] = forward
        return adjoint, by_row, by_emf, seen

    def _ends(self, paths: NetworkPaths) -> np.ndarray:
        """Nodes and edges at the sources of `paths`, see `neurosim.memristive.reverse.network_step_back`."""
        m, n, incidence = self.net.size, len(self.net.nodes), self.net.incidence
        header: list[int] = []
        edges: list[int] = []
        first = 2 * (len(paths.sources) + 1)
        for path in paths.sources:
            place = path.source.place
            header += [place - m - n if place >= m + n else -1, first + len(edges)]
            if place < m:
                edges.append(place)
            elif place < m + n:
                low, high = incidence.indptr[place - m : place - m + 2]
                ends = zip(incidence.indices[low:high].tolist(), incidence.data[low:high].tolist(), strict=True)
                edges += [e if sign > 0.0 else -1 - e for e, sign in ends]
        return np.array([*header, -1, first + len(edges), *edges], np.int64)

    def tangents(self, paths: NetworkPaths, start: np.ndarray, times: np.ndarray) -> np.ndarray:
        """Derivatives of the values by the parameters of `paths`, then in directions `start` (directions, m) of y.

        Shape (points, values, directions).
        """
        m, extra = self.net.size, len(start)
        direction = _Directions(self, paths, extra)
        s = np.concatenate([np.zeros((m, direction.count)), start.T], axis=1)
        made = np.empty((times.size, m + len(self.dynamics.watched), s.shape[1]))
        rows = dict(zip(np.searchsorted(self.mesh, times).tolist(), range(times.size), strict=True))
        slopes = np.zeros((self._count, m, s.shape[1]))
        for k, step in enumerate(self._each()):
            self._again(step)
            K, clipped = self._slopes, self._clipped != 0.0
            for j in range(self._count):
                y, t = step.y + step.h * (self._a[j, :j] @ K[:j]), step.t + self._c[j] * step.h
                moved = s + step.h * np.tensordot(self._a[j, :j], slopes[:j], 1) if j else s
                p, current, slopes[j] = direction.at(t, step.t, y, step.potentials[j], moved)
                standing = (K[j] == 0.0) & ((y >= self._upper) | (y <= self._lower))
                slopes[j][standing] = 0.0
                if j == 0 and k in rows:
                    made[rows[k], :m], made[rows[k], m:] = s, direction.observed(p, current)
            s = s + step.h * np.tensordot(self._a[self._count], slopes, 1)
            s[clipped] = 0.0
        if self.mesh.size - 1 in rows:
            row, end = rows[self.mesh.size - 1], float(self.mesh[-1])
            made[row, :m] = s
            if len(self.dynamics.watched):
                self._hold(end)
                p, current, _ = direction.at(end, end, self._last_y, self._end, s)
                made[row, m:] = direction.observed(p, current)
        return made

    def row_slopes(
        self, paths: NetworkPaths, y: np.ndarray, by_rate: np.ndarray, by_current: np.ndarray, out: np.ndarray
    ) -> None:
        """Add what rows of laws do to `by_rate` of the rates and `by_current` of the currents, where v is known."""
        if not hasattr(self, "_work"):
            self._work, self._laws = np.empty(WORK_OF_SLOPES), self.net.laws.code.copy()
        add_row_slopes(
            self._context, self._laws, self.net.laws.table, self._work, self._v, y, by_rate, by_current, paths.rows,
            paths.size, out,
        )  # fmt: skip


class _Directions:
    """Derivatives of one evaluation in some directions: parameters, then states."""

    def __init__(self, steps: NetworkSteps, paths: NetworkPaths, extra: int) -> None:
        self.steps, self.paths, self.net = steps, paths, steps.net
        self.count, self.extra = paths.values.size, extra
        self._still = np.zeros(self.net.size)
        self._all = np.ones(self.net.size)

    def _of_sources(self, t: float, start: float) -> np.ndarray:
        """Of the vector of sources, shape (m + 2 n, directions)."""
        made, column = np.zeros((self.net.size + 2 * len(self.net.nodes), self.count + self.extra)), 0
        for path in self.paths.paths:
            if isinstance(path, LawPath):
                column += 1 if path.is_one else path.members.size
            elif isinstance(path, EmfPath):
                made[np.arange(self.net.size), column + np.arange(self.net.size)] = 1.0
                column += self.net.size
            else:
                slopes = path.slopes(np.array([t]), np.array([start]), float(self.steps.mesh[-1]))[0]
                made[path.source.place, column : column + slopes.size] = slopes
                column += slopes.size
        return made

    def _of_laws(self, y: np.ndarray, by_rate: np.ndarray, by_current: np.ndarray) -> np.ndarray:
        made, column = np.zeros((self.net.size, self.count + self.extra)), 0
        by_row = np.zeros(self.paths.total)
        self.steps.row_slopes(self.paths, y, by_rate, by_current, by_row)
        for path in self.paths.paths:
            if isinstance(path, LawPath):
                edges = self.net.laws.groups[path.group].edges[path.members]
                columns = column if path.is_one else column + np.arange(edges.size)
                made[edges, columns] = self.paths.of_law(path, by_row)
                column += 1 if path.is_one else edges.size
            else:
                column += 1 if path.is_one else path.values.size
        return made

    def at(
        self, t: float, start: float, y: np.ndarray, p: np.ndarray, moved: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Derivatives of potentials, currents and rates at states that move."""
        net, steps = self.net, self.steps
        m, n, b = net.size, len(net.nodes), net.incidence
        steps._known(t, y, p)
        v = steps._v.copy()
        g, by_state, rate_by_v, rate_by_state = (row[:, None] for row in net.laws.evaluate(v, y)[2])
        source = self._of_sources(t, start)
        of_current = self._of_laws(y, self._still, self._all) if self.paths.total else 0.0
        of_rate = self._of_laws(y, self._all, self._still) if self.paths.total else 0.0
        fixed = np.where(net.is_free[:, None], 0.0, source[m : m + n])
        drop = b.T @ fixed + source[:m]
        pushed = by_state * moved + of_current
        right = source[m + n :] - b @ (pushed + g * drop)
        right[net.fixed] = 0.0
        p_moves = steps.assembly.solver.solve(np.ascontiguousarray(g[:, 0]), right) + fixed
        v_moves = b.T @ p_moves + source[:m]
        self._injected = source[m + n :]
        return p_moves, g * v_moves + pushed, rate_by_v * v_moves + rate_by_state * moved + of_rate

    def observed(self, p: np.ndarray, current: np.ndarray) -> np.ndarray:
        """Of what is watched."""
        steps = self.steps
        return steps._of_p @ p + steps._of_i @ current + steps._of_j @ self._injected


@dataclass
class ExplicitNetwork:
    """A memristive network on the steps of an explicit method."""

    steps: NetworkSteps
    times: np.ndarray

    def gradient(self, d_values: np.ndarray, addresses: Sequence[str] | None) -> tuple[dict[str, Any], np.ndarray]:
        """By all parameters, or by those at `addresses`; and by the start."""
        steps, net = self.steps, self.steps.net
        paths = network_paths(net, addresses)
        by_start, by_row, by_emf, table = steps.reverse(d_values, self.times, paths)
        made: dict[str, Any] = {}
        column = 2
        for path in paths.paths:
            if isinstance(path, EmfPath):
                made[path.address] = by_emf
                continue
            if isinstance(path, LawPath):
                by = paths.of_law(path, by_row)
                made[path.address] = float(by.sum()) if path.is_one else paths.spread(path, by)
                continue
            slopes = path.slopes(table[:, 0], table[:, 1], float(steps.mesh[-1]))
            by = table[:, column] @ slopes
            made[path.address] = float(by[0]) if path.is_one else by
            column += 1
        return made, by_start

    def tangents(self, addresses: Sequence[str], initial: Sequence[int]) -> tuple[list[str], np.ndarray, np.ndarray]:
        """Derivatives of the values."""
        paths = network_paths(self.steps.net, addresses)
        start = np.zeros((len(initial), self.steps.net.size))
        start[np.arange(len(initial)), list(initial)] = 1.0
        return paths.addresses, paths.values, self.steps.tangents(paths, start, self.times)
