"""Information processing capacity by degree and delay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.processing_capacity import ProcessingCapacity


def processing_capacity(found: ProcessingCapacity, *, ax: Axes | None = None) -> Axes:
    """Draw the capacity of each longest delay, the degrees stacked."""
    axes = new_axes(1)[0] if ax is None else ax
    used = np.flatnonzero(found.by_delay.any(axis=0))
    delays = np.arange(used.max(initial=0) + 1)
    below = np.zeros(delays.size)
    for degree, row in enumerate(found.by_delay):
        axes.bar(delays, row[delays], bottom=below, color=PALETTE[degree % len(PALETTE)],
                 label=f"degree {degree + 1}: {found.by_degree[degree]:.2f}")  # fmt: skip
        below += row[delays]
    axes.set(xlabel="longest delay (steps)", ylabel="capacity")
    axes.locator_params(axis="x", integer=True)
    finish(axes, own_figure=ax is None, title=f"total {found.total:.2f} of {found.rank}")
    return axes
