"""Rows of a sweep over a memristive network: each is a run of its own, on points of time that all share."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError, ParameterError
from neurosim.memristive.network import MemristiveNetwork
from neurosim.results import Result
from neurosim.solve.ensemble import Chunk, Done, Job
from neurosim.solve.simulate_network import run_network


def run_network_rows(job: Job, chunk: Chunk) -> Done:
    """Run some rows of a job whose `what` is a MemristiveNetwork.

    A row that fails is told in `Done.failures`.
    """
    net = job.what
    assert isinstance(net, MemristiveNetwork)
    assert job.span is not None
    names = {name: e for e, name in enumerate(net.state_names)}
    for name in job.starts:
        if name not in names:
            raise ParameterError(f"initial: network '{net.title}' has no state '{name}'")
    places = [names[name] for name in job.starts]
    made: list[Result | None] = []
    failures: dict[int, str] = {}
    for k in range(len(chunk)):
        try:
            values: dict[str, Any] = dict(zip(job.addresses, chunk.values[k].tolist(), strict=True))
            row = net.with_parameters(values) if values else net
            settings = replace(job.settings, save_steps=False, progress=None)
            if places:
                initial = np.array(row.state if settings.initial is None else settings.initial, float)
                initial[places] = chunk.starts[k]
                settings = replace(settings, initial=np.clip(initial, row.laws.lower, row.laws.upper))
            made.append(run_network(row, job.span, settings))
        except NeurosimError as error:
            failures[k] = str(error)
            made.append(None)
    first = next((result for result in made if result is not None), None)
    if first is None:
        return Done(chunk.first, None, None, "", {}, {}, failures)
    columns = {
        name: replace(column, values=np.stack([
            np.full(first.axis.shape, np.nan) if r is None else r.columns[name].values for r in made
        ]))
        for name, column in first.columns.items()
    }  # fmt: skip
    steps = sum(r.attrs["statistics"].get("steps", 0) for r in made if r is not None)
    return Done(chunk.first, first.axis, "time", "s", columns, {}, failures, steps, job.settings.method)
