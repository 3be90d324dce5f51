"""FitzHugh and Nagumo's neuron: the simplest excitable flow.

    T v' = v - v^3/3 - w + i
    T w' = epsilon (v + a - b w)

v rises through the threshold: a spike. Nothing is reset.

Source: R. FitzHugh, Biophys. J. 1, 445 (1961), doi 10.1016/S0006-3495(61)86902-6; J. Nagumo, S. Arimoto, S. Yoshizawa,
Proc. IRE 50, 2061 (1962); a = 0.7, b = 0.8, epsilon = 0.08. Rest loses its stability at v = -sqrt(1 - epsilon b),
i = 0.3313.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import Neuron, Values, add_synapses, as_parameter, connect_scaled
from neurosim.reference import Reference


def fitzhugh_nagumo(
    size: int = 1, *, a: Values = 0.7, b: Values = 0.8, epsilon: Values = 0.08, time_unit: float = 1e-3,
    threshold: Values = 1.0, background: Values = 0.0, initial: Values = -1.1994, recovery: Values = -0.6243,
    synapses: Mapping[str, Any] | None = None,
) -> SignalGraph:  # fmt: skip
    """Build a population of FitzHugh and Nagumo's neurons.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    a, b, epsilon : float
        Default 0.7, 0.8 and 0.08.
    time_unit : float
        T, what the model calls 1 [s], default 1 ms.
    threshold : float
        Where a rising v counts as a spike, default 1.
    background : float
        Constant i, default 0.
    initial, recovery : float
        v and w at t = 0, default the resting point of the default numbers.
    synapses : mapping, optional
        Receptors, see `neurosim.neurons.neuron.add_synapses`; default ``excitatory`` with 5 ms and ``inhibitory`` with
        10 ms, both exponential. Weights are in the unit of i.

    Returns
    -------
    SignalGraph
        States ``v``, ``w`` and one for each receptor, event ``spike``, input ``current``.
    """
    graph = SignalGraph("fitzhugh nagumo")
    graph.port("current", size)
    graph.state("v", size, time_constant=time_unit, leak=-1.0, initial=initial,
                bias=as_parameter(graph, "background", background, size, ""))  # fmt: skip
    graph.product("cube", size)
    for slot in range(3):
        graph.connect("v", "cube", slot=slot)
    graph.connect("cube", "v", gain=-1.0 / 3.0)
    graph.state("w", size, time_constant=time_unit / np.asarray(epsilon, float), leak=b, initial=recovery,
                bias=as_parameter(graph, "a", a, size, ""))  # fmt: skip
    graph.connect("v", "w")
    connect_scaled(graph, "w", "v", -1.0, size)
    receptors = {"excitatory": 5e-3, "inhibitory": 10e-3} if synapses is None else synapses
    for current in ["current", *add_synapses(graph, size, receptors, "")]:
        graph.connect(current, "v")
    graph.event("spike", size, threshold=threshold)
    graph.connect("v", "spike")
    return graph


neuron = Neuron(
    name="fitzhugh_nagumo",
    summary="cubic flow with recovery, excitable or oscillating",
    source=Reference("FitzHugh, Biophys. J. 1, 445 (1961)", "10.1016/S0006-3495(61)86902-6"),
    equations="T v' = v - v^3/3 - w + i\nT w' = epsilon (v + a - b w)",
    reset="none: v rises through the threshold, and falls by itself",
    build=fitzhugh_nagumo,
)
