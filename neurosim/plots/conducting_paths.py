"""The backbone and the best path of a memristive network, drawn on its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.memristive_network import edge_lines, node_places, prepare, show_nodes
from neurosim.plots.style import PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.analyses.conducting_paths import ConductingPaths


def draw_paths(found: ConductingPaths, ax: Axes | None = None) -> Axes:
    """Draw edges with their part of the current as colour and width, and the path of least resistance beside them."""
    from matplotlib.collections import LineCollection

    graph = found.network.graph
    axes = prepare(ax)
    places = node_places(graph)
    lines = edge_lines(graph, places)
    share = np.abs(found.share)
    order = np.argsort(share)
    axes.add_collection(LineCollection([lines[e] for e in found.path_edges], colors=PALETTE[4], linewidths=9.0,
                                       alpha=0.6, zorder=1, capstyle="round", label="least resistance"))  # fmt: skip
    drawn = LineCollection([lines[e] for e in order], array=share[order], cmap="magma_r", zorder=2, capstyle="round",
                           linewidths=0.5 + 4.0 * np.sqrt(share[order]))  # fmt: skip
    drawn.set_clim(0.0, float(share.max()))
    axes.add_collection(drawn)
    show_nodes(axes, graph, {found.a, found.b})
    axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02, label="part of the current")
    axes.legend(loc="upper left", fontsize="small", frameon=False)
    return axes
