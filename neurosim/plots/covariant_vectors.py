"""Covariant Lyapunov vectors: how fast each grows along the run, and the angle of growing to other directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.covariant_vectors import CovariantVectors

LINES_SHOWN = 5
"""Most vectors whose growth is drawn."""


def covariant_vectors(found: CovariantVectors, *, growing: int | None = None, ax: Any = None) -> list[Axes]:
    """Draw the distributions of local growth, and that of the smallest angle.

    Parameters
    ----------
    found : CovariantVectors
    growing : int, optional
        See `neurosim.analyses.covariant_vectors.CovariantVectors.smallest_angle`; default those that grow.
    ax : sequence of two Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
    """
    axes = panels(ax, (1, 2), (9.0, 3.8), f"{found.title}: covariant vectors", "covariant vectors")
    count, bins = found.exponents.size, int(np.clip(2.0 * len(found.times) ** 0.5, 8, 60))
    chosen = np.unique(np.linspace(0, count - 1, min(LINES_SHOWN, count)).astype(int))
    tops = []
    for colour, number in zip(PALETTE, chosen, strict=False):
        mean = float(found.exponents[number])
        density, edges = np.histogram(found.growth[:, number], bins=bins, density=True)
        axes[0].stairs(density, edges, color=colour, label=f"number {number + 1}, mean {mean:+.4g}")
        axes[0].axvline(mean, color=colour, linewidth=0.8, linestyle=(0, (4, 2)))
        tops.append(float(density.max()))
    # A direction that shrinks at an even rate is a spike that would hide the others.
    if max(tops) > 5.0 * min(tops):
        axes[0].set_yscale("log")
    axes[0].set_xlabel(f"growth over an interval ({found.unit})")
    axes[0].set_ylabel("density")
    low, high = axes[0].get_ylim()
    axes[0].set_ylim(low, high * (1.35 if axes[0].get_yscale() == "linear" else 10.0))
    axes[0].legend(fontsize="small", frameon=False, loc="upper right")
    if count > 1:
        split = found.growing if growing is None else growing
        angles = found.smallest_angle(split)
        axes[1].hist(angles, bins=bins, range=(0.0, np.pi / 2), density=True, color=PALETTE[0], alpha=0.8)
        axes[1].axvline(float(angles.min()), color=PALETTE[1], linewidth=1.0, label=f"least {angles.min():.3g} rad")
        axes[1].legend(fontsize="small", frameon=False)
        axes[1].set_xlabel(f"angle of the first {split} to the other {count - split} (rad)")
        axes[1].set_ylabel("density")
    else:
        axes[1].set_axis_off()
    for panel in axes:
        tidy(panel)
    return axes
