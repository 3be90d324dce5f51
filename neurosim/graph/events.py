"""Events of a signal graph: what they mean, and how a graph with events becomes array programs.

**Meaning**, in continuous time and in digital networks alike. An element of an event node is *armed* while its drive
(the sum of its inputs) is below its threshold; what starts at or above it is not. An armed element whose drive is at or
above the threshold *ticks*: in continuous time at the crossing, found on the interpolant to rounding; in a digital
network at the end of the step. It is armed again once its drive has been below the threshold, or when its own reset
took the drive down. All that happens at one instant happens in this order:

1. clocked states jump, held inputs move on, holds on clocks sample;
2. refractory times end; delayed pulses arrive, all that are due at once;
3. rounds: all armed elements that are at or above their threshold tick together (drives that differ from it by 1e-12 of
   it count as equal). From the values before the round follow the pulses (weights and traces too) and what states
   clocked by these events jump to; then resets act, in the order of their edges; then pulses are added, but not to
   states that a refractory event holds; then bounds are kept; then holds clocked by these events sample. Rounds follow
   until nothing ticks, so that a spike that drives another neuron over its threshold makes it tick at the same instant,
   after it.

For the refractory time after a tick, the event does not tick, and the states that it resets are held: they do not
flow, and pulses that reach them are lost. A pulse with a delay is weighted when it arrives. A hold or state whose clock
is an event keeps its initial value until the first tick.

Refused: more than 1000 rounds at an instant, two ticks of one element within 1e-12 of the time (Zeno), a full queue of
delayed ticks. Two crossings within one step of the integration are not seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph import event_law as words
from neurosim.graph.event_checks import pulse_nodes
from neurosim.graph.layout import Layout, layout_of
from neurosim.graph.program import Program, build_program
from neurosim.graph.signal_graph import RESETS, Number, SignalGraph
from neurosim.kernels import array_program as ap
from neurosim.kernels.builder import BatchSpec

QUEUE = 4096
"""Least number of delayed ticks that one delay can have under way; 16 for each element where there are more."""

LOG_VALUES = 1_000_000
"""Most numbers in the log of a run between two calls of the compiled loop."""


@dataclass(frozen=True, kw_only=True)
class EventProgram(Program):
    """A compiled graph with events: what it is between ticks, and what events watch and send.

    Attributes
    ----------
    between : Program
        Of the graph without events; what events clock are states that do not change.
    watch : Program
        Its outputs are the drives of events, then of what they clock.
    pulses : Program
        Its last inputs are ticks that arrive, its drives what these add to the states.
    events : Layout
    """

    between: Program
    watch: Program
    pulses: Program
    events: Layout

    def __setstate__(self, values: dict[str, Any]) -> None:
        super().__setstate__(values)
        self.__dict__.pop("tables", None)

    def identity(self, code: np.ndarray) -> bytes:
        """The bytes of `code`, that of the batch, with what laws are instead of where they are."""
        parts = [part.identity(part.code) for part in (self.watch, self.pulses)]
        return b"".join([super().identity(code[: int(code[words.CODE_PLACE])]), *parts])

    def with_parameters(self, vector: np.ndarray) -> EventProgram:
        """The same program with other parameter values, shape (parameters.size,)."""
        made = super().with_parameters(vector)
        assert isinstance(made, EventProgram)
        made.__dict__.pop("tables", None)
        for name in ("between", "watch", "pulses"):
            part: Program = getattr(self, name)
            values = [vector[self.parameters.slices[parameter]] for parameter in part.parameters.slices]
            object.__setattr__(made, name, part.with_parameters(np.concatenate([*values, np.empty(0)])))
        return made

    @cached_property
    def tables(self) -> EventTables:
        """What compiled code takes."""
        return _tables(self)

    @property
    def has_pauses(self) -> bool:
        """Whether an event has a refractory time."""
        return bool(self.tables.table[self.tables.code[words.PAUSES] :][: self.events.size].any())

    def number(self, value: Number, size: int) -> np.ndarray:
        """Values of a threshold, refractory time or reset."""
        if isinstance(value, str):
            value = self.p[self.parameters.slices[value]]
        return np.broadcast_to(np.asarray(value, dtype=float).ravel(), size)

    def element_name(self, element: int) -> str:
        """Event and element, as ``spike[3]``."""
        for name, part in self.events.slices.items():
            if part.start <= element < part.stop:
                return name if part.stop - part.start == 1 else f"{name}[{element - part.start}]"
        return str(element)

    def failure(self, head: np.ndarray, time: float) -> SimulationError | None:
        """What went wrong at an instant, from the head of the log; None if nothing did."""
        kind, element = int(head[words.FAILURE]), self.element_name(int(head[words.ELEMENT]))
        where = f"graph '{self.graph.title}' at t = {time:.9g} s: event '{element}'"
        if kind == words.CHAIN_ENDLESS:
            return SimulationError(
                f"{where} ticks in a chain of more than {words.CHAIN} rounds at one instant: events drive one another "
                "over their thresholds again and again; give them a refractory time, or weaker weights"
            )
        if kind == words.TOO_CLOSE:
            return SimulationError(
                f"{where} ticks twice within {words.ZENO:g} of the time: ticks come ever faster and pile up at this "
                "instant (Zeno); stop the run before, or give the event a refractory time"
            )
        if kind == words.QUEUE_FULL:
            return SimulationError(
                f"{where} sends more than {self.tables.code[words.RING]} ticks into one delay; shorten the delay, or "
                "raise neurosim.graph.events.QUEUE"
            )
        return None


@dataclass(frozen=True)
class EventTables:
    """The arrays of `neurosim.graph.event_law`, without a log.

    Attributes
    ----------
    code, table : ndarray
    memory : int
        Length of the memory, the head of a log included.
    """

    code: np.ndarray
    table: np.ndarray
    memory: int

    def with_log(self) -> EventTables:
        """The same with room for records of instants."""
        width = 1 + int(self.code[words.EVENTS]) + 2 * int(self.code[words.STATE_COUNT])
        records = int(np.clip(LOG_VALUES // width, 8, 4096))
        code = self.code.copy()
        code[words.LOG_CAPACITY] = records
        return EventTables(code, self.table, self.memory + records * width)


@dataclass(frozen=True)
class Instants:
    """The instants of a run at which events ticked.

    Attributes
    ----------
    times : ndarray, shape (instants,)
    ticks : ndarray of int, shape (ticks, 2)
        Number of the instant and of the element, in the order of time.
    before, after : ndarray, shape (instants, states)
        Empty where they were not kept.
    """

    times: np.ndarray
    ticks: np.ndarray
    before: np.ndarray
    after: np.ndarray

    def of_elements(self, program: EventProgram) -> dict[str, list[float]]:
        """Times of the ticks of each element by its name; one for each tick."""
        order = np.argsort(self.ticks[:, 1], kind="stable")
        times = self.times[self.ticks[order, 0]]
        ends = np.cumsum(np.bincount(self.ticks[:, 1], minlength=program.events.size))
        parts = np.split(times, ends[:-1])
        return {program.element_name(e): part.tolist() for e, part in enumerate(parts)}


class EventLog:
    """What a run notes of its instants, read between calls of the compiled loop.

    Parameters
    ----------
    program : EventProgram
    code, memory : ndarray
        Of the batch, see `event_batch`.

    Attributes
    ----------
    script : ndarray of int
        Place of SCRIPT in the memory of the batch, up to where ticks change it, places of RELEASE and TICKS, and the
        number of event elements.
    """

    def __init__(self, program: EventProgram, code: np.ndarray, memory: np.ndarray) -> None:
        self.program, self.code = program, code[int(code[words.CODE_PLACE]) :]
        first, length = int(code[words.MEMORY_PLACE]), program.tables.with_log().memory
        self.memory = memory[first : first + length]
        head = int(self.code[words.LOG])
        places = [head + words.SCRIPT, head + words.LOG_HEAD, self.code[words.RELEASE], self.code[words.TICKS]]
        self.script = np.append(first + np.array(places), program.events.size)
        self.log = self.memory[int(self.code[words.LOG]) :]
        self.keeps_states = True
        self.notes: list[str] = []
        self._parts: list[Instants] = []

    def begin(self, y: np.ndarray, u: np.ndarray, table: np.ndarray) -> None:
        """Arm what is below its threshold at the start."""
        words.begin_samples(0.0, 0.0, 1, y, u, self.code, table, self.memory)
        self._parts.clear()
        armed = self.memory[self.code[words.ARMED] :][: self.program.events.size]
        self.notes = [
            f"event '{name}': {int((armed[part] == 0.0).sum())} of {part.stop - part.start} elements start at or above "
            "the threshold and tick only after they have been below it"
            for name, part in self.program.events.slices.items()
            if (armed[part] == 0.0).any()
        ]

    def take(self, time: float) -> SimulationError | None:
        """Empty the log; what failed at `time`, if anything did."""
        elements, n = self.program.events.size, self.program.states.size
        count, width = int(self.log[words.LOGGED]), 1 + elements + 2 * n
        records = self.log[words.LOG_HEAD : words.LOG_HEAD + count * width].reshape(count, width)
        instant, element = np.nonzero(records[:, 1 : 1 + elements])
        often = records[instant, 1 + element].astype(int)
        ticks = np.repeat(np.stack([instant, element], axis=1), often, axis=0)
        states = records[:, 1 + elements :] if self.keeps_states else records[:0, 1 + elements :]
        self._parts.append(Instants(records[:, 0].copy(), ticks, states[:, :n].copy(), states[:, n:].copy()))
        self.log[words.LOGGED] = 0.0
        return self.program.failure(self.log, time)

    def kept(self) -> dict[str, np.ndarray]:
        """What was taken out so far, for a checkpoint; the rest lies in the system's memory."""
        return vars(self.instants)

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go on from what `kept` gave."""
        self._parts = [Instants(**kept)]

    @property
    def instants(self) -> Instants:
        """All that was taken out so far."""
        n, parts = self.program.states.size, self._parts
        first = np.cumsum([0, *(part.times.size for part in parts)])
        none = np.empty((0, n))
        return Instants(
            np.concatenate([np.empty(0), *(part.times for part in parts)]),
            np.concatenate([np.empty((0, 2), int), *(np.add(part.ticks, (k, 0)) for part, k in zip(parts, first))]),
            np.concatenate([none, *(part.before for part in parts)]),
            np.concatenate([none, *(part.after for part in parts)]),
        )  # fmt: skip


def event_batch(
    program: EventProgram, batch: BatchSpec, code: np.ndarray, table: np.ndarray
) -> tuple[BatchSpec, np.ndarray, np.ndarray]:
    """The batch of a graph, with its events, and what its law takes then."""
    tables, work = program.tables.with_log(), batch.scratch_rows
    code = np.concatenate([code, tables.code, [work, len(table), len(code)]])
    table = np.concatenate([table, tables.table])
    made = replace(
        batch, law=words.flow_with_held_states, accept=words.ticks_of_clocks_and_events, events=words.event_functions,
        jump=words.nothing, event_count=int(tables.code[words.EVENTS] + tables.code[words.DELAYS]), scratch_rows=0,
        memory_rows=work + tables.memory, table=table.tolist(), code=code.tolist(),
    )  # fmt: skip
    return made, code, table


def compile_events(flat: SignalGraph, notes: tuple[str, ...]) -> EventProgram:
    """Array programs of a flat, checked graph that has events."""
    carriers = pulse_nodes(flat)
    between = _between_ticks(flat, carriers)
    main = build_program(between, notes)
    watch = build_program(_watching(flat, between), ())
    pulses = build_program(_pulsing(flat, between, carriers), ())
    events = layout_of(flat, flat.of_kind("event"))
    return EventProgram(
        flat, main.code, main.p, main.states, main.inputs, main.outputs, main.parameters, main.time_constant, main.leak,
        main.initial, notes, main.laws, between=main, watch=watch, pulses=pulses, events=events,
    )  # fmt: skip


def _between_ticks(flat: SignalGraph, carriers: set[str]) -> SignalGraph:
    made = flat.copy()
    made.remove_nodes_from([*flat.of_kind("event"), *carriers])
    for name in ticked_nodes(flat):
        made.remove_edges_from(list(made.in_edges(name, keys=True)))
        made.nodes[name].update(kind="state", time_constant=1.0, leak=0.0, clock=None, bias=None)
    return made


def ticked_nodes(graph: SignalGraph) -> list[str]:
    """States and holds whose clock is an event."""
    events = set(graph.of_kind("event"))
    return [name for name in graph.of_kind("state", "hold") if graph.nodes[name]["clock"] in events]


def _watching(flat: SignalGraph, between: SignalGraph) -> SignalGraph:
    made = _stripped(between)
    for name in flat.of_kind("event") + ticked_nodes(flat):
        drive = f"/drive of {name}"
        made.add_node(
            drive, kind="port", shape=flat.nodes[name]["shape"], output=True, unit="", limits=None,
            bias=flat.nodes[name].get("bias"),
        )  # fmt: skip
        made.add_edges_from((a, drive, dict(d)) for a, _, d in flat.in_edges(name, data=True) if d["role"] == "add")
    return _pruned(made, made.outputs)


def _pulsing(flat: SignalGraph, between: SignalGraph, carriers: set[str]) -> SignalGraph:
    made = _stripped(between)
    made.add_nodes_from((name, dict(flat.nodes[name])) for name in carriers)
    for event, delay in sendings(flat):
        made.add_node(
            _arrival(event, delay), kind="port", shape=flat.nodes[event]["shape"], output=False, unit="", limits=None,
            bias=None,
        )  # fmt: skip
    for a, b, d in flat.edges(data=True):
        if d["role"] in ("add", "factor") and (b in carriers or a in carriers or flat.nodes[a]["kind"] == "event"):
            source = _arrival(a, d["delay"]) if flat.nodes[a]["kind"] == "event" else a
            made.add_edge(source, b, **{**d, "delay": 0.0 if source != a else d["delay"]})
    return _pruned(made, made.of_kind("state", "hold"))


def _stripped(between: SignalGraph) -> SignalGraph:
    """The graph with states that nothing drives, and without outputs."""
    made = between.copy()
    made.remove_nodes_from(between.outputs)
    for name in made.of_kind("state", "hold"):
        made.remove_edges_from(list(made.in_edges(name, keys=True)))
        made.nodes[name].update(leak=0.0, initial=0.0, bias=None)
        if made.nodes[name]["kind"] == "state":
            made.nodes[name].update(time_constant=1.0, clock=None)
    return made


def _pruned(made: SignalGraph, wanted: list[str]) -> SignalGraph:
    """The graph without memoryless nodes and parameters that nothing wanted needs."""
    kept, stack = set(wanted), list(wanted)
    while stack:
        for a in made.predecessors(stack.pop()):
            if a not in kept:
                kept.add(a)
                stack.append(a)
    made.remove_nodes_from([n for n in made if n not in kept and made.nodes[n]["kind"] in ("map", "product")])
    used = {d["weight"] for _, _, d in made.edges(data=True)}
    used |= {d.get(key) for _, d in made.nodes(data=True) for key in ("bias", "weight")}
    used.update(name for _, d in made.nodes(data=True) for name in d.get("parameters", ()))
    made.parameters = {name: value for name, value in made.parameters.items() if name in used}
    return made


def sendings(graph: SignalGraph) -> list[tuple[str, float]]:
    """Events that send pulses, once for each of their delays [s]."""
    found = {
        (str(a), d["delay"]): None
        for a, _, d in graph.edges(data=True)
        if graph.nodes[a]["kind"] == "event" and d["role"] in ("add", "factor")
    }
    return list(found)


def _arrival(event: str, delay: float) -> str:
    return f"/{event} after {delay!r}"


def _tables(program: EventProgram) -> EventTables:
    flat, watch, pulses = program.graph, program.watch, program.pulses
    n, inputs, elements = program.states.size, program.inputs.size, program.events.size
    sent = sendings(flat)
    delays = sorted({delay for _, delay in sent if delay > 0.0})
    resets, values = _resets(program)
    clocked = []
    for name in ticked_nodes(flat):
        event, part = program.events.slices[flat.nodes[name]["clock"]], program.states.slices[name]
        clocked.append((
            event.start, int(event.stop - event.start > 1), part.stop - part.start, part.start,
            watch.outputs.slices[f"/drive of {name}"].start, int(flat.nodes[name]["kind"] == "hold"),
        ))  # fmt: skip
    sending = [
        (program.events.slices[event].start, flat.size_of(event), delays.index(delay) if delay > 0.0 else -1,
         pulses.inputs.slices[_arrival(event, delay)].start - inputs)
        for event, delay in sent
    ]  # fmt: skip
    bounds = np.full((2, n), [[-np.inf], [np.inf]])
    for name, part in program.states.slices.items():
        if flat.nodes[name].get("bounds") is not None:
            bounds[:, part] = np.array(flat.nodes[name]["bounds"], float)[:, None]
    numbers = {
        key: np.concatenate([program.number(flat.nodes[e][key], flat.size_of(e)) for e in program.events.slices])
        for key in ("threshold", "refractory")
    }
    tables = (
        (words.THRESHOLDS, numbers["threshold"]), (words.PAUSES, numbers["refractory"]), (words.DELAY_VALUES, delays),
        (words.RESET_VALUES, values), (words.BOUNDS, bounds.ravel()),
        (words.WATCH_P, np.concatenate([watch.p, watch.transposed])),
        (words.PULSES_P, np.concatenate([pulses.p, pulses.transposed])),
    )  # fmt: skip
    arrives, ring = pulses.inputs.size - inputs, max(QUEUE, 16 * elements)
    arena = max(int(watch.code[ap.SIZE]), int(pulses.code[ap.SIZE]))
    rooms = (
        (words.ARMED, elements), (words.RELEASE, elements), (words.LAST_TICK, elements), (words.TICKS, elements),
        (words.NEW_TICKS, elements), (words.DRIVES, watch.outputs.size + elements), (words.HELD_STATES, n + inputs),
        (words.ARRIVING, arrives + n), (words.QUEUES, len(delays) * (2 + words.QUEUE_WORDS * ring)),
        (words.ARENA, arena), (words.LOG, words.LOG_HEAD),
    )  # fmt: skip
    parts = (
        (words.RESETS_AT, np.ravel(resets)), (words.CLOCKED_AT, np.ravel(clocked)), (words.SENDINGS_AT,
        np.ravel(sending)), (words.WATCH_AT, watch.code), (words.PULSES_AT, pulses.code),
    )  # fmt: skip
    code = np.zeros(words.WORDS_OF_EVENTS, np.int64)
    for key, value in (
        (words.EVENTS, elements), (words.STATE_COUNT, n), (words.INPUT_COUNT, inputs), (words.TICK_INPUTS, arrives),
        (words.RESETS, len(resets)), (words.CLOCKED, len(clocked)), (words.DELAYS, len(delays)),
        (words.SENDINGS, len(sending)), (words.RING, ring), (words.WATCH_LENGTH, watch.code.size),
        (words.PULSES_LENGTH, pulses.code.size), (words.WATCHED, watch.outputs.size),
        (words.WATCH_COUNT, watch.p.size), (words.PULSES_COUNT, pulses.p.size),
    ):  # fmt: skip
        code[key] = value
    size = _place(code, words.WORDS_OF_EVENTS, [(key, len(part)) for key, part in parts])
    assert size == words.WORDS_OF_EVENTS + sum(len(part) for _, part in parts)
    _place(code, 0, [(key, len(part)) for key, part in tables])
    memory = _place(code, 0, rooms)
    return EventTables(
        np.concatenate([code, *(np.asarray(part, np.int64) for _, part in parts)]),
        np.concatenate([np.asarray(part, float) for _, part in tables]), memory,
    )  # fmt: skip


def _place(code: np.ndarray, start: int, sizes: Any) -> int:
    """Note where each part begins, one after the other; return the end."""
    for key, size in sizes:
        code[key] = start
        start += size
    return start


def _resets(program: EventProgram) -> tuple[list[tuple[int, ...]], np.ndarray]:
    """Records of resets, and their values."""
    flat, records, values = program.graph, [], [np.empty(0)]
    place = 0
    for target in program.states.slices:
        for a, _, data in flat.in_edges(target, data=True):
            if data["role"] != "reset":
                continue
            key = next(key for key in RESETS if data.get(key) is not None)
            if key == "draw":
                raise ParameterError(f"edge '{a}' -> '{target}': what is drawn at ticks needs a grid of time; give dt")
            event, state = program.events.slices[a], program.states.slices[target]
            first, last = data["target_part"] or (0, state.stop - state.start)
            low, high = data["source_part"] or (0, event.stop - event.start)
            pause = program.number(flat.nodes[a]["refractory"], event.stop - event.start)[low:high]
            records.append((
                RESETS.index(key), event.start + low, int(high - low > 1), last - first, state.start + first, place,
                int((pause > 0.0).any()),
            ))  # fmt: skip
            values.append(program.number(data[key], last - first))
            place += last - first
    return records, np.concatenate(values)
