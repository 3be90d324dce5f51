"""The look that all plots share: colours, SI prefixes on axes, legends beside the data. No global state is touched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe & Ito, "Color Universal Design" (2008), without the yellow that is too pale for lines on white."""

LINE_STYLES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (5, 2, 1, 2)))
GRID = {"color": "0.9", "linewidth": 0.6}
LEGEND_LINES = 6
"""Most lines for which the legend of a caller's own Axes stays inside."""
LEGEND_ENTRIES = 20
LEGEND_ROWS = 10
LINES_SHOWN = 20
"""Most columns of one panel that are drawn unless names are given."""

_PREFIXES = {-15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
_WITHOUT_PREFIX = ("", "dB", "°", "°C", "rad", "%")
_SHOWN_UNIT = {"Ohm": "Ω", "degC": "°C", "deg": "°", "ohm": "Ω"}
_QUANTITY = {
    "V": "voltage",
    "A": "current",
    "W": "power",
    "C": "charge",
    "Wb": "flux",
    "Ohm": "resistance",
    "S": "conductance",
    "s": "time",
    "Hz": "frequency",
    "": "state",
}


def quantity_of(unit: str) -> str:
    """Return what is measured in `unit`: ``"voltage"`` for V, ``"state"`` for a dimensionless number."""
    return _QUANTITY.get(unit, unit)


def si_scale(largest: float, unit: str) -> tuple[float, str]:
    """Return the factor and the text for an axis whose largest value is `largest`: ``(1e-3, "mV")``."""
    shown = _SHOWN_UNIT.get(unit, unit)
    if shown in _WITHOUT_PREFIX or not math.isfinite(largest) or largest <= 0:
        return 1.0, shown
    # A tenth of the next prefix still counts as the smaller unit: 0.5 V is 500 mV, as on an oscilloscope.
    power = 3 * math.floor(math.log10(largest * (1 + 1e-9)) / 3)
    power = min(max(power, min(_PREFIXES)), max(_PREFIXES))
    return 10.0**power, _PREFIXES[power] + shown


def engineering(value: float, unit: str, digits: int = 4) -> str:
    """Return a number with SI prefix: ``"1.5 kΩ"``."""
    scale, text = si_scale(abs(value), unit)
    return f"{value / scale:.{digits}g} {text}".rstrip().replace("-", "\N{MINUS SIGN}")


def label_axis(axis: Axis, name: str, unit: str, largest: float) -> None:
    """Label an axis with its unit, and its ticks with numbers in that unit.

    Parameters
    ----------
    axis : matplotlib.axis.Axis
        ``ax.xaxis`` or ``ax.yaxis``, linear or logarithmic.
    name : str
        Quantity.
    unit : str
        SI unit of the data.
    largest : float
        Largest magnitude shown; it chooses the prefix.
    """
    from matplotlib.ticker import EngFormatter, FuncFormatter, NullFormatter

    if axis.get_scale() == "log":
        axis.set_major_formatter(EngFormatter(sep=""))
        axis.set_minor_formatter(NullFormatter())
        scale, text = 1.0, _SHOWN_UNIT.get(unit, unit)
    else:
        scale, text = si_scale(largest, unit)

        def number(value: float, _position: object) -> str:
            low, high = axis.get_view_interval()
            span = abs(high - low) / scale
            decimals = min(max(2 - math.floor(math.log10(span)), 0), 12) if span > 0 else 6
            shown = f"{value / scale:.{decimals}f}"
            shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
            return "0" if shown == "-0" else shown.replace("-", "\N{MINUS SIGN}")

        axis.set_major_formatter(FuncFormatter(number))
    axis.set_label_text(f"{name} ({text})" if text else name)


def new_axes(
    rows: int,
    *,
    share_x: bool = True,
    width: float = 7.0,
    height: float | None = None,
    row_ratios: Sequence[float] | None = None,
) -> list[Axes]:
    """Return `rows` panels in a new Figure of their own, which pyplot does not know of; sizes are in inches."""
    from matplotlib.figure import Figure

    if height is None:
        height = 3.6 if rows == 1 else 2.2 * rows + 0.6
    figure = Figure(figsize=(width, height))
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.08)
    ratios = {} if row_ratios is None else {"height_ratios": list(row_ratios)}
    axes = list(figure.subplots(rows, 1, sharex=share_x, squeeze=False, gridspec_kw=ratios)[:, 0])
    figure.align_ylabels(axes)
    return axes


