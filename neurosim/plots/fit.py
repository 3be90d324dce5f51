"""A fit: data as points, the model as lines, and the residuals below, in units of the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.plots.style import PALETTE, label_axis, panels, quantity_of, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.fit import Fit

COLUMNS_SHOWN = 6
"""Most columns that are drawn: those with the largest residuals beside their range."""


def fit_figure(found: Fit, *, ax: Any = None) -> list[Axes]:
    """Draw a fit in two panels.

    Parameters
    ----------
    found : Fit
    ax : sequence of two Axes, optional
        Default: a new figure.

    Returns
    -------
    list of Axes
        Data and model, residuals.
    """
    axes = panels(ax, (2, 1), (7.2, 5.0), found.title, "a fit", sharex=True, height_ratios=(3, 1))
    residual = found.model - found.data
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.nanmax(np.abs(residual), axis=0) / np.maximum(np.nanmax(np.abs(found.data), axis=0), 1e-300)
    shown = sorted(np.argsort(-share, kind="stable")[:COLUMNS_SHOWN])
    unit = found.units[shown[0]]
    same = all(found.units[k] == unit for k in shown)
    for colour, k in zip(PALETTE, shown, strict=False):
        scale = 1.0 if same else float(np.nanmax(np.abs(found.data[:, k]))) or 1.0
        name = found.names[k] if same else f"{found.names[k]} / {scale:.3g} {found.units[k]}"
        known = np.isfinite(found.data[:, k])
        axes[0].plot(
            found.times[known], found.data[known, k] / scale, color=colour, linestyle="none", marker="o", markersize=2.5
        )
        axes[0].plot(found.times, found.model[:, k] / scale, color=colour, linewidth=1.2, label=name)
        axes[1].plot(found.times, residual[:, k] / scale, color=colour, linewidth=0.9)
    axes[1].axhline(0.0, color="0.5", linewidth=0.8)
    axes[0].set_title("data (points) and model (lines)", fontsize="medium")
    axes[0].legend(fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    for panel, name, values in ((axes[0], "", found.data[:, shown]), (axes[1], "residual", residual[:, shown])):
        if same:
            label_axis(panel.yaxis, name or quantity_of(unit), unit, float(np.nanmax(np.abs(values))))
        else:
            panel.set_ylabel(name or "relative to the largest")
        tidy(panel)
    label_axis(axes[1].xaxis, "time", "s", float(found.times[-1]))
    return axes
