"""All measures of one reservoir in one table: memory, kernel rank, separation, Fisher memory, a task of spike patterns.

The same battery runs on a liquid, an echo state network in steps or in time, and a memristive network.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.fisher_memory import FisherMemory, fisher_memory
from neurosim.analyses.kernel_rank import KernelRank, kernel_rank
from neurosim.analyses.memory_capacity import MemoryCapacity, driven_run, memory_of_run
from neurosim.analyses.processing_capacity import FUNCTIONS, ProcessingCapacity, capacity_of_run
from neurosim.analyses.reservoir import FlowingReservoir, Reservoir, SpikingReservoir, SteppedReservoir, reservoir
from neurosim.analyses.reservoir_tasks import SegmentsTask, WarpTask, segments_task, time_warp_task
from neurosim.analyses.separation import Separation, separation
from neurosim.errors import ParameterError
from neurosim.solve.asked import read_settings

EXPONENT_STEPS = 200
"""Of the run that tells whether the start is forgotten."""


@dataclass(frozen=True)
class BatterySettings:
    """How much a battery measures.

    Parameters
    ----------
    rows : int
        States for the capacities, default 2000, but at least ten times the states of the reservoir.
    delays : int
        Longest delay of the capacities, default 40.
    degrees : int
        Largest degree of the processing capacity, default 3.
    pairs, steps : int
        Pairs of inputs for the separation, and length of inputs; default 20 and 20.
    inputs : int
        Most inputs for the ranks, default 100.
    tolerance : float
        Of the ranks, see `neurosim.kernel_rank`; default 0.01.
    segments : int
        Of the task, default 4; 0 leaves it out.
    templates : int
        Of the task of time-warped templates, default 0, which leaves it out; 10 in the source, with 40 channels.
    fitted, tested : int
        Inputs of the tasks, default 200 and 100; `fitted` also the runs for the Fisher memory of a spiking network, at
        least one for each state.
    """

    rows: int = 2000
    delays: int = 40
    degrees: int = 3
    pairs: int = 20
    steps: int = 20
    inputs: int = 100
    tolerance: float = 0.01
    segments: int = 4
    templates: int = 0
    fitted: int = 200
    tested: int = 100


@dataclass(frozen=True)
class ReservoirBattery(Drawable):
    """What `reservoir_battery` finds; ``print`` it for the table.

    Attributes
    ----------
    title, kind : str
    size, channels : int
    separation : Separation
    ranks : KernelRank
    memory : MemoryCapacity
    processing : ProcessingCapacity
    fisher : FisherMemory or None
        None where noise would pile up; `remarks` says why.
    segments : SegmentsTask or None
    warp : WarpTask or None
    exponent : (float, float) or None
        Largest exponent under a random input and its error, per step; None of spiking and memristive networks.
    remarks : tuple of str
    """

    drawn_by = "reservoir_battery:reservoir_battery"
    title: str
    kind: str
    size: int
    channels: int
    separation: Separation
    ranks: KernelRank
    memory: MemoryCapacity
    processing: ProcessingCapacity
    fisher: FisherMemory | None
    segments: SegmentsTask | None
    warp: WarpTask | None = None
    exponent: tuple[float, float] | None = None
    remarks: tuple[str, ...] = ()

    @property
    def values(self) -> dict[str, float]:
        """Each measure by its name."""
        made = {
            "forgetting": self.separation.forgets,
            **{f"separation at {d:g}": float(v)
               for d, v in zip(self.separation.distances, self.separation.levels, strict=True)},
            "kernel rank": float(self.ranks.kernel), "generalisation rank": float(self.ranks.generalisation),
            "memory capacity": self.memory.capacity, "processing capacity": self.processing.total,
            **{f"capacity of degree {d}": float(v) for d, v in enumerate(self.processing.by_degree, start=1)},
        }  # fmt: skip
        if self.exponent is not None and np.isfinite(self.exponent[0]):
            made["largest exponent"] = self.exponent[0]
        if self.fisher is not None:
            made["fisher memory"] = self.fisher.total
        if self.segments is not None:
            for age, accuracy in zip(self.segments.ages, self.segments.accuracy, strict=True):
                made[f"segment told after {age * 1e3:.0f} ms"] = float(accuracy)
        if self.warp is not None:
            made |= {"warped templates, score": self.warp.score, "warped templates, told": self.warp.accuracy}
        return made

    def __str__(self) -> str:
        meaning = {
            "forgetting": "distance from two starts, end over beginning",
            "kernel rank": f"of {self.ranks.inputs} inputs",
            "generalisation rank": f"of {self.ranks.inputs} copies of one input",
            "memory capacity": f"steps, at most {self.size}", "processing capacity": f"at most {self.processing.rank}",
            "largest exponent": "per step, under a random input: below 0 the start is forgotten",
            "fisher memory": "1 for normal maps" if self.kind != SpikingReservoir.kind else "of one more volley",
        }  # fmt: skip
        lines = [f"{self.title} ({self.kind}): {self.size} states, {self.channels} inputs"]
        for name, value in self.values.items():
            lines.append(f"  {name:<28}{value:>10.4g}  {meaning.get(name, '')}".rstrip())
        return "\n".join([*lines, *(f"  {remark}" for remark in self.remarks)])


def reservoir_battery(what: Any, *, seed: int = 0, **settings: Any) -> ReservoirBattery:
    """Run all measures of reservoirs.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
    seed : int
    **settings
        Fields of `BatterySettings`.

    Returns
    -------
    ReservoirBattery
        ``plot()`` draws six panels.

    Raises
    ------
    ParameterError, SimulationError
    """
    chosen = read_settings(BatterySettings, settings, "reservoir_battery()")
    for field in fields(chosen):
        if not getattr(chosen, field.name) >= 0:
            raise ParameterError(f"reservoir_battery(): {field.name} = {getattr(chosen, field.name)} must be 0 or more")
    net: Reservoir = reservoir(what)
    rows, remarks = max(chosen.rows, 10 * net.size), []
    fisher = segments = warp = exponent = None
    try:
        fisher = fisher_memory(net, trials=max(chosen.fitted, net.size), seed=seed)
    except ParameterError as error:
        remarks.append(f"no Fisher memory: {error}")
    if isinstance(net, (SteppedReservoir, FlowingReservoir)):
        exponent = net.exponent(EXPONENT_STEPS, seed=seed)
    if chosen.segments:
        segments = segments_task(net, segments=chosen.segments, fitted=chosen.fitted, tested=chosen.tested, seed=seed)
    if chosen.templates:
        warp = time_warp_task(net, templates=chosen.templates, fitted=chosen.fitted, tested=chosen.tested, seed=seed)
    run = driven_run(net, rows, None, chosen.delays, seed)
    return ReservoirBattery(
        net.title, net.kind, net.size, net.channels,
        separation(net, pairs=chosen.pairs, steps=chosen.steps, seed=seed),
        kernel_rank(net, inputs=int(np.clip(chosen.inputs, 2, net.size)), steps=chosen.steps,
                    tolerance=chosen.tolerance, seed=seed),
        memory_of_run(run), capacity_of_run(run, chosen.degrees, FUNCTIONS),
        fisher, segments, warp, exponent, tuple(remarks),
    )  # fmt: skip
