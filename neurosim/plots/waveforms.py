"""Columns over the axis, one panel for each unit: waveforms of a transient run, curves of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.plots.plot import Plot
from neurosim.plots.style import (
    LINE_STYLES,
    LINES_SHOWN,
    draw_lines,
    finish,
    label_axis,
    largest_magnitude,
    new_axes,
    quantity_of,
    real_values,
)
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_POINTS = 30
"""Up to so many points each is marked."""


def waveforms(
    result: Result, names: Sequence[str] | None = None, ax: Axes | Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw columns over time, or over the swept quantity.

    Parameters
    ----------
    result : Result
        Any run with an axis and real columns; each run of a stepped one is a line.
    names : sequence of str, optional
        Columns, also differences such as ``"v(a,b)"`` and populations such as ``"neurons/v"``. Default: all, of each
        unit at most `LINES_SHOWN` (in a stepped run as many as there are line styles), and then the legend says how
        many are left out.
    ax : matplotlib Axes or sequence of them, optional
        Where to draw: one Axes for each unit (voltages, currents, others, dimensionless states). Default: a new figure
        with a panel for each.

    Returns
    -------
    list of matplotlib Axes
        Those drawn on, in the order of the panels.

    Raises
    ------
    ParameterError
        A column is complex, the result is an operating point, or the number of Axes is not the number of units.
    UnknownNameError
        No such column.
    """
    if result.axis_name is None:
        raise ParameterError("an operating point has no axis to draw over; use the operating_point plot")
    panels: dict[str, list[str]] = {}
    asked = result.names if names is None else [e for name in names for e in result.elements(name) or [name]]
    for name in asked:
        panels.setdefault(result.column(name).unit, []).append(name)
    if not panels:
        raise ParameterError("the result has no columns to draw")
    order = sorted(panels, key=lambda unit: (unit == "", unit not in ("V", "A"), unit != "V"))
    axes = new_axes(len(order)) if ax is None else list(ax) if isinstance(ax, Sequence) else [ax]
    if len(axes) != len(order):
        shown = ", ".join(unit or "dimensionless" for unit in order)
        raise ParameterError(f"{len(axes)} Axes given, but the columns have {len(order)} units ({shown})")
    # Runs take the colours, so only dashes are left to tell columns apart.
    most = len(LINE_STYLES) if result.extra_dims else LINES_SHOWN
    marker = "." if len(result.axis) <= FEW_POINTS else ""
    for unit, panel in zip(order, axes):
        chosen = panels[unit]
        drawn = chosen if names is not None else chosen[:most]
        draw_lines(panel, result, drawn, real_values, marker=marker)
        if result.axis_name == "frequency" and len(result.axis) and result.axis.min() > 0:
            panel.set_xscale("log")
        name = drawn[0] if len(drawn) == 1 else quantity_of(unit)
        label_axis(panel.yaxis, name, unit, largest_magnitude(*(result[column] for column in drawn)))
        left_out = len(chosen) - len(drawn)
        finish(panel, own_figure=ax is None, title=f"{left_out} of {len(chosen)} not drawn" if left_out else "")
        panel.margins(x=0.02 if marker else 0.0)
        if not any(np.isfinite(result[column]).any() for column in drawn):
            panel.text(0.5, 0.5, "no finite values", transform=panel.transAxes, ha="center", va="center", color="0.4")
    for panel in axes[-1:] if ax is None else axes:
        label_axis(panel.xaxis, result.axis_name, result.axis_unit, largest_magnitude(result.axis))
    return axes


plot = Plot(
    name="waveforms",
    draw=waveforms,
    description="columns over time or the swept quantity, a panel for each unit",
    default_for=("tran", "dc"),
)
