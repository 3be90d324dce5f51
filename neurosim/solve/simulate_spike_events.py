"""Run a network of spiking neurons without a grid of time, from event to event."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.drives import Drives, bind_drives
from neurosim.graph.law import CONSTANT, HELD
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_cells import CellProgram, compile_cells
from neurosim.kernels import spike_cells as words
from neurosim.kernels import spike_steps
from neurosim.kernels.spike_events import run_spike_events
from neurosim.results import Result
from neurosim.solve.asked import checked_span, print_times, read_settings
from neurosim.solve.simulate_spikes import LOG, SpikeRun, SpikeRunSettings, keep_from, run_to_end

PIECES = 100
"""Times that a run looks up to say how far it is."""


@dataclass(frozen=True)
class SpikeEventSettings(SpikeRunSettings):
    """How a network of spiking neurons is simulated without a grid: `SpikeRunSettings`, and `grid`.

    Spikes of drives are at their own times; other drives are constants, `neurosim.held` samples or `neurosim.noise`.
    `print_step` is 1/200 of the span by default. Nothing in such a run uses `seed`.

    Parameters
    ----------
    grid : {"free"}
        There is no grid: ticks are at their own times.
    """

    grid: str


def simulate_spike_events(graph: Any, t_span: tuple[float, float] | None, **settings: Any) -> Result:
    """Run a network of spiking neurons from t = 0 from event to event; every tick is at the crossing itself.

    Parameters
    ----------
    graph : SignalGraph or CellProgram
        See `neurosim.graph.spike_cells`.
    t_span : (float, float)
        Run from 0 to the second [s]; states are sampled from the first on.
    **settings
        Fields of `SpikeEventSettings`.

    Returns
    -------
    Result
        Times of ticks in ``result.events``; a column for each saved element.

    Raises
    ------
    ParameterError, UnknownNameError
    SimulationError
        A state is not finite any more; ticks that never end at one instant; ticks of one neuron that pile up.
    """
    return run_to_end(begin_spike_events(graph, t_span, **settings))


def begin_spike_events(graph: Any, t_span: tuple[float, float] | None, **settings: Any) -> SpikeEventRun:
    """Begin what `simulate_spike_events` runs.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    chosen = read_settings(SpikeEventSettings, settings, "simulate() with grid")
    if chosen.grid != "free":
        raise ParameterError(f"grid = {chosen.grid!r}: only 'free' is known; for a grid give dt, its step [s]")
    start, stop = checked_span(t_span)
    if not isinstance(graph, (SignalGraph, CellProgram)):
        raise ParameterError(f"simulate() with grid takes a SignalGraph, not {type(graph).__name__}")
    clock = time.perf_counter()
    program = graph if isinstance(graph, CellProgram) else compile_cells(graph)
    run = SpikeEventRun(program, chosen, stop, start)
    run.begun = clock
    return run


