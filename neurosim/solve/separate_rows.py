"""Rows of a sweep that are runs of their own, on points of time that all share: of memristive networks, and of graphs
with events, delays or watched crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError, ParameterError
from neurosim.graph.assembly import addresses
from neurosim.graph.program import Program
from neurosim.memristive.network import MemristiveNetwork
from neurosim.results import Result
from neurosim.solve.dynamics import with_graph_values
from neurosim.solve.ensemble import Chunk, Done, Job
from neurosim.solve.simulate_graph import simulate_graph
from neurosim.solve.simulate_network import run_network


def run_separate_rows(job: Job, chunk: Chunk) -> Done:
    """Run some rows; one that fails is told in `Done.failures`."""
    assert job.span is not None
    run = _network_row if isinstance(job.what, MemristiveNetwork) else _graph_row
    start, stop = job.span
    step = job.settings.print_step or (stop - start) / 200
    grid = np.minimum(start + step * np.arange(int((stop - start) / step * (1 + 1e-9)) + 1), stop)
    made: list[Result | None] = []
    failures: dict[int, str] = {}
    for k in range(len(chunk)):
        values: dict[str, Any] = dict(zip(job.addresses, chunk.values[k].tolist(), strict=True))
        try:
            made.append(run(job, values, chunk.starts[k], int(chunk.seeds[k])).interpolate(grid))
        except NeurosimError as error:
            failures[k] = str(error)
            made.append(None)
    first = next((result for result in made if result is not None), None)
    if first is None:
        return Done(chunk.first, None, None, "", {}, {}, failures)
    columns = {
        name: replace(column, values=np.stack([
            np.full(grid.shape, np.nan) if r is None else r.columns[name].values for r in made
        ]))
        for name, column in first.columns.items()
    }  # fmt: skip
    steps = sum(r.attrs.get("statistics", {}).get("steps", 0) for r in made if r is not None)
    return Done(chunk.first, grid, "time", "s", columns, {}, failures, steps, str(first.attrs["method"]))


def _network_row(job: Job, values: dict[str, Any], starts: np.ndarray, seed: int) -> Result:
    net = job.what
    assert isinstance(net, MemristiveNetwork)
    row = net.with_parameters(values) if values else net
    settings = replace(job.settings, save_steps=False, progress=None)
    if job.starts:
        initial = np.array(row.state if settings.initial is None else settings.initial, float)
        initial[_places(job, net.state_names)] = starts
        settings = replace(settings, initial=np.clip(initial, row.laws.lower, row.laws.upper))
    return run_network(row, job.span, settings)


def _graph_row(job: Job, values: dict[str, Any], starts: np.ndarray, seed: int) -> Result:
    assert isinstance(job.what, Program)
    program = with_graph_values(job.what, values)
    settings = {f.name: getattr(job.settings, f.name) for f in fields(job.settings)}
    settings |= {"save_steps": False, "progress": None, "seed": seed}
    if job.starts:
        parts = program.states.slices
        initial = program.states.pack(settings["initial"], program.initial, "state")
        labels = [a for name, part in parts.items() for a in addresses(name, part.stop - part.start)]
        initial[_places(job, labels)] = starts
        settings["initial"] = {name: initial[part] for name, part in parts.items()}
    return simulate_graph(program, job.span, **settings)


def _places(job: Job, names: Sequence[str]) -> list[int]:
    for name in job.starts:
        if name not in names:
            raise ParameterError(f"initial: there is no state '{name}'")
    return [names.index(name) for name in job.starts]
