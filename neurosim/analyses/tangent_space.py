"""A trajectory and its tangent vectors, of anything that simulates: what exponents and covariant vectors are made from.

`open_tangent` chooses how: a graph whose program flows is linearised by that program; other systems by their sparse
Jacobian; equations with a singular mass matrix, or stiff ones, by a diagonally implicit method; digital networks as
maps. More than a few vectors are split over threads, each with the state for itself, and made orthonormal by LAPACK.
"""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import linalg

from neurosim.circuit.assembly import Assembly
from neurosim.circuit.model import Circuit
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph import law as words
from neurosim.graph.assembly import GraphAssembly, addresses
from neurosim.graph.law import graph_flow
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import array_program as ap
from neurosim.kernels import run as engine
from neurosim.kernels import tangent as tg
from neurosim.kernels.builder import GROUND
from neurosim.kernels.system import compute_flow
from neurosim.kernels.tangent import TangentRun, advance_tangent, advance_tangent_map
from neurosim.randomness import stream
from neurosim.solve.dynamics import Dynamics, dynamics
from neurosim.solve.factors import Factors
from neurosim.solve.methods import methods
from neurosim.solve.ode_solver import NO_FACTORS
from neurosim.solve.transient import index_two_unknowns

SDIRK4 = np.array([
    [1 / 4, 0, 0, 0, 0],
    [1 / 2, 1 / 4, 0, 0, 0],
    [17 / 50, -1 / 25, 1 / 4, 0, 0],
    [371 / 1360, -137 / 2720, 15 / 544, 1 / 4, 0],
    [25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4],
    [25 / 24, -49 / 48, 125 / 16, -85 / 12, 1 / 4],
    [1 / 4, 3 / 4, 11 / 20, 1 / 2, 1],
])  # fmt: skip
"""Coefficients, weights and nodes of the L-stable method of order 4 with five stages of E. Hairer, G. Wanner, Solving
Ordinary Differential Equations II (Springer 1996), table IV.6.5 (recalled; a test checks the order)."""

FEW_VECTORS, CHUNK = 24, 64
"""Up to so many vectors are made orthonormal in the compiled loop; more are split into chunks of at most CHUNK."""

FEW_UNKNOWNS = 16
"""Up to so many unknowns, a Jacobian is multiplied as a dense matrix where a law gives it whole."""

TOLERANCE = 1e-7
"""Wanted error of one step, relative to the largest value of each unknown."""

LEAST_STEPS, PIECES = 1000, 40
"""No step is longer than this part of the run; at so many places of the transient the step is tried."""

LARGEST_GROWTH = math.log(100.0)
"""A vector may grow or shrink by e to this before it is made orthonormal again."""


@dataclass
class Segment:
    """What a number of intervals gave.

    Attributes
    ----------
    logs : ndarray, shape (intervals, k)
        Logarithm of the growth of each vector; -inf where it was lost.
    triangles : ndarray, shape (intervals or 0, k, k)
        R.
    frames : ndarray, shape (intervals or 0, k, d)
        Q, one vector a row.
    points : ndarray, shape (intervals or 0, n)
    divergence : ndarray, shape (intervals,)
        Integral of the trace of the Jacobian over each interval, NaN where it is not known.
    """

    logs: np.ndarray
    triangles: np.ndarray
    frames: np.ndarray
    points: np.ndarray
    divergence: np.ndarray


