"""Basins of attraction as coloured areas, with their attractors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.basins import Basins

LISTED = 12
"""Most attractors that the legend names."""


def basins(found: Basins, *, ax: Axes | None = None) -> Axes:
    """Draw the labels; a dot is the mean of an attractor, where it lies in the drawn part.

    Parameters
    ----------
    found : Basins
    ax : Axes, optional
        Default: a new figure.
    """
    from matplotlib.colors import ListedColormap, to_rgb
    from matplotlib.patches import Patch

    plane = found.plane
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.4, 4.8), layout="constrained").subplots()
        ax.set_title(f"{found.title}: basins of attraction".replace("$", r"\$"), fontsize="medium")
    count = len(found.attractors)
    # Areas are pale, so that the marks on them are seen.
    colours = [0.45 * np.array(to_rgb(PALETTE[k % (len(PALETTE) - 1)])) + 0.55 for k in range(max(count, 1))]
    if count > len(PALETTE) - 1:
        from matplotlib import colormaps

        colours = list(colormaps["turbo"](np.linspace(0.05, 0.95, count))[:, :3])
    colour = ListedColormap([np.ones(3), *colours])
    half = [0.5 * (axis[1] - axis[0]) for axis in (plane.first, plane.second)]
    ax.imshow(
        found.labels, origin="lower", aspect="auto", cmap=colour, vmin=-1.5, vmax=len(colours) - 0.5,
        interpolation="nearest",
        extent=(plane.first[0] - half[0], plane.first[-1] + half[0], plane.second[0] - half[1],
                plane.second[-1] + half[1]),
    )  # fmt: skip
    handles = []
    for k, attractor in enumerate(found.attractors):
        if k < LISTED:
            kind = attractor.point.kind if attractor.point is not None else attractor.kind
            handles.append(Patch(color=tuple(colours[k]), label=f"{k + 1}: {kind}, {100.0 * attractor.fraction:.1f} %"))
        if plane.holds(attractor.mean):
            face = "black" if attractor.kind == "rest point" else "white"
            ax.plot(*plane.project(attractor.mean), marker="o", markersize=5, color="black", markerfacecolor=face)
    if count > LISTED:
        handles.append(Patch(color="white", label=f"{count - LISTED} more"))
    if found.escaped:
        handles.append(Patch(facecolor="white", edgecolor="0.5", label=f"escaped, {100.0 * found.escaped:.1f} %"))
    ax.legend(
        handles=handles, fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0),
        borderaxespad=0.0,
    )  # fmt: skip
    ax.set(xlabel=plane.names[0], ylabel=plane.names[1])
    return ax
