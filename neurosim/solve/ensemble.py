"""Rows of a sweep, computed: many runs of one system in one compiled call, or one analysis after the other.

Everything that a row needs is data (`Job` and `Chunk` can be sent to other processes), and what a row gives depends on
the row alone: pivots that were chosen anew for one row are forgotten for the next.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.circuit.assembly import Assembly, assemble, reassemble
from neurosim.circuit.checks import check_circuit
from neurosim.circuit.groups import group_parts
from neurosim.circuit.model import Analysis, Circuit, TransientAnalysis
from neurosim.errors import NeurosimError, ParameterError, SimulationError, nearest
from neurosim.graph.assembly import addresses
from neurosim.graph.program import Program
from neurosim.kernels import ensemble as kernel
from neurosim.kernels import lanes
from neurosim.kernels import run as state
from neurosim.kernels.abi import GMIN, TIME
from neurosim.kernels.builder import System
from neurosim.kernels.ensemble import Rows, advance_rows
from neurosim.kernels.lanes import advance_lanes, lane_room, takes_lanes
from neurosim.kernels.run import Run
from neurosim.kernels.system import SystemArrays
from neurosim.memristive.network import MemristiveNetwork
from neurosim.results import Column, Result
from neurosim.solve import simulate_graph, transient
from neurosim.solve.asked import print_times
from neurosim.solve.dynamics import check_graph_values, graph_place, with_circuit_values, with_graph_values
from neurosim.solve.factors import NO_FACTORS, Factors
from neurosim.solve.integrate import REASONS
from neurosim.solve.methods.method import Method
from neurosim.solve.operating_point import absolute_tolerances
from neurosim.solve.outputs import Outputs, choose_outputs
from neurosim.solve.simulate_circuit import Settings, asked_addresses, run_analysis, transient_settings
from neurosim.solve.simulate_graph import GraphSettings

STEPS_PER_CALL = 20_000
"""After how many steps the compiled loop comes back to Python."""

_PATCHED = ("parameters", "table", "mass", "mass_value", "lower", "upper")
"""Arrays of a system in which rows may differ, in the order of `neurosim.kernels.ensemble.PARAMETER` and so on."""

_WORK = {"u", "F", "D", "scratch", "dims", "event_value", "memory", "constant_jacobian"}


@dataclass(frozen=True)
class Job:
    """What all rows share.

    Parameters
    ----------
    token : str
        Names the job: a process prepares it once.
    what : Circuit or Program
    analysis : Analysis or None
        Of a circuit.
    span : (float, float) or None
        Of a graph [s].
    settings : Settings or GraphSettings
    addresses : tuple of str
        Parameters that differ.
    starts : tuple of str
        Unknowns whose initial values are given.
    """

    token: str
    what: Circuit | Program | MemristiveNetwork
    analysis: Analysis | None
    span: tuple[float, float] | None
    settings: Any
    addresses: tuple[str, ...]
    starts: tuple[str, ...]


@dataclass(frozen=True)
class Chunk:
    """Some rows: parameter values (rows, addresses), initial values (rows, starts), seeds (rows,)."""

    first: int
    values: np.ndarray
    starts: np.ndarray
    seeds: np.ndarray

    def __len__(self) -> int:
        return len(self.seeds)


@dataclass
class Done:
    """What the rows of a chunk gave: columns of shape (rows, points), measures, failures by row, steps."""

    first: int
    axis: np.ndarray | None
    axis_name: str | None
    axis_unit: str
    columns: dict[str, Column]
    measures: dict[str, np.ndarray]
    failures: dict[int, str] = field(default_factory=dict)
    steps: int = 0
    method: str = ""


def run_chunk(job: Job, chunk: Chunk) -> Done:
    """Run some rows; what a process that is handed a chunk does.

    Raises
    ------
    NeurosimError
        The system cannot be simulated at all. A row that fails is told in `Done.failures`.
    """
    if not isinstance(job.what, (Circuit, Program)):
        from neurosim.solve.separate_rows import run_separate_rows

        return run_separate_rows(job, chunk)
    return ensemble_of(job).run(chunk)


_ensembles: OrderedDict[str, Ensemble] = OrderedDict()
_lock = threading.Lock()


def ensemble_of(job: Job) -> Ensemble:
    """What rows of a job need, made once for a process; the last few are kept."""
    with _lock:
        if job.token not in _ensembles:
            _ensembles[job.token] = Ensemble(job)
            while len(_ensembles) > 4:
                _ensembles.popitem(last=False)
        return _ensembles[job.token]


class Worker:
    """What one thread needs of its own to run rows."""

    def __init__(
        self, system: System, run: Run, factors: Factors, polish_factors: Factors, *, in_lanes: bool = False
    ) -> None:
        self.system = system.copy()
        self.run = Run(*(a.copy() for a in run))
        self.base = factors, polish_factors
        self.lanes = lane_room(self.system.arrays, run) if in_lanes else None

    def _advance_lanes(self, rows: Rows, deadline: float) -> None:
        """Run rows side by side; those that are too hard are left."""
        assert self.lanes is not None
        lane, stages, room = self.lanes
        lane[lanes.ROW] = -1.0
        arrays, context = self.system.arrays, self.system.context
        while advance_lanes(arrays, self.run, context, rows, lane, stages, room, STEPS_PER_CALL // lanes.LANES):
            if time.perf_counter() > deadline:
                break
        rows.report[rows.report[:, kernel.STATUS] == lanes.TOO_HARD, kernel.STATUS] = kernel.NOT_RUN
        rows.progress[kernel.NEXT] = 0

    def advance(self, rows: Rows, deadline: float) -> dict[int, str]:
        """Run rows; after `deadline` the others are left. Returns what to say of rows whose equations were singular."""
        stuck: dict[int, str] = {}
        system, run = self.system, self.run
        if self.lanes is not None:
            self._advance_lanes(rows, deadline)
            if time.perf_counter() > deadline:
                return stuck
        factors, polish_factors = (base.fork() for base in self.base)
        takes_factors = factors.analysis is not None
        pivot = -1
        while True:
            lu = lu_polish = NO_FACTORS
            if takes_factors:
                try:
                    if pivot >= 0:
                        factors.forget(system.names, pivot)
                        polish_factors.forget(system.names, pivot)
                        pivot = -1
                    lu = factors.at(run.y, 1.0 / run.real[state.H])
                    lu_polish = polish_factors.at(run.y, run.real[state.BETA])
                except SimulationError as error:
                    stuck[int(rows.progress[kernel.NEXT])] = str(error)
                    rows.progress[kernel.NEXT] += 1
                    rows.progress[[kernel.INSIDE, kernel.ALONE]] = 0
                    factors, polish_factors = (base.fork() for base in self.base)
                    pivot = -1
                    continue
            status = advance_rows(system.arrays, lu, lu_polish, run, system.context, rows, STEPS_PER_CALL)
            if status == state.PIVOT:
                run.real[state.ALPHA], run.count[state.POLISH_READY] = -1.0, 0
                system.context[TIME] = run.real[state.T]
                rows.progress[kernel.ALONE] = 1
                pivot = int(run.count[state.STATUS_INDEX])
            elif status == state.DONE or time.perf_counter() > deadline:
                return stuck
            elif rows.progress[kernel.ALONE] and not rows.progress[kernel.INSIDE]:
                # The next row begins with the pivots that every row begins with.
                factors, polish_factors = (base.fork() for base in self.base)
                rows.progress[kernel.ALONE] = 0


class Ensemble:
    """A job that is ready: the system at its nominal values, laid out once."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.free: list[Worker] = []
        self.system: System | None = None
        self.in_lanes = False
        self.outputs: Outputs | None = None
        assert not isinstance(job.what, MemristiveNetwork)
        if isinstance(job.what, Circuit):
            self._prepare_circuit(job.what, job.analysis, job.settings)
        else:
            self._prepare_graph(job.what, job.settings)

    def _prepare_graph(self, program: Program, settings: GraphSettings) -> None:
        assert self.job.span is not None
        self.program = program
        if program.delays or program.graph.of_kind("event") or settings.events is not None:
            return
        found = [graph_place(program, address) for address in self.job.addresses]
        is_plain = all(which in ("p", "initial") for which, _ in found)
        ready = simulate_graph.prepare(program, self.job.span, settings, law_alone=is_plain)
        if ready.method.has_decay or ready.method.kind == state.DESCENT:
            return
        self.graph, self.names, self.program = ready.assembly, ready.names, ready.assembly.program
        self._lay_out(ready.assembly.system, ready.run, ready.method, Factors(ready.assembly.system))
        self.places = [
            (which, elements, [] if which == "initial" else self.graph.places(which, elements))
            for which, elements in (graph_place(self.program, address) for address in self.job.addresses)
        ]
        patched = {name for _, _, found in self.places for name, _ in found}
        self.in_lanes = patched <= {"parameters"} and takes_lanes(ready.assembly.system.arrays, self.run_template)

    def _prepare_circuit(self, circuit: Circuit, analysis: Any, settings: Settings) -> None:
        if not isinstance(analysis, TransientAnalysis) or any(m.analysis == "tran" for m in circuit.measures):
            return
        if settings.events is not None:
            return
        assembly = assemble(circuit)
        outputs = choose_outputs(assembly, asked_addresses(circuit, "tran", tuple(settings.save)))
        if outputs.needs_flows:
            return
        assembly.system.own_parameters()
        self.first_guess, self.is_checked = assembly.start.copy(), False
        run_settings = replace(transient_settings(circuit, settings), save_steps=False)
        ready = transient.prepare(assembly, analysis, outputs, run_settings)
        self.assembly, self.outputs = assembly, outputs
        self._lay_out(assembly.system, ready.run, ready.method, ready.polish_factors)

    def _lay_out(self, system: System, run: Run, method: Method, factors: Factors) -> None:
        self.system, self.method = system, method
        points = run.grid.size + 1
        capacity = {name: np.zeros((points, *getattr(run, name).shape[1:])) for name in ("out_t", "out_y")}
        self.run_template = run._replace(**capacity)
        self.run_template.count[state.SAVE_STEPS] = 0
        self.polish_factors = factors
        if method.takes_mass:
            system.context[TIME] = 0.0
            factors.at(run.y, run.real[state.BETA])
        self.base = {name: getattr(system.arrays, name).copy() for name in _PATCHED}
        self.unknowns = {name: k for k, name in enumerate(system.names)}
        for address in self.job.starts:
            if address not in self.unknowns:
                raise ParameterError(f"initial: there is no unknown '{address}'")

    @property
    def numbers_of_row(self) -> int:
        """How many numbers a row gives; 1 where that is not known before."""
        return 1 if self.system is None else self.run_template.grid.size * self.run_template.probes.size

    @cached_property
    def factors(self) -> Factors:
        """Those of the steps, with the pivots of the nominal system."""
        return self.polish_factors.fork_at(self.run_template.y, 1.0 / self.run_template.real[state.H])

    def run(self, chunk: Chunk) -> Done:
        """Run some rows."""
        if self.system is None:
            if isinstance(self.job.what, Program):
                from neurosim.solve.separate_rows import run_separate_rows

                return run_separate_rows(self.job, chunk)
            return self._one_by_one(chunk, range(len(chunk)))
        rows, alone, failures = self._rows(chunk)
        if len(alone) + len(failures) == len(chunk) and alone:
            return self._one_by_one(chunk, alone)
        with _lock:
            worker = self.free.pop() if self.free else None
        if worker is None:
            worker = Worker(self.system, self.run_template, self.factors, self.polish_factors, in_lanes=self.in_lanes)
        for name, values in self.base.items():
            getattr(worker.system.arrays, name)[...] = values
        stuck = worker.advance(rows, time.perf_counter() + self.job.settings.wall_time_limit)
        self.free.append(worker)
        for k, status in enumerate(rows.report[:, kernel.STATUS].tolist()):
            if status == kernel.NOT_RUN:
                limit = f"the wall time limit of {self.job.settings.wall_time_limit:g} s was reached"
                failures[k] = stuck.get(k, limit)
            elif status not in (state.DONE, kernel.LEFT_OUT):
                failures[k] = self._why(rows, k)
        done = self._done(chunk, rows, failures)
        if alone:
            _merge(done, self._one_by_one(chunk, alone), alone)
        return done

    def _why(self, rows: Rows, k: int) -> str:
        assert self.system is not None
        t, y = rows.reached[k, 0], rows.reached[k, 1:-1]
        worst = int(np.argmax(np.where(np.isfinite(y), np.abs(y), np.inf)))
        return (
            f"stopped at t = {t:.6g} s: {REASONS[int(rows.report[k, kernel.STATUS])]}; largest unknown "
            f"{self.system.names[worst]} = {y[worst]:.4g}"
        )

    def _rows(self, chunk: Chunk) -> tuple[Rows, list[int], dict[int, str]]:
        """The rows for the compiled loop; those that need another structure; those that cannot be built."""
        run, count = self.run_template, len(chunk)
        start = np.repeat(run.y[None], count, 0)
        assert self.system is not None
        memory = np.repeat(self.system.arrays.memory[None], count, 0)
        alone: list[int] = []
        failures: dict[int, str] = {}
        if isinstance(self.job.what, Program):
            place, value = self._graph_patches(chunk, start)
        elif self.job.addresses:
            place, value = self._circuit_patches(chunk, start, memory, alone, failures)
        else:
            place, value = np.empty((0, 2), np.int64), np.empty((count, 0))
        for k, address in enumerate(self.job.starts):
            start[:, self.unknowns[address]] = chunk.starts[:, k]
        progress = np.array([0, count, 0, 0], np.int64)
        left_out = sorted({*alone, *failures})
        rows = Rows(
            start=start, seed=chunk.seeds.astype(float), place=np.ascontiguousarray(place, np.int64),
            value=np.ascontiguousarray(value, float), real=run.real.copy(), count=run.count.copy(),
            largest=run.largest.copy(), memory=memory, values=np.full((count, *run.out_y[:-1].shape), np.nan),
            report=np.full((count, kernel.REPORTED), -1, np.int64), reached=np.zeros((count, start.shape[1] + 1)),
            progress=progress,
        )  # fmt: skip
        rows.report[left_out, kernel.STATUS] = kernel.LEFT_OUT
        return rows, alone, failures

    def _graph_patches(self, chunk: Chunk, start: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Places in the arrays of the system, and their values; initial values go into `start`."""
        places = [np.empty((0, 2), np.int64)]
        values = [np.empty((len(chunk), 0))]
        for (which, elements, found), column, address in zip(
            self.places, chunk.values.T, self.job.addresses, strict=True
        ):
            check_graph_values(which, address, column)
            if which == "initial":
                start[:, elements] = column[:, None]
            made = 1.0 / column if which == "time_constant" else column
            for name, at in found:
                places.append(np.stack([np.full(at.size, _PATCHED.index(name)), at], 1))
                values.append(np.repeat(made[:, None], at.size, 1))
        if self.program.is_hold.any():
            for k in range(len(chunk)):
                row = replace(self.graph, program=self._program(chunk, k))
                start[k, :-1] = row.start(self.job.settings.initial)
        return np.concatenate(places), np.concatenate(values, 1)

    def _program(self, chunk: Chunk, k: int) -> Program:
        return with_graph_values(self.program, dict(zip(self.job.addresses, chunk.values[k].tolist(), strict=True)))

    def _circuit_patches(
        self, chunk: Chunk, start: np.ndarray, memory: np.ndarray, alone: list[int], failures: dict[int, str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Assemble the circuit of each row and compare: what differs, if its structure does not."""
        analysis = self.job.analysis
        assert isinstance(analysis, TransientAnalysis)
        base = np.concatenate([self.base[name] for name in _PATCHED])
        found = np.repeat(base[None], len(chunk), 0)
        for k in range(len(chunk)):
            try:
                circuit = self._circuit(chunk, k)
                assembly = reassemble(self.assembly, self.first_guess, circuit) if self.is_checked else None
                if assembly is None:
                    parts = group_parts(circuit)
                    check_circuit(circuit, parts)
                    assembly = assemble(circuit, parts)
                    assembly.system.own_parameters()
                    if not self._has_same_structure(assembly, analysis):
                        alone.append(k)
                        continue
                    # What is checked does not hang on the numbers in which rows differ.
                    self.is_checked = True
                start[k] = transient.consistent_start(assembly, analysis, analysis.stop)
                memory[k] = assembly.system.arrays.memory
                found[k] = np.concatenate([getattr(assembly.system.arrays, name) for name in _PATCHED])
            except NeurosimError as error:
                failures[k] = str(error)
        differs = np.flatnonzero((found != base).any(0))
        ends = np.cumsum([self.base[name].size for name in _PATCHED])
        which = np.searchsorted(ends, differs, "right")
        position = differs - np.concatenate([[0], ends])[which]
        return np.stack([which, position], 1), found[:, differs]

    def _circuit(self, chunk: Chunk, k: int) -> Circuit:
        assert isinstance(self.job.what, Circuit)
        return with_circuit_values(self.job.what, dict(zip(self.job.addresses, chunk.values[k].tolist(), strict=True)))

    def _has_same_structure(self, assembly: Assembly, analysis: TransientAnalysis) -> bool:
        """Whether a row's system differs from the nominal one in patched arrays only."""
        mine, other, rtol = self.system, assembly.system, float(self.run_template.real[state.RTOL])
        assert mine is not None
        return (
            mine.names == other.names
            and all(
                getattr(mine.arrays, name).shape == getattr(other.arrays, name).shape
                and (name in _PATCHED or np.array_equal(getattr(mine.arrays, name), getattr(other.arrays, name)))
                for name in SystemArrays._fields
                if name not in _WORK
            )
            and mine.context[GMIN] == other.context[GMIN]
            and assembly.circuit.temperature == self.assembly.circuit.temperature
            and mine.largest_step == other.largest_step
            and np.array_equal(mine.breakpoints(0.0, analysis.stop), other.breakpoints(0.0, analysis.stop))
            and np.array_equal(absolute_tolerances(self.assembly, rtol), absolute_tolerances(assembly, rtol))
        )

    def _done(self, chunk: Chunk, rows: Rows, failures: dict[int, str]) -> Done:
        """Label what the compiled loop saved."""
        grid, count = self.run_template.grid, len(chunk)
        flat = rows.values.reshape(count * grid.size, -1)
        if self.outputs is not None:
            columns = self.outputs.columns(flat)
        elif all(self.program.graph.nodes[name]["kind"] in ("state", "hold") for name in self.names):
            columns = simulate_graph.columns(self.graph, self.names, self.job.settings.save, np.tile(grid, count), flat)
        else:
            # Outputs depend on the parameters of the row.
            each = [
                simulate_graph.columns(
                    replace(self.graph, program=self._program(chunk, k)), self.names, self.job.settings.save, grid,
                    rows.values[k],
                )
                for k in range(count)
            ]  # fmt: skip
            columns = {
                name: replace(column, values=np.concatenate([made[name].values for made in each]))
                for name, column in each[0].items()
            }
        shaped = {name: replace(c, values=c.values.reshape(count, grid.size)) for name, c in columns.items()}
        steps = int(rows.report[:, kernel.TAKEN].clip(0).sum())
        return Done(chunk.first, grid, "time", "s", shaped, {}, failures, steps, self.method.name)

    def _alone(self, chunk: Chunk, k: int) -> Result:
        """A row as a run of its own."""
        job, starts = self.job, dict(zip(self.job.starts, chunk.starts[k].tolist(), strict=True))
        settings = replace(job.settings, seed=int(chunk.seeds[k]), progress=None)
        if job.analysis is not None:
            circuit = replace(self._circuit(chunk, k), steps=())
            return run_analysis(circuit, job.analysis, replace(settings, initial={**settings.initial, **starts}))
        program = self._program(chunk, k)
        labels = (addresses(name, part.stop - part.start) for name, part in program.states.slices.items())
        index = {label: place for place, label in enumerate(itertools.chain.from_iterable(labels))}
        initial = program.states.pack(settings.initial, program.initial, "state")
        for address, value in starts.items():
            if address not in index:
                raise ParameterError(f"initial: there is no unknown '{address}'; {nearest(address, index)}")
            initial[index[address]] = value
        given = {**vars(settings), "initial": {}, "save_steps": False}
        return simulate_graph.simulate_graph(replace(program, initial=initial), job.span, **given)

    def _one_by_one(self, chunk: Chunk, chosen: Any) -> Done:
        """Each row as a run of its own."""
        results: list[Result | None] = []
        failures: dict[int, str] = {}
        for k in chosen:
            try:
                results.append(self._alone(chunk, k))
            except NeurosimError as error:
                failures[k] = str(error)
                results.append(None)
        return _joined(chunk, results, failures, self.job)


def _joined(chunk: Chunk, results: list[Result | None], failures: dict[int, str], job: Job) -> Done:
    """Results of analyses on common points."""
    first = next((result for result in results if result is not None), None)
    if first is None:
        return Done(chunk.first, None, None, "", {}, {}, failures)
    axis = None if first.axis_name is None else first.axis
    if isinstance(job.analysis, TransientAnalysis):
        axis = transient.print_grid(job.analysis)
        results = [None if result is None else result.interpolate(axis) for result in results]
    elif job.span is not None:
        axis = print_times(job.span, job.settings.print_step)
    shape = () if axis is None else axis.shape
    columns = {}
    for name, column in first.columns.items():
        missing = np.full(shape, np.nan, column.values.dtype)
        rows = [missing if r is None else r.columns[name].values for r in results]
        if job.span is not None:
            # A row that a crossing ended has fewer points.
            rows = [np.append(row[: missing.size], missing[row.size :]) for row in rows]
        columns[name] = replace(column, values=np.stack(rows))
    measures = {
        name: np.array([np.nan if r is None else r.measures.get(name, np.nan) for r in results])
        for name in first.measures
    }
    steps = sum(r.attrs.get("statistics", {}).get("steps", 0) for r in results if r is not None)
    method = str(first.attrs.get("method", ""))
    return Done(chunk.first, axis, first.axis_name, first.axis_unit, columns, measures, failures, steps, method)


def _merge(into: Done, other: Done, rows: list[int]) -> None:
    """Put rows that ran alone among the others."""
    for name, column in into.columns.items():
        if name in other.columns:
            column.values[rows] = other.columns[name].values
    into.failures.update(other.failures)
    into.steps += other.steps
