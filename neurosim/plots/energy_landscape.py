"""Energy on a plane as filled contours, with runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.energy_landscape import EnergyLandscape

LEVELS = 24


def energy_landscape(landscape: EnergyLandscape, *, ax: Axes | None = None) -> Axes:
    """Draw the landscape; a dot is where a run ends.

    Parameters
    ----------
    landscape : EnergyLandscape
    ax : Axes, optional
        Default: a new figure.
    """
    if ax is None:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(6.2, 5.0), layout="constrained")
        ax = figure.subplots()
        ax.set_title(f"{landscape.title}: energy on a plane".replace("$", r"\$"), fontsize="medium")
    finite = landscape.energy[np.isfinite(landscape.energy)]
    # Most of what one wants to see lies low: levels are spaced by the share of the plane below them.
    levels = np.unique(np.quantile(finite, np.linspace(0.0, 1.0, LEVELS + 1)))
    filled = ax.contourf(landscape.first, landscape.second, landscape.energy, levels=levels, cmap="cividis")
    colours = ax.get_figure(root=True)
    assert colours is not None
    colours.colorbar(filled, ax=ax, label="energy E")
    for k, run in enumerate(landscape.trajectories):
        ax.plot(run[:, 0], run[:, 1], color="white", linewidth=0.9, label="runs" if k == 0 else None)
        ax.plot(run[-1, 0], run[-1, 1], marker="o", markersize=5, color=PALETTE[1], markeredgecolor="white")
    ax.set_xlabel(landscape.labels[0])
    ax.set_ylabel(landscape.labels[1])
    ax.set_xlim(landscape.first[0], landscape.first[-1])
    ax.set_ylim(landscape.second[0], landscape.second[-1])
    return ax
