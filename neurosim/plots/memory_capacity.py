"""The memory curve of a reservoir."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import PALETTE, finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.memory_capacity import MemoryCapacity


def memory_capacity(found: MemoryCapacity, *, ax: Axes | None = None) -> Axes:
    """Draw what is recalled of each delay, and the threshold below which it counts as nothing."""
    axes = new_axes(1)[0] if ax is None else ax
    axes.plot(found.delays, found.measured, color=PALETTE[0], marker=".", label=f"capacity {found.capacity:.2f}")
    axes.axhline(found.threshold, color="0.6", linestyle="--", linewidth=0.8, label="threshold")
    axes.set(xlabel="delay (steps)", ylabel="recalled part", ylim=(-0.02, 1.05))
    axes.locator_params(axis="x", integer=True)
    finish(axes, own_figure=ax is None)
    return axes
