"""Figures of results; one file in this folder is one plot. Only this package loads matplotlib, and only when it draws.

Each file's function takes a Result and ``ax=``: ``from neurosim.plots.waveforms import waveforms``. Without ``ax`` the
figure is an object of its own that pyplot does not know of; ``axes[0].figure`` is it.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.atomic import atomic_write
from neurosim.errors import FormatError
from neurosim.plots.plot import Plot
from neurosim.registry import Registry
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

plots: Registry[Plot] = Registry("plot", "neurosim.plots", "plot", "neurosim.plots")
"""All plots by name; third-party packages add theirs by the entry point group ``neurosim.plots``."""


def default_plot(result: Result) -> Plot:
    """Return the plot for a result's analysis; of an unknown analysis the one for its kind of axis and numbers."""
    for candidate in plots:
        if result.analysis in candidate.default_for:
            return candidate
    kind = "op" if result.axis_name is None else "ac" if result.is_complex else "tran"
    return next(candidate for candidate in plots if kind in candidate.default_for)


def draw_figure(
    result: Result,
    *,
    plot: str | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    **options: Any,
) -> Figure:
    """Draw a result in a new figure.

    Parameters
    ----------
    result : Result
        What to draw.
    plot : str, optional
        Registry name. Default: by the kind of analysis.
    names : sequence of str, optional
        Columns, for the plot to choose by default.
    title : str, optional
        Text above the figure. Default: ``result.attrs["title"]`` if there is one.
    **options
        For the plot.

    Raises
    ------
    UnknownNameError
        No such plot or column.
    ParameterError
        The plot cannot show this result.
    """
    chosen = default_plot(result) if plot is None else plots.get(plot)
    axes = chosen.draw(result, names=names, **options)
    figure: Any = axes[0].figure
    text = str(result.attrs.get("title", "")) if title is None else title
    if text:
        shown = text if len(text) <= 80 else text[:77] + "..."
        # Titles are the user's text; matplotlib would read dollar signs as formulas.
        figure.suptitle(shown.replace("$", r"\$"), fontsize="medium")
    return figure


def save_figure(
    result: Result,
    path: str | os.PathLike[str],
    *,
    plot: str | None = None,
    names: Sequence[str] | None = None,
    title: str | None = None,
    dpi: float = 150.0,
    **options: Any,
) -> None:
    """Draw a result and write it as an image, whole or not at all.

    Parameters
    ----------
    path : path
        The suffix chooses the kind: ``.png``, ``.pdf``, ``.svg`` and what else matplotlib writes.
    plot, names, title, **options
        As `draw_figure`.
    dpi : float
        Dots per inch of pixel images.

    Raises
    ------
    FormatError
        The suffix is no kind of image, or the place cannot be written.
    """
    write_figure(draw_figure(result, plot=plot, names=names, title=title, **options), path, dpi=dpi)


def write_figure(figure: Any, path: str | os.PathLike[str], *, dpi: float = 150.0) -> None:
    """Write a figure that is drawn already, whole or not at all.

    Raises
    ------
    FormatError
        The suffix is no kind of image, or the place cannot be written.
    """
    from matplotlib import rc_context
    from matplotlib.backend_bases import FigureCanvasBase

    kind = Path(path).suffix.lower().lstrip(".")
    known = FigureCanvasBase.get_supported_filetypes()
    if kind not in known:
        raise FormatError(f"'{path}': '.{kind}' is no kind of image; known: {', '.join(sorted(known))}")
    # Agg gives up on very long lines unless it draws them in pieces.
    with atomic_write(path) as temporary, rc_context({"agg.path.chunksize": 20_000}):
        figure.savefig(temporary, format=kind, dpi=dpi)
