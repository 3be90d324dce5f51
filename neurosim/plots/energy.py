"""Energy along a run, its rate, and what was pinned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, si_scale, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.energy import EnergyRun


def energy_run(run: EnergyRun, *, ax: Any = None) -> list[Axes]:
    """Draw E and dE/dt over time; intervals in which a state was at its bound are shaded, violations marked.

    Parameters
    ----------
    run : EnergyRun
    ax : sequence of two Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
    """
    axes = panels(ax, (2, 1), (7.0, 5.0), f"{run.title}: energy along a run", "an energy", sharex=True)
    scale, unit = si_scale(float(run.times.max()), "s")
    times = run.times / scale
    top, bottom = axes
    top.plot(times, run.energy, color=PALETTE[0])
    worse = run.violations
    if worse.size:
        top.plot(
            times[worse + 1], run.energy[worse + 1], linestyle="none", marker="x", color=PALETTE[1],
            label=f"rises beyond the tolerance ({worse.size})",
        )  # fmt: skip
    for k, interval in enumerate(run.pinned):
        for panel in axes:
            panel.axvspan(
                interval.start / scale, interval.stop / scale, color="0.9", zorder=0,
                label="a state at its bound" if k == 0 and panel is top else None,
            )  # fmt: skip
    if worse.size or run.pinned:
        top.legend(fontsize="small", frameon=False)
    top.set_ylabel("energy E")
    size = np.abs(run.rate)
    bottom.plot(times, np.where(run.rate < 0.0, size, np.nan), color=PALETTE[0], label="falling")
    rising = (run.rate > 0.0) & (size > 1e-12 * size.max())
    if rising.any():
        bottom.plot(times, np.where(rising, size, np.nan), color=PALETTE[1], label="rising")
    shown = size[size > 0.0]
    if shown.size:
        bottom.set_yscale("log")
        bottom.set_ylim(bottom=max(float(shown.min()), 1e-16 * float(shown.max())))
        bottom.legend(fontsize="small", frameon=False)
    bottom.set_ylabel("|dE/dt| (1/s)")
    bottom.set_xlabel(f"time ({unit})")
    for panel in axes:
        tidy(panel)
    return axes
