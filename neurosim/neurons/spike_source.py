"""Spikes from outside: an input whose ticks are given.

No equation: element k ticks when the input ``train`` says so (`neurosim.spike_trains`, `neurosim.poisson_trains`).
"""

from __future__ import annotations

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import Neuron
from neurosim.reference import Reference


def spike_source(size: int = 1) -> SignalGraph:
    """Build a population whose spikes are given.

    Parameters
    ----------
    size : int
        Number of elements.

    Returns
    -------
    SignalGraph
        Input ``train``, event ``spike``: it ticks where the input rises to 1.
    """
    graph = SignalGraph("spike source")
    graph.port("train", size)
    graph.event("spike", size, threshold=0.5)
    graph.connect("train", "spike")
    return graph


neuron = Neuron(
    name="spike_source",
    summary="spikes that are given",
    source=Reference("no source: a definition", ""),
    equations="spikes at given times",
    reset="none",
    build=spike_source,
)