class TangentSpace:
    """A trajectory with k tangent vectors, moved on by intervals.

    Attributes
    ----------
    title, unit : str
        Unit of rates, ``"1/s"`` or ``"1/step"``.
    is_map : bool
    size, dimension : int
        Unknowns n, and how many exponents there are.
    names : list of str
        Addresses of the coordinates.
    dt : float
        Step [s]; of a map 1.
    time : float
        Seconds; of a map steps.
    """

    def __init__(self, title: str, unit: str, names: list[str], dimension: int, runs: list[TangentRun]) -> None:
        self.title, self.unit, self.names, self.dimension = title, unit, names, dimension
        self.is_map = unit == "1/step"
        self._runs = runs
        self._free = _without_vectors(runs[0])
        self._pool = ThreadPoolExecutor(min(len(runs), os.cpu_count() or 1)) if len(runs) > 1 else None

    @property
    def size(self) -> int:
        """Number of unknowns."""
        return self.point.size

    @property
    def vectors(self) -> int:
        """Number of tangent vectors k."""
        return sum(int(run.count[tg.VECTORS]) for run in self._runs)

    @property
    def point(self) -> np.ndarray:
        """The state now, shape (n,)."""
        y = self._runs[0].y
        return y.copy() if self.is_map else y[:-1].copy()

    @property
    def scale(self) -> np.ndarray:
        """What each coordinate is divided by, shape (d,)."""
        return self._runs[0].scale

    @property
    def places(self) -> np.ndarray:
        """Unknown of each coordinate, shape (d,)."""
        return self._runs[0].place

    @property
    def steps(self) -> int:
        """Steps taken so far."""
        return int(self._runs[0].count[tg.STEPS])

    @property
    def clipped(self) -> int:
        """How often a state was put back on its bound."""
        return int(self._runs[0].count[tg.CLIPPED])

    @property
    def dt(self) -> float:
        """Step [s]; of a map 1."""
        return 1.0 if self.is_map else float(self._runs[0].real[tg.DT])

    @property
    def time(self) -> float:
        """Time [s]; of a map steps."""
        return float(self.steps) if self.is_map else float(self._runs[0].real[tg.T])

    @property
    def frame(self) -> np.ndarray:
        """The orthonormal vectors, shape (k, d)."""
        return np.concatenate([run.frame.reshape(-1, run.place.size) for run in self._runs])

    @frame.setter
    def frame(self, rows: np.ndarray) -> None:
        at = 0
        for run in self._runs:
            k = int(run.count[tg.VECTORS])
            run.frame[:] = rows[at : at + k].ravel()
            at += k

    def new_frame(self, seed: int) -> None:
        """Start with random orthonormal vectors."""
        k, d = self.vectors, self.scale.size
        rows = stream(seed, "tangent vectors").standard_normal((k, d))
        self.frame = np.linalg.qr(rows.T)[0].T if k else rows

    def checkpoint(self) -> list[np.ndarray]:
        """All that `restore` needs to repeat what follows, bit by bit."""
        kept = [array for run in self._runs for array in (run.real, run.count, run.y, run.frame, run.largest)]
        return [array.copy() for array in (*kept, *self._memories())]

    def restore(self, kept: list[np.ndarray]) -> None:
        """Go back to a checkpoint."""
        arrays = [array for run in self._runs for array in (run.real, run.count, run.y, run.frame, run.largest)]
        for array, old in zip([*arrays, *self._memories()], kept, strict=True):
            array[:] = old

    def settle(self, duration: float) -> None:
        """Move the state on without vectors, for seconds (steps of a map)."""
        if duration > 0.0:
            if self.is_map:
                self._free.count[tg.EVERY] = round(duration)
            self._advance_state(duration)
            for other in self._runs[1:]:
                self._copy_state(other)

    def _advance_state(self, duration: float) -> None:
        count = self._free.count
        vectors, count[tg.VECTORS] = int(count[tg.VECTORS]), 0
        try:
            self._advance(self._free, 0, duration, 1)
        finally:
            count[tg.VECTORS] = vectors

    def run(self, intervals: int, every: int, *, triangles: bool = False, points: bool = False) -> Segment:
        """Move state and vectors on by `intervals` of `every` steps each.

        Parameters
        ----------
        intervals, every : int
        triangles : bool
            Keep R and Q of every interval.
        points : bool
            Keep the state at the end of every interval.
        """
        k, d, n = self.vectors, self.scale.size, self.size
        length = every * self.dt
        made = Segment(
            np.zeros((intervals, k)), np.zeros((intervals if triangles else 0, k * k)),
            np.zeros((intervals if triangles else 0, k * d)), np.zeros((intervals if points else 0, n)),
            np.zeros(intervals),
        )  # fmt: skip
        for run in self._runs:
            run.count[tg.EVERY] = every
        if len(self._runs) == 1 and self._runs[0].count[tg.INLINE]:
            run = self._runs[0]._replace(
                logs=made.logs, triangles=made.triangles, frames=made.frames, points=made.points,
                divergence=made.divergence,
            )  # fmt: skip
            self._advance(run, 0, length, intervals)
        else:
            self._run_chunks(made, length, intervals)
        made.triangles = made.triangles.reshape(-1, k, k)
        made.frames = made.frames.reshape(-1, k, d)
        if not self._knows_divergence():
            made.divergence[:] = np.nan
        return made

    def _run_chunks(self, made: Segment, length: float, intervals: int) -> None:
        for number in range(intervals):
            jobs = [(run, part, length, 1) for part, run in enumerate(self._runs)]
            if self._pool is None:
                self._advance(*jobs[0])
            else:
                for done in [self._pool.submit(self._advance, *job) for job in jobs]:
                    done.result()
            rows, logs, triangle = orthonormal(self.frame)
            self.frame = rows
            made.logs[number] = logs
            made.divergence[number] = sum(run.divergence[0] for run in self._runs)
            if made.triangles.size:
                made.triangles[number], made.frames[number] = triangle.ravel(), rows.ravel()
            if made.points.size:
                made.points[number] = self.point

    def _advance(self, run: TangentRun, part: int, length: float, intervals: int) -> None:
        """Run one part for some intervals."""
        run.count[[tg.FINISHED, tg.WANTED]] = 0, intervals
        status = advance_tangent_map(run)
        if status != tg.OK:
            raise self._failure(run, status)

    def _failure(self, run: TangentRun, status: int) -> SimulationError:
        place = int(run.count[tg.STATUS_INDEX])
        when = f"step {self.steps}" if self.is_map else f"t = {self.time:.6g} s"
        why = {
            tg.NOT_FINITE: "is not finite",
            tg.SINGULAR: "is not determined: the equations became singular",
            tg.PIVOT: "is not determined: the equations are too badly scaled",
            tg.NO_CONVERGENCE: "was not found: the implicit step did not converge",
        }[status]
        advice = "does the map have an attractor?" if self.is_map else "give a smaller dt, or method='sdirk4'"
        return SimulationError(
            f"tangent vectors of '{self.title}': {self._name(place)} {why} at {when}, step {self.dt:g}; {advice}"
        )

    def _name(self, place: int) -> str:
        return self.names[place] if place < len(self.names) else f"unknown {place}"

    def _copy_state(self, run: TangentRun) -> None:
        first = self._runs[0]
        run.y[:] = first.y
        run.real[:] = first.real
        for entry in (tg.NEXT_BREAK, tg.CLIPPED, tg.STEPS, tg.STARTED, tg.NEXT_INPUT):
            run.count[entry] = first.count[entry]

    def _memories(self) -> list[np.ndarray]:
        return []

    def _knows_divergence(self) -> bool:
        return False

    @property
    def is_autonomous(self) -> bool:
        """Whether nothing but the state moves."""
        return True


