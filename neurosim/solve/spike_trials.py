"""Many runs of one spiking network, each with its own spikes: what classifiers of liquid states are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.copies import has_copies, side_by_side
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_cells import compile_cells
from neurosim.graph.spike_trains import SpikeTrains, spike_trains
from neurosim.graph.spikes import SpikeProgram, compile_spikes
from neurosim.kernels.spike_steps import NOISY
from neurosim.solve.simulate_spike_events import begin_spike_events
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings

SHORTEST = 1e-12
"""Span of a run that is read at its beginning [s]."""
TOGETHER, MOST_COPIES = 2200, 16
"""Neurons that run side by side at most, so that their states stay in the nearer caches, and copies of a circuit."""
WORTH_COMPILING = 20_000
"""Steps of all trials together from which it is worth the time to lay out copies of the circuit."""


def spike_trials(
    graph: SignalGraph | SpikeProgram | Sequence[SignalGraph | SpikeProgram], drives: Sequence[Mapping[str, Any]],
    times: Any, *, save: str, dt: float | None = None, grid: str | None = None,
    initial: Sequence[Mapping[str, Any]] | None = None, workers: int = 1,
    seed: int = 0,
) -> np.ndarray:  # fmt: skip
    """Run a spiking network once for each drive and return a state at given times.

    Parameters
    ----------
    graph : SignalGraph or SpikeProgram, or a sequence of them
        One for all trials, or one for each: many circuits at once. A circuit that comes again is compiled once.
    drives : sequence of mapping
        Of each trial, as in `neurosim.simulate`.
    times : array_like, shape (trials,) or (trials, readings)
        When the state is read [s]; a trial ends with its last reading.
    save : str
        The state, such as ``"trace"``.
    dt : float, optional
        Step of a grid of time [s].
    grid : {"free"}, optional
        There is no grid: the runs go from event to event.
    initial : sequence of mapping, optional
        Initial values of each trial.
    workers : int
        Threads; the result does not depend on it.
    seed : int
        Of the noise of the first trial, default 0; each trial has the next one.

    Returns
    -------
    ndarray, shape (trials, size) or (trials, readings, size)

    Raises
    ------
    ParameterError, UnknownNameError, SimulationError
    """
    at = np.asarray(times, float)
    if at.ndim not in (1, 2) or len(at) != len(drives) or (initial is not None and len(initial) != len(drives)):
        raise ParameterError(f"spike_trials(): {len(drives)} drives, times of shape {at.shape}; one row for each drive")
    if not len(drives):
        raise ParameterError("spike_trials(): there are no drives; give one for each trial")
    if not (np.isfinite(at).all() and (at >= 0.0).all()):
        raise ParameterError("spike_trials(): times must be finite and not negative")
    alone = isinstance(graph, SignalGraph | SpikeProgram)
    graphs = [graph] * len(drives) if alone else list(graph)
    if len(graphs) != len(drives):
        raise ParameterError(f"spike_trials(): {len(graphs)} graphs for {len(drives)} drives; one, or one for each")
    if (dt is None) == (grid is None):
        raise ParameterError("spike_trials(): give dt, the step [s] of a grid of time, or grid='free'")
    different = {id(g): g for g in graphs}
    if dt is None:
        given = [{"grid": grid, "drive": drive, "seed": seed + k} for k, drive in enumerate(drives)]
        for k, start in enumerate(initial or ()):
            given[k]["initial"] = start
        with ThreadPoolExecutor(workers) as pool:
            programs = dict(zip(different, pool.map(_cells, different.values()), strict=True))
            return np.array(list(pool.map(
                lambda k: _read(programs[id(graphs[k])], given[k], at[k], save), range(len(drives))
            )))  # fmt: skip
    trials = {key: [k for k, g in enumerate(graphs) if id(g) == key] for key in different}

    def compiled(g: SignalGraph | SpikeProgram) -> _Batches:
        program = g if isinstance(g, SpikeProgram) else compile_spikes(g, dt)
        if save not in program.states.slices:
            raise ParameterError(f"spike_trials(): no state '{save}'; states: {', '.join(program.states.slices)}")
        return _Batches(program, trials[id(g)], np.atleast_2d(at.T).T, drives, initial, save, seed)

    with ThreadPoolExecutor(workers) as pool:
        of_graph = list(pool.map(compiled, different.values()))
        sizes = {made.program.states.shapes[save] for made in of_graph}
        if len(sizes) > 1:
            raise ParameterError(f"spike_trials(): state '{save}' has different shapes: {sizes}")
        jobs = [(made, batch) for made in of_graph for batch in made.batches()]
        found = list(pool.map(lambda job: job[0].run(job[1]), jobs))
    states = np.empty((len(drives), at[0].size, *np.shape(found[0])[2:]))
    for (_, batch), values in zip(jobs, found, strict=True):
        states[batch] = values
    return states.reshape(*at.shape, -1)


def _cells(graph: SignalGraph | SpikeProgram) -> SpikeProgram:
    return graph if isinstance(graph, SpikeProgram) else compile_cells(graph)


def _read(program: SpikeProgram, given: dict[str, Any], times: np.ndarray, save: str) -> np.ndarray:
    """The state in a run without a grid, at one time or at several."""
    run = begin_spike_events(program, (0.0, max(float(times.max()), SHORTEST)), **given)
    made: list[Any] = [None] * times.size
    for reading in np.argsort(times, axis=None, kind="stable"):
        run.run_to(float(np.ravel(times)[reading]))
        made[reading] = run.state(save).ravel()
    return np.reshape(made, (*times.shape, -1))


class _Batches:
    """The trials of one circuit, some of them side by side where they are small: steps are dearer than neurons."""

    def __init__(
        self, program: SpikeProgram, trials: list[int], times: np.ndarray, drives: Sequence[Mapping[str, Any]],
        initial: Sequence[Mapping[str, Any]] | None, save: str, seed: int,
    ) -> None:  # fmt: skip
        self.program, self.drives, self.initial, self.save, self.seed = program, drives, initial, save, seed
        self.steps = {k: np.round(times[k] / program.dt).astype(np.int64) for k in trials}
        size = max(part.stop - part.start for part in program.states.slices.values())
        copies = min(TOGETHER // size, MOST_COPIES, len(trials))
        self.copies = copies if copies > 1 and self._may_share(trials) else 1
        self.shared = program
        if self.copies > 1:
            self.shared = compile_spikes(
                side_by_side(program.graph, self.copies), program.dt, scheme=program.scheme or "lawson2",
                substeps=program.substeps,
            )  # fmt: skip

    def _may_share(self, trials: list[int]) -> bool:
        """Whether trials differ in nothing but spikes that are given, and where they begin."""
        program, total = self.program, sum(int(self.steps[k].max(initial=0)) for k in trials)
        return (
            total > WORTH_COMPILING and not program.learned and not program.code[NOISY] and has_copies(program.graph)
            and all(_is_spikes(self.drives[k], program) for k in trials)
        )  # fmt: skip

    def batches(self) -> list[list[int]]:
        """Trials that run together: those that are about as long."""
        order = sorted(self.steps, key=lambda k: int(self.steps[k].max()))
        return [order[k : k + self.copies] for k in range(0, len(order), self.copies)]

    def run(self, batch: list[int]) -> np.ndarray:
        """States of a batch, shape (trials, readings, size)."""
        if self.copies == 1:
            return self._alone(batch[0])[None]
        drives = {name: _joined([self.drives[k].get(name) for k in batch], part.stop - part.start)
                  for name, part in self.program.trains.slices.items()}  # fmt: skip
        starts = [{} if self.initial is None else self.initial[k] for k in batch]
        settings = SpikeSettings(dt=self.program.dt, drive=drives, initial=self._start(starts), seed=self.seed)
        try:
            return self._readings(SpikeRun(self.shared, settings, self._end(batch)), batch)
        except SimulationError:
            # By itself a trial is at fault by its own names, and not for what another does.
            return np.array([self._alone(k) for k in batch])

    def _alone(self, k: int) -> np.ndarray:
        start = {} if self.initial is None else self.initial[k]
        settings = SpikeSettings(dt=self.program.dt, drive=self.drives[k], initial=start, seed=self.seed + k)
        return self._readings(SpikeRun(self.program, settings, self._end([k])), [k])[0]

    def _end(self, batch: list[int]) -> float:
        return max(int(self.steps[k].max()) for k in batch) * self.program.dt

    def _readings(self, run: SpikeRun, batch: list[int]) -> np.ndarray:
        steps, at = np.array([self.steps[k] for k in batch]), np.arange(len(batch))
        read, where = np.unique(steps, return_inverse=True)
        found = run.read(run.program.states.slices[self.save], read)
        size = int(np.prod(self.program.states.shapes[self.save]))
        return found.reshape(read.size, -1, size)[where.reshape(steps.shape), at[:, None]]

    def _start(self, starts: list[Mapping[str, Any]]) -> dict[str, np.ndarray]:
        """Initial values of copies side by side from those of each."""
        program = self.program
        rows = [program.states.pack(start, program.initial, "state") for start in starts]
        rows += [program.initial] * (self.copies - len(rows))
        return {name: np.concatenate([row[part] for row in rows]) for name, part in program.states.slices.items()}


def _is_spikes(drive: Any, program: SpikeProgram) -> bool:
    """Whether a drive is right, and gives nothing but spikes."""
    return isinstance(drive, Mapping) and all(
        name in program.trains.slices and isinstance(train, SpikeTrains)
        and train.elements.max(initial=-1) < np.prod(program.trains.shapes[name])
        for name, train in drive.items()
    )  # fmt: skip


def _joined(trains: list[SpikeTrains | None], size: int) -> SpikeTrains:
    """Trains of copies side by side."""
    given = [(k, train) for k, train in enumerate(trains) if train is not None]
    none = np.empty(0)
    times = np.concatenate([none, *(train.times for _, train in given)])
    elements = np.concatenate([none.astype(np.int64), *(train.elements + k * size for k, train in given)])
    return spike_trains(times, elements)