def panels(
    ax: Any, shape: tuple[int, int], size: tuple[float, float], title: str, what: str, **options: Any
) -> list[Axes]:
    """Return the caller's Axes, or rows x columns of them in a new Figure with a title.

    Parameters
    ----------
    ax : sequence of Axes, optional
    shape : (int, int)
        Rows and columns.
    size : (float, float)
        Of a new Figure [inches].
    title, what : str
        Title of a new Figure; what needs the Axes, for the message.
    **options
        Of ``Figure.subplots``.

    Raises
    ------
    ParameterError
        The caller's Axes are more or fewer.
    """
    from matplotlib.figure import Figure

    if ax is None:
        figure = Figure(figsize=size, layout="constrained")
        if title:
            figure.suptitle(title.replace("$", r"\$"), fontsize="medium")
        return list(figure.subplots(*shape, squeeze=False, **options).ravel())
    axes = list(np.ravel(ax))
    if len(axes) != shape[0] * shape[1]:
        raise ParameterError(f"{what} needs {shape[0] * shape[1]} axes, not {len(axes)}")
    return axes


def label_sparsely(axis: Any) -> None:
    """Number a logarithmic axis at powers of ten, a short one at twice and five times these too."""
    from matplotlib.ticker import LogFormatterSciNotation, LogLocator, NullFormatter

    if axis.get_scale() != "log" or isinstance(axis.get_minor_formatter(), NullFormatter):
        return
    low, high = axis.get_view_interval()
    if high > 30.0 * low:
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axis.set_minor_formatter(LogFormatterSciNotation(minor_thresholds=(np.inf, np.inf)))


def tidy(ax: Axes) -> None:
    """Put a faint grid behind the data, and take away the frame where there is no axis and numbers that crowd."""
    label_sparsely(ax.xaxis)
    label_sparsely(ax.yaxis)
    ax.grid(True, **GRID)
    ax.set_axisbelow(True)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)


def finish(ax: Axes, *, own_figure: bool, title: str = "") -> None:
    """Draw the grid and the legend: beside the data, or inside a caller's Axes that has few lines."""
    tidy(ax)
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) < 2 and not title:
        return
    if len(labels) > LEGEND_ENTRIES:
        hidden = len(labels) - LEGEND_ENTRIES
        handles, labels = handles[:LEGEND_ENTRIES], labels[:LEGEND_ENTRIES]
        title = f"{title}\n{hidden} more unlabelled" if title else f"first {LEGEND_ENTRIES}, {hidden} more unlabelled"
    beside = own_figure or len(labels) > LEGEND_LINES
    outside: dict[str, Any] = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.0}
    inside: dict[str, Any] = {"loc": "best"}
    ax.legend(
        handles,
        labels,
        title=title or None,
        ncols=math.ceil(len(labels) / LEGEND_ROWS),
        fontsize="small",
        title_fontsize="small",
        frameon=not beside,
        **(outside if beside else inside),
    )


def draw_lines(
    ax: Axes, result: Result, names: Sequence[str], y_values: Any, *, x_values: Any = None, marker: str = ""
) -> None:
    """Draw one line for each name and run: colours tell names apart, in a stepped run colours tell runs apart.

    Parameters
    ----------
    names : sequence of str
        What `y_values` is called with, and the labels.
    y_values, x_values : callable
        ``(run, name) -> array``; x is the axis by default.
    """
    from matplotlib import colormaps

    runs = list(result.runs())
    shades = colormaps["viridis"](np.linspace(0.0, 0.88, max(len(runs), 2)))
    for number, (where, run) in enumerate(runs):
        step = ", ".join(
            f"{name} = {engineering(value, result.extra_dims[name].unit)}" for name, value in where.items()
        )
        for index, name in enumerate(names):
            if len(runs) == 1:
                colour: Any = PALETTE[index % len(PALETTE)]
                dashes = LINE_STYLES[index // len(PALETTE) % len(LINE_STYLES)]
            else:
                colour, dashes = shades[number], LINE_STYLES[index % len(LINE_STYLES)]
            label = ", ".join(part for part in (name if len(names) > 1 or not step else "", step) if part)
            x = run.axis if x_values is None else x_values(run, name)
            ax.plot(x, y_values(run, name), color=colour, linestyle=dashes, linewidth=1.3, marker=marker, label=label)


def real_values(run: Result, name: str) -> np.ndarray:
    """Return a real column.

    Raises
    ------
    ParameterError
        The column is complex.
    """
    values = run[name]
    if np.iscomplexobj(values):
        raise ParameterError(f"'{name}' is complex; draw it as a bode plot")
    return values


def largest_magnitude(*columns: np.ndarray) -> float:
    """Return the largest finite magnitude in the arrays, 0 if there is none."""
    found = 0.0
    for values in columns:
        finite = np.abs(values[np.isfinite(values)])
        if finite.size:
            found = max(found, float(finite.max()))
    return found
