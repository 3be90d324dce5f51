"""A branch of fixed points over its parameter: stable parts full, unstable ones dashed, special points marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import UnknownNameError, nearest
from neurosim.plots.style import PALETTE, tidy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.continuation import Branch

MARKERS = {
    "fold": "s", "Hopf": "o", "branch point": "D", "period doubling": "^", "Neimark-Sacker": "v"
}  # fmt: skip


def branch(found: Branch | Sequence[Branch], *, name: str | None = None, ax: Axes | None = None) -> Axes:
    """Draw one or several branches.

    Parameters
    ----------
    found : Branch or sequence of Branch
        Of the same system and parameter.
    name : str, optional
        Unknown to show; default the one that moves most.
    ax : Axes, optional
        Default: a new figure.

    Raises
    ------
    UnknownNameError
    """
    branches = list(found) if isinstance(found, Sequence) else [found]
    first = branches[0]
    if name is None:
        moved = np.max([np.ptp(b.states, axis=0) for b in branches], axis=0)
        name = first.names[int(moved.argmax())]
    if name not in first.names:
        raise UnknownNameError(f"'{first.title}' has no unknown '{name}'; {nearest(name, first.names)}")
    place = first.names.index(name)
    if ax is None:
        from matplotlib.figure import Figure

        ax = Figure(figsize=(6.4, 4.2), layout="constrained").subplots()
        ax.set_title(f"{first.title}: fixed points".replace("$", r"\$"), fontsize="medium")
    labelled = set()

    def label(text: str) -> str | None:
        return None if text in labelled else labelled.add(text) or text

    for made in branches:
        shown = made.states[:, place]
        for stable, style, text in ((True, "-", "stable"), (False, (0, (4, 2)), "unstable")):
            chosen = (made.unstable == 0) == stable
            # A piece runs on to the point where its stability changes.
            near = chosen | np.append(chosen[1:], False)
            if chosen.any():
                colour = PALETTE[0] if stable else PALETTE[1]
                values = np.where(near if stable else chosen, shown, np.nan)
                ax.plot(made.values, values, color=colour, linestyle=style, label=label(text))
        for point in made.special:
            ax.plot(
                point.parameter, point.state[place], linestyle="none", marker=MARKERS[point.kind], color=PALETTE[6],
                markersize=6, label=label(point.kind),
            )  # fmt: skip
    size = max(float(np.abs(b.states).max()) for b in branches)
    if np.ptp(ax.get_ylim()) < 1e-9 * max(size, 1.0):
        # Rounding is no change.
        ax.set_ylim(*(np.mean([b.states[:, place].mean() for b in branches]) + np.array([-1.0, 1.0]) * max(size, 1.0)))
    ax.set_xlabel(first.parameter)
    ax.set_ylabel(name)
    ax.legend(fontsize="small", frameon=False)
    tidy(ax)
    return ax
