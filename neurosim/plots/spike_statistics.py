"""How the spikes of a population are spread: rates, intervals, and coefficients of variation of the neurons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, si_scale, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.spike_statistics import SpikeStatistics


def spike_statistics(found: SpikeStatistics) -> list[Axes]:
    """Draw three histograms side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.4, 2.9), layout="constrained")
    figure.suptitle(f"{found.title}: {found.counts.sum()} spikes".replace("$", r"\$"), fontsize="medium")
    axes = list(figure.subplots(1, 3))
    gaps = np.concatenate([np.empty(0), *found.intervals])
    scale, unit = si_scale(float(gaps.max(initial=1e-3)), "s")
    known = found.variation[np.isfinite(found.variation)]
    for ax, values, label, ylabel, colour in (
        (axes[0], found.rates, "rate (Hz)", "neurons", PALETTE[0]),
        (axes[1], gaps / scale, f"interval ({unit})", "intervals", PALETTE[1]),
        (axes[2], known, "variation of intervals", "neurons", PALETTE[2]),
    ):
        if values.size:
            ax.hist(values, bins=min(40, max(5, int(np.sqrt(values.size)))), color=colour)
        ax.set_xlabel(label)
        ax.set_ylabel(ylabel)
        tidy(ax)
    return axes
