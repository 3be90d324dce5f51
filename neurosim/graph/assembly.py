"""From a compiled signal graph and its drives to a `System`: one batch of one instance, whose law runs the program."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from neurosim.errors import ParameterError
from neurosim.graph import law as words
from neurosim.graph.checks import factors, memoryless_order
from neurosim.graph.delays import delays_refused, propagated
from neurosim.graph.diffusion import amplitudes, graph_diffusion
from neurosim.graph.drives import Drives, tick_times
from neurosim.graph.events import EventLog, EventProgram, event_batch
from neurosim.graph.functions import function_of
from neurosim.graph.program import Program, is_plain
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels import array_program as ap
from neurosim.kernels import system as layout
from neurosim.kernels.builder import GROUND, BatchSpec, System, Unknown, build_system
from neurosim.kernels.column_groups import column_groups

RTOL_SHARE_OF_ONE = 1e-3
"""Absolute tolerance of a state, as a share of rtol, as for states of devices."""


KINK_LEVELS = 6
"""Delays after which a kink, then smooth to this order, is no longer an end of a step."""


@dataclass
class GraphAssembly:
    """A graph in the form that the engine runs.

    Attributes
    ----------
    program : Program
    drives : Drives
    system : System
        Unknowns: states and holds in the order of ``program.states``, then the samples of held inputs.
    code, table : ndarray
        What the law takes.
    dependence : list of (int, int)
        Derivatives that can differ from zero; none where the Jacobian is not wanted.
    """

    program: Program
    drives: Drives
    system: System
    code: np.ndarray
    table: np.ndarray
    dependence: list[tuple[int, int]]

    @cached_property
    def log(self) -> EventLog | None:
        """What a run notes of its events; None of a graph without."""
        if not isinstance(self.program, EventProgram):
            return None
        return EventLog(self.program, self.code, self.system.arrays.memory)

    def start(self, initial: Mapping[str, Any] | None = None) -> np.ndarray:
        """Unknowns at t = 0: initial values, first samples of held inputs, and holds that sample these.

        Raises
        ------
        UnknownNameError, ParameterError
            `initial` names no state, or has the wrong shape.
        """
        program = self.program
        y = program.states.pack(initial or {}, program.initial, "state")
        for name, part in program.states.slices.items():
            if not np.isfinite(y[part]).all():
                raise ParameterError(f"state '{name}': initial values must be finite, not {y[part]}")
        u = self.drives.values(np.zeros(1))[0]
        for delay in program.delays:
            past = program.states.slices[delay.state].start
            u[program.inputs.slices[delay.port]] = y[past + delay.part[0] : past + delay.part[1]]
        drive = program.drive(y, u)
        for name in program.graph.of_kind("hold"):
            if program.graph.nodes[name]["clock"] not in program.graph.clocks:
                continue
            y[program.states.slices[name]] = drive[program.states.slices[name]]
        if self.log is not None and isinstance(program, EventProgram):
            self.log.begin(y, u, program.tables.table)
        return np.concatenate([y, self.drives.start])

    def inputs(self, times: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """u at points of a trajectory, shape (points, inputs).

        Columns behind those of the unknowns are what `past` gave for the points.
        """
        program, count = self.program, self.system.size
        u = np.zeros((times.size, program.inputs.size))
        samples = np.ascontiguousarray(unknowns[:, program.states.size : count])
        words.inputs_at(np.ascontiguousarray(times), self.table, self.code, samples.ravel(), u.ravel())
        if unknowns.shape[1] > count:
            u[:, self._of_past()] = unknowns[:, count:]
        return u

    def past(self, times: np.ndarray, unknowns: np.ndarray) -> np.ndarray:
        """The inputs that carry the past of states, from the history as it is now, shape (points, such inputs)."""
        return self.inputs(times, unknowns)[:, self._of_past()]

    def _of_past(self) -> np.ndarray:
        slices = self.program.inputs.slices
        return np.array([i for d in self.program.delays for i in range(slices[d.port].start, slices[d.port].stop)], int)

    def places(self, which: str, elements: np.ndarray) -> list[tuple[str, np.ndarray]]:
        """Where numbers of the program lie in the arrays of `system`.

        Parameters
        ----------
        which : {"p", "time_constant", "leak"}
            A time constant lies there as its reciprocal.
        elements : ndarray of int
            Elements of ``program.p`` or of the states.

        Returns
        -------
        list of (str, ndarray)
            Name of the array and places in it; none for a time constant where a law runs alone.
        """
        found: list[tuple[str, np.ndarray]] = []
        for number, batch in enumerate(self.system.batches):
            if not len(batch.code):
                (state,) = self.program.states.slices
                names = self.program.graph.nodes[_only_source(self.program.graph, state)]["parameters"]
                for row, name in enumerate(names if which == "p" else ()):
                    part = self.program.parameters.slices[name]
                    own = elements[(elements >= part.start) & (elements < part.stop)] - part.start
                    at = self.system.parameter_places(number, row)
                    if own.size:
                        found.append(("parameters", at if part.stop - part.start == 1 else at[own]))
                continue
            first, law = int(self.system.arrays.batch[number, layout.TABLE_AT]), int(self.code[ap.LAW_AT])
            if which == "p":
                # Dense weights are there a second time, transposed.
                numbered = replace(self.program, p=np.arange(self.program.p.size, dtype=float))
                back = np.argsort(numbered.transposed)
                second = int(self.code[law + words.TRANSPOSED_AT])
                found.append(("table", first + np.concatenate([elements, second + back[elements]])))
            else:
                word = words.RATE_AT if which == "time_constant" else words.LEAK_AT
                found.append(("table", first + int(self.code[law + word]) + elements))
        return found

    def is_stepped(self) -> np.ndarray:
        """Which unknowns change at ticks only."""
        return np.concatenate([self.program.is_clocked, np.ones(self.drives.start.size, bool)])


def assemble_graph(
    program: Program, drives: Drives, *, derivatives: bool, diffusion: Mapping[str, Any] | None = None,
    law_alone: bool = True, like: GraphAssembly | None = None,
) -> GraphAssembly:  # fmt: skip
    """Build the System of a graph.

    Parameters
    ----------
    program : Program
    drives : Drives
    derivatives : bool
        Whether the Jacobian will be wanted (implicit methods).
    diffusion : mapping, optional
        Noise on states, see `neurosim.graph.diffusion.amplitudes`.
    law_alone : bool
        Whether a law that is all there is may run without the program; not if time constants are to be changed.
    like : GraphAssembly, optional
        The same graph with other numbers, made with the same `derivatives`.
    """
    graph, n, held = program.graph, program.states.size, drives.start.size
    if program.delays and not any(record[0] == words.DELAYED for record in drives.records):
        raise ParameterError(delays_refused(graph.title, program.delays))
    flows = ~program.is_clocked
    rate, leak = np.zeros(n), np.zeros(n)
    rate[flows], leak[flows] = 1.0 / program.time_constant[flows], program.leak[flows]
    bounds = np.full((2, n), [[-np.inf], [np.inf]])
    if like is not None and _same_zeros(like.program, program):
        dependence = like.dependence
    else:
        dependence = _dependence(program) if derivatives else []
    rows, columns = np.array(dependence, np.int64).reshape(-1, 2).T
    groups = np.where(flows, column_groups(rows, columns, n), -1)
    directions = int(groups.max(initial=-1)) + 1 if derivatives else 0
    elements_of_states = []
    for name, part in program.states.slices.items():
        if graph.nodes[name].get("bounds") is not None:
            bounds[:, part] = np.array(graph.nodes[name]["bounds"], float)[:, None]
        elements_of_states += [(part.start, part.stop - part.start, group) for group in groups[part]]

    p = program.p
    pieces = [p, program.transposed, rate, leak, bounds.ravel()]
    places = np.concatenate([[0], np.cumsum([piece.size for piece in pieces])])
    clocks, elements = [], []
    for name, clock in graph.clocks.items():
        jumping = _elements(program, name, "state")
        holding = _elements(program, name, "hold")
        clocks.append([clock.period, clock.phase, len(jumping), len(holding), len(elements)])
        elements += [*jumping, *holding]
    clock_at = int(places[-1])
    drive_at = clock_at + 2 * len(clocks)
    table = np.concatenate([*pieces, *(row[:2] for row in clocks), drives.table])

    law_at = len(program.code)
    states_at = law_at + words.WORDS_OF_LAW
    driven_at = states_at + words.STATE_WORDS * n + words.ENTRY_WORDS * len(dependence)
    clocks_at = driven_at + words.INPUT_WORDS * len(drives.records)
    elements_at = clocks_at + words.CLOCK_WORDS * len(clocks)
    header = np.zeros(words.WORDS_OF_LAW, np.int64)
    header[words.PARAMETERS], header[words.TRANSPOSED_AT] = p.size, places[1]
    header[words.RATE_AT], header[words.LEAK_AT], header[words.BOUNDS_AT] = places[2], places[3], places[4]
    header[words.ENTRIES], header[words.STATES_AT], header[words.DIRECTIONS] = len(dependence), states_at, directions
    header[words.DRIVEN], header[words.DRIVEN_AT] = len(drives.records), driven_at
    header[words.CLOCKS], header[words.CLOCKS_AT] = len(clocks), clocks_at
    header[words.HELD_UNKNOWNS] = held
    records = [
        *elements_of_states,
        np.column_stack([rows, columns]).ravel(),
        *((kind, offset, size, place + drive_at, count, first)
          for kind, offset, size, place, count, first in drives.records),
        *((clock_at + 2 * k, row[2], row[3], elements_at + row[4]) for k, row in enumerate(clocks)),
        elements,
    ]  # fmt: skip
    code = np.concatenate([program.code, header, *(np.array(record, np.int64) for record in records)])
    code[ap.LAW_AT] = law_at

    count = n + held
    index = np.full((1, count, 2), GROUND)
    index[0, :, 0] = np.arange(count)
    size = int(program.code[ap.SIZE])
    batch = (_law_batch(program, derivatives) if law_alone else None) or BatchSpec(
        graph.title, index, index, np.zeros((1, 0)), {(i, i): np.ones(1) for i in range(count)}, words.graph_flow,
        count, count, accept=words.graph_ticks, accept_writes_states=True,
        dependence=dependence, scratch_rows=size * (1 + directions),
        table=table.tolist(), code=code.tolist(), names=(graph.title,),
    )  # fmt: skip
    if isinstance(program, EventProgram):
        batch, code, table = event_batch(program, batch, code, table)

    batches = [batch]
    if diffusion:
        elements_of, numbers = amplitudes(program, diffusion, held)
        batches.append(BatchSpec(
            f"noise of {graph.title}", index, index, np.zeros((1, 0)), {}, None, 0, 0, diffusion=graph_diffusion,
            scratch_rows=size, table=[*table.tolist(), *numbers.tolist()],
            code=[*code.tolist(), *elements_of.tolist()], names=(graph.title,),
        ))  # fmt: skip

    def breakpoints(t_start: float, t_stop: float) -> np.ndarray:
        ticks = [tick_times(c.period, c.phase, t_stop, f"clock '{name}'") for name, c in graph.clocks.items()]
        times = np.sort(np.concatenate([*ticks, *drives.corners(t_stop), np.empty(0)]))
        if program.delays:
            times = np.sort(np.concatenate([times, propagated(times, program.delays, t_stop, KINK_LEVELS)]))
        periods = [c.period for c in graph.clocks.values()] + drives.periods
        # Ticks of several clocks that differ by rounding are one moment.
        apart = 0.5 * words.TICK_SHARE * min([*periods, *(delay.seconds for delay in program.delays)], default=0.0)
        kept = times[np.diff(times, prepend=-np.inf) > apart]
        return kept[kept > t_start]

    unknowns = [
        Unknown(address, "state", graph.nodes[name].get("unit", ""), low, high)
        for name, part in program.states.slices.items()
        for address, low, high in zip(
            addresses(name, part.stop - part.start), bounds[0, part], bounds[1, part], strict=True
        )
    ]
    unknowns += [
        Unknown(address, "state", graph.nodes[name]["unit"])
        for name, part in drives.held_places.items()
        for address in addresses(name, part.stop - part.start)
    ]
    system = build_system(
        unknowns, batches, breakpoints=breakpoints,
        largest_step=min((delay.seconds for delay in program.delays), default=np.inf),
    )  # fmt: skip
    return GraphAssembly(program, drives, system, code, table, dependence)


def _law_batch(program: Program, derivatives: bool) -> BatchSpec | None:
    """The law itself as the only batch, where the graph is nothing but a state x' = law(x): no program is run."""
    graph = program.graph
    if len(program.states.slices) != 1 or program.inputs.size or program.is_clocked.any() or graph.of_kind("event"):
        return None
    (state,) = program.states.slices
    field = _only_source(graph, state)
    if field is None or graph.nodes[field].get("law") is None or _only_source(graph, field) != state:
        return None
    if program.leak.any() or (program.time_constant != 1.0).any() or graph.nodes[field]["gain"] != 1.0:
        return None
    law = graph.nodes[field]["law"]
    instances, parameters = program.states.size // law.size, len(law.parameters)
    index = np.full((instances, law.size, 2), GROUND)
    index[:, :, 0] = np.arange(program.states.size).reshape(law.size, instances).T
    values = [program.p[program.parameters.slices[name]] for name in graph.nodes[field]["parameters"]]
    rows = np.array([np.broadcast_to(value, instances) for value in values]).reshape(parameters, instances).T
    square = [(i, j) for i in range(law.size) for j in range(law.size)]
    # Beyond its inputs, the law writes derivatives by its parameters, which nothing reads.
    return BatchSpec(
        graph.title, index, index, rows, {(i, i): np.ones(instances) for i in range(law.size)}, law.recorded,
        law.size + parameters, law.size, dependence=square if derivatives else (), names=(graph.title,),
    )  # fmt: skip


