"""An architecture at a glance: the graph of its small instance, and how that answers, analog and digital."""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.plots.comparison import draw_trajectories
from neurosim.plots.signal_graph import draw_graph, layout

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from neurosim.architectures.architecture import Architecture

SCALE, RESPONSE = 0.62, 3.2
"""Inches per unit of the drawing of the graph; height of the response in inches."""


def draw_architecture(architecture: Architecture) -> Figure:
    """Draw the small instance of an architecture, and below it its states under a smooth random input.

    Parameters
    ----------
    architecture : Architecture

    Returns
    -------
    matplotlib.figure.Figure
    """
    from matplotlib.figure import Figure

    from neurosim.analyses.comparison import compare

    graph = architecture.build(**architecture.example)
    compared = compare(graph, refinements=0, starts=1)
    places, routes = layout(graph)
    points = [*places.values(), *(point for route in routes.values() for point in route)]
    width, height = (max(values) - min(values) + 2.2 for values in zip(*points, strict=True))
    inches = max(9.0, SCALE * width), max(2.0, SCALE * height)
    figure = Figure(figsize=(inches[0], inches[1] + RESPONSE))
    share = RESPONSE / (inches[1] + RESPONSE)
    draw_graph(graph, figure.add_axes((0.0, share, 1.0, 0.95 * (1.0 - share))))
    title = f"{architecture.name}: {architecture.summary}"
    figure.suptitle(title, fontsize="medium", y=1.0 - 0.2 / figure.get_figheight())
    wide = min(inches[0] - 3.0, 9.0)
    left = 0.5 * (inches[0] - wide) - 0.6
    response = figure.add_axes((left / inches[0], 0.18 * share, wide / inches[0], 0.68 * share))
    draw_trajectories(response, compared)
    response.set_title(f"analog (lines) and {compared.rule}, dt = {compared.dt:g} s (dots)", fontsize="medium")
    return figure
