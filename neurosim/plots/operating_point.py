"""Operating point: a bar for each voltage, current and state, largest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.plots.plot import Plot
from neurosim.plots.style import (
    GRID,
    PALETTE,
    engineering,
    label_axis,
    largest_magnitude,
    new_axes,
    quantity_of,
    real_values,
)
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BARS_SHOWN = 30
"""Most bars of one unit; the panel's title says when the rest is left out."""


def operating_point(
    result: Result, names: Sequence[str] | None = None, ax: Axes | Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw values as bars, sorted, each with its number.

    Parameters
    ----------
    result : Result
        An operating point.
    names : sequence of str, optional
        Columns. Default: all.
    ax : matplotlib Axes or sequence of them, optional
        One for each unit. Default: a new figure with a panel for each.

    Returns
    -------
    list of matplotlib Axes

    Raises
    ------
    ParameterError
        The result is not an operating point, a column is complex, or the number of Axes is not the number of units.
    UnknownNameError
        No such column.
    """
    if result.axis_name is not None:
        raise ParameterError(f"the result runs over '{result.axis_name}'; use the waveforms plot")
    panels: dict[str, list[tuple[float, str]]] = {}
    for name in result.names if names is None else names:
        panels.setdefault(result.column(name).unit, []).append((float(real_values(result, name)), name))
    if not panels:
        raise ParameterError("the result has no columns to draw")
    order = sorted(panels, key=lambda unit: (unit == "", unit not in ("V", "A"), unit != "V"))
    if ax is None:
        bars = [min(len(panels[unit]), BARS_SHOWN) for unit in order]
        axes = new_axes(len(order), share_x=False, height=0.22 * sum(bars) + 0.75 * len(order) + 0.3, row_ratios=bars)
    else:
        axes = list(ax) if isinstance(ax, Sequence) else [ax]
    if len(axes) != len(order):
        raise ParameterError(f"{len(axes)} Axes given, but the columns have {len(order)} units")
    for unit, panel in zip(order, axes):
        largest_first = sorted(panels[unit], key=lambda pair: -abs(pair[0]) if np.isfinite(pair[0]) else -np.inf)
        shown = sorted(largest_first[:BARS_SHOWN], reverse=True)
        values = np.array([value for value, _ in shown])
        places = np.arange(len(shown))
        panel.barh(places, values, height=0.7, color=[PALETTE[0] if value >= 0 else PALETTE[1] for value in values])
        panel.axvline(0.0, color="0.4", linewidth=0.8)
        panel.set_yticks(places, [name for _, name in shown], fontsize="small")
        panel.set_ylim(len(shown) - 0.4, -0.6)
        for place, value in zip(places, values):
            panel.annotate(
                engineering(value, unit),
                (value if np.isfinite(value) else 0.0, place),
                xytext=(3 if not value < 0 else -3, 0),
                textcoords="offset points",
                ha="left" if not value < 0 else "right",
                va="center",
                fontsize="x-small",
            )
        panel.margins(x=0.16)
        panel.grid(True, axis="x", **GRID)
        panel.set_axisbelow(True)
        for side in ("top", "right", "left"):
            panel.spines[side].set_visible(False)
        panel.tick_params(axis="y", length=0)
        label_axis(panel.xaxis, quantity_of(unit), unit, largest_magnitude(values))
        if len(shown) < len(panels[unit]):
            panel.set_title(f"the {len(shown)} largest of {len(panels[unit])}", fontsize="small", loc="left")
    return axes


plot = Plot(
    name="operating_point",
    draw=operating_point,
    description="a bar for each voltage, current and state, sorted",
    default_for=("op",),
)
