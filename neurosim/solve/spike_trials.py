"""Many runs of one spiking network, each with its own spikes: what classifiers of liquid states are fitted to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_cells import compile_cells
from neurosim.graph.spikes import SpikeProgram, compile_spikes
from neurosim.solve.simulate_spike_events import begin_spike_events
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings

SHORTEST = 1e-12
"""Span of a run that is read at its beginning [s]."""


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

    def compiled(g: SignalGraph | SpikeProgram) -> SpikeProgram:
        program = g if isinstance(g, SpikeProgram) else compile_spikes(g, dt)
        if save not in program.states.slices:
            raise ParameterError(f"spike_trials(): no state '{save}'; states: {', '.join(program.states.slices)}")
        return program

    def trial(k: int) -> np.ndarray:
        program = programs[id(graphs[k])]
        part, steps = program.states.slices[save], np.round(np.atleast_1d(at[k]) / program.dt).astype(np.int64)
        start = {} if initial is None else initial[k]
        settings = SpikeSettings(dt=program.dt, drive=drives[k], initial=start, seed=seed + k)
        run = SpikeRun(program, settings, float(at[k].max()))
        made = np.empty((steps.size, part.stop - part.start))
        for reading in np.argsort(steps, kind="stable"):
            run.advance(int(steps[reading]))
            made[reading] = run.y[part]
        return made

    with ThreadPoolExecutor(workers) as pool:
        programs = dict(zip(different, pool.map(compiled, different.values()), strict=True))
        sizes = {program.states.shapes[save] for program in programs.values()}
        if len(sizes) > 1:
            raise ParameterError(f"spike_trials(): state '{save}' has different shapes: {sizes}")
        found = np.array(list(pool.map(trial, range(len(drives)))))
    return found.reshape(*at.shape, -1)


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
