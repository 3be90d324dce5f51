"""Power spectral densities over frequency, both logarithmic."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, si_scale, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.power_spectrum import PowerSpectrum

FLOOR = 1e-14
"""Densities below this share of the largest are rounding and are not shown."""


def power_spectrum(spectrum: PowerSpectrum, *, ax: Axes | None = None) -> Axes:
    """Draw all columns of a spectrum.

    Parameters
    ----------
    spectrum : PowerSpectrum
    ax : Axes, optional
        Default: a new figure.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 4.0), layout="constrained").subplots()
        ax.set_title(f"{spectrum.title}: power spectrum".replace("$", r"\$"), fontsize="medium")
    scale, unit = si_scale(float(spectrum.frequency[-1]), "Hz")
    largest = max(float(d[1:].max()) for d in spectrum.density.values())
    for k, (name, density) in enumerate(spectrum.density.items()):
        shown = np.where(density > FLOOR * largest, density, np.nan)
        ax.loglog(spectrum.frequency[1:] / scale, shown[1:], color=PALETTE[k % len(PALETTE)], label=name)
    units = {unit for unit in spectrum.units.values() if unit}
    ax.set_xlabel(f"frequency ({unit})")
    ax.set_ylabel(f"density ({units.pop()}²/Hz)" if len(units) == 1 else "density (1/Hz)")
    if len(spectrum.density) > 1:
        ax.legend(fontsize="small", frameon=False)
    tidy(ax)
    return ax
