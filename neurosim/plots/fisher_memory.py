"""The Fisher memory curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.fisher_memory import FisherMemory

SHOWN = 0.999
"""Part of the total that the figure reaches."""


def fisher_memory(found: FisherMemory, *, ax: Axes | None = None) -> Axes:
    """Draw J by the delay."""
    axes = new_axes(1)[0] if ax is None else ax
    linear = np.isfinite(found.spectral_radius)
    title = f"radius {found.spectral_radius:.3f}" if linear else "one more volley"
    last = found.curve.size if not linear else int(np.searchsorted(np.cumsum(found.curve), SHOWN * found.total)) + 1
    axes.plot(np.arange(last), found.curve[:last], ".-", color=PALETTE[0], label=f"total {found.total:.3f}")
    axes.set(xlabel="delay (steps)", ylabel="Fisher memory", ylim=(min(0.0, 1.1 * float(found.curve.min())), None))
    axes.locator_params(axis="x", integer=True)
    finish(axes, own_figure=ax is None, title=title)
    return axes
