"""Run a network of spiking neurons on a grid of time."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError, UnknownNameError, nearest
from neurosim.graph.drives import bind_drives
from neurosim.graph.law import CONSTANT
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_trains import SpikeTrains
from neurosim.graph.spikes import WHOLE, SpikeProgram, compile_spikes
from neurosim.kernels import spike_steps as words
from neurosim.kernels.room import on_lines
from neurosim.randomness import stream
from neurosim.results import Column, Result, input_hash, versions
from neurosim.solve.asked import checked_span, read_settings
from neurosim.solve.checkpoint_file import EVERY, Checkpoint
from neurosim.solve.named_ticks import events_by_name, listed
from neurosim.solve.spike_checkpoint import SpikeKeeper, copy_into, keeper_of

LOG, CHUNK, INPUT_VALUES, KEPT_CHUNK = 60_000, 100_000, 4_000_000, 2000
"""Least room for ticks between two calls of the compiled loop; most steps of a call, most numbers of inputs; and most
steps of a call where checkpoints are kept."""


@dataclass(frozen=True, kw_only=True)
class SpikeRunSettings:
    """What runs of spiking neurons have in common, on a grid of time or without one.

    Parameters
    ----------
    drive : mapping of str to drive, optional
        Of each input: `neurosim.spike_trains` for one that makes neurons tick; else as the kind of run says.
    initial : mapping of str to array_like, optional
        Initial values of states by node, instead of those of the graph.
    save : sequence of str
        States (``"exc/v"``) and elements (``"exc/v[3]"``) to sample; default none. Ticks are always kept.
    print_step : float, optional
        Seconds between samples.
    seed : int
        Default 0.
    progress : callable, optional
        ``progress(done, total)``.
    checkpoint : path, optional
        File from which `neurosim.resume` goes on with the same bits: saved now and then, and at the end.
    checkpoint_every : float
        Seconds of computing between two saves, default 60.
    resumed : Checkpoint, optional
        Go on from there.
    """

    drive: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    save: Sequence[str] = ()
    print_step: float | None = None
    seed: int = 0
    progress: Callable[[float, float], None] | None = None
    checkpoint: str | os.PathLike[str] | None = None
    checkpoint_every: float = EVERY
    resumed: Checkpoint | None = field(default=None, compare=False)


@dataclass(frozen=True)
class SpikeSettings(SpikeRunSettings):
    """How a network of spiking neurons is simulated: `SpikeRunSettings`, and these.

    Drives other than spikes are as for any graph, read at the beginning of each step and held. `initial` and `save`
    also take weights that learn (``"W"``). `print_step` is a whole number of steps, default `dt` where states are
    saved. `seed` is that of noise: the noise of a step follows from it and the number of the step.

    Parameters
    ----------
    dt : float
        Step [s].
    scheme : str
        How states that flow nonlinearly are stepped, see `neurosim.graph.element_programs`: ``"lawson2"`` (default,
        order 2), ``"lawson4"`` (order 4), ``"exponential_midpoint"`` (order 2, for large conductances) or ``"euler"``.
        What flows linearly is exact in all but the last.
    substeps : int
        Into how many steps a step is cut for such states, default 1; ticks stay on the grid.
    diffusion : mapping of str to float or array_like, optional
        Noise on states, ``dy = f dt + g dW``: the amplitude g of a state [its unit/sqrt(s)]; beside what the graph's
        states have. On linear states the step is exact.
    """

    dt: float
    scheme: str = "lawson2"
    substeps: int = 1
    diffusion: Mapping[str, Any] = field(default_factory=dict)


def simulate_spikes(graph: Any, t_span: tuple[float, float] | None, **settings: Any) -> Result:
    """Run a network of spiking neurons from t = 0 in exact steps of dt; ticks fall on the grid.

    Parameters
    ----------
    graph : SignalGraph or SpikeProgram
        See `neurosim.graph.spikes`.
    t_span : (float, float)
        Run from 0 to the second [s]; states are sampled from the first on.
    **settings
        Fields of `SpikeSettings`.

    Returns
    -------
    Result
        Times of ticks in ``result.events``; a column for each saved element; in ``result.weights`` what was learned.

    Raises
    ------
    ParameterError, UnknownNameError
    SimulationError
        A state is not finite any more; names it.
    """
    return run_to_end(begin_spikes(graph, t_span, **settings))


def begin_spikes(graph: Any, t_span: tuple[float, float] | None, **settings: Any) -> SpikeRun:
    """Begin what `simulate_spikes` runs.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    chosen = read_settings(SpikeSettings, settings, "simulate() with dt")
    start, stop = checked_span(t_span)
    if not isinstance(graph, (SignalGraph, SpikeProgram)):
        raise ParameterError(f"simulate() with dt takes a SignalGraph, not {type(graph).__name__}")
    clock = time.perf_counter()
    if isinstance(graph, SpikeProgram):
        program = graph
        if (chosen.scheme, chosen.substeps) != ("lawson2", 1) or chosen.diffusion:
            raise ParameterError("a compiled graph has its scheme, substeps and noise: give them to compile_spikes()")
    else:
        program = compile_spikes(
            graph, chosen.dt, scheme=chosen.scheme, substeps=chosen.substeps, diffusion=chosen.diffusion
        )
    run = SpikeRun(program, chosen, stop, start)
    run.begun = clock
    return run


