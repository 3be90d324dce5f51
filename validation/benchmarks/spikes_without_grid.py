"""Paired runs of one spiking network on a grid of 0.1 ms and without one, in turns, on one thread.

``python -m validation --benchmarks --only spikes_without_grid``; half a minute. What counts is the least CPU time of a
simulated second of several turns of each.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

from neurosim.graph.spike_cells import compile_cells
from neurosim.graph.spikes import compile_spikes
from neurosim.solve.simulate_spike_events import SpikeEventRun, SpikeEventSettings
from neurosim.solve.simulate_spikes import SpikeRun, SpikeSettings
from validation.benchmarks.spiking_networks import DT, drive, network
from validation.case import Case, Context

CONTESTS = {"liquid 135": 7, "liquid 1000": 3, "CUBA 4000": 2}
"""Turns of each."""
STOP = 2.0


def pairs(contest: str, turns: int) -> tuple[float, float, int, int]:
    """CPU time of a simulated second [s] without a grid and on it, and their ticks."""
    graph, arrays = network(contest)
    inputs = drive(contest, arrays)
    free, grid = compile_cells(graph), compile_spikes(graph, DT)

    def without() -> SpikeRun:
        run = SpikeEventRun(free, SpikeEventSettings("free", drive=inputs), STOP)
        timed(lambda: run.advance(STOP), 0)
        return run

    def on_grid() -> SpikeRun:
        run = SpikeRun(grid, SpikeSettings(dt=DT, drive=inputs), STOP)
        timed(lambda: run.advance(round(STOP / DT)), 1)
        return run

    best, ticks = [np.inf, np.inf], [0, 0]

    def timed(go: Callable[[], None], which: int) -> None:
        clock = time.process_time()
        go()
        best[which] = min(best[which], (time.process_time() - clock) / STOP)

    for _ in range(turns):
        ticks = [run().ticks()[0].size for run in (without, on_grid)]
    return best[0], best[1], ticks[0], ticks[1]


def cases(context: Context) -> Iterator[Case]:
    """The liquid of 135 neurons without a grid is no slower than on it; larger networks are shown."""
    lines = ["| case | without a grid, CPU s per simulated s | on a grid of 0.1 ms | ticks | ticks on the grid |",
             "| --- | --- | --- | --- | --- |"]  # fmt: skip
    for contest, turns in CONTESTS.items():
        free, grid, ticks, of_grid = pairs(contest, turns)
        lines.append(f"| {contest} | {free:.4g} | {grid:.4g} | {ticks} | {of_grid} |")
        if contest == "liquid 135":
            yield Case(
                f"{contest} without a grid against the grid", "paired run", "CPU time, without a grid over with one",
                "at most 1", f"{free / grid:.3g} ({free:.4g} s against {grid:.4g} s)", free / grid, 1.0,
                "the target of the project",
            )  # fmt: skip
    (context.folder / "spikes_without_grid.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
