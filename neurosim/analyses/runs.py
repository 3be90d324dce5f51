"""Many runs of one system, each with its own parameter values and start, on common points of time."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.analyses.field import Field, field_of
from neurosim.circuit.model import Analysis, Circuit, TransientAnalysis
from neurosim.circuit.reader import read_netlist
from neurosim.digital.network import DigitalNetwork, digital
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.program import Program, compile_graph
from neurosim.graph.signal_graph import SignalGraph
from neurosim.memristive.network import MemristiveNetwork
from neurosim.solve.dynamics import with_circuit_values, with_graph_values
from neurosim.solve.ensemble import Chunk, Job, run_chunk
from neurosim.solve.simulate_circuit import Settings, chosen_analysis
from neurosim.solve.simulate_graph import GraphSettings
from neurosim.solve.simulate_network import NetworkSettings

LONG = 100.0
"""Default length of a run in largest time constants."""

ESCAPED = 1e100
"""A map that has gone so far does not come back."""

RTOL = 1e-7
"""Default relative tolerance: attractors of neighbouring starts are told apart by less than the 1e-5 of a plain run."""


@dataclass(frozen=True)
class Rows:
    """What runs gave.

    Attributes
    ----------
    times : ndarray, shape (points,)
        Seconds; of a map steps.
    values : ndarray, shape (rows, points, k)
        Of the chosen unknowns; NaN where a row failed or escaped.
    failures : dict of int to str
    """

    times: np.ndarray
    values: np.ndarray
    failures: dict[int, str]


class Runs:
    """A flow or a map, ready to be run many times.

    Parameters
    ----------
    what : Circuit, path of a netlist, SignalGraph, Program or MemristiveNetwork
    parameters : sequence of str
        Addresses of what differs between rows.
    inputs : mapping, optional
        Drives of a graph by port.
    rtol : float
    jumps : bool
        Whether a graph may have events; between them its field says where it goes.

    Raises
    ------
    ParameterError
        A graph with delays or (without `jumps`) events, or with states of both kinds: its state is no point of a plane.
    """

    def __init__(
        self, what: Any, parameters: Sequence[str] = (), *, inputs: Any = None, rtol: float = RTOL, jumps: bool = False
    ) -> None:
        self.model = model_of(what, jumps=jumps)
        self.parameters, self.inputs, self.rtol = tuple(parameters), inputs, rtol
        self.field: Field = field_of(self.model, inputs=inputs, jumps=jumps)
        self.names, self.start, self.is_map = self.field.names, self.field.start, self.field.is_map
        mass = self.field.mass
        is_state = np.ones(len(self.names), bool) if mass is None else np.abs(mass).any(axis=0)
        self._set = np.flatnonzero(is_state)
        self._jobs: dict[Any, Job] = {}

    @property
    def duration(self) -> float:
        """Default length of a run [s or steps]: of .tran, or 100 time constants, or 500 steps."""
        if self.is_map:
            return 500.0
        if isinstance(self.model, Circuit):
            asked = next((a for a in self.model.analyses if isinstance(a, TransientAnalysis)), None)
            if asked is None:
                raise ParameterError(f"'{self.model.title}' has no .tran that says how long to run: give duration=")
            return asked.stop
        if isinstance(self.model, MemristiveNetwork):
            raise ParameterError(
                f"network '{self.model.title}' has no time constant of its own: say how long it runs "
                "(duration=, transient=; --time, --transient)"
            )
        return LONG * float(np.nanmax(self.model.time_constant))

    def run(
        self, span: tuple[float, float], step: float, values: Any = None, starts: Any = None, *,
        save: Sequence[str] | None = None,
    ) -> Rows:  # fmt: skip
        """Run all rows.

        Parameters
        ----------
        span : (float, float)
            What is kept of a run that begins at 0 [s or steps].
        step : float
            Between points; of a map 1.
        values : array_like, shape (rows, parameters), optional
        starts : array_like, shape (rows, n), optional
            y at 0; of algebraic unknowns it is not used.
        save : sequence of str, optional
            Unknowns, default all.
        """
        rows = len(starts) if values is None else len(values)
        given = np.empty((rows, 0)) if values is None else np.asarray(values, float).reshape(rows, -1)
        begin = None if starts is None else np.asarray(starts, float).reshape(rows, len(self.names))
        chosen = list(self.names if save is None else save)
        if self.is_map:
            return self._iterate(round(span[0]), round(span[1]), given, begin, chosen)
        job = self._job(span, step, chosen, begin is not None)
        first = np.empty((rows, 0)) if begin is None else begin[:, self._set]
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        size = int(np.clip(-(-rows // (8 * workers)), 1, 1000))
        chunks = [
            Chunk(at, given[at : at + size], first[at : at + size], np.zeros(len(given[at : at + size])))
            for at in range(0, rows, size)
        ]
        if len(chunks) == 1:
            done = [run_chunk(job, chunks[0])]
        else:
            with ThreadPoolExecutor(workers, thread_name_prefix="neurosim-runs") as pool:
                done = list(pool.map(lambda chunk: run_chunk(job, chunk), chunks))
        failures = {part.first + k: message for part in done for k, message in part.failures.items()}
        times = next((part.axis for part in done if part.axis is not None), None)
        if times is None:
            raise SimulationError(f"all {rows} runs of '{self.field.title}' failed; the first: {failures[0]}")
        found = np.full((rows, times.size, len(chosen)), np.nan)
        for part, chunk in zip(done, chunks, strict=True):
            for k, name in enumerate(chosen):
                if name in part.columns:
                    found[part.first : part.first + len(chunk), :, k] = part.columns[name].values
        return Rows(times, found, failures)

    def _job(self, span: tuple[float, float], step: float, save: list[str], has_starts: bool) -> Job:
        key = (span, step, tuple(save), has_starts)
        if key not in self._jobs:
            starts = tuple(self.names[int(i)] for i in self._set) if has_starts else ()
            analysis: Analysis | None = None
            if isinstance(self.model, Circuit):
                chosen: Any = Settings(rtol=self.rtol, save=tuple(save), print_step=step, save_steps=False)
                analysis = chosen_analysis(self.model, span, None, chosen)
            elif isinstance(self.model, MemristiveNetwork):
                chosen = NetworkSettings(save=tuple(save), print_step=step, rtol=self.rtol, save_steps=False)
            else:
                nodes = self.model.states.slices
                columns = {n: part for n, part in nodes.items() if set(self.names[part]) & set(save)}
                chosen = GraphSettings(
                    drive=self.inputs, save=tuple(columns), print_step=step, rtol=self.rtol, save_steps=False
                )
            self._jobs[key] = Job(secrets.token_hex(8), self.model, analysis, span, chosen, self.parameters, starts)
        return self._jobs[key]

    def _iterate(self, first: int, last: int, values: np.ndarray, starts: np.ndarray | None, save: list[str]) -> Rows:
        """The rows of a map, those of equal parameters together."""
        assert isinstance(self.model, Program)
        network = digital(self.model)
        u = self.model.inputs.pack(self.inputs or {}, np.zeros(self.model.inputs.size), "input")
        places = [self.field.index(name) for name in save]
        found = np.full((len(values), last - first + 1, len(places)), np.nan)
        distinct, which = np.unique(values, axis=0, return_inverse=True)
        for k, row in enumerate(distinct):
            program = with_graph_values(self.model, dict(zip(self.parameters, row.tolist(), strict=True)))
            chosen = np.flatnonzero(which.ravel() == k)
            begin = np.tile(program.initial, (chosen.size, 1)) if starts is None else starts[chosen]
            found[chosen] = _orbits(replace(network, program=program), u, begin, first, last)[..., places]
        gone = np.flatnonzero(~np.isfinite(found[:, -1]).all(axis=-1))
        return Rows(np.arange(first, last + 1.0), found, {int(k): "it escapes to infinity" for k in gone})


def _orbits(network: DigitalNetwork, u: np.ndarray, starts: np.ndarray, first: int, last: int) -> np.ndarray:
    """States after `first` .. `last` steps, shape (samples, steps, n); NaN from where a sample escapes."""
    samples, n = starts.shape
    inputs = np.broadcast_to(u, (last, samples, u.size)) if u.size else None
    found = np.full((samples, last + 1, n), np.nan)
    found[:, 0] = starts
    try:
        found[:, 1:] = network.sequence(last if inputs is None and samples == 1 else _driven(inputs, last, samples),
                                        starts).states.transpose(1, 0, 2)  # fmt: skip
        return found[:, first:]
    except SimulationError:
        pass
    kept, y = np.arange(samples), starts
    for k in range(1, last + 1):
        y = network.sequence(_driven(None if inputs is None else inputs[:1, kept], 1, kept.size), y).states[0]
        stays = np.abs(y).max(axis=1) < ESCAPED
        kept, y = kept[stays], y[stays]
        found[kept, k] = y
        if not kept.size:
            break
    return found[:, first:]


def _driven(inputs: np.ndarray | None, steps: int, samples: int) -> np.ndarray:
    return np.zeros((steps, samples, 0)) if inputs is None else inputs


def model_of(what: Any, *, jumps: bool = False) -> Circuit | Program | MemristiveNetwork:
    """The circuit without its ``.measure`` and ``.step`` cards, the program, or the network.

    Raises
    ------
    ParameterError
    """
    if isinstance(what, (str, Path)):
        what = read_netlist(what)
    if isinstance(what, Circuit):
        return replace(what, measures=(), steps=())
    if isinstance(what, MemristiveNetwork):
        return what
    if not isinstance(what, (SignalGraph, Program)):
        raise ParameterError(
            "a Circuit, the path of a netlist, a SignalGraph or a MemristiveNetwork is needed, not "
            f"{type(what).__name__}"
        )
    program = what if isinstance(what, Program) else compile_graph(what)
    if program.delays or (program.graph.of_kind("event") and not jumps):
        why = "delays: its state is a history" if program.delays else "events"
        raise ParameterError(f"graph '{program.graph.title}' has {why}, which is no point of a state space")
    return program


def with_values(
    model: Circuit | Program | MemristiveNetwork, values: dict[str, float]
) -> Circuit | Program | MemristiveNetwork:
    """The model with other parameter values.

    Raises
    ------
    UnknownNameError, ParameterError, NetlistError
    """
    if isinstance(model, MemristiveNetwork):
        return model.with_parameters(values)
    return (with_circuit_values if isinstance(model, Circuit) else with_graph_values)(model, values)  # pyright: ignore[reportArgumentType]
