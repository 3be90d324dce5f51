"""The measures of a reservoir in six panels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.fisher_memory import fisher_memory
from neurosim.plots.kernel_rank import kernel_rank
from neurosim.plots.memory_capacity import memory_capacity
from neurosim.plots.processing_capacity import processing_capacity
from neurosim.plots.segments_task import segments_task
from neurosim.plots.separation import separation

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.reservoir_battery import ReservoirBattery


def reservoir_battery(found: ReservoirBattery) -> Axes:
    """Draw separation, ranks, memory, processing, Fisher memory and the task of segments in a new figure."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13.0, 7.0), layout="constrained")
    figure.suptitle(f"{found.title} ({found.kind}), {found.size} states".replace("$", r"\$"), fontsize="medium")
    axes = figure.subplots(2, 3).ravel()
    separation(found.separation, ax=axes[0])
    kernel_rank(found.ranks, ax=axes[1])
    memory_capacity(found.memory, ax=axes[2])
    processing_capacity(found.processing, ax=axes[3])
    if found.fisher is not None:
        fisher_memory(found.fisher, ax=axes[4])
    else:
        _leave_out(axes[4], "no linear response")
    if found.segments is not None:
        segments_task(found.segments, ax=axes[5])
    else:
        _leave_out(axes[5], "left out")
    names = ("separation", "ranks", "memory", "processing", "Fisher memory", "segments")
    for panel, name in zip(axes, names, strict=True):
        panel.set_title(name, fontsize="medium")
    return axes[0]


def _leave_out(panel: Axes, why: str) -> None:
    panel.text(0.5, 0.5, why, ha="center", va="center", color="0.4", transform=panel.transAxes)
    panel.set_axis_off()
