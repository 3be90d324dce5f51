"""A run of a memristive network on one sheet: its last state on the graph, conductance, current, and the loop."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.analyses.network_conductance import NetworkConductance
from neurosim.analyses.state_history import state_history
from neurosim.plots.memristive_network import draw_network
from neurosim.plots.network_conductance import draw_conductance
from neurosim.plots.style import GRID, PALETTE, label_axis
from neurosim.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from neurosim.memristive.network import MemristiveNetwork


def draw_network_run(
    network: MemristiveNetwork, result: Result, conductance: NetworkConductance, electrode: Hashable
) -> list[Axes]:
    """Draw a run.

    Parameters
    ----------
    network : MemristiveNetwork
    result : Result
        With all states, and potential and current of the electrode.
    conductance : NetworkConductance
    electrode : node
        The driven one.

    Returns
    -------
    list of matplotlib.axes.Axes
        Network, conductance, current, loop.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11.0, 6.4), layout="constrained")
    places: Any = figure.subplot_mosaic([["net", "g"], ["net", "i"], ["net", "loop"]], width_ratios=(1.5, 1.0))
    times, states = state_history(network, result)
    # At the end a periodic drive is often zero; the largest current shows more.
    current = result[f"i({electrode})"]
    moment = int(np.argmax(np.abs(current[times.size // 2 :]))) + times.size // 2
    axes = [draw_network(network, states[moment], t=float(times[moment]), ax=places["net"])]
    draw_conductance(conductance, places["g"])
    voltage = result[f"v({electrode})"]
    places["i"].plot(times, current, color=PALETTE[0])
    label_axis(places["i"].xaxis, "time", "s", float(times[-1]))
    places["loop"].plot(voltage, current, color=PALETTE[1], linewidth=1.0)
    label_axis(places["loop"].xaxis, f"voltage of {electrode}", "V", float(np.abs(voltage).max()))
    for name in ("i", "loop"):
        label_axis(places[name].yaxis, "current", "A", float(np.abs(current).max()))
        places[name].grid(True, **GRID)
        for side in ("top", "right"):
            places[name].spines[side].set_visible(False)
    return [*axes, places["g"], places["i"], places["loop"]]