class TangentMap(TangentSpace):
    """Tangent space of a digital network."""

    def __init__(self, network: DigitalNetwork, k: int | None, inputs: np.ndarray | None, y0: np.ndarray) -> None:
        program = network.program
        if network.rule.coefficients is None:
            raise ParameterError(
                f"rule '{network.rule.name}' solves equations in each step and has no tangent map here; take an "
                "explicit rule such as 'forward_euler', 'exponential_euler' or 'rk4'"
            )
        n, m = program.states.size, program.inputs.size
        count = checked_count(program.graph.title, k, n)
        self.network, self._inputs = network, inputs
        mix = network.coefficients()
        tableau = np.ascontiguousarray(mix.reshape(-1, n))
        stages = mix.shape[0] - 1
        names = [a for name, part in program.states.slices.items() for a in addresses(name, part.stop - part.start)]
        runs = []
        for size in chunks(count):
            offset, stride = _program_layout(program, size)
            runs.append(_new_run(
                np.array(y0, float), np.arange(n), np.ones(n), offset, stride, size, stages, tableau,
                inline=count <= FEW_VECTORS, p=program.p, pt=program.transposed, code=program.code,
                inputs=np.zeros(0) if inputs is None else np.ascontiguousarray(inputs, float).ravel(),
            ))  # fmt: skip
        super().__init__(program.graph.title, "1/step", names, n, runs)
        self._width = m

    def _advance(self, run: TangentRun, part: int, length: float, intervals: int) -> None:
        wanted = (int(run.count[tg.NEXT_INPUT]) + intervals * int(run.count[tg.EVERY])) * self._width
        if self._inputs is None and run.inputs.size < wanted:
            run = run._replace(inputs=np.zeros(wanted))
        elif run.inputs.size < wanted:
            given = run.inputs.size // self._width
            raise ParameterError(f"drive has {given} steps; transients and averages need {wanted // self._width}")
        super()._advance(run, part, length, intervals)

    @property
    def is_autonomous(self) -> bool:
        """Whether the network has no input, or none that moves."""
        return self._inputs is None

    def step_matrix(self, y: np.ndarray, u: np.ndarray) -> np.ndarray:
        """Derivative of one step at (y, u), shape (n, n)."""
        program, mix = self.network.program, self.network.coefficients()
        n = y.size
        values, slopes, drives, tangents = y, np.eye(n), [], []
        for s in range(mix.shape[0]):
            if s:
                values = mix[s, 0] * y + sum((w * g for w, g in zip(mix[s, 1:], drives, strict=False)), np.zeros(n))
                slopes = np.diag(mix[s, 0]) + sum(
                    (w[:, None] * g for w, g in zip(mix[s, 1:], tangents, strict=False)), np.zeros((n, n))
                )
            if s < mix.shape[0] - 1:
                drives.append(program.drive(values, u))
                tangents.append(program.jacobian(values, u)[0] @ slopes)
        return slopes

    def is_at_rest(self, share: float) -> bool:
        """Whether a step moves the state by no more than this share of it."""
        y = self.point
        moved = self.network.sequence(np.zeros((1, self._width)) if self._width else 1, y).final[0] - y
        return bool(np.abs(moved).max() <= share * max(np.abs(y).max(), 1e-3))

    def growth(self) -> np.ndarray:
        """Logarithms of the absolute values of the multipliers, falling."""
        with np.errstate(divide="ignore"):
            sizes = np.log(np.abs(np.linalg.eigvals(self.step_matrix(self.point, np.zeros(self._width)))))
        return np.sort(sizes)[::-1]


