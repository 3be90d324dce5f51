"""A fading memory with the forms of decay that were fitted to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import LINE_STYLES, PALETTE, finish, label_axis, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.memory_decay import MemoryDecay


def draw_decay(found: MemoryDecay, ax: Axes | None = None, *, name: str = "memory", unit: str = "") -> Axes:
    """Draw the points and every fit; the best one is named so."""
    axes = new_axes(1)[0] if ax is None else ax
    axes.plot(found.times, found.values, ".", color="0.55", markersize=4, label="run")
    for k, fit in enumerate(found.fits.values()):
        best = " (best)" if fit is found.best else ""
        axes.plot(found.times, fit(found.times - found.times[0]), color=PALETTE[k], linestyle=LINE_STYLES[k],
                  label=f"{fit.form}{best}")  # fmt: skip
    label_axis(axes.xaxis, "time", "s", float(found.times[-1]))
    label_axis(axes.yaxis, name, unit, float(abs(found.values).max()))
    finish(axes, own_figure=ax is None)
    return axes
