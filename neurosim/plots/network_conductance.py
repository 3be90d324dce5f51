"""Conductance of a memristive network against time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import PALETTE, finish, label_axis, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.network_conductance import NetworkConductance


def draw_conductance(found: NetworkConductance, ax: Axes | None = None, *, log: bool | None = None) -> Axes:
    """Draw the conductance; on a logarithmic scale from a ratio of 30 on, unless `log` says otherwise."""
    axes = new_axes(1)[0] if ax is None else ax
    axes.plot(found.times, found.conductance, color=PALETTE[0])
    if found.ratio > 30.0 if log is None else log:
        axes.set_yscale("log")
    label_axis(axes.xaxis, "time", "s", float(found.times[-1]))
    label_axis(axes.yaxis, "conductance", "S", float(found.conductance.max()))
    finish(axes, own_figure=ax is None)
    return axes
