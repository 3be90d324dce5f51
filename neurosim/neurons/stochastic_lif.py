"""Leaky integrate-and-fire neuron in white noise.

    tau_m dv = (-(v - E) + R i) dt + deviation sqrt(2 tau_m) dW

Without the threshold, v would be an Ornstein-Uhlenbeck process of this standard deviation. v reaches the threshold: a
spike; v is put to the reset value and held there for the refractory time. With dt the step is exact, but what crosses
the threshold between two points of the grid is not seen: rates are those of a threshold that lies
``0.5826 deviation sqrt(2 dt/tau_m)`` higher (M. Broadie, P. Glasserman, S. Kou, Math. Finance 7, 325 (1997)).

Source: its rate is that of A. J. F. Siegert, Phys. Rev. 81, 617 (1951), doi 10.1103/PhysRev.81.617.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.lif import lif
from neurosim.neurons.neuron import Neuron, Values
from neurosim.reference import Reference


def stochastic_lif(
    size: int = 1, *, deviation: Values = 1e-3, membrane_time_constant: Values = 30e-3, **parameters: Any
) -> SignalGraph:
    """Build a population of leaky integrate-and-fire neurons, each in noise of its own.

    Runs with dt are noisy by themselves; without dt, a stochastic method is taken, which needs `fixed_step`.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    deviation : float
        Standard deviation that v would have without the threshold [V], default 1 mV.
    membrane_time_constant : float
        tau_m [s], default 30 ms.
    **parameters
        As of `neurosim.neurons.lif`.

    Returns
    -------
    SignalGraph
        As that of `neurosim.neurons.lif`, with noise on ``v``.
    """
    graph = lif(size, membrane_time_constant=membrane_time_constant, **parameters)
    graph.graph["name"] = "stochastic lif"
    graph.nodes["v"]["noise"] = np.asarray(deviation, float) * np.sqrt(2.0 / np.asarray(membrane_time_constant, float))
    return graph


neuron = Neuron(
    name="stochastic_lif",
    summary="leaky integrate-and-fire in white noise",
    source=Reference("Siegert, Phys. Rev. 81, 617 (1951)", "10.1103/PhysRev.81.617"),
    equations="tau_m dv = (-(v - E) + R i) dt + deviation sqrt(2 tau_m) dW",
    reset="v <- reset, held for the refractory time",
    build=stochastic_lif,
)
