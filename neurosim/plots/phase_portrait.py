"""A phase portrait: arrows of the field, nullclines, runs, and fixed points by their kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.fixed_points import FixedPoint
    from neurosim.analyses.phase_portrait import PhasePortrait

ARROWS = 21
"""Along each axis."""

MARKERS = {"stable": "o", "saddle": "D", "unstable": "o", "center": "s", "degenerate": "X"}


def phase_portrait(portrait: PhasePortrait, *, ax: Axes | None = None) -> Axes:
    """Draw the portrait.

    Full markers are stable, hollow ones are not; those that lie off the plane are pale. Arrows have equal length, their
    shade is the speed.

    Parameters
    ----------
    portrait : PhasePortrait
    ax : Axes, optional
        Default: a new figure.
    """
    plane = portrait.plane
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.8, 4.8), layout="constrained").subplots()
        ax.set_title(f"{portrait.title}: phase portrait".replace("$", r"\$"), fontsize="medium")
    every = max(1, (len(plane.first) - 1) // (ARROWS - 1))
    pick = slice(every // 2 if len(plane.first) > ARROWS else 0, None, every)
    scale = np.array([np.ptp(plane.first), np.ptp(plane.second)])
    arrows = portrait.rates[pick, pick] / scale
    size = np.linalg.norm(arrows, axis=-1)
    unit = np.divide(arrows, size[..., None], out=np.zeros_like(arrows), where=size[..., None] > 0.0)
    positive = size[np.isfinite(size) & (size > 0.0)]
    if positive.size:
        shade = np.log(np.maximum(size, positive.min()) / positive.min())
        ax.quiver(
            plane.first[pick], plane.second[pick], unit[..., 0], unit[..., 1], shade, cmap="Greys", angles="uv",
            pivot="mid", scale=1.25 * ARROWS, width=0.0028, clim=(-0.6 * shade.max() - 1e-9, 1.6 * shade.max()),
            zorder=1,
        )  # fmt: skip
    if not portrait.is_map:
        for k in range(2):
            rate = portrait.rates[..., k]
            finite = rate[np.isfinite(rate)]
            if finite.size and finite.min() < 0.0 < finite.max():
                ax.contour(
                    plane.first, plane.second, rate, levels=[0.0], colors=[PALETTE[2 + k]], linewidths=1.4,
                    linestyles=["-", "--"][k], zorder=2,
                )  # fmt: skip
                ax.plot([], [], color=PALETTE[2 + k], linestyle=["-", "--"][k], label=f"{plane.names[k]}' = 0")
    for k, run in enumerate(portrait.trajectories):
        label = "runs" if k == 0 else None
        if portrait.is_map:
            ax.plot(*run.T, linestyle="none", marker=".", markersize=1.5, color=PALETTE[0], label=label, zorder=3)
        elif len(run):
            ax.plot(*run.T, color=PALETTE[0], linewidth=0.9, alpha=0.8, label=label, zorder=3)
            ax.plot(*run[0], marker=".", markersize=4, color=PALETTE[0], zorder=3)
    labelled: set[str] = set()
    for point, on_plane in zip(portrait.fixed, portrait.on_plane, strict=True):
        _mark(ax, point, plane.project(point.state), on_plane, labelled)
    ax.set(
        xlabel=plane.names[0], ylabel=plane.names[1], xlim=(plane.first[0], plane.first[-1]),
        ylim=(plane.second[0], plane.second[-1]),
    )  # fmt: skip
    if ax.get_legend_handles_labels()[0]:
        ax.legend(fontsize="small", frameon=False, loc="upper left", bbox_to_anchor=(1.01, 1.0), borderaxespad=0.0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax


def _mark(ax: Axes, point: FixedPoint, place: np.ndarray, on_plane: bool, labelled: set[str]) -> None:
    text = point.kind if on_plane else f"{point.kind}, off the plane"
    face = PALETTE[1] if point.is_stable else "white"
    ax.plot(
        *place, linestyle="none", marker=MARKERS[point.kind.split()[0]], color=PALETTE[1], markerfacecolor=face,
        markersize=7, markeredgewidth=1.5, alpha=1.0 if on_plane else 0.45, zorder=4,
        label=None if text in labelled else text,
    )  # fmt: skip
    labelled.add(text)
