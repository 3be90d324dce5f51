"""Bode plot: magnitude in decibel and phase in degrees over frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.plots.plot import Plot
from neurosim.plots.style import LINES_SHOWN, draw_lines, finish, label_axis, largest_magnitude, new_axes
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def bode(result: Result, names: Sequence[str] | None = None, ax: Sequence[Axes] | None = None) -> list[Axes]:
    """Draw magnitude and phase.

    Parameters
    ----------
    result : Result
        An AC analysis: complex columns over frequency.
    names : sequence of str, optional
        Columns. Default: all voltages (all columns if there are none), at most `LINES_SHOWN`.
    ax : two matplotlib Axes, optional
        For magnitude and phase. Default: a new figure.

    Returns
    -------
    list of matplotlib Axes
        Magnitude [dB, relative to 1 SI unit] and phase [degrees, continued without jumps of 360].

    Raises
    ------
    ParameterError
        The axis is not frequency, or `ax` is not two Axes.
    UnknownNameError
        No such column.
    """
    if result.axis_name != "frequency":
        raise ParameterError(f"a bode plot needs a frequency axis; this result has {result.axis_name or 'none'}")
    available = [name for name in result.names if result.column(name).unit == "V"] or list(result.names)
    chosen = available[:LINES_SHOWN] if names is None else list(names)
    if not chosen:
        raise ParameterError("the result has no columns to draw")
    if ax is not None and (not isinstance(ax, Sequence) or len(ax) != 2):
        raise ParameterError("a bode plot draws on two Axes: magnitude and phase")
    axes = new_axes(2) if ax is None else list(ax)
    left_out = len(available) - len(chosen) if names is None else 0
    alone = chosen[0] if len(chosen) == 1 else ""
    draw_lines(axes[0], result, chosen, _decibel)
    draw_lines(axes[1], result, chosen, _degrees)
    label_axis(axes[0].yaxis, f"|{alone}|" if alone else "magnitude", "dB", 1.0)
    label_axis(axes[1].yaxis, f"phase of {alone}" if alone else "phase", "deg", 1.0)
    from matplotlib.ticker import MaxNLocator

    axes[1].yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 1.5, 3, 4.5, 9, 10]))
    for panel in axes:
        if len(result.axis) and result.axis.min() > 0:
            panel.set_xscale("log")
        panel.margins(x=0.0)
    finish(axes[0], own_figure=ax is None, title=f"{left_out} of {len(available)} not drawn" if left_out else "")
    finish(axes[1], own_figure=ax is None)
    legend = axes[1].get_legend()
    if legend is not None and ax is None:
        legend.remove()
    for panel in axes[1:] if ax is None else axes:
        label_axis(panel.xaxis, "frequency", "Hz", largest_magnitude(result.axis))
    return axes


def _decibel(run: Result, name: str) -> np.ndarray:
    with np.errstate(divide="ignore"):
        level = 20.0 * np.log10(np.abs(run[name]))
    return np.where(np.isfinite(level), level, np.nan)


def _degrees(run: Result, name: str) -> np.ndarray:
    return np.degrees(np.unwrap(np.angle(run[name])))


plot = Plot(name="bode", draw=bode, description="magnitude and phase over frequency", default_for=("ac",))
