"""How well segments of the past are told, by their age."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import PALETTE, finish, label_axis, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.reservoir_tasks import SegmentsTask


def segments_task(found: SegmentsTask, *, ax: Axes | None = None) -> Axes:
    """Draw the accuracy with its standard error; guessing is dashed."""
    axes = new_axes(1)[0] if ax is None else ax
    axes.errorbar(found.ages, found.accuracy, found.error, color=PALETTE[0], marker="o", capsize=3, label="told")
    axes.axhline(0.5, color="0.6", linestyle="--", linewidth=0.8, label="guessing")
    label_axis(axes.xaxis, "age of the segment", "s", float(max(found.ages[-1], 1e-3)))
    axes.set(ylabel="accuracy", ylim=(min(0.4, float(found.accuracy.min()) - 0.05), 1.03))
    finish(axes, own_figure=ax is None)
    return axes
