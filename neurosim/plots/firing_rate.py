"""Firing rate of a population over time, over the rates of its neurons where these are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, si_scale, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.firing_rate import FiringRate


def firing_rate(rates: FiringRate, *, ax: Axes | None = None) -> Axes:
    """Draw the mean rate, over an image of those of the neurons.

    Parameters
    ----------
    rates : FiringRate
    ax : Axes, optional
        Default: a new figure.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 3.6), layout="constrained").subplots()
        ax.set_title(f"{rates.title}: firing rate".replace("$", r"\$"), fontsize="medium")
    scale, unit = si_scale(float(rates.time[-1]), "s")
    at = rates.time / scale
    if rates.neurons.size:
        half = 0.5 * (at[1] - at[0]) if at.size > 1 else 0.5
        extent = (at[0] - half, at[-1] + half, -0.5, len(rates.neurons) - 0.5)
        shown = ax.imshow(
            rates.neurons, aspect="auto", origin="lower", extent=extent, cmap="Greys", interpolation="nearest"
        )  # fmt: skip
        assert ax.figure is not None
        ax.figure.colorbar(shown, ax=ax, label="rate of a neuron (Hz)")
        ax.set_ylabel("neuron")
        mean = ax.twinx()
        mean.plot(at, rates.rate, color=PALETTE[1])
        mean.set_ylabel("mean rate (Hz)", color=PALETTE[1])
        mean.set_ylim(0.0, 1.05 * max(float(rates.rate.max()), np.finfo(float).tiny))
    else:
        ax.plot(at, rates.rate, color=PALETTE[0])
        ax.set_ylabel("mean rate (Hz)")
        ax.set_ylim(bottom=0.0)
        tidy(ax)
    ax.set_xlabel(f"time ({unit})")
    return ax
