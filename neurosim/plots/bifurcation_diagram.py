"""A bifurcation diagram; where the parameter went both ways, they are told apart by colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.bifurcation_diagram import BifurcationDiagram

SHOWN = {"maxima": "local maxima of {}", "minima": "local minima of {}", "section": "{} on the section"}


def bifurcation_diagram(diagram: BifurcationDiagram, *, ax: Axes | None = None) -> Axes:
    """Draw the points.

    Parameters
    ----------
    diagram : BifurcationDiagram
    ax : Axes, optional
        Default: a new figure.
    """
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(7.2, 4.4), layout="constrained").subplots()
        ax.set_title(f"{diagram.title}: bifurcations".replace("$", r"\$"), fontsize="medium")
    both = bool((diagram.directions < 0).any())
    share = min(1.0, max(0.15, 4000.0 / max(diagram.values.size, 1)))
    for direction, colour, text in ((1, PALETTE[0], "going up"), (-1, PALETTE[1], "going down")):
        chosen = diagram.directions == direction
        if chosen.any():
            size = min(max(300.0 / len(set(diagram.values[chosen].tolist())), 2.0), 6.0)
            ax.plot(
                diagram.values[chosen], diagram.observed[chosen], linestyle="none", marker=".", color=colour,
                markersize=size if direction > 0 else 0.6 * size, markeredgewidth=0.0, alpha=share, rasterized=True,
            )  # fmt: skip
            if both:
                ax.plot([], [], linestyle="none", marker="o", markersize=4, color=colour, label=text)
    ax.set_xlabel(diagram.parameter)
    ax.set_ylabel(SHOWN.get(diagram.kind, "{}").format(diagram.observe))
    ax.margins(x=0.01)
    if both:
        ax.legend(fontsize="small", frameon=False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    return ax
