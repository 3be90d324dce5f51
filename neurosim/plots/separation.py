"""Distance of states against time, by the distance of the inputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import PALETTE, finish, label_axis, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.separation import Separation


def separation(found: Separation, *, ax: Axes | None = None) -> Axes:
    """Draw a curve for each input distance."""
    axes = new_axes(1)[0] if ax is None else ax
    for k, (distance, values) in enumerate(zip(found.distances, found.state_distances, strict=True)):
        axes.plot(found.times, values, color=PALETTE[k % len(PALETTE)], label=f"input distance {distance:g}")
    label_axis(axes.xaxis, "time", "s", float(found.times[-1]))
    axes.set_ylabel("distance of states")
    finish(axes, own_figure=ax is None)
    return axes
