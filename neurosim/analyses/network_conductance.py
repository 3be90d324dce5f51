"""Conductance of a memristive network between two nodes along a run."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.state_history import state_history
from neurosim.errors import ParameterError
from neurosim.results import Result

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


@dataclass(frozen=True)
class NetworkConductance(Drawable):
    """What an ohmmeter between two nodes would read during a run; ``plot()`` draws it.

    Attributes
    ----------
    a, b : node
    times : array, shape (points,)
        [s]
    conductance : array, shape (points,)
        [S], of the network alone: sources are off and electrodes left open.
    title : str
    """

    a: Hashable
    b: Hashable
    times: np.ndarray
    conductance: np.ndarray
    title: str
    drawn_by = "network_conductance:draw_conductance"

    @property
    def ratio(self) -> float:
        """Largest over smallest conductance."""
        return float(self.conductance.max() / self.conductance.min())

    def __str__(self) -> str:
        g = self.conductance
        return (
            f"{self.title}: conductance from '{self.a}' to '{self.b}' {g[0]:.4g} S at first, {g[-1]:.4g} S at last, "
            f"between {g.min():.4g} and {g.max():.4g} S"
        )


def network_conductance(
    network: MemristiveNetwork, result: Result, a: Hashable, b: Hashable, *, points: int = 400
) -> NetworkConductance:
    """Follow the conductance between two nodes.

    Parameters
    ----------
    network : MemristiveNetwork
    result : Result
        A run of it with all states.
    a, b : node
    points : int
        Moments of the run that are looked at, evenly spread over its points; default 400.

    Returns
    -------
    NetworkConductance

    Raises
    ------
    ParameterError, UnknownNameError
    """
    if points < 2:
        raise ParameterError(f"points = {points} must be at least 2")
    times, states = state_history(network, result)
    chosen = np.unique(np.linspace(0, times.size - 1, min(points, times.size)).round().astype(int))
    values = np.array([network.conductance(states[k], a, b) for k in chosen])
    return NetworkConductance(a, b, times[chosen], values, network.title)
