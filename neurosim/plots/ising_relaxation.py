"""Energies of all binary states of a memristive network, and of those in which it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.ising_relaxation import IsingRelaxation


def draw_relaxation(found: IsingRelaxation, ax: Axes | None = None) -> Axes:
    """Draw the density of all energies and where the runs ended."""
    axes = new_axes(1)[0] if ax is None else ax
    axes.hist(found.levels, bins=80, color="0.8", label=f"all {found.levels.size:,} binary states")
    axes.set_yscale("log")
    axes.axvline(found.levels[0], color=PALETTE[2], linestyle="--", linewidth=1.2, label="least energy")
    values, counts = np.unique(np.round(found.energies, 12), return_counts=True)
    share = counts / counts.max()
    axes.scatter(values, np.full(values.size, 1.6), s=20 + 80 * share, color=PALETTE[1], zorder=4,
                 label=f"ends of {found.energies.size} runs")  # fmt: skip
    axes.set_xlabel("energy (1/s)")
    axes.set_ylabel("number of states")
    finish(axes, own_figure=ax is None)
    return axes