class TangentFlow(TangentSpace):
    """Tangent space of a circuit or of a graph that flows."""

    def __init__(self, model: Dynamics, k: int | None, method: str, seed: int) -> None:
        self.model = model
        assembly, system = model.assembly, model.system
        _refuse_what_has_no_tangent(model)
        n = system.size
        program = assembly.program if isinstance(assembly, GraphAssembly) else None
        mass = model.mass
        diagonal = mass.diagonal()
        off = mass.copy()
        off.setdiag(0.0)
        is_plain = bool((diagonal != 0.0).all()) and not abs(off).max() > 0.0
        if method not in ("auto", "sdirk4", *explicit_methods()):
            raise ParameterError(
                f"method '{method}' has no tangent; take 'auto', 'sdirk4', or one of {', '.join(explicit_methods())}"
            )
        if method not in ("auto", "sdirk4") and not is_plain:
            raise ParameterError(
                f"method '{method}' needs a mass matrix that is diagonal and not singular, which that of "
                f"'{model.title}' is not; take 'sdirk4'"
            )
        self.method = ("rk4" if is_plain else "sdirk4") if method == "auto" else method
        is_implicit = self.method == "sdirk4"
        by_program = (
            program is not None and not is_implicit
            and len(system.batches) == 1 and system.batches[0].law is graph_flow
        )  # fmt: skip
        if program is not None and not by_program and not _has_derivatives(system):
            raise ParameterError("the equations were made without derivatives: use dynamics(..., derivatives=True)")
        places = np.flatnonzero(model.flows & (np.asarray(abs(mass).sum(axis=0)).ravel() > 0.0))
        dimension = places.size if is_plain else _rank(mass)
        if not is_plain and isinstance(assembly, Assembly):
            worst = index_two_unknowns(Factors(system), np.append(model.start, 0.0), 1.0)
            if worst.size:
                raise ParameterError(
                    f"'{model.title}' has index 2 ({system.names[worst[0]]} follows the slope of others): the states "
                    "are not independent; put a small resistor into the loop of capacitors and voltage sources"
                )
        count = checked_count(model.title, k, dimension)
        if is_implicit:
            stages, tableau = 5, SDIRK4
        else:
            stages, tableau = explicit_coefficients(self.method)
        inverse = np.zeros(n + 1)
        if is_plain:
            inverse[:-1] = 1.0 / diagonal
        self._is_plain, self._by_program = is_plain, by_program
        way = tg.IMPLICIT if is_implicit else tg.PROGRAM if by_program else tg.SPARSE
        if way == tg.SPARSE and _is_one_law(system):
            way = tg.DIRECT
            system.arrays.D[:] = 0.0
        self._systems, runs = [], []
        for number, size in enumerate(chunks(count)):
            used = system if number == 0 else system.copy()
            self._systems.append(used)
            more: dict[str, Any] = {}
            if by_program:
                assert program is not None
                assert isinstance(assembly, GraphAssembly)
                offset, stride = _program_layout(program, size)
                more = _program_fields(program, assembly, size)
            else:
                offset, stride = np.arange(n) * size, np.ones(n, np.int64)
            run = _new_run(
                np.append(model.start, 0.0), places, np.ones(places.size), offset, stride, size, stages,
                np.ascontiguousarray(tableau), inline=count <= FEW_VECTORS, nnz=used.arrays.mass.size,
                bounded=used.arrays.bounded.size, inverse_mass=inverse, **more,
            )  # fmt: skip
            run.count[tg.WAY] = way
            # The trace that a program finds is the sum over all vectors; the others find the whole of it alone.
            whole = is_plain and not by_program and number == 0
            run.count[tg.DIVERGENCE] = int(whole)
            run.count[tg.TICKS] = int(any(batch.accept is not None for batch in used.batches))
            runs.append(run)
        names = [system.names[i] for i in places]
        super().__init__(model.title, "1/s", names, dimension, runs)
        self._factors = [Factors(used) for used in self._systems] if is_implicit else []

    def begin(self, dt: float | None, stop: float, pilot: float, rtol: float = TOLERANCE) -> None:
        """Lay out the corners until `stop`, find a step where none is given, and scales; moves on by about `pilot`.

        Parameters
        ----------
        dt : float, optional
        stop, pilot : float
            Seconds.
        rtol : float
            Wanted error of a step, relative to the largest value of each unknown and to the length of each vector.
        """
        corners = self.model.system.breakpoints(0.0, stop)
        self._runs = [run._replace(breakpoints=np.ascontiguousarray(corners, float)) for run in self._runs]
        self._free = _without_vectors(self._runs[0])
        first = self._runs[0]
        longest = stop / LEAST_STEPS
        best = first.real[tg.DT] = longest if dt is None else dt
        largest = np.abs(first.y[:-1])
        for _ in range(PIECES):
            if dt is None:
                best = first.real[tg.DT] = min(best, self._good_step(1.5 * best, largest, rtol))
            self.settle(pilot / PIECES)
            largest = np.maximum(largest, np.abs(first.y[:-1]))
        if dt is None:
            first.real[tg.DT] = min(best, self._good_step(best, largest, rtol))
        largest[largest == 0.0] = 1.0
        for run in self._runs:
            if isinstance(self.model.assembly, Assembly):
                run.scale[:] = largest[first.place]
            run.largest[:] = largest
            self._copy_state(run)

    def _good_step(self, h: float, largest: np.ndarray, rtol: float) -> float:
        """The largest step, up to h, of which two halves differ by no more than is wanted, from here on."""
        run, kept = self._runs[0], self.checkpoint()
        size = np.where(largest > 0.0, largest, 1.0)
        inline, run.count[tg.INLINE] = int(run.count[tg.INLINE]), 0
        for _ in range(60):
            ends = []
            try:
                for part in (1.0, 0.5):
                    run.real[tg.DT] = h * part
                    self._advance(run, 0, h, 1)
                    ends.append((run.y[run.place], run.frame.reshape(-1, run.place.size).copy()))
                    self.restore(kept)
                    run.count[tg.INLINE] = 0
                (y, rows), (finer_y, finer_rows) = ends
                error = float((np.abs(y - finer_y) / np.maximum(size[run.place], np.abs(finer_y))).max(initial=0.0))
                if not self._factors:
                    # What an implicit method damps needs no resolving; what an explicit one shows must be true.
                    lengths = np.linalg.norm(finer_rows, axis=1)
                    turned = np.linalg.norm(rows - finer_rows, axis=1) / np.maximum(lengths, 1e-300)
                    error = max(error, 0.1 * float(turned.max(initial=0.0)))
            except SimulationError:
                self.restore(kept)
                run.count[tg.INLINE] = 0
                error = np.inf
            if error <= rtol:
                break
            h *= max((0.6 * rtol / error) ** 0.2, 0.1) if np.isfinite(error) else 0.1
        run.count[tg.INLINE] = inline
        run.real[tg.DT] = kept[0][tg.DT]
        return h

    def _advance(self, run: TangentRun, part: int, length: float, intervals: int) -> None:
        run.count[[tg.FINISHED, tg.WANTED]] = 0, intervals
        run.real[[tg.INTERVAL, tg.ORIGIN]] = length, run.real[tg.T]
        system = self._systems[part]
        if not self._factors:
            status = advance_tangent(system.arrays, NO_FACTORS, run, system.context)
        else:
            factors, status = self._factors[part], tg.PIVOT
            kept = self.checkpoint()
            while status == tg.PIVOT:
                lu = factors.at(run.y, 4.0 / float(run.real[tg.DT]))
                status = advance_tangent(system.arrays, lu, run, system.context)
                if status == tg.PIVOT:
                    factors.forget(system.names, int(run.count[tg.STATUS_INDEX]))
                    self.restore(kept)
        if status != tg.OK:
            raise self._failure(run, status)

    def _memories(self) -> list[np.ndarray]:
        return [array for system in self._systems for array in (system.arrays.memory, system.arrays.event_value)]

    def _knows_divergence(self) -> bool:
        return self._is_plain and (not self._by_program or self.vectors == self.scale.size)

    @property
    def is_autonomous(self) -> bool:
        """Whether no source or drive moves."""
        assembly = self.model.assembly
        if isinstance(assembly, GraphAssembly):
            return all(record[0] == words.CONSTANT for record in assembly.drives.records)
        context = self.model.system.context.copy()
        y = np.append(self.point, 0.0)
        flows = []
        for moment in (0.0, 0.3, 0.7):
            f = np.zeros_like(y)
            context[:] = self.model.system.context
            context[0] = self.time * (1.0 + moment) + moment
            compute_flow(self.model.system.arrays, context, y, f)
            flows.append(f)
        return bool(np.array_equal(flows[0], flows[1]) and np.array_equal(flows[0], flows[2]))

    def is_at_rest(self, share: float) -> bool:
        """Whether the state moves in a step by no more than this share of it."""
        y = self.point
        f = self.model.flow(self.time, y)
        if self._is_plain:
            f = f * self._runs[0].inverse_mass[:-1]
        f[self.model.at_bounds(y, f)] = 0.0
        return bool(np.abs(f * self.dt).max() <= share * max(np.abs(y).max(), 1e-3))

    def growth(self) -> np.ndarray:
        """Real parts of the eigenvalues of the flow at the state now, falling; states at a bound left out."""
        y = self.point
        if self._by_program:
            assert isinstance(self.model.assembly, GraphAssembly)
            program = self.model.assembly.program
            u = self.model.assembly.inputs(np.array([self.time]), y[None])[0]
            n = program.states.size
            J = (program.jacobian(y[:n], u)[0] - np.diag(program.leak)) / program.time_constant[:, None]
            held = self.model.at_bounds(y, self.model.flow(self.time, y))[:n]
            return np.sort(np.linalg.eigvals(J[np.ix_(~held, ~held)]).real)[::-1]
        f = self.model.flow(self.time, y)
        kept = ~self.model.at_bounds(y, f)
        J = self.model.jacobian(self.time, y).toarray()[np.ix_(kept, kept)]
        M = self.model.mass.toarray()[np.ix_(kept, kept)]
        values = linalg.eigvals(J, M, homogeneous_eigvals=True)
        finite = np.abs(values[1]) > 1e-12 * np.abs(values).max(axis=0)
        found = (values[0][finite] / values[1][finite]).real
        return np.sort(found[: self.dimension])[::-1]


