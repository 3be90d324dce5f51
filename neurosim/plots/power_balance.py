"""Power of a circuit over time: supplied, stored, dissipated, with the largest takers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, si_scale, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.power_balance import PowerBalance

PARTS_SHOWN = 6


def power_balance(balance: PowerBalance, *, ax: Any = None) -> list[Axes]:
    """Draw the sums by role, and the parts that dissipate most.

    Parameters
    ----------
    balance : PowerBalance
    ax : sequence of two Axes, optional
        Default: a new figure.
    """
    axes = panels(ax, (2, 1), (7.5, 5.2), f"{balance.title}: power", "a power balance", sharex=True)
    scale, unit = si_scale(float(balance.times.max()), "s")
    times = balance.times / scale
    sums = {
        "supplied": balance.supplied, "dissipated": balance.total("dissipation"), "stored": balance.total("storage")
    }  # fmt: skip
    factor, shown = si_scale(max(float(np.abs(power).max()) for power in sums.values()), "W")
    for colour, style, (name, power) in zip(PALETTE, ("-", "-", "--"), sums.items(), strict=False):
        axes[0].plot(times, power / factor, style, color=colour, label=name)
    takers = {name: power for name, power in balance.taken.items() if balance.role[name] == "dissipation"}
    largest = sorted(takers, key=lambda name: -float(np.trapezoid(np.abs(takers[name]), balance.times)))[:PARTS_SHOWN]
    part_factor, part_shown = si_scale(max((float(np.abs(takers[n]).max()) for n in largest), default=0.0), "W")
    for colour, name in zip(PALETTE, largest, strict=False):
        axes[1].plot(times, takers[name] / part_factor, color=colour, label=name)
    for k, interval in enumerate(balance.pinned):
        axes[1].axvspan(
            interval.start / scale, interval.stop / scale, color="0.9", zorder=0,
            label="a state at its bound" if k == 0 else None,
        )  # fmt: skip
    if not largest:
        axes[1].text(0.5, 0.5, "no part dissipates", transform=axes[1].transAxes, ha="center", color="0.4")
        axes[1].set_yticks([])
    axes[0].set_ylabel(f"power ({shown})")
    axes[1].set_ylabel(f"taken up ({part_shown})")
    axes[1].set_xlabel(f"time ({unit})")
    for panel in axes:
        if panel.get_legend_handles_labels()[0]:
            panel.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
        tidy(panel)
    return axes