def _only_source(graph: SignalGraph, name: str) -> str | None:
    """The node whose value is all that drives `name`, unchanged; None if it is not so."""
    edges = [(str(a), d) for a, _, d in graph.in_edges(name, data=True)]
    if len(edges) != 1 or graph.nodes[name].get("bias") is not None:
        return None
    data = edges[0][1]
    return edges[0][0] if data["role"] == "add" and data["delay"] == 0.0 and is_plain(data) else None


def _has_laws(program: Program) -> bool:
    code = program.code
    return bool((code[code[ap.FIRST] : code[ap.LAST] : ap.WORDS] == ap.LAW).any())


def with_program(assembly: GraphAssembly, program: Program) -> GraphAssembly | None:
    """The assembly of the same graph with other numbers; None where a weight became zero, or is no longer, and where
    laws of devices or delays have places of their own."""
    if not _same_zeros(assembly.program, program) or program.delays or _has_laws(program):
        return None
    n = program.states.size
    flows = ~program.is_clocked
    rate, leak = np.zeros(n), np.zeros(n)
    rate[flows], leak[flows] = 1.0 / program.time_constant[flows], program.leak[flows]
    numbers = np.concatenate([program.p, program.transposed, rate, leak])
    table, system = assembly.table.copy(), assembly.system.copy()
    table[: numbers.size] = numbers
    system.arrays.table[:] = table
    return GraphAssembly(program, assembly.drives, system, assembly.code, table, assembly.dependence)


