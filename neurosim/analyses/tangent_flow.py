"""Tangent vectors of what flows: circuits, and graphs without clocks.

A graph whose program flows is linearised by that program; other systems by their sparse Jacobian; equations with a
singular mass matrix, or stiff ones, by a diagonally implicit method.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from neurosim.analyses.tangent_space import (
    FEW_VECTORS,
    WIDE,
    TangentSpace,
    checked_count,
    chunks,
    new_run,
    program_layout,
    without_vectors,
)  # fmt: skip
from neurosim.circuit.assembly import Assembly
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph import event_law
from neurosim.graph import law as words
from neurosim.graph.assembly import GraphAssembly
from neurosim.graph.events import EventProgram
from neurosim.graph.law import graph_flow
from neurosim.graph.program import Program
from neurosim.kernels import run as engine
from neurosim.kernels import tangent_run as tg
from neurosim.kernels.builder import GROUND
from neurosim.kernels.system import compute_flow
from neurosim.kernels.tangent import advance_tangent
from neurosim.kernels.tangent_run import TangentRun
from neurosim.memristive.assembly import LARGEST_JACOBIAN, NetworkAssembly
from neurosim.solve.dynamics import Dynamics
from neurosim.solve.factors import NO_FACTORS, Factors
from neurosim.solve.methods import methods
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

FEW_UNKNOWNS = 16
"""Up to so many unknowns, a Jacobian is multiplied as a dense matrix where a law gives it whole."""

TOLERANCE = 1e-7
"""Wanted error of one step, relative to the largest value of each unknown."""

LEAST_STEPS, LEAST_LONG_STEPS = 1000, 150
"""No step is longer than this part of the run (the second of dop853)."""

PIECES, PIECES_OF_MANY = 40, 12
"""The step is tried at so many places of the transient; at fewer where the vectors are much work."""

EARLY = 0.25
"""Steps that this part of the transient asks for are not those of what follows it."""


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
        places = np.flatnonzero(model.flows & (np.asarray(abs(mass).sum(axis=0)).ravel() > 0.0))
        dimension = places.size if is_plain else _rank(mass)
        count = checked_count(model.title, k, dimension)
        explicit = "dop853" if count * dimension >= WIDE else "rk4"
        # States of networks meet bounds and switch abruptly: no one step suits a whole run.
        self._adapts = method == "auto" and isinstance(assembly, NetworkAssembly)
        explicit = "dp5" if self._adapts else explicit
        self.method = (explicit if is_plain else "sdirk4") if method == "auto" else method
        is_implicit = self.method == "sdirk4"
        self._order = 4 if is_implicit else methods.get(self.method).order
        by_program = (
            program is not None and not is_implicit
            and len(system.batches) == 1 and system.batches[0].law is graph_flow
        )  # fmt: skip
        if program is not None and not by_program and not _has_derivatives(system):
            raise ParameterError("the equations were made without derivatives: use dynamics(..., derivatives=True)")
        if not is_plain and isinstance(assembly, Assembly):
            worst = index_two_unknowns(Factors(system), np.append(model.start, 0.0), 1.0)
            if worst.size:
                raise ParameterError(
                    f"'{model.title}' has index 2 ({system.names[worst[0]]} follows the slope of others): the states "
                    "are not independent; put a small resistor into the loop of capacitors and voltage sources"
                )
        if is_implicit:
            stages, tableau = 5, SDIRK4
        else:
            stages, tableau = explicit_coefficients(self.method, with_error=self._adapts)
        inverse = np.zeros(n + 1)
        if is_plain:
            inverse[:-1] = 1.0 / diagonal
        way = tg.IMPLICIT if is_implicit else tg.PROGRAM if by_program else tg.SPARSE
        if way == tg.SPARSE and isinstance(assembly, NetworkAssembly) and count < dimension:
            way = tg.BY_PRODUCTS
        elif isinstance(assembly, NetworkAssembly) and not _has_derivatives(system):
            raise ParameterError(
                f"'{model.title}' has {n} unknowns: take fewer vectors with k=, and an explicit method; the whole "
                f"Jacobian is formed up to {LARGEST_JACOBIAN} edges only"
            )
        if way == tg.SPARSE and _is_one_law(system):
            way = tg.DIRECT
            system.arrays.D[:] = 0.0
        self._is_plain, self._by_program, self._by_products = is_plain, by_program, way == tg.BY_PRODUCTS
        log, script = None, np.empty(0, np.int64)
        if isinstance(assembly, GraphAssembly) and assembly.log is not None:
            # What is armed at the start depends on it.
            log, size = assembly.log, assembly.program.states.size
            first = assembly.inputs(np.zeros(1), model.start[None])[0]
            log.begin(model.start[:size], first, log.program.tables.table)
            script = log.script.copy()
            script[-1] *= log.program.has_pauses
            places = np.append(places, n + np.arange(script[-1]))
        self._systems, runs = [], []
        for number, size in enumerate(chunks(count)):
            used = system if number == 0 else system.copy()
            self._systems.append(used)
            more: dict[str, Any] = {}
            if by_program:
                assert program is not None
                assert isinstance(assembly, GraphAssembly)
                offset, stride = program_layout(program, size)
                more = _program_fields(program, assembly, size)
            else:
                length = n + int(script[-1]) if script.size else n
                offset, stride = np.arange(length) * size, np.ones(length, np.int64)
            if script.size:
                more |= {"script": script, "memory": np.zeros(2 * int(script[1]))}
            run = new_run(
                np.append(model.start, 0.0), places, np.ones(places.size), offset, stride, size, stages,
                np.ascontiguousarray(tableau), inline=count <= FEW_VECTORS, nnz=used.arrays.mass.size,
                bounded=used.arrays.bounded.size, events=used.arrays.event_value.size, inverse_mass=inverse, **more,
            )  # fmt: skip
            run.count[tg.WAY] = way
            # The trace that a program finds is the sum over all vectors; the others find the whole of it alone.
            whole = is_plain and not by_program and way != tg.BY_PRODUCTS and number == 0
            run.count[tg.DIVERGENCE] = int(whole)
            run.count[tg.EVENTFUL] = int(any(batch.events is not None for batch in used.batches))
            run.count[tg.TICKS] = int(any(batch.accept is not None for batch in used.batches))
            runs.append(run)
        names = [system.names[int(i)] for i in places[places < n]]
        names += [] if log is None else [f"shift of {log.program.element_name(e)}" for e in range(script[-1])]
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
        self._free = without_vectors(self._runs[0])
        first = self._runs[0]
        longest = stop / (LEAST_LONG_STEPS if self.method == "dop853" else LEAST_STEPS)
        first.real[tg.DT] = longest if dt is None else dt
        largest = np.abs(first.y[:-1])
        if self._adapts and dt is None:
            scale = np.array([unknown.scale for unknown in self.model.system.unknowns])
            for run in self._runs:
                run.real[[tg.STEP_TOLERANCE, tg.NEXT_STEP]] = rtol, 1e-3 * longest
                run.largest[:] = np.maximum(largest, scale)
            self.settle(pilot)
            return
        pieces = PIECES_OF_MANY if self.is_wide else PIECES
        good, found = longest, []
        for _ in range(pieces):
            if dt is None:
                good, likely = self._good_step(good, largest, rtol)
                found.append(good)
                first.real[tg.DT] = min(found)
                good = min(longest, likely)
            self.settle(pilot / pieces)
            largest = np.maximum(largest, np.abs(first.y[:-1]))
        if dt is None:
            found.append(self._good_step(min(found[int(EARLY * pieces) :]), largest, rtol)[0])
            first.real[tg.DT] = min(found[int(EARLY * pieces) :])
        largest[largest == 0.0] = 1.0
        for run in self._runs:
            if isinstance(self.model.assembly, Assembly):
                run.scale[:] = largest[first.place]
            run.largest[:] = largest
            self._copy_state(run)

    def _good_step(self, h: float, largest: np.ndarray, rtol: float) -> tuple[float, float]:
        """A step, up to h, from which two halves differ by no more than is wanted, and the likely largest."""
        run, kept, places = self._runs[0], self.checkpoint(), self.places
        size = np.where(largest > 0.0, largest, 1.0)
        inline, run.count[tg.INLINE] = int(run.count[tg.INLINE]), 0
        for _ in range(60):
            ends = []
            try:
                for part in (1.0, 0.5):
                    run.real[tg.DT] = h * part
                    self._advance(run, 0, h, 1)
                    ends.append((run.y[places], run.frame.reshape(-1, run.place.size).copy()))
                    self.restore(kept)
                    run.count[tg.INLINE] = 0
                (y, rows), (finer_y, finer_rows) = ends
                error = float((np.abs(y - finer_y) / np.maximum(size[places], np.abs(finer_y))).max(initial=0.0))
                if not self._factors:
                    # What an implicit method damps needs no resolving; what an explicit one shows must be true.
                    lengths = np.linalg.norm(finer_rows, axis=1)
                    turned = np.linalg.norm(rows - finer_rows, axis=1) / np.maximum(lengths, 1e-300)
                    error = max(error, 0.1 * float(turned.max(initial=0.0)))
            except SimulationError:
                self.restore(kept)
                run.count[tg.INLINE] = 0
                error = np.inf
            change = min(max((0.6 * rtol / max(error, 1e-300)) ** (1.0 / (self._order + 1)), 0.1), 1.5)
            if error <= rtol:
                break
            h *= change if np.isfinite(error) else 0.1
        run.count[tg.INLINE] = inline
        run.real[tg.DT] = kept[0][tg.DT]
        return h, change * h

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
        if status == tg.INSTANT:
            assembly = self.model.assembly
            if isinstance(assembly, GraphAssembly) and assembly.log is not None:
                raise assembly.log.take(self.time) or self._failure(run, status)
        if status != tg.OK:
            raise self._failure(run, status)

    def _copy_state(self, run: TangentRun) -> None:
        super()._copy_state(run)
        first = self._systems[0].arrays
        for system in self._systems[1:]:
            system.arrays.memory[:], system.arrays.event_value[:] = first.memory, first.event_value

    def _memories(self) -> list[np.ndarray]:
        return [array for system in self._systems for array in (system.arrays.memory, system.arrays.event_value)]

    def _knows_divergence(self) -> bool:
        # Jumps of states change volumes too.
        by_flow = self._is_plain and not self._runs[0].script.size and not self._by_products
        return by_flow and (not self._by_program or self.vectors == self.scale.size)

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


def explicit_methods() -> list[str]:
    """Names of the explicit methods."""
    return [name for name in methods.names() if methods.get(name).kind == engine.EXPLICIT]


def explicit_coefficients(name: str, *, with_error: bool = False) -> tuple[int, np.ndarray]:
    """Number of stages, and rows a, weights and c, of an explicit method without its last, reused stage.

    That one is there too, and last the weights of the error, where they are wanted.
    """
    table = methods.get(name).tableau
    stages, whole = int(table[0, 0]) - 1, int(table[0, 0])
    total = int(table[0, 0] + table[0, 1])
    used = whole if with_error else stages
    rows = [*table[1 : used + 1, :used], table[whole, :used], table[total + 1, :used]]
    return used, np.array([*rows, table[total + 2, :used]] if with_error else rows)


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
        if isinstance(model.assembly, GraphAssembly) and isinstance(model.assembly.program, EventProgram):
            tables = model.assembly.program.tables
            if tables.code[event_law.DELAYS]:
                raise ParameterError(
                    f"'{model.title}' has pulses with a delay: its past belongs to its state, which then has no fixed "
                    "dimension; take the exponents of its digital equivalent, ns.digital(graph, ...)"
                )
        if isinstance(model.assembly, Assembly) and batch.accept is not None:
            what = "makes random jumps" if batch.accept_writes_states else "remembers its past (a delay)"
            name = batch.names[0] if batch.names else batch.label
            raise ParameterError(f"'{name}' of '{model.title}' {what}: its tangent space has no fixed dimension")
    if not model.flows.any():
        raise ParameterError(f"'{model.title}' has no state that flows")
