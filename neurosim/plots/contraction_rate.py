"""Logarithmic norms of the Jacobian: along a run over time, or of points in a region by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.contraction_rate import ContractionRate


def contraction_rate(found: ContractionRate, *, ax: Axes | None = None) -> Axes:
    """Draw the logarithmic norms; where they are negative, neighbours come together.

    Parameters
    ----------
    found : ContractionRate
    ax : Axes, optional
        Default: a new figure.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.6, 4.0), layout="constrained").subplots()
        ax.set_title(f"{found.title}: contraction, {found.norm} norm".replace("$", r"\$"), fontsize="medium")
    if found.times.size:
        ax.plot(found.times, found.measures, color=PALETTE[0])
        ax.set_xlabel("time (s)")
    else:
        share = np.arange(1, found.measures.size + 1) / found.measures.size
        ax.plot(share, np.sort(found.measures), color=PALETTE[0])
        ax.set_xlabel(f"share of {found.measures.size} points")
    ax.axhline(0.0, color="0.5", linewidth=0.8)
    rates = {"worst": found.rate, "mean": found.mean_rate, "proven": found.proven}
    for colour, (name, rate) in zip(PALETTE[1:], rates.items(), strict=False):
        value = -rate
        if np.isfinite(value):
            ax.axhline(value, color=colour, linewidth=1.0, linestyle=(0, (4, 2)), label=f"{name}: {value:+.4g}/s")
    ax.set_ylabel("logarithmic norm (1/s)")
    ax.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    tidy(ax)
    return ax