class SpikeEventRun(SpikeRun):
    """A run that can be stopped and continued at any time: a run in pieces equals the uncut one, bit for bit.

    Parameters
    ----------
    program : CellProgram
    chosen : SpikeEventSettings
    t_stop, start : float
        As of `SpikeRun`.
    """

    program: CellProgram
    chosen: Any
    loop = run_spike_events

    def __init__(self, program: CellProgram, chosen: SpikeEventSettings, t_stop: float, start: float = 0.0) -> None:
        self.program, self.chosen, self.span, self.begun = program, chosen, (start, t_stop), time.perf_counter()
        self.y, self.code = self._at_first(), program.code
        self.places = self._saved()
        self.sample_times = print_times(self.span, chosen.print_step)
        self.notes: list[str] = []
        self._samples: list[np.ndarray] = []
        self._ticks: Any = []
        elements, states = program.events.size, program.states.size
        code = program.code.copy()
        code[spike_steps.SAMPLED], code[spike_steps.SAMPLED_AT] = len(self.places), len(code)
        log = max(LOG, 4 * elements)
        whole, none = np.int64, np.empty(0)
        self.cells = words.Cells(
            code=np.concatenate([code, np.array(list(self.places.values()), whole)]), table=program.table,
            pointers=program.pointers, targets=program.targets, strengths=program.strengths, constant=program.constant,
            input_times=none, input_rows=none, given_times=none, given_elements=np.empty(0, whole),
            sample_times=none, samples=none, work=np.empty(program.work), plan=np.zeros(words.PLAN, whole),
            clock=np.zeros(2), y=self.y, rest=np.zeros(2 * states), force=np.zeros(states),
            since=np.zeros(program.cells),
            release=np.full(elements, -np.inf), last=np.full(elements, -np.inf), next_time=np.full(elements, np.inf),
            awaited=np.zeros(elements, whole), outcome=np.zeros(elements, whole), armed=np.ones(elements, whole),
            heap=np.zeros(elements, whole), place=np.full(elements, -1), arrivals=np.full(program.arrivals, -np.inf),
            memory=np.zeros(program.memory), heads=np.zeros(program.sendings, whole),
            due=np.full(program.sendings, np.inf), log_times=np.empty(log), log_elements=np.zeros(log, whole),
            touched=np.zeros(2 * program.cells, whole), mark=np.zeros(program.cells, whole),
            raised=np.ones(program.cells, whole), slack=np.zeros(elements),
            round=np.zeros(len(program.events.slices) + 1, whole),
        )  # fmt: skip
        self.armed, self.plan = self.cells.armed, np.zeros(spike_steps.PLAN, whole)
        self._drive = self._mapping(chosen.drive)
        self._bind()
        self._arm()

    @property
    def time(self) -> float:
        """How far it went [s]."""
        return float(self.cells.clock[words.STOP])

    def count(self, which: int) -> int:
        """An entry of the compiled loop's plan."""
        return int(self.cells.plan[which])

    @property
    def method(self) -> str:
        """How it runs."""
        return "exact, from event to event"

    def _run_to(self, until: float) -> None:
        self.advance(until)

    def _values(self, part: slice) -> np.ndarray:
        if self.count(words.STARTED) == 0:
            return self.y[part].copy()
        size = part.stop - part.start
        code = np.concatenate([self.cells.code, np.arange(part.start, part.stop)])
        code[spike_steps.SAMPLED], code[spike_steps.SAMPLED_AT] = size, self.cells.code.size
        seen = self.cells._replace(code=code, sample_times=np.array([self.time]), samples=np.empty(size))
        seen.plan[words.SAMPLE] = 0
        run_spike_events(seen)
        return seen.samples

    def _counts(self) -> dict[str, int]:
        numbers = {"instants": words.INSTANT, "searches": words.SEARCHES, "pulses": words.SENT}
        return {name: self.count(which) for name, which in numbers.items()}

    def _sampled(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        columns = self.columns()
        count = next((values.size for values in columns.values()), 0)
        return self.sample_times[:count], columns

    def advance(self, until: float) -> None:
        """Go on to a time [s].

        Raises
        ------
        SimulationError
        """
        pieces = 1 if self.chosen.progress is None and self.keeper is None else PIECES
        for stop in np.linspace(self.time, until, pieces + 1)[1:].tolist():
            self._advance(stop)
            if self.chosen.progress is not None:
                self.chosen.progress(stop, self.span[1])
            if self.keeper is not None:
                self.keeper.look()

    def _advance(self, stop: float) -> None:
        at = self.sample_times if self.places else np.empty(0)
        is_new = (at <= stop) & ((at > self.time) | (self.count(words.STARTED) == 0))
        wanted = np.ascontiguousarray(at[is_new])
        cells = self.cells = self.cells._replace(sample_times=wanted, samples=np.empty(wanted.size * len(self.places)))
        cells.clock[words.STOP], cells.plan[words.SAMPLE] = stop, 0
        goes_on = True
        while goes_on:
            start = self.count(words.LOGGED)
            run_spike_events(cells)
            # It came back early where the log was full.
            goes_on = self.count(words.LOGGED) + self.program.events.size > cells.log_times.size
            self._take_ticks(start)
            if self.count(words.FAILURE) != words.QUIET:
                raise self._failed()
        self._samples.append(cells.samples)
        if not np.isfinite(cells.y).all():
            raise self._not_finite()

    def ticks(self) -> tuple[np.ndarray, np.ndarray]:
        """Times [s] and elements of all ticks so far, in the order of time."""
        return (
            np.concatenate([np.empty(0), *(t for t, _ in self._ticks)]),
            np.concatenate([np.empty(0, np.int64), *(e for _, e in self._ticks)]),
        )

    def asked(self) -> list[np.ndarray]:
        """What was laid out before the run began: drives, and what is saved."""
        cells = self.cells
        given = [cells.input_times, cells.input_rows, cells.given_times, cells.given_elements]
        return [*given, self.sample_times, np.array(list(self.places.values()), np.int64)]

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays that change."""
        return {name: getattr(self.cells, name) for name in words.CHANGING}

    def _restore_ticks(self, times: np.ndarray, elements: np.ndarray) -> None:
        """Ticks so far."""
        self._ticks = [(times, elements)]

    @property
    def logged(self) -> int:
        """Ticks in the log."""
        return self.count(words.LOGGED)

    def _take_ticks(self, start: int) -> None:
        """Take what was logged since `start` out of the log, but for what delayed pulses still need."""
        cells, logged = self.cells, self.count(words.LOGGED)
        self._ticks.append((cells.log_times[start:logged].copy(), cells.log_elements[start:logged].copy()))
        keep = int(cells.heads.min(initial=logged))
        keep_from(keep, logged, [cells.log_times, cells.log_elements], cells.heads)
        cells.plan[words.LOGGED] = logged - keep

    def _bind(self) -> None:
        """Bind drives: given ticks of all events from now on in the order of time, and inputs."""
        trains, held = self._split_drives()
        times, elements = [np.empty(0)], [np.empty(0, np.int64)]
        is_begun = self.count(words.STARTED) != 0
        for port, train in trains.items():
            ahead = train.times > (self.time if is_begun else -1.0)
            times.append(train.times[ahead])
            elements.append(train.elements[ahead] + self.program.events.slices[self.program.given[port]].start)
        at, which = np.concatenate(times), np.concatenate(elements)
        order = np.lexsort((which, at))
        before = self.drives.values(np.array([self.time])) if is_begun else None
        self.drives = bind_drives(self.program.inputs, held, self.span[1])
        changes, rows = _held_inputs(self.drives, self.time, self.span[1])
        if before is not None and changes.size and (rows[0] == before).all():
            changes, rows = changes[1:], rows[1:]
        self.cells = self.cells._replace(
            given_times=at[order], given_elements=which[order], input_times=changes, input_rows=rows.ravel()
        )
        self.cells.plan[[words.NEXT_GIVEN, words.NEXT_INPUT]] = 0

    def _failed(self) -> SimulationError:
        element, now = self.count(words.FAILED), float(self.cells.clock[words.NOW])
        name, part = next((n, p) for n, p in self.program.events.slices.items() if p.start <= element < p.stop)
        where = f"graph '{self.program.graph.title}' at t = {now:.9g} s: event '{name}[{element - part.start}]'"
        if self.count(words.FAILURE) == words.CHAIN_ENDLESS:
            return SimulationError(
                f"{where} ticks in a chain of more than {words.CHAIN} rounds at one instant: events drive one another "
                "over their thresholds again and again; give them a refractory time, or weaker weights"
            )
        return SimulationError(
            f"{where} ticks twice within {words.ZENO:g} of the time: ticks come ever faster and pile up at this "
            "instant (Zeno); stop the run before, or give the event a refractory time"
        )

    @property
    def step(self) -> int:
        """Instants so far."""
        return self.count(words.INSTANT)


def _held_inputs(drives: Drives, now: float, t_stop: float) -> tuple[np.ndarray, np.ndarray]:
    """Times at which inputs change, from now on, and a row of their values from each on."""
    for kind, offset, *_ in drives.records:
        if kind not in (CONSTANT, HELD):
            name = next(n for n, part in drives.inputs.slices.items() if part.start <= offset < part.stop)
            raise ParameterError(
                f"drive of '{name}' changes all the time: without a grid inputs are constant or held (neurosim.held); "
                "give dt, or leave out grid"
            )
    if not drives.inputs.size:
        return np.empty(0), np.empty((0, 0))
    times = np.unique(np.concatenate([np.full(1, now), *drives.corners(t_stop)]))
    times = times[times >= now]
    return times, np.ascontiguousarray(drives.values(times))
