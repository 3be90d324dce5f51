"""A Poincare section, and its return map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.poincare_section import PoincareSection


def poincare_section(
    section: PoincareSection, *, names: tuple[str, str] | None = None, every: int = 1, ax: Any = None
) -> list[Axes]:
    """Draw the points on the section and how each leads to the next.

    Parameters
    ----------
    section : PoincareSection
    names : (str, str), optional
        What to show, default the two unknowns of largest spread.
    every : int
        The return map goes so many crossings on, default 1.
    ax : sequence of 2 Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
    """
    title = f"{section.title}: section {section.condition}, {len(section)} points"
    ax = panels(ax, (1, 2), (8.6, 4.2), title, "a Poincare section")
    points, returns = ax
    held = section.condition.partition("=")[0].strip()
    others = [name for name in section.names if name != held]
    shown = list(names or list(dict.fromkeys((*section.widest, *others)))[:2] or section.names[:1])
    first, second = shown[0], shown[-1]
    points.plot(section[first], section[second], linestyle="none", marker=".", markersize=3, color=PALETTE[0])
    points.set(xlabel=first, ylabel=second)
    before, after = section.return_map(first, every=every)
    if len(before):
        low, high = min(before.min(), after.min()), max(before.max(), after.max())
        returns.plot([low, high], [low, high], color="0.7", linewidth=0.8, zorder=1)
    returns.plot(before, after, linestyle="none", marker=".", markersize=3, color=PALETTE[1], zorder=2)
    returns.set(xlabel=f"{first}, crossing k", ylabel=f"{first}, crossing k + {every}")
    if len(section):
        # The crossings of a cycle are one point, not the rounding around it.
        for axis, values in ((points.xaxis, section[first]), (points.yaxis, section[second]),
                             (returns.xaxis, section[first]), (returns.yaxis, section[first])):  # fmt: skip
            middle, size = float(np.median(values)), float(np.abs(values).max())
            if np.ptp(values) < 1e-6 * size:
                axis.set_view_interval(middle - 1e-2 * size, middle + 1e-2 * size, ignore=True)
    for panel in (points, returns):
        tidy(panel)
    return [points, returns]
