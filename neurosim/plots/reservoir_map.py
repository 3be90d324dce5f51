"""Measures of reservoirs over a plane of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.reservoir_map import ReservoirMap


def reservoir_map(found: ReservoirMap) -> Axes:
    """Draw one panel for each measure, in a new figure; the numbers stand in the cells of a small plane."""
    from matplotlib.figure import Figure

    count = len(found.values)
    figure = Figure(figsize=(1.2 + 4.0 * count, 3.8), layout="constrained")
    panels = figure.subplots(1, count, squeeze=False)[0]
    for panel, (name, grid) in zip(panels, found.values.items(), strict=True):
        image = panel.imshow(grid.T, origin="lower", aspect="auto", cmap="viridis")
        figure.colorbar(image, ax=panel)
        panel.set(xlabel=found.names[0], ylabel=found.names[1])
        panel.set_title(name, fontsize="medium")
        panel.set_xticks(range(found.first.size), [f"{x:.3g}" for x in found.first])
        panel.set_yticks(range(found.second.size), [f"{x:.3g}" for x in found.second])
        if grid.size <= 64:
            middle = 0.5 * (grid.min() + grid.max())
            for (a, b), value in np.ndenumerate(grid):
                colour = "white" if value < middle else "black"
                panel.text(a, b, f"{value:.3g}", ha="center", va="center", fontsize="small", color=colour)
    return panels[0]
