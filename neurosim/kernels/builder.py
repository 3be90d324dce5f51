"""From batches described in NumPy terms to a `System`: layout in blocks, sparsity pattern, mass matrix."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.expressions.instructions import CONTEXT, HEADER, WORDS
from neurosim.kernels import system as layout
from neurosim.kernels.abi import BLOCK, CONTEXT_SIZE, GMIN, SOURCE_SCALE, TEMPERATURE, TIME, Kernel, PythonLaw
from neurosim.kernels.expression import evaluate_expression
from neurosim.kernels.named_law import reads_time
from neurosim.kernels.numba_law import NumbaLaw
from neurosim.kernels.system import SystemArrays, compute_both, compute_flow, compute_linear_part
from neurosim.kernels.unknowns import Unknown, Unknowns

GROUND = -1
"""Index of the ground in `BatchSpec.inputs` and `BatchSpec.flows`."""


KEPT, LARGEST_KEPT = 8, 5000
"""Layouts that are kept for systems that differ from them in numbers only, and most unknowns of such a one."""

_CHANGED_BY_RUNS = ("memory", "event_value", "constant_jacobian", "u", "F", "D", "scratch", "dims")
_kept: dict[tuple[Any, ...], tuple[SystemArrays, np.ndarray]] = {}
_lock = threading.Lock()


@dataclass
class BatchSpec:
    """All instances of one device structure.

    Parameters
    ----------
    label : str
        Shown in messages.
    inputs : ndarray of int, shape (n, inputs, 2)
        Unknowns that enter each input with +1 and -1; `GROUND` for none.
    flows : ndarray of int, shape (n, flows, 2)
        Rows to which each flow is added and from which it is taken.
    parameters : ndarray, shape (n, rows)
    mass : mapping of (flow, input) to array of length n
        ``row += sign * m * d(input)/dt`` on the left side of ``M y' = f``; the sign is that of the flow in the row.
    law, accept, events, jump, start : Kernel, NumbaLaw or PythonLaw, optional
    diffusion : Kernel, optional
        Amplitude of the noise of each flow, in ``dy = f dt + g dW``.
    law_inputs, law_flows : int
        Leading inputs and flows that the law knows.
    dependence : sequence of (flow, input), optional
        Derivatives that can differ from zero; all by default.
    wiring : sequence of (flow, input, coefficient)
    writes_derivatives : bool
        Whether the law writes D: of a law with a million inputs there is no room for it.
    unit_mass : bool
        ``row += d(input)/dt`` for each flow and the input of its number, beside `mass`.
    """

    label: str
    inputs: np.ndarray
    flows: np.ndarray
    parameters: np.ndarray
    mass: Mapping[tuple[int, int], np.ndarray]
    law: Kernel | NumbaLaw | PythonLaw | None
    law_inputs: int
    law_flows: int
    accept: Kernel | None = None
    accept_writes_states: bool = False
    events: Kernel | None = None
    jump: Kernel | None = None
    start: Kernel | None = None
    diffusion: Kernel | None = None
    event_count: int = 0
    is_linear: bool = False
    dependence: Sequence[tuple[int, int]] | None = None
    wiring: Sequence[tuple[int, int, float]] = ()
    memory_rows: int = 0
    scratch_rows: int = 0
    table: Sequence[float] | np.ndarray = ()
    code: Sequence[int] | np.ndarray = ()
    names: Sequence[str] = ()
    writes_derivatives: bool = True
    unit_mass: bool = False

    @property
    def count(self) -> int:
        """Number of instances."""
        return self.inputs.shape[0]


@dataclass
class System:
    """A compiled system ``M y' = f(t, y)`` with n unknowns; see `neurosim.kernels.system`.

    Attributes
    ----------
    unknowns : Unknowns
    batches : tuple of BatchSpec
    arrays : SystemArrays
        What compiled loops take.
    context : ndarray of float64, shape (CONTEXT_SIZE,)
        Time, temperature, gmin and flags for the laws.
    breakpoints : callable
        ``breakpoints(t_start, t_stop) -> sorted array`` of times where a step must end.
    largest_step : float
        Bound on the step [s].
    detach : callable, optional
        ``detach(arrays)`` gives copied arrays work space of their own where they hold addresses, and returns what has
        to live as long.
    """

    unknowns: Unknowns
    batches: tuple[BatchSpec, ...]
    arrays: SystemArrays
    context: np.ndarray
    breakpoints: Callable[[float, float], np.ndarray] = field(default=lambda start, stop: np.empty(0))
    largest_step: float = np.inf
    detach: Callable[[SystemArrays], Any] | None = None
    keeps: Any = None

    @property
    def size(self) -> int:
        """Number of unknowns n."""
        return len(self.unknowns)

    @property
    def names(self) -> Sequence[str]:
        """Addresses of the unknowns."""
        return self.unknowns.names

    @property
    def is_linear(self) -> bool:
        """Whether the Jacobian is constant."""
        return all(batch.is_linear for batch in self.batches)

    def copy(self) -> System:
        """A system with its own parameters, memory and work space, for another thread."""
        arrays = SystemArrays(*(a.copy() for a in self.arrays))
        return System(
            self.unknowns, self.batches, arrays, self.context.copy(), self.breakpoints, self.largest_step, self.detach,
            self.detach(arrays) if self.detach else None,
        )  # fmt: skip

    def change_parameters(self, number: int, rows: np.ndarray) -> None:
        """Give the instances of a batch other leading parameters, shape (n, rows)."""
        batch, table = self.batches[number], self.arrays.batch[number]
        batch.parameters[:, : rows.shape[1]] = rows
        if table[layout.BLOCKS] > 1 and table[layout.PARAMETER_STEP] == 0:
            self.own_parameters()
        else:
            padded = self._padded(number)
            self.arrays.parameters[int(table[layout.PARAMETER_AT]) :][: padded.size] = padded

    def own_parameters(self) -> None:
        """Give every block parameters of its own, also where all instances have the same; replaces `arrays`."""
        padded = [self._padded(number) for number in range(len(self.batches))]
        at = 0
        for row, batch, values in zip(self.arrays.batch, self.batches, padded, strict=True):
            row[layout.PARAMETER_AT] = at
            row[layout.PARAMETER_STEP] = batch.parameters.shape[1] * row[layout.WIDTH]
            at += values.size
        self.arrays = self.arrays._replace(parameters=np.concatenate([*padded, np.empty(0)]))

    def with_numbers(self, changed: Mapping[int, BatchSpec], unknowns: Unknowns) -> System | None:
        """A system with other numbers in some batches and other bounds, after `own_parameters`; None where they ask
        for another layout."""
        kept, batches = self.arrays, tuple(changed.get(k, batch) for k, batch in enumerate(self.batches))
        bounded = np.flatnonzero(np.isfinite(unknowns.lower) | np.isfinite(unknowns.upper))
        shapes = [[(b.parameters.shape, len(b.table), *b.mass) for b in of] for of in (batches, self.batches)]
        if not np.array_equal(bounded, kept.bounded) or shapes[0] != shapes[1]:
            return None
        parts = {name: np.zeros_like(getattr(kept, name)) for name in _CHANGED_BY_RUNS}
        parts |= {name: getattr(kept, name).copy() for name in ("batch", "parameters", "table")}
        if any(batch.mass for batch in changed.values()):
            columns = np.repeat(np.arange(self.size), np.diff(kept.column_pointer))
            mass_rows, mass_columns, values = _mass_entries(batches)
            places = np.searchsorted(columns * self.size + kept.row_index, mass_columns * self.size + mass_rows)
            parts |= _masses(kept.row_index, columns, places, values)
            if parts["mass_value"].size != kept.mass_value.size:
                return None
        context = np.zeros(CONTEXT_SIZE)
        context[[SOURCE_SCALE, TEMPERATURE, GMIN]] = 1.0, *self.context[[TEMPERATURE, GMIN]]
        arrays = kept._replace(lower=unknowns.lower[bounded], upper=unknowns.upper[bounded], **parts)
        made = replace(self, unknowns=unknowns, batches=batches, arrays=arrays, context=context)
        for number, batch in changed.items():
            made.change_parameters(number, batch.parameters)
            arrays.table[int(arrays.batch[number, layout.TABLE_AT]) :][: len(batch.table)] = batch.table
        made.refresh()
        return made

    def _padded(self, number: int) -> np.ndarray:
        table = self.arrays.batch[number]
        blocks, w = int(table[layout.BLOCKS]), int(table[layout.WIDTH])
        return _blocked(self.batches[number].parameters[..., None], blocks, w, None).ravel()

    def parameter_places(self, number: int, row: int) -> np.ndarray:
        """Positions in ``arrays.parameters`` of parameter `row` for every instance of a batch; after `own_parameters`
        each has its own."""
        table = self.arrays.batch[number]
        w = int(table[layout.WIDTH])
        block, lane = np.divmod(np.arange(self.batches[number].count), w)
        return int(table[layout.PARAMETER_AT]) + block * int(table[layout.PARAMETER_STEP]) + row * w + lane

    def refresh(self) -> None:
        """Recompute the constant part of the Jacobian after parameters or the context changed."""
        compute_linear_part(self.arrays, self.context, self.arrays.constant_jacobian)

    def right_hand_side(self, t: float, y: np.ndarray) -> np.ndarray:
        """f(t, y), shape (n,)."""
        context = self.context.copy()
        context[TIME] = t
        f = np.zeros(self.size + 1)
        compute_flow(self.arrays, context, np.append(y, 0.0), f)
        return f[:-1]

    def jacobian(self, t: float, y: np.ndarray) -> Any:
        """df/dy at (t, y) as a SciPy sparse matrix (csc)."""
        from scipy.sparse import csc_matrix

        context = self.context.copy()
        context[TIME] = t
        f, values = np.zeros(self.size + 1), np.zeros(self.arrays.mass.size + 1)
        compute_both(self.arrays, context, np.append(y, 0.0), f, values)
        return csc_matrix((values[:-1], self.arrays.row_index, self.arrays.column_pointer), shape=(self.size,) * 2)

    @property
    def mass_matrix(self) -> Any:
        """M as a SciPy sparse matrix (csc)."""
        from scipy.sparse import csc_matrix

        a = self.arrays
        return csc_matrix((a.mass, a.row_index, a.column_pointer), shape=(self.size,) * 2)


def build_system(
    unknowns: Sequence[Unknown],
    batches: Sequence[BatchSpec],
    *,
    temperature: float = 300.15,
    gmin: float = 0.0,
    breakpoints: Callable[[float, float], np.ndarray] | None = None,
    largest_step: float = np.inf,
    held: Sequence[int] = (),
) -> System:
    """Lay batches out for the compiled loops.

    Parameters
    ----------
    unknowns : sequence of Unknown
        Their order is that of y.
    batches : sequence of BatchSpec
    temperature : float
        Kelvin, default 300.15 (27 degree Celsius).
    gmin : float
        Siemens, the conductance that laws put across junctions, default 0.
    held : sequence of int
        Unknowns whose equation an operating point may replace by a value.

    Raises
    ------
    ParameterError
        When an index points outside the unknowns.
    """
    if not isinstance(unknowns, Unknowns):
        unknowns = Unknowns(unknowns)
    structure = _structure(unknowns, batches, held)
    kept = _kept.get(structure) if structure is not None else None
    arrays = _refilled(*kept, unknowns, batches) if kept is not None else None
    if arrays is None:
        arrays, mass_places = _laid_out(unknowns, batches, held)
        if structure is not None:
            with _lock:
                _kept[structure] = arrays._replace(batch=arrays.batch.copy()), mass_places
                while len(_kept) > KEPT:
                    _kept.pop(next(iter(_kept)))
    context = np.zeros(CONTEXT_SIZE)
    context[[SOURCE_SCALE, TEMPERATURE, GMIN]] = 1.0, temperature, gmin
    system = System(unknowns, tuple(batches), arrays, context)
    if breakpoints is not None:
        system.breakpoints = breakpoints
    system.largest_step = largest_step
    for number, batch in enumerate(batches):
        for column, compiled in (
            (layout.LAW, batch.law), (layout.ACCEPT, batch.accept), (layout.EVENTS, batch.events),
            (layout.JUMP, batch.jump), (layout.START, batch.start), (layout.DIFFUSION, batch.diffusion),
        ):  # fmt: skip
            arrays.batch[number, column] = compiled.address if compiled is not None else 0
    system.refresh()
    return system


def _structure(unknowns: Unknowns, batches: Sequence[BatchSpec], held: Sequence[int]) -> tuple[Any, ...] | None:
    """Everything that a layout hangs on beside the numbers in it; None where it is not kept."""
    if len(unknowns) > LARGEST_KEPT or any(isinstance(b.law, NumbaLaw | PythonLaw) for b in batches):
        return None
    described = [
        (
            b.inputs.shape, b.inputs.tobytes(), b.flows.shape, b.flows.tobytes(), b.parameters.shape, *b.mass,
            b.unit_mass, b.law, b.law_inputs, b.law_flows, b.accept, b.accept_writes_states, b.events, b.jump, b.start,
            b.diffusion, b.event_count, b.is_linear, _pairs(b.dependence), _pairs(b.wiring),
            b.memory_rows, b.scratch_rows, len(b.table), np.array(b.code, "i8").tobytes(), b.writes_derivatives,
        )
        for b in batches
    ]  # fmt: skip
    return len(unknowns), tuple(held), *described


def _pairs(rows: Sequence[Sequence[float]] | None) -> tuple[tuple[float, ...], ...] | None:
    return None if rows is None else tuple(map(tuple, rows))


def _refilled(
    kept: SystemArrays, mass_places: np.ndarray, unknowns: Unknowns, batches: Sequence[BatchSpec]
) -> SystemArrays | None:
    """Arrays of the same structure with other numbers; None where these ask for another layout."""
    parameters = []
    for row, batch in zip(kept.batch, batches):
        values, step = _parameters_of(batch, int(row[layout.BLOCKS]), int(row[layout.WIDTH]))
        if step != row[layout.PARAMETER_STEP]:
            return None
        parameters.append(values)
    bounded = np.isfinite(unknowns.lower) | np.isfinite(unknowns.upper)
    if not np.array_equal(np.flatnonzero(bounded), kept.bounded):
        return None
    columns = np.repeat(np.arange(len(unknowns)), np.diff(kept.column_pointer))
    fresh = {name: np.zeros_like(getattr(kept, name)) for name in _CHANGED_BY_RUNS}
    return kept._replace(
        batch=kept.batch.copy(), parameters=np.concatenate([*parameters, np.empty(0)]),
        table=np.concatenate([*(np.array(batch.table, float) for batch in batches), np.empty(0)]),
        code=np.concatenate([*(np.array(batch.code, "i8") for batch in batches), np.empty(0, "i8")]),
        lower=unknowns.lower[bounded], upper=unknowns.upper[bounded],
        is_state=(unknowns.kinds == "state").astype("i8"),
        **_masses(kept.row_index, columns, mass_places, _mass_entries(batches)[2]), **fresh,
    )  # fmt: skip


def _parameters_of(batch: BatchSpec, blocks: int, w: int) -> tuple[np.ndarray, int]:
    """Parameters by blocks, flat, and how far those of the next block are."""
    padded = _blocked(batch.parameters[..., None], blocks, w, None)[..., 0]
    # Parts of one model have the same numbers: kept once, they stay in the first-level cache.
    is_shared = blocks > 1 and np.array_equal(padded, padded[:1].repeat(blocks, 0)[..., :1].repeat(w, 2))
    return padded[: 1 if is_shared else None].flatten(), 0 if is_shared else batch.parameters.shape[1] * w


def _mass_entries(batches: Sequence[BatchSpec]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and values of M; places may come up more than once."""
    rows_of, columns_of, values_of = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [np.empty(0)]
    for batch in batches:
        for (r, c), values in batch.mass.items():
            for flow_end, flow_sign in ((0, 1), (1, -1)):
                for input_end, input_sign in ((0, 1), (1, -1)):
                    rows, columns = batch.flows[:, r, flow_end], batch.inputs[:, c, input_end]
                    kept = (rows >= 0) & (columns >= 0)
                    rows_of.append(rows[kept])
                    columns_of.append(columns[kept])
                    values_of.append(flow_sign * input_sign * np.broadcast_to(values, rows.shape)[kept])
        if batch.unit_mass:
            rows_of.append(batch.flows[..., 0].ravel())
            columns_of.append(batch.inputs[..., 0].ravel())
            values_of.append(np.ones(batch.flows[..., 0].size))
    return np.concatenate(rows_of), np.concatenate(columns_of), np.concatenate(values_of)


