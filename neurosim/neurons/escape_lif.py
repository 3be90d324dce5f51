"""Leaky integrate-and-fire neuron with escape noise: a spike comes by chance, the likelier the higher v is.

    tau_m v' = -(v - E) + R (i_background + i_synaptic + i_input)
    rate of spikes = rate exp((v - threshold)/width)

v itself is without noise. After a spike v is put to the reset value and held there for the refractory time. What counts
is state ``waited``: it starts at -E, E drawn anew after each spike from exp(-E), rises with the rate of spikes, and the
neuron ticks when it reaches 0. So a grid of time sees a spike at the end of a step with the probability
``1 - exp(-integral of the rate)`` exactly.

Source: W. Gerstner, W. Kistler, Spiking Neuron Models (2002), section 5.3, doi 10.1017/CBO9780511815706 (recalled).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.devices.device import Reference
from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.lif import lif
from neurosim.neurons.neuron import Neuron, Values, as_parameter, connect_scaled


def escape_lif(
    size: int = 1, *, rate: Values = 100.0, width: Values = 1e-3, threshold: Values = 15e-3, refractory: Values = 3e-3,
    **parameters: Any,
) -> SignalGraph:  # fmt: skip
    """Build a population of leaky integrate-and-fire neurons that spike by chance; it runs with dt.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    rate : float
        Of spikes at the threshold [1/s], default 100.
    width : float
        Change of v that makes spikes e times as frequent [V], default 1 mV.
    threshold : float
        V, default 15 mV.
    refractory : float
        Seconds for which a neuron rests after a spike, default 3 ms.
    **parameters
        As of `neurosim.neurons.lif`.

    Returns
    -------
    SignalGraph
        As that of `neurosim.neurons.lif`, with a map ``hazard`` and a state ``waited``.
    """
    graph = lif(size, threshold=threshold, refractory=refractory, **parameters)
    graph.graph["name"] = "escape lif"
    graph.remove_edge("v", "spike")
    graph.nodes["spike"]["threshold"] = 0.0
    steepness = 1.0 / np.asarray(width, float)
    bias = as_parameter(graph, "hazard at 0", np.log(rate) - steepness * np.asarray(threshold, float), size, "")
    graph.map("hazard", size, "exp", bias=bias)
    connect_scaled(graph, "v", "hazard", steepness, size)
    graph.state("waited", size, time_constant=1.0, leak=0.0, initial=-1.0)
    graph.connect("hazard", "waited")
    graph.connect("waited", "spike")
    graph.connect("spike", "waited", role="reset", draw=1.0)
    return graph


neuron = Neuron(
    name="escape_lif",
    summary="leaky integrate-and-fire with escape noise: a rate of spikes that grows with v",
    source=Reference("Gerstner and Kistler, Spiking Neuron Models (2002)", "10.1017/CBO9780511815706"),
    equations="tau_m v' = -(v - E) + R i\nrate of spikes = rate exp((v - threshold)/width)",
    reset="v <- reset, held for the refractory time",
    build=escape_lif,
)
