"""Pinched loops at several frequencies, and the area of their positive lobes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, engineering, label_axis, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.hysteresis import Hysteresis


def draw_hysteresis(found: Hysteresis, ax: Any = None) -> list[Axes]:
    """Draw loops, and areas against frequency; `ax` are two Axes."""
    from matplotlib import colormaps

    axes = panels(ax, (1, 2), (9.0, 3.8), "", "hysteresis")
    left, right = axes
    shades = colormaps["viridis"](np.linspace(0.0, 0.88, found.frequencies.size))
    for frequency, (v, i), shade in zip(found.frequencies, found.loops, shades, strict=True):
        left.plot(v, i, color=shade, linewidth=1.2, label=engineering(float(frequency), "Hz", 3))
    label_axis(left.xaxis, "voltage", "V", max(float(np.abs(v).max()) for v, _ in found.loops))
    label_axis(left.yaxis, "current", "A", max(float(np.abs(i).max()) for _, i in found.loops))
    left.legend(fontsize="small", frameon=False)
    right.loglog(found.frequencies, found.areas, "o-", color=PALETTE[0], markersize=4, label="positive lobe")
    tail = found.areas[-1] * found.frequencies[-1] / found.frequencies
    right.plot(found.frequencies, tail, "--", color="0.5", linewidth=1.0, label="1 / frequency")
    right.set_ylim(top=3.0 * float(found.areas.max()))
    label_axis(right.xaxis, "frequency", "Hz", 1.0)
    label_axis(right.yaxis, "area", "W", 1.0)
    right.legend(fontsize="small", frameon=False)
    for panel in axes:
        tidy(panel)
    return axes