def _masses(
    row_index: np.ndarray, columns: np.ndarray, places: np.ndarray, values: np.ndarray
) -> dict[str, np.ndarray]:
    """M on the pattern, and its entries that differ from zero."""
    mass = np.zeros(row_index.size)
    np.add.at(mass, places, values)
    there = mass != 0.0
    return {
        "mass": mass, "mass_row": row_index[there], "mass_column": columns[there].astype("u4"),
        "mass_value": mass[there],
    }  # fmt: skip


def _laid_out(unknowns: Unknowns, batches: Sequence[BatchSpec], held: Sequence[int]) -> tuple[SystemArrays, np.ndarray]:
    """The arrays but for the addresses of laws, and where the entries of M stand in the pattern."""
    n = len(unknowns)
    table = np.zeros((len(batches), layout.COLUMNS), np.int64)
    keys = [
        "input_plus", "input_minus", "flow_plus", "flow_minus", "input_run", "flow_run", "parameters", "memory",
        "table", "code", "stamp", "slot", "slot_run", "wiring", "events",
    ]  # fmt: skip
    parts: dict[str, list[np.ndarray]] = {key: [] for key in keys}
    at = dict.fromkeys(parts, 0)

    def put(key: str, value: np.ndarray, dtype: Any) -> int:
        place = at[key]
        parts[key].append(np.ascontiguousarray(value, dtype))
        at[key] += len(value)
        return place

    stamp_rows: list[np.ndarray] = []
    stamp_columns: list[np.ndarray] = []
    widest = {"u": 1, "F": 1, "D": 1, "scratch": 1}
    for number, batch in enumerate(batches):
        for name, index in (("input", batch.inputs), ("flow", batch.flows)):
            if index.size and not -1 <= index.min() <= index.max() < n:
                raise ParameterError(f"batch '{batch.label}': {name} index outside -1..{n - 1}")
        blocks = -(-batch.count // BLOCK)
        w = -(-batch.count // blocks) if blocks else 1
        row = table[number]
        row[layout.BLOCKS], row[layout.WIDTH] = blocks, w
        inputs = _blocked(np.where(batch.inputs < 0, n, batch.inputs), blocks, w, n)
        flows = _blocked(np.where(batch.flows < 0, n, batch.flows), blocks, w, n)
        row[layout.INPUTS], row[layout.FLOWS] = batch.inputs.shape[1], batch.flows.shape[1]
        row[layout.LAW_INPUTS], row[layout.LAW_FLOWS] = batch.law_inputs, batch.law_flows
        row[layout.INPUT_AT] = put("input_plus", inputs[..., 0].ravel(), "u4")
        put("input_minus", inputs[..., 1].ravel(), "u4")
        row[layout.FLOW_AT] = put("flow_plus", flows[..., 0].ravel(), "u4")
        put("flow_minus", flows[..., 1].ravel(), "u4")
        row[layout.INPUT_RUN_AT] = put("input_run", _runs(inputs.transpose(0, 1, 3, 2)).reshape(-1, 4), "i8")
        row[layout.FLOW_RUN_AT] = put("flow_run", _runs(flows.transpose(0, 1, 3, 2)).reshape(-1, 4), "i8")
        row[layout.TIMED] = _reads_time(batch)
        row[layout.DIRECT] = number == 0 and _is_direct(batch, n) and not any(b.law or b.wiring for b in batches[1:])
        row[layout.PARAMETER_ROWS] = batch.parameters.shape[1]
        values, row[layout.PARAMETER_STEP] = _parameters_of(batch, blocks, w)
        row[layout.PARAMETER_AT] = put("parameters", values, "f8")
        row[layout.SCRATCH] = int(batch.scratch_rows > 0)
        row[layout.MEMORY_ROWS] = batch.scratch_rows + batch.memory_rows
        row[layout.KEPT_ROWS] = batch.memory_rows if batch.scratch_rows > 0 else 0
        row[layout.MEMORY_AT] = put("memory", np.zeros(blocks * w * batch.memory_rows), "f8")
        row[layout.TABLE_AT] = put("table", np.array(batch.table, float), "f8")
        row[layout.TABLE_LENGTH] = len(batch.table)
        row[layout.CODE_AT], row[layout.CODE_LENGTH] = put("code", np.array(batch.code, "i8"), "i8"), len(batch.code)
        row[layout.LINEAR], row[layout.ACCEPT_WRITES] = batch.is_linear, batch.accept_writes_states
        row[layout.EVENT_COUNT] = batch.event_count
        row[layout.EVENT_AT] = put("events", np.zeros(blocks * w * batch.event_count), "f8")
        row[layout.WIRING_AT] = put("wiring", np.array(batch.wiring, float).reshape(-1, 3), "f8")
        row[layout.WIRINGS] = len(batch.wiring)
        dependence = batch.dependence
        if dependence is None:
            dependence = [(r, c) for r in range(batch.law_flows) for c in range(batch.law_inputs)]
        entries = [(r, c, -1) for r, c in dependence] if batch.law is not None else []
        entries += [(r, c, row[layout.WIRING_AT] + q) for q, (r, c, _) in enumerate(batch.wiring)]
        stamps = []
        for r, c, wire in entries:
            for flow_end, flow_sign in ((0, 1), (1, -1)):
                for input_end, input_sign in ((0, 1), (1, -1)):
                    rows = flows[:, int(r), :, flow_end]
                    columns = inputs[:, int(c), :, input_end]
                    if (rows < n).any() and (columns < n).any():
                        stamps.append((int(r), int(c), flow_sign * input_sign, int(wire)))
                        stamp_rows.append(rows)
                        stamp_columns.append(columns)
        row[layout.STAMP_AT] = put("stamp", np.array(stamps, "i8").reshape(-1, 4), "i8")
        row[layout.STAMPS] = len(stamps)
        # Slots follow once the pattern is known: one list of [blocks, w] arrays per stamp, in this order.
        widest["u"] = max(widest["u"], batch.inputs.shape[1] * w)
        widest["F"] = max(widest["F"], max(batch.flows.shape[1], batch.event_count) * w)
        if batch.writes_derivatives:
            widest["D"] = max(widest["D"], max(batch.law_flows, batch.event_count) * max(batch.law_inputs, 1) * w)
        if batch.scratch_rows > 0:
            widest["scratch"] = max(widest["scratch"], (batch.scratch_rows + batch.memory_rows) * w)

    stamp_keys = [(c.astype(np.int64) * (n + 1) + r).ravel() for r, c in zip(stamp_rows, stamp_columns, strict=True)]
    all_keys = np.concatenate(stamp_keys) if stamp_keys else np.empty(0, np.int64)
    inside = (all_keys % (n + 1) < n) & (all_keys // (n + 1) < n)
    m_rows, m_columns, m_values = _mass_entries(batches)
    mass_keys = m_columns.astype(np.int64) * (n + 1) + m_rows.astype(np.int64)
    # No place is made that no law fills, except where an unknown may be held: a zero on the diagonal of a source costs
    # fill, because its net could be eliminated for nothing.
    wanted = np.array(sorted(held), np.int64) * (n + 2)
    keys = np.sort(np.concatenate([all_keys[inside], mass_keys, wanted]))
    pattern = keys[np.diff(keys, prepend=-1) > 0]
    nnz = pattern.size
    diagonal = np.searchsorted(pattern, np.arange(n) * (n + 2))
    missing = pattern[np.minimum(diagonal, nnz - 1)] != np.arange(n) * (n + 2)
    diagonal[missing] = nnz
    places = np.where(inside, np.searchsorted(pattern, np.where(inside, all_keys, 0)), nnz).astype("u4")
    mass_places = np.searchsorted(pattern, mass_keys)
    start = 0
    for row in table:
        blocks, w, stamps = int(row[layout.BLOCKS]), int(row[layout.WIDTH]), int(row[layout.STAMPS])
        size = stamps * blocks * w
        slots = places[start : start + size].reshape(stamps, blocks, w).transpose(1, 0, 2)
        row[layout.SLOT_AT] = put("slot", slots.ravel(), "u4")
        row[layout.SLOT_RUN_AT] = put("slot_run", _runs(slots.astype("i8")).reshape(-1, 2), "i8")
        start += size
    pointer = np.zeros(n + 1, np.int64)
    np.cumsum(np.bincount(pattern // (n + 1), minlength=n), out=pointer[1:])
    row_index = (pattern % (n + 1)).astype("u4")

    lower, upper = unknowns.lower, unknowns.upper
    bounded = np.flatnonzero(np.isfinite(lower) | np.isfinite(upper))
    row_slot_pointer, row_slot = slots_of_rows(row_index, bounded)

    def joined(key: str, dtype: str, columns: int = 0) -> np.ndarray:
        found = parts.pop(key)
        if len(found) == 1:
            return found[0]
        return np.concatenate(found) if found else np.empty((0, columns) if columns else 0, dtype)

    arrays = SystemArrays(
        batch=table,
        **{key: joined(key, "u4") for key in ("input_plus", "input_minus", "flow_plus", "flow_minus", "slot")},
        parameters=joined("parameters", "f8"),
        memory=joined("memory", "f8"),
        table=joined("table", "f8"),
        code=joined("code", "i8"),
        stamp=joined("stamp", "i8", 4),
        wiring=joined("wiring", "f8", 3),
        input_run=joined("input_run", "i8", 4),
        flow_run=joined("flow_run", "i8", 4),
        slot_run=joined("slot_run", "i8", 2),
        column_pointer=pointer,
        row_index=row_index,
        diagonal=diagonal.astype("i8"),
        **_masses(row_index, pattern // (n + 1), mass_places, m_values),
        constant_jacobian=np.zeros(nnz + 1),
        is_state=(unknowns.kinds == "state").astype("i8"),
        bounded=bounded.astype("i8"),
        lower=lower[bounded],
        upper=upper[bounded],
        row_slot_pointer=row_slot_pointer,
        row_slot=row_slot,
        event_value=joined("events", "f8"),
        **{key: np.zeros(size) for key, size in widest.items()},
        dims=np.zeros(7, np.int64),
    )
    return arrays, mass_places


_PLACES = {
    layout.INPUT_AT: ("input_plus", "input_minus"), layout.FLOW_AT: ("flow_plus", "flow_minus"),
    layout.INPUT_RUN_AT: ("input_run",), layout.FLOW_RUN_AT: ("flow_run",), layout.SLOT_AT: ("slot",),
    layout.SLOT_RUN_AT: ("slot_run",), layout.PARAMETER_AT: ("parameters",), layout.MEMORY_AT: ("memory",),
    layout.TABLE_AT: ("table",), layout.CODE_AT: ("code",), layout.STAMP_AT: ("stamp",), layout.WIRING_AT: ("wiring",),
    layout.EVENT_AT: ("event_value",),
}  # fmt: skip
"""Arrays in which batches lie one after the other, by the column that says where."""


def watched_by(system: System, batches: Sequence[BatchSpec]) -> System:
    """The same equations with batches that have events and no flows; `System.batches` does not name them."""
    # An empty pattern has no place for anything; that of `held` is not used.
    added, arrays = build_system(system.unknowns, batches, held=[0]).arrays, system.arrays
    rows, changed = added.batch.copy(), {}
    for column, names in _PLACES.items():
        rows[:, column] += len(getattr(arrays, names[0]))
        changed |= {name: np.concatenate([getattr(arrays, name), getattr(added, name)]) for name in names}
    for name in ("u", "F", "D", "scratch"):
        changed[name] = np.zeros(max(getattr(arrays, name).size, getattr(added, name).size))
    made = arrays._replace(batch=np.concatenate([arrays.batch, rows]), **changed)
    return replace(system, arrays=made)


def slots_of_rows(row_index: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where the entries of some rows stand in a matrix by columns, and where each row begins among them (int64)."""
    by_row = np.argsort(row_index, kind="stable")
    ordered = row_index[by_row]
    begin, end = np.searchsorted(ordered, rows, "left"), np.searchsorted(ordered, rows, "right")
    pointer = np.concatenate([[0], np.cumsum(end - begin)]).astype(np.int64)
    within = np.arange(pointer[-1]) - np.repeat(pointer[:-1], end - begin)
    return pointer, by_row[np.repeat(begin, end - begin) + within]


def _runs(places: np.ndarray) -> np.ndarray:
    """First place and stride along the last axis, shape (..., 2); `layout.IRREGULAR` where there is no one stride."""
    first = places[..., 0]
    if places.shape[-1] == 1:
        return np.stack([first, np.zeros_like(first)], -1)
    steps = np.diff(places, axis=-1)
    even = (steps == steps[..., :1]).all(-1) & (steps[..., 0] >= 0)
    return np.stack([first, np.where(even, steps[..., 0], layout.IRREGULAR)], -1)


def _reads_time(batch: BatchSpec) -> bool:
    """Whether the law of a batch may depend on the time beside its inputs."""
    if batch.law is None or isinstance(batch.law, PythonLaw | NumbaLaw):
        return batch.law is not None
    if batch.law is evaluate_expression:
        words = np.array(batch.code, "i8")[HEADER:].reshape(-1, WORDS)
        return bool(((words[:, 0] == CONTEXT) & (words[:, 2] == TIME)).any())
    return reads_time(batch.law)


def _is_direct(batch: BatchSpec, n: int) -> bool:
    """Whether the law of one instance takes y as it lies and gives f as it lies."""
    as_it_lies = np.stack([np.arange(n), np.full(n, GROUND)], -1)[None]
    return (
        batch.law is not None and not batch.is_linear and not batch.wiring
        and batch.law_flows == n <= batch.law_inputs
        and np.array_equal(batch.inputs, as_it_lies) and np.array_equal(batch.flows, as_it_lies)
    )  # fmt: skip


def _blocked(values: np.ndarray, blocks: int, w: int, pad: int | None) -> np.ndarray:
    """[n, rows, k] to [blocks, rows, w, k]; missing instances repeat the last one, or hold `pad`."""
    n, rows, k = values.shape
    missing = blocks * w - n
    if missing:
        filler = values[-1:].repeat(missing, 0) if pad is None else np.full((missing, rows, k), pad, values.dtype)
        values = np.concatenate([values, filler])
    return values.reshape(blocks, w, rows, k).transpose(0, 2, 1, 3)