def run_to_end(run: SpikeRun) -> Result:
    """Run to the end of its span."""
    run.keeper = keeper_of(run, run.span)
    run.run_to(run.span[1])
    if run.keeper is not None:
        run.keeper.look(is_over=True)
    return run.result()


class SpikeRun:
    """A run that can be stopped and continued: a run in pieces equals the uncut one, tick for tick.

    Parameters
    ----------
    program : SpikeProgram
    chosen : SpikeSettings
    t_stop : float
        The end [s] until which drives are laid out.
    start : float
        Samples are kept from then on [s], default 0.

    Attributes
    ----------
    notes : list of str
        What was not as asked for.
    seconds : float
        Of computing, so far.
    """

    loop = words.run_spike_steps
    keeper: SpikeKeeper | None = None
    _reads: np.ndarray | None = None
    seconds = 0.0

    def __init__(self, program: SpikeProgram, chosen: SpikeSettings, t_stop: float, start: float = 0.0) -> None:
        self.program, self.chosen, self.span, self.begun = program, chosen, (start, t_stop), time.perf_counter()
        self.code = program.code.copy()
        elements = program.events.size
        self.y = on_lines(self._at_first())
        self.release = on_lines(np.full(elements, -1, np.int64))
        self.arrivals = np.full(program.arrivals, -1, np.int64)
        self.memory = np.zeros(program.memory)
        self.offsets = np.zeros(program.slots * (len(program.events.slices) + 1), np.int64)
        self.log = np.empty(max(LOG, 4 * elements), np.int32)
        self.armed = np.ones(elements, np.int32)
        self.q = on_lines(program.constant)
        self.work = on_lines(np.zeros(program.work))
        self.hits = np.zeros(elements // 64 + len(program.events.slices), np.int64)
        self.plan = np.zeros(words.PLAN, np.int64)
        self.plan[words.SEED] = chosen.seed
        self.notes: list[str] = []
        self.places = self._saved()
        every = chosen.print_step if chosen.print_step is not None else program.dt
        if not isinstance(every, (int, float, np.number)) or not np.isfinite(every):
            raise ParameterError(f"print_step = {every!r} s must be a finite number")
        self.every = round(every / program.dt)
        if self.every < 1 or abs(self.every - every / program.dt) > WHOLE * self.every:
            raise ParameterError(f"print_step = {every!r} s must be a whole number of steps of {program.dt:g} s")
        self.code[words.SAMPLED], self.code[words.SAMPLED_AT] = len(self.places), len(self.code)
        self.code = np.concatenate([self.code, np.array(list(self.places.values()), np.int64)])
        self._samples = [self.y[list(self.places.values())]]
        self._ticks: list[tuple[int, np.ndarray, np.ndarray]] = []
        self._drive = self._mapping(chosen.drive)
        self._bind()
        self._arm()

    def run_to(self, until: float) -> None:
        """Go on to a time [s].

        Raises
        ------
        ParameterError
            It lies behind the span of the run, or in the past.
        SimulationError
        """
        if not (isinstance(until, (int, float, np.number)) and self.time <= until * (1.0 + WHOLE) + WHOLE * self.span[1]
                and until <= self.span[1]):  # fmt: skip
            raise ParameterError(
                f"run_to({until!r}): the run is at {self.time:g} s, and was begun to {self.span[1]:g} s"
            )
        clock = time.perf_counter()
        self._run_to(float(until))
        self.seconds += time.perf_counter() - clock

    def _run_to(self, until: float) -> None:
        steps, dt = round(until / self.program.dt), self.program.dt
        if abs(until / dt - steps) > WHOLE * max(1, steps):
            self.notes.append(f"{until:g} s is no whole number of steps: the run ends at {steps * dt:g} s")
        self.advance(steps)

    def state(self, name: str) -> np.ndarray:
        """Values of a state now.

        Raises
        ------
        UnknownNameError
        """
        program = self.program
        if name not in program.states.slices:
            raise UnknownNameError(f"no state '{name}'; {nearest(name, program.states.slices)}".rstrip("; "))
        return self._values(program.states.slices[name]).reshape(program.states.shapes[name])

    def _values(self, part: slice) -> np.ndarray:
        return self.y[part].copy()

    def set_drive(self, name: str, value: Any) -> None:
        """Give an input another drive from now on; spikes that lie in the past are left out.

        Parameters
        ----------
        name : str
            Input.
        value : drive
            As in the settings; its times count from the beginning of the run.

        Raises
        ------
        ParameterError, UnknownNameError
        """
        if self.keeper is not None:
            raise ParameterError(f"set_drive('{name}'): a run with checkpoints keeps its drives")
        before = self._drive
        self._drive = before | {name: value}
        try:
            self._bind()
        except (ParameterError, UnknownNameError):
            self._drive = before
            raise

    def result(self) -> Result:
        """What came out so far: times of ticks in its `events`, a column for each saved element."""
        program, (times, elements) = self.program, self.ticks()
        axis, columns = self._sampled()
        return Result.build("time", axis, {name: Column(v, self.unit_of(name)) for name, v in columns.items()}, attrs={
            "title": program.graph.title, "analysis": "tran", "method": self.method,
            "notes": [*program.notes, *self.notes], "unknowns": program.states.size, "seed": self.chosen.seed,
            "statistics": {**self._counts(), "ticks": int(times.size), "synapses": program.synapses,
                           "seconds_time_loop": round(self.seconds, 6)},
            "versions": versions(), "input_sha256": input_hash(program.code.tobytes() + program.table.tobytes()),
            "events": events_by_name(program, times, elements),
            "seconds": round(time.perf_counter() - self.begun, 6),
            **({"weights": listed(self.weights())} if program.learned else {}),
        })  # fmt: skip

    @property
    def method(self) -> str:
        """How it runs."""
        return f"{self.program.scheme or 'exact'} steps of {self.program.dt:g} s"

    def _counts(self) -> dict[str, int]:
        """Statistics of its own."""
        return {"steps": self.step}

    def _sampled(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Times [s] and values of samples from the beginning of the span on."""
        kept = self.sampled_steps >= int(np.ceil(self.span[0] / self.program.dt - WHOLE))
        times = self.sampled_steps[kept] * self.program.dt
        return times, {name: values[kept] for name, values in self.columns().items()}

    @property
    def step(self) -> int:
        """Steps that were made."""
        return int(self.plan[words.NOW])

    @property
    def time(self) -> float:
        """How far it went [s]."""
        return self.step * self.program.dt

    @property
    def sampled_steps(self) -> np.ndarray:
        """The steps at which states were sampled."""
        return np.arange(0, self.step + 1, self.every)

    def advance(self, steps: int) -> None:
        """Go on to step number `steps`.

        Raises
        ------
        SimulationError
            A state is not finite any more.
        """
        program, plan, code = self.program, self.plan, self.code
        inputs = program.inputs.size
        chunk = CHUNK if not inputs else max(1, min(CHUNK, INPUT_VALUES // inputs))
        chunk = chunk if self.keeper is None else min(chunk, KEPT_CHUNK)
        varies = inputs and not all(record[0] == CONSTANT for record in self.drives.records)
        while self.step < steps:
            plan[words.BEFORE] = self.step
            plan[words.STOP] = min(steps, self.step + chunk)
            rows = np.empty(0)
            if varies:
                rows = np.ravel(self.drives.values(np.arange(self.step, plan[words.STOP]) * program.dt))
            plan[words.ROWS], plan[words.FIRST_ROW] = int(bool(varies)), self.step + 1
            reads = self._reads_until(int(plan[words.STOP]))
            samples = np.empty(reads.size * code[words.SAMPLED])
            plan[words.SAMPLE], plan[words.READ] = 0, 0
            ends = np.empty(int(plan[words.STOP]) - self.step, np.int64)
            start = int(plan[words.LOGGED])
            words.run_spike_steps(
                code, plan, program.table, self.y, self.q, program.constant, rows, self.release, self.arrivals,
                program.pointers, program.targets, program.strengths, self.memory, self.offsets, self.log, ends,
                self.armed, self.given_steps, self.given_elements, samples, self.work, self.hits, reads,
            )  # fmt: skip
            made = self.step - int(plan[words.BEFORE])
            self._samples.append(samples[: int(plan[words.SAMPLE])])
            self._take(start, ends[:made])
            if not np.isfinite(self.y).all():
                raise self._not_finite()
            if self.chosen.progress is not None:
                self.chosen.progress(self.step * program.dt, steps * program.dt)
            if self.keeper is not None:
                self.keeper.look()

    def read(self, part: slice, steps: np.ndarray) -> np.ndarray:
        """Go on, and give states (steps, states) after these steps, rising, from now on; nothing else is sampled."""
        wanted = np.arange(part.start, part.stop)
        self.code = np.concatenate([self.code[: self.code[words.SAMPLED_AT]], wanted])
        self.code[words.SAMPLED] = wanted.size
        self._reads, self._samples = steps, [self._values(part)] * int(steps[0] == self.step)
        self.advance(int(steps[-1]))
        return np.concatenate(self._samples).reshape(steps.size, -1)

    def _reads_until(self, stop: int) -> np.ndarray:
        """Steps to come, to `stop`, after which samples are taken."""
        if self._reads is not None:
            return self._reads[(self._reads > self.step) & (self._reads <= stop)]
        return np.arange((self.step // self.every + 1) * self.every, stop + 1 if self.places else 0, self.every)

    def ticks(self) -> tuple[np.ndarray, np.ndarray]:
        """Steps times dt [s] and elements of all ticks so far, in the order of time."""
        none = np.empty(0, np.int64)
        steps = [np.repeat(np.arange(first, first + n.size), n) for first, n, _ in self._ticks]
        elements = [part.astype(np.int64) for *_, part in self._ticks]
        return np.concatenate([none, *steps]) * self.program.dt, np.concatenate([none, *elements])

    def weights(self) -> dict[str, Any]:
        """Weights that learn as they are now, sparse matrices of shape (targets, sources), by their names."""
        import scipy.sparse

        return {
            name: scipy.sparse.csr_array((self.y[found.part], (found.rows, found.columns)), shape=found.shape)
            for name, found in self.program.learned.items()
        }

    def columns(self) -> dict[str, np.ndarray]:
        """Samples of the saved elements."""
        if not self.places:
            return {}
        values = np.concatenate([part.reshape(-1, len(self.places)) for part in self._samples])
        return {name: values[:, k] for k, name in enumerate(self.places)}

    def unit_of(self, name: str) -> str:
        """Unit of a saved element."""
        return self.program.graph.nodes.get(name.partition("[")[0], {}).get("unit", "")

    def asked(self) -> list[np.ndarray]:
        """What was laid out before the run began: drives, and what is saved."""
        drives = [np.array(self.drives.records, np.int64), np.array(self.drives.table, float)]
        return [self.given_steps, self.given_elements, np.array([*self.places.values(), self.every]), *drives]

    def kept(self) -> dict[str, np.ndarray]:
        """All that makes up where the run is, for a checkpoint."""
        ticks = [np.concatenate(part) for part in list(zip(*self._ticks, strict=True))[-2:]]
        ticks = ticks or [np.empty(0, np.int64)] * 2
        samples = np.concatenate([np.empty(0), *map(np.ravel, self._samples)])
        kept = {name: a[: self.logged] if name.startswith("log") else a for name, a in self.arrays().items()}
        return {**kept, "ticks": ticks[0], "ticked": ticks[1], "samples": samples}

    def restore(self, kept: Mapping[str, np.ndarray]) -> None:
        """Go on from what `kept` gave."""
        copy_into(self.arrays(), kept)
        self._restore_ticks(kept["ticks"], kept["ticked"])
        self._samples = [kept["samples"]]

    def _restore_ticks(self, counts: np.ndarray, elements: np.ndarray) -> None:
        """Ticks of all steps so far: how many at each, and their elements."""
        self._ticks = [(1, counts, elements)]

    def arrays(self) -> dict[str, np.ndarray]:
        """Arrays that change, and some that do not."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    @property
    def logged(self) -> int:
        """Ticks in the log."""
        return int(self.plan[words.LOGGED])

    def _take(self, start: int, ends: np.ndarray) -> None:
        """Take what was logged since `start` out of the log, but for what delayed pulses still need."""
        logged = self.logged
        counts = np.diff(ends, prepend=start)
        self._ticks.append((int(self.plan[words.BEFORE]) + 1, counts, self.log[start:logged].copy()))
        width = len(self.program.events.slices) + 1
        oldest = max(1, self.step - self.program.slots + 2)
        keep = int(self.offsets[oldest % self.program.slots * width]) if self.program.slots > 1 else logged
        keep_from(keep, logged, [self.log], self.offsets)
        self.plan[words.LOGGED] = logged - keep

    def _at_first(self) -> np.ndarray:
        """States, then weights that learn, at the beginning."""
        program, initial = self.program, self.chosen.initial
        states = {name: value for name, value in initial.items() if name not in program.learned}
        y = np.concatenate([program.states.pack(states, program.initial, "state"), *self._weights_at_first()])
        for _, name, edge in program.graph.edges(data=True):
            if edge.get("draw") is not None and name not in initial:
                scale = program.graph.value_of(edge["draw"], program.graph.size_of(name), f"reset of '{name}'")
                y[program.states.slices[name]] = -scale * stream(self.chosen.seed, name).exponential(size=scale.size)
        if not np.isfinite(y).all():
            raise ParameterError("initial: values must be finite")
        return y

    def _weights_at_first(self) -> list[np.ndarray]:
        """Weights that learn, those of the graph or those that are given."""
        found = []
        for name, learned in self.program.learned.items():
            values = learned.values
            if name in self.chosen.initial:
                given: Any = self.chosen.initial[name]
                given = given.toarray() if hasattr(given, "toarray") else np.asarray(given, float)
                if given.shape != learned.shape:
                    raise ParameterError(f"initial: weights '{name}' have shape {learned.shape}, not {given.shape}")
                values = given[learned.rows, learned.columns]
            found.append(values)
        return found

    def _saved(self) -> dict[str, int]:
        program, places = self.program, {}
        for asked in [self.chosen.save] if isinstance(self.chosen.save, str) else self.chosen.save:
            match = re.fullmatch(r"(.+)\[(\d+)\]", asked)
            name = match[1] if match else asked
            if name in program.learned:
                learned = program.learned[name]
                # As the engine calls them: by their place in the whole matrix.
                numbers = (learned.rows * learned.shape[1] + learned.columns).tolist()
                found = dict(zip(numbers, range(learned.part.start, learned.part.stop), strict=True))
                if match is not None and int(match[2]) not in found:
                    raise UnknownNameError(f"cannot save '{asked}': '{name}' has no such synapse")
                for number in [int(match[2])] if match is not None else sorted(found):
                    places[name if np.prod(learned.shape) == 1 else f"{name}[{number}]"] = found[number]
                continue
            part = program.states.slices.get(name)
            if part is None:
                known = [*program.states.slices, *program.learned]
                raise UnknownNameError(f"cannot save '{asked}': there is no such state; {nearest(name, known)}")
            size = part.stop - part.start
            wanted = range(size) if match is None else [int(match[2])]
            for e in wanted:
                if e >= size:
                    raise UnknownNameError(f"cannot save '{asked}': '{name}' has {size} elements")
                places[name if size == 1 else f"{name}[{e}]"] = part.start + e
        return places

    def _mapping(self, drive: Any) -> dict[str, Any]:
        """Drives by input."""
        ports = [*self.program.trains.slices, *self.program.inputs.slices]
        if isinstance(drive, Mapping):
            return dict(drive)
        if len(ports) != 1:
            known = ", ".join(ports) or "none"
            raise ParameterError(f"drive: give a mapping from input port to drive; input ports: {known}")
        return {ports[0]: drive}

    def _split_drives(self) -> tuple[dict[str, SpikeTrains], dict[str, Any]]:
        """Trains for the inputs that make events tick, and drives for the others."""
        program, trains, held = self.program, {}, {}
        ports = [*program.trains.slices, *program.inputs.slices]
        for name, value in self._drive.items():
            if isinstance(value, SpikeTrains) != (name in program.trains.slices):
                if name not in program.trains.slices and name not in program.inputs.slices:
                    raise UnknownNameError(f"drive: no input '{name}'; {nearest(name, ports)}".rstrip("; "))
                needed = "spikes (neurosim.spike_trains)" if name in program.trains.slices else "values, not spikes"
                raise ParameterError(f"drive: input '{name}' takes {needed}")
            if isinstance(value, SpikeTrains):
                size = program.trains.slices[name].stop - program.trains.slices[name].start
                if value.elements.size and value.elements.max() >= size:
                    raise ParameterError(
                        f"drive: input '{name}' has {size} elements, a spike is for element {value.elements.max()}"
                    )
            (trains if isinstance(value, SpikeTrains) else held)[name] = value
        return trains, held

    def _bind(self) -> None:
        """Bind drives: trains from now on to the events that they make tick, the rest to inputs."""
        program = self.program
        trains, held = self._split_drives()
        self.drives = bind_drives(program.inputs, held, self.span[1])
        if self.drives.inputs.size:
            self._hold(np.ravel(self.drives.values(np.array([self.time]))))
        steps, elements = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
        for number, event in enumerate(program.events.slices):
            record = self.code[words.EVENTS_AT] + number * words.EVENT_WORDS
            if self.code[record + words.WATCHED] >= 0:
                continue
            port = next(port for port, made in program.given.items() if made == event)
            train = trains.get(port)
            self.code[record + words.GIVEN] = sum(part.size for part in steps)
            if train is not None:
                at = np.maximum(1, np.ceil(train.times / program.dt - WHOLE)).astype(np.int32)
                steps.append(at[at > self.step])
                elements.append(train.elements[at > self.step].astype(np.int32))
            self.code[record + words.GIVEN_END] = sum(part.size for part in steps)
        self.given_steps, self.given_elements = np.concatenate(steps), np.concatenate(elements)

    def _hold(self, row: np.ndarray) -> None:
        """What inputs that do not change add to each step."""
        code, at = self.code, int(self.code[words.COUPLINGS_AT])
        records = code[at : at + 3 * code[words.COUPLINGS]].reshape(-1, 3)
        self.q[:] = self.program.constant
        np.add.at(self.q, records[:, 1], self.program.table[records[:, 2]] * row[records[:, 0]])

    def _arm(self) -> None:
        """What starts at or above its threshold ticks only after it was below."""
        program, code = self.program, self.code
        for number, (name, part) in enumerate(program.events.slices.items()):
            record = code[words.EVENTS_AT] + number * words.EVENT_WORDS
            place = code[record + words.WATCHED]
            if place < 0:
                continue
            n, stride = part.stop - part.start, code[record + words.THRESHOLD_STRIDE]
            level = program.table[code[record + words.THRESHOLD] + np.arange(n) * stride]
            above = self.y[place : place + n] >= level
            self.armed[part] = ~above
            self.plan[words.DISARMED] += above.sum()
            if above.any():
                self.notes.append(
                    f"event '{name}': {above.sum()} of {n} elements start at or above the threshold and tick only "
                    "after they have been below it"
                )

    def _not_finite(self) -> SimulationError:
        place = int(np.argmin(np.isfinite(self.y)))
        parts = self.program.states.slices | {name: found.part for name, found in self.program.learned.items()}
        name, part = next((n, p) for n, p in parts.items() if p.start <= place < p.stop)
        return SimulationError(
            f"graph '{self.program.graph.title}': state '{name}[{place - part.start}]' is not finite before "
            f"t = {self.time:g} s; look for weights or drives that are too large"
            + (
                f", or take scheme='exponential_midpoint', or substeps ({self.program.scheme} is explicit)"
                if self.program.scheme
                else ""
            )
        )


def keep_from(first: int, logged: int, logs: list[np.ndarray], places: np.ndarray) -> None:
    """Move what is in logs from a tick on to their beginnings, and the places in them along."""
    for log in logs:
        log[: logged - first] = log[first:logged].copy()
    places -= first
