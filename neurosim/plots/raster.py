"""Spikes of a run: a dot for each, neuron against time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.plots.plot import Plot
from neurosim.plots.style import PALETTE, label_axis, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.results import Result


def raster(result: Result, *, names: Sequence[str] | None = None, ax: Axes | None = None) -> list[Axes]:
    """Draw the ticks of events of a run, the elements of each event one above the other.

    Parameters
    ----------
    result : Result
        Of a graph with events.
    names : sequence of str, optional
        Events, such as ``"neurons/spike"``; default all.
    ax : Axes, optional
        Default: a new figure.

    Raises
    ------
    ParameterError
        The run has no events.
    """
    groups = result.trains
    for name in names or ():
        if name not in groups:
            raise UnknownNameError(f"no '{name}' among the events; {nearest(name, groups) or ', '.join(groups)}")
    if not groups:
        raise ParameterError("a raster shows ticks of events, and this result has none")
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.0, 4.0), layout="constrained").subplots()
    groups = {name: trains for name, trains in groups.items() if not names or name in names}
    first, ticks = 0, []
    many = sum(map(len, groups.values())) > 300
    size = 1.0 if many else 4.0
    for number, (name, trains) in enumerate(groups.items()):
        rows = np.repeat(np.arange(first, first + len(trains)), [train.size for train in trains])
        colour = PALETTE[number % len(PALETTE)]
        ax.plot(np.concatenate(trains), rows, "|", color=colour, markersize=size, rasterized=many)
        ticks.append((first + (len(trains) - 1) / 2.0, name))
        first += len(trains)
        if number:
            ax.axhline(first - len(trains) - 0.5, color="0.85", linewidth=0.8)
    ax.set_yticks([at for at, _ in ticks], [name for _, name in ticks])
    ax.set_ylim(-0.5, first - 0.5)
    label_axis(ax.xaxis, "time", "s", float(result.time[-1]))
    tidy(ax)
    ax.grid(False, axis="y")
    return [ax]


plot = Plot(name="raster", draw=raster, description="spikes: a mark for each tick of an event, element against time")
