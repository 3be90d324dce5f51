"""The states of a memristive network along a run, as one array."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import UnknownNameError
from neurosim.results import Result

if TYPE_CHECKING:
    from neurosim.memristive.network import MemristiveNetwork


def state_history(network: MemristiveNetwork, result: Result) -> tuple[np.ndarray, np.ndarray]:
    """Read the states of all edges out of a run.

    Parameters
    ----------
    network : MemristiveNetwork
    result : Result
        A run of it.

    Returns
    -------
    times : array, shape (points,)
        [s]
    states : array, shape (points, m)
        Resistors have 0.

    Raises
    ------
    UnknownNameError
        The states of an edge were not saved; names it.
    """
    times = result.axis
    states = np.zeros((times.size, network.size))
    for e in np.flatnonzero(network.is_memristive):
        name = network.state_names[int(e)]
        try:
            states[:, e] = result[name]
        except UnknownNameError:
            raise UnknownNameError(
                f"the run has no column '{name}': all states are needed; simulate without choosing addresses"
            ) from None
    return times, states
