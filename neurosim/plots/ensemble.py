"""Bands of many runs over their axis: median, the middle half, and nine tenths of the runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.plots.plot import Plot
from neurosim.plots.style import PALETTE, finish, label_axis, largest_magnitude, new_axes, quantity_of, real_values
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 4
"""Columns in one panel."""

FAINT = 5
"""Runs that are drawn behind the bands."""


def ensemble(
    result: Result, *, names: Sequence[str] | None = None, ax: Axes | Sequence[Axes] | None = None
) -> list[Axes]:
    """Draw a sweep as bands: median (line), quartiles (dark), 5 % and 95 % (light), and a few single runs.

    Parameters
    ----------
    result : Result
        With at least one extra dimension; quantiles are taken over all of them, NaN left out.
    names : sequence of str, optional
        Columns; default the first four of each unit.
    ax : Axes or sequence of Axes, optional
        One for each unit.

    Raises
    ------
    ParameterError
        The result has no extra dimension or no axis.
    """
    if not result.extra_dims or result.axis_name is None:
        raise ParameterError("bands need many runs: a result of sweep() with an axis")
    panels: dict[str, list[str]] = {}
    for name in result.names if names is None else names:
        panels.setdefault(result.column(name).unit, []).append(name)
    axes = new_axes(len(panels)) if ax is None else list(ax) if isinstance(ax, Sequence) else [ax]
    if len(axes) != len(panels):
        raise ParameterError(f"{len(axes)} Axes given, but the columns have {len(panels)} units")
    for (unit, chosen), panel in zip(panels.items(), axes, strict=True):
        drawn = chosen if names is not None else chosen[:MOST]
        for number, name in enumerate(drawn):
            runs = real_values(result, name).reshape(-1, result.axis.size)
            known = np.isfinite(runs).any(0)
            x = result.axis[known]
            low, first, median, third, high = np.nanquantile(runs[:, known], (0.05, 0.25, 0.5, 0.75, 0.95), axis=0)
            colour = PALETTE[number % len(PALETTE)]
            panel.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            panel.fill_between(x, first, third, color=colour, alpha=0.3, linewidth=0)
            for run in runs[:: max(1, len(runs) // FAINT)][:FAINT]:
                panel.plot(result.axis, run, color=colour, linewidth=0.5, alpha=0.5)
            panel.plot(x, median, color=colour, linewidth=1.5, label=name)
        label_axis(
            panel.yaxis, drawn[0] if len(drawn) == 1 else quantity_of(unit), unit,
            largest_magnitude(*(result[name] for name in drawn)),
        )  # fmt: skip
        left_out = len(chosen) - len(drawn)
        count = int(np.prod(result.shape[:-1]))
        title = f"{count} runs: median, 50 %, 90 %" + (f"; {left_out} columns not drawn" if left_out else "")
        finish(panel, own_figure=ax is None, title=title)
    label_axis(axes[-1].xaxis, result.axis_name, result.axis_unit, largest_magnitude(result.axis))
    return axes


plot = Plot(name="ensemble", draw=ensemble, description="bands of many runs: median, quartiles, 5 % and 95 %")
