"""Fixed points: where they are in a plane of two unknowns, and their eigenvalues in the complex plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.plots.style import PALETTE, panels, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.fixed_points import FixedPoints

MARKERS = {"node": "o", "focus": "s", "saddle": "X", "center": "D", "degenerate": "^"}


def fixed_points(found: FixedPoints, *, names: tuple[str, str] | None = None, ax: Any = None) -> list[Axes]:
    """Draw them: filled where stable.

    Parameters
    ----------
    found : FixedPoints
    names : (str, str), optional
        What to show, default the two unknowns in which the points differ most, relative to their size.
    ax : sequence of 2 Axes, optional
        Default: a new figure.

    Raises
    ------
    ParameterError
        None were found.
    UnknownNameError
    """
    if not len(found):
        raise ParameterError(f"'{found.title}': no fixed points were found: none to draw; give more starts=")
    states = np.array([point.state for point in found.points])
    # What is left of Newton's method around 0 is no place.
    states[np.abs(states) < 1e-12 * (1.0 + np.abs(states).max())] = 0.0
    if names is None:
        size = np.maximum(np.abs(states).max(axis=0), 1e-300)
        order = np.argsort(-np.ptp(states, axis=0) / size, kind="stable")[:2]
        names = (found.names[min(order)], found.names[max(order)])
    for name in names:
        if name not in found.names:
            raise UnknownNameError(f"'{found.title}' has no unknown '{name}'; {nearest(name, found.names)}")
    count = f"{len(found)} fixed points" if len(found) > 1 else "one fixed point"
    ax = panels(ax, (1, 2), (9.6, 3.8), f"{found.title}: {count}", "fixed points")
    plane, spectrum = ax
    across, up = (found.names.index(name) for name in names)
    labelled = set()
    for number, point in enumerate(found.points):
        color, marker = PALETTE[number % len(PALETTE)], MARKERS[point.kind.split()[-1]]
        label = None if point.kind in labelled else point.kind
        labelled.add(point.kind)
        plane.plot(
            states[number, across], states[number, up], linestyle="none", marker=marker, color=color, markersize=8.0,
            markerfacecolor=color if point.is_stable else "none", label=label,
        )  # fmt: skip
        spectrum.plot(point.eigenvalues.real, point.eigenvalues.imag, linestyle="none", marker="x", color=color)
    if found.field.is_map:
        angle = np.linspace(0.0, 2.0 * np.pi, 200)
        spectrum.plot(np.cos(angle), np.sin(angle), color="0.6", linewidth=0.8)
        spectrum.set_aspect("equal", "datalim")
    else:
        spectrum.axvline(0.0, color="0.6", linewidth=0.8)
    what, unit = ("multipliers", "") if found.field.is_map else ("eigenvalues", " [1/s]")
    plane.set(xlabel=names[0], ylabel=names[1])
    plane.legend(fontsize="small")
    spectrum.set(xlabel=f"real part of the {what}{unit}", ylabel=f"imaginary part{unit}")
    for panel in ax:
        panel.margins(0.15)
        tidy(panel)
    return [plane, spectrum]