def _same_zeros(one: Program, other: Program) -> bool:
    return np.array_equal(one.p == 0.0, other.p == 0.0)


def addresses(name: str, size: int) -> list[str]:
    """Names of the elements of a node: ``h[0]``, ``h[1]``, ...; of one with a single element just ``h``."""
    return [name] if size == 1 else [f"{name}[{k}]" for k in range(size)]


def _elements(program: Program, clock: str, kind: str) -> list[int]:
    """Elements of y that belong to a clock."""
    nodes, slices = program.graph.nodes, program.states.slices
    chosen = [name for name in slices if nodes[name]["kind"] == kind and nodes[name]["clock"] == clock]
    return [i for name in chosen for i in range(slices[name].start, slices[name].stop)]


def _dependence(program: Program) -> list[tuple[int, int]]:
    """Derivatives of flows by flowing states that can differ from zero, weights that are zero left out."""
    program = program.between if isinstance(program, EventProgram) else program
    graph, n = program.graph, program.states.size
    flows = ~program.is_clocked
    unit: Any = sparse.identity(n, format="csr")
    values: dict[str, Any] = {}
    for name in graph.nodes:
        values[name] = sparse.csr_matrix((graph.size_of(name), n))
    for name, part in program.states.slices.items():
        if flows[part].all():
            values[name] = unit[part.start : part.stop]
    for name in memoryless_order(graph):
        data, size = graph.nodes[name], graph.size_of(name)
        if data["kind"] == "product":
            slots = factors(graph, name)
            if data["form"]:
                reached = sum(np.asarray(values[slot[0][0]].sum(axis=0)) for slot in slots)
                made: Any = sparse.csr_matrix(np.ones((size, 1)) @ reached)
            else:
                made = _pattern_of_sum(program, [edge for slot in slots for edge in slot], size, values)
        else:
            edges = [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] == "add"]
            made = _pattern_of_sum(program, edges, size, values)
            if data.get("law") is not None:
                rows, instances = data["law"].size, size // data["law"].size
                made = sparse.kron(np.ones((rows, rows)), sparse.identity(instances), format="csr") @ made
            elif data["kind"] == "map" and function_of(data).is_row_function:
                row = data["shape"][-1]
                made = sparse.kron(sparse.identity(size // row), np.ones((row, row)), format="csr") @ made
        values[name] = made.sign()
    rows, columns = [], []
    for name, part in program.states.slices.items():
        if flows[part].all():
            edges = [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] == "add"]
            found = (_pattern_of_sum(program, edges, part.stop - part.start, values) + unit[part]).tocoo()
            rows += (found.row + part.start).tolist()
            columns += found.col.tolist()
    return list(zip(rows, columns, strict=True))


def _pattern_of_sum(program: Program, edges: list[tuple[str, dict]], size: int, values: dict[str, Any]) -> Any:
    """Which states a sum of edges depends on, as a sparse matrix of ones."""
    total: Any = sparse.csr_matrix((size, program.states.size))
    for a, data in edges:
        source = values[a]
        if data["source_part"]:
            source = source[data["source_part"][0] : data["source_part"][1]]
        name = data["weight"]
        weight: Any = None if name is None else program.graph.parameters[name].value
        if name is not None and (hasattr(weight, "tocsr") or weight.ndim == 2):
            if not hasattr(weight, "tocsr"):
                # Its values may have been changed since; a sparse one keeps its pattern.
                weight = program.p[program.parameters.slices[name]].reshape(weight.shape)
            matrix = sparse.csr_matrix(weight)
            matrix = (matrix.T if data["transpose"] else matrix).tocsr()
            matrix.data = np.ones_like(matrix.data)
            source = matrix @ source
        first, last = data["target_part"] or (0, size)
        above = sparse.csr_matrix((first, program.states.size))
        below = sparse.csr_matrix((size - last, program.states.size))
        total = total + sparse.vstack([above, source, below], format="csr")
    return total.sign()