def open_tangent(
    what: Any, k: int | None, *, stop: float, drive: Any = None, method: str = "auto", seed: int = 0,
    initial: Any = None,
) -> TangentMap | TangentFlow:  # fmt: skip
    """Choose how the tangent vectors of `what` are found.

    Parameters
    ----------
    what : DigitalNetwork, SignalGraph, Program, Circuit, path of a netlist, or Dynamics
    k : int, optional
        Vectors; default one for each exponent.
    stop : float
        Until when drives are laid out [s].
    drive, method, seed, initial
        See `neurosim.analyses.lyapunov.lyapunov_spectrum`.

    Raises
    ------
    ParameterError
        More vectors than exponents; or something that has no tangent: noise, delays, clocked states of a flow.
    """
    if isinstance(what, SignalGraph) and not isinstance(what, DigitalNetwork):
        what = compile_graph(what)
    if isinstance(what, Program) and what.is_clocked.all():
        what = digital(what)
    if isinstance(what, DigitalNetwork):
        inputs = None
        if drive is not None:
            inputs = np.asarray(drive, float)
            if inputs.ndim != 2 or inputs.shape[1] != what.program.inputs.size or not np.isfinite(inputs).all():
                raise ParameterError(
                    f"drive of a digital network needs finite numbers of shape (steps, {what.program.inputs.size}), "
                    f"not {inputs.shape}"
                )
        y0 = what.program.initial if initial is None else _initial_of_map(what, initial)
        return TangentMap(what, k, inputs, y0)
    if isinstance(what, Program):
        if what.is_clocked.any():
            clocked = next(name for name, part in what.states.slices.items() if what.is_clocked[part].any())
            raise ParameterError(
                f"graph '{what.graph.title}': '{clocked}' jumps at a clock while other states flow; take the exponents "
                "of its digital equivalent, ns.digital(graph, rule='rk4', dt=...)"
            )
        model = dynamics(what, drive=drive, stop=stop, derivatives=method == "sdirk4")
        if any(batch.law is not graph_flow for batch in model.system.batches):
            model = dynamics(what, drive=drive, stop=stop)
    elif isinstance(what, (Circuit, str, Path, Dynamics)):
        model = dynamics(what, drive=drive, stop=stop)
    else:
        raise ParameterError(
            "a DigitalNetwork, SignalGraph, Circuit, path of a netlist or Dynamics is needed, not "
            f"{type(what).__name__}"
        )
    if initial is not None:
        model = model.with_start(initial)
    return TangentFlow(model, k, method, seed)


