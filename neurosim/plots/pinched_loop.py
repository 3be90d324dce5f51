"""Current against voltage of a memristor: a loop that is pinched where both are zero.

L. O. Chua, "If it's pinched it's a memristor", Semicond. Sci. Technol. 29, 104001 (2014),
doi:10.1088/0268-1242/29/10/104001 (recalled).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import ParameterError
from neurosim.plots.plot import Plot
from neurosim.plots.style import draw_lines, finish, label_axis, largest_magnitude, new_axes, real_values
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def pinched_loop(result: Result, voltage: str, current: str, ax: Axes | None = None) -> Axes:
    """Draw a current against a voltage; a dot marks the first point.

    Parameters
    ----------
    result : Result
        A transient run or sweep; each run of a stepped one is a loop.
    voltage, current : str
        Columns, ``"v(a,b)"`` and ``"i(v1)"``. A leading minus turns the sign: ``"-i(v1)"`` is the current that the
        source delivers.
    ax : matplotlib Axes, optional
        Where to draw. Default: a new figure.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    UnknownNameError
        No such column.
    ParameterError
        A column is complex or has no axis.
    """
    if result.axis_name is None:
        raise ParameterError("an operating point is one point, not a loop")
    axes = new_axes(1, width=5.5)[0] if ax is None else ax
    axes.axhline(0.0, color="0.7", linewidth=0.8, zorder=1)
    axes.axvline(0.0, color="0.7", linewidth=0.8, zorder=1)
    draw_lines(
        axes,
        result,
        [current],
        _signed,
        x_values=lambda run, _name: _signed(run, voltage),
    )
    for line in axes.get_lines()[2:]:
        x, y = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        if x.size:
            axes.plot(x[:1], y[:1], "o", color=line.get_color(), markersize=4, label="_start")
    label_axis(axes.xaxis, voltage, _unit(result, voltage), largest_magnitude(_signed(result, voltage)))
    label_axis(axes.yaxis, current, _unit(result, current), largest_magnitude(_signed(result, current)))
    finish(axes, own_figure=ax is None)
    return axes


def _signed(run: Result, name: str) -> np.ndarray:
    stripped = name.strip()
    return -real_values(run, stripped[1:]) if stripped.startswith("-") else real_values(run, stripped)


def _unit(result: Result, name: str) -> str:
    return result.column(name.strip().removeprefix("-")).unit


def _draw(result: Result, names: Sequence[str] | None = None, ax: Axes | None = None) -> list[Axes]:
    if names is None or len(names) != 2:
        raise ParameterError("a pinched loop needs two names: a voltage and a current, as v(in) and -i(v1)")
    return [pinched_loop(result, names[0], names[1], ax)]


plot = Plot(name="pinched_loop", draw=_draw, description="current against voltage of a memristor")
