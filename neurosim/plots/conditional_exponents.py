"""A response under several drives: its largest exponents with errors, and how near runs from other starts came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.conditional_exponents import ConditionalExponents

LEAST = 1e-17
"""Runs that are equal bit by bit are drawn at this distance."""


def conditional_exponents(found: ConditionalExponents, *, ax: Any = None) -> list[Axes]:
    """Draw the exponents and the distances for each drive.

    Parameters
    ----------
    found : ConditionalExponents
    ax : sequence of two Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
    """
    axes = panels(ax, (1, 2), (9.0, 3.8), f"{found.title}: {found.verdict}", "conditional exponents")
    number = np.arange(1, len(found.spectra) + 1)
    shown = {"linestyle": "none", "marker": "o", "capsize": 3}
    for k in range(found.spectra[0].exponents.size):
        values = np.array([spectrum.exponents[k] for spectrum in found.spectra])
        errors = np.nan_to_num([spectrum.errors[k] for spectrum in found.spectra])
        axes[0].errorbar(number, values, yerr=errors, color=PALETTE[k % len(PALETTE)], label=f"number {k + 1}", **shown)
    axes[0].axhline(0.0, color="0.5", linewidth=0.8)
    axes[0].margins(x=0.2, y=0.15)
    axes[0].set_ylabel(f"conditional exponent ({found.unit})")
    if found.spectra[0].exponents.size > 1:
        axes[0].legend(fontsize="small", frameon=False)
    starts = found.distances.shape[1]
    axes[1].semilogy(
        np.repeat(number, starts), np.maximum(found.distances.ravel(), LEAST), linestyle="none", marker="o",
        color=PALETTE[0], alpha=0.7,
    )  # fmt: skip
    axes[1].axhline(1.0, color="0.5", linewidth=0.8)
    axes[1].margins(x=0.2)
    axes[1].set_ylabel("distance of runs at the end / at the start")
    for panel in axes:
        panel.set_xticks(number)
        panel.set_xlabel("drive")
        tidy(panel)
    return axes
