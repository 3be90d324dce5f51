"""The backbone and the best path of a memristive network, drawn on its graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.plots.memristive_network import edge_lines, growing_colours, node_places, prepare, show_nodes
from neurosim.plots.style import PALETTE, engineering

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
                                       alpha=0.6, zorder=1, capstyle="round"))  # fmt: skip
    drawn = LineCollection([lines[e] for e in order], array=share[order], cmap=growing_colours(), zorder=2,
                           capstyle="round", linewidths=0.5 + 4.0 * np.sqrt(share[order]))  # fmt: skip
    drawn.set_clim(0.0, float(share.max()))
    axes.add_collection(drawn)
    show_nodes(axes, graph, {found.a, found.b})
    axes.figure.colorbar(drawn, ax=axes, shrink=0.8, pad=0.02, label="part of the current")
    axes.set_title(f"shaded: path of least resistance, {engineering(found.path_resistance, 'Ohm', 3)}; "
                   f"network {engineering(1.0 / found.conductance, 'Ohm', 3)}", fontsize="medium")  # fmt: skip
    return axes