def orthonormal(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Q (one vector a row), logarithms of the diagonal of R, and R, with a positive diagonal, by LAPACK."""
    sizes = np.linalg.norm(rows, axis=1)
    q, r = linalg.qr(rows.T, mode="economic", check_finite=False)
    sign = np.where(np.diag(r) < 0.0, -1.0, 1.0)
    q, r = q * sign, r * sign[:, None]
    diagonal = np.diag(r).copy()
    lost = diagonal <= tg.LOST * sizes
    diagonal[lost] = 0.0
    r[np.diag_indices_from(r)] = diagonal
    with np.errstate(divide="ignore"):
        return np.ascontiguousarray(q.T), np.log(diagonal), r


def chunks(count: int) -> list[int]:
    """Sizes of the parts into which so many vectors are split."""
    if count <= FEW_VECTORS:
        return [count]
    parts = max(-(-count // CHUNK), min(os.cpu_count() or 1, count // 8))
    return [count // parts + (part < count % parts) for part in range(parts)]


def checked_count(title: str, k: int | None, dimension: int) -> int:
    """Number of vectors, all by default.

    Raises
    ------
    ParameterError
    """
    if k is None:
        return dimension
    if isinstance(k, bool) or not isinstance(k, (int, np.integer)) or not 1 <= k <= dimension:
        raise ParameterError(f"k = {k!r}: '{title}' has {dimension} exponents, so k must be a whole number from 1 on")
    return int(k)


def explicit_methods() -> list[str]:
    """Names of the explicit methods."""
    return [name for name in methods.names() if methods.get(name).kind == engine.EXPLICIT]


def explicit_coefficients(name: str) -> tuple[int, np.ndarray]:
    """Number of stages, and rows a, weights and c, of an explicit method without its last, reused stage."""
    table = methods.get(name).tableau
    stages = int(table[0, 0]) - 1
    total = int(table[0, 0] + table[0, 1])
    rows = [*table[1 : stages + 1, :stages], table[stages + 1, :stages], table[total + 1, :stages]]
    return stages, np.array(rows)


def _new_run(
    y: np.ndarray, place: np.ndarray, scale: np.ndarray, offset: np.ndarray, stride: np.ndarray, k: int, stages: int,
    tableau: np.ndarray, *, inline: bool, nnz: int = 0, bounded: int = 0, **more: np.ndarray,
) -> TangentRun:  # fmt: skip
    length, none = offset.size * k, np.zeros(0)
    code = more.get("code", np.zeros(ap.HEADER, np.int64))
    arena = int(code[ap.SIZE])
    run = TangentRun(**{**{
        "real": np.zeros(tg.REALS), "count": np.zeros(tg.COUNTS, np.int64), "y": y.copy(), "frame": np.zeros(k * place.size),
        "place": place.astype(np.int64), "scale": scale, "offset": offset.astype(np.int64), "stride": stride.astype(np.int64),
        "vectors": np.zeros(length), "stage": np.zeros((stages + 1, y.size)), "stage_vectors": np.zeros((stages + 1, length)),
        "point": np.zeros(y.size), "point_vectors": np.zeros(length), "tableau": tableau, "inverse_mass": np.zeros(y.size),
        "slope": np.zeros(y.size), "change": np.zeros(y.size), "jacobian": np.zeros(nnz + 1), "matrix": np.zeros(nnz + 1),
        "largest": np.abs(y[:-1]), "held": np.zeros(bounded, np.int64), "breakpoints": none, "code": code, "p": none, "pt": none,
        "arena": np.zeros(arena), "arena_vectors": np.zeros(arena * k), "rate": none, "leak": none, "inputs": none,
        "logs": np.zeros((1, k)), "triangles": np.zeros((0, k * k)), "frames": np.zeros((0, k * place.size)),
        "points": np.zeros((0, y.size)), "divergence": np.zeros(1),
    }, **more})  # fmt: skip
    run.count[[tg.VECTORS, tg.STAGES, tg.INLINE]] = k, stages, int(inline)
    return run


def _without_vectors(run: TangentRun) -> TangentRun:
    """The same state with room for no vectors."""
    return run._replace(
        **{name: np.zeros(0) for name in ("frame", "vectors", "point_vectors", "arena_vectors", "rate", "leak")},
        stage_vectors=np.zeros((run.stage.shape[0], 0)), logs=np.zeros((1, 0)), triangles=np.zeros((0, 0)),
        frames=np.zeros((0, 0)), divergence=np.zeros(1),
    )  # fmt: skip


def _program_layout(program: Program, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Where element i of vector 0 lies among k samples of the program, and how far apart the vectors are."""
    offset, stride = np.zeros(program.states.size, np.int64), np.zeros(program.states.size, np.int64)
    for part in program.states.slices.values():
        size = part.stop - part.start
        offset[part] = part.start * k + np.arange(size)
        stride[part] = size
    return offset, stride


def _program_fields(program: Program, assembly: GraphAssembly, k: int) -> dict[str, np.ndarray]:
    """What the tangent of a program needs; rates and leaks are laid out like k vectors."""
    rows = np.stack([1.0 / program.time_constant, program.leak])
    rate, leak = (program.states.to_blocks(np.repeat(row[None], k, axis=0)).copy() for row in rows)
    return {"code": program.code, "p": program.p, "pt": program.transposed, "rate": rate, "leak": leak}


def _is_one_law(system: Any) -> bool:
    """Whether the system is one instance of one law of few unknowns, in their order."""
    if len(system.batches) != 1 or system.arrays.bounded.size or system.size > FEW_UNKNOWNS:
        return False
    batch, places = system.batches[0], np.arange(system.size)
    further = batch.inputs[0, system.size :, 0] if batch.count == 1 else np.zeros(1)
    return bool(
        batch.count == 1 and batch.law is not None and not batch.wiring and not batch.is_linear
        and batch.scratch_rows == 0 and batch.law_flows == batch.flows.shape[1] == system.size
        and (batch.inputs[0, : system.size, 0] == places).all() and (batch.flows[0, :, 0] == places).all()
        and (batch.inputs[..., 1] == GROUND).all() and (batch.flows[..., 1] == GROUND).all()
        and (further == GROUND).all()
    )  # fmt: skip


def _has_derivatives(system: Any) -> bool:
    return any(batch.dependence is None or len(batch.dependence) for batch in system.batches)


def _rank(mass: Any) -> int:
    rows = np.flatnonzero(np.asarray(abs(mass).sum(axis=1)).ravel())
    columns = np.flatnonzero(np.asarray(abs(mass).sum(axis=0)).ravel())
    if rows.size == 0:
        return 0
    block = mass.tocsr()[rows][:, columns].toarray()
    # Equations in farad and in henry differ by many orders of magnitude.
    block /= np.abs(block).max(axis=1, keepdims=True)
    return int(np.linalg.matrix_rank(block / np.abs(block).max(axis=0)))


def _refuse_what_has_no_tangent(model: Dynamics) -> None:
    for batch in model.system.batches:
        if isinstance(model.assembly, Assembly) and batch.accept is not None:
            what = "makes random jumps" if batch.accept_writes_states else "remembers its past (a delay)"
            name = batch.names[0] if batch.names else batch.label
            raise ParameterError(f"'{name}' of '{model.title}' {what}: its tangent space has no fixed dimension")
    if not model.flows.any():
        raise ParameterError(f"'{model.title}' has no state that flows")


def _initial_of_map(network: DigitalNetwork, initial: Any) -> np.ndarray:
    if hasattr(initial, "items"):
        return network.program.states.pack(initial, network.program.initial, "state")
    return np.broadcast_to(np.asarray(initial, float), network.program.initial.shape).copy()
