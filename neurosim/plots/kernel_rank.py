"""Singular values behind kernel rank and generalisation rank."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.style import PALETTE, finish, new_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.kernel_rank import KernelRank


def kernel_rank(found: KernelRank, *, ax: Axes | None = None) -> Axes:
    """Draw both sets of singular values over the largest, and where they are cut."""
    axes = new_axes(1)[0] if ax is None else ax
    largest = max(float(found.different.max(initial=0.0)), np.finfo(float).tiny)
    for k, (values, what, rank) in enumerate((
        (found.different, "different inputs", found.kernel), (found.alike, "copies of one", found.generalisation),
    )):  # fmt: skip
        shown = np.maximum(values / largest, 1e-6)
        axes.semilogy(np.arange(1, values.size + 1), shown, ".-", color=PALETTE[k], label=f"{what}: rank {rank}")
    axes.axhline(found.tolerance, color="0.6", linestyle="--", linewidth=0.8)
    axes.set(xlabel="number", ylabel="singular value")
    finish(axes, own_figure=ax is None)
    return axes
