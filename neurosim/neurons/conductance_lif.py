"""Leaky integrate-and-fire neuron with conductance synapses.

    C v' = -gL (v - EL) + sum of g_s (E_s - v) + i_background + i_input
    tau_s g_s' = -g_s

v reaches the threshold: a spike; v is put to the reset value and held there for the refractory time.

Source: R. Brette et al., J. Comput. Neurosci. 23, 349 (2007), doi 10.1007/s10827-007-0038-6, benchmark 1 (COBA), after
T. Vogels, L. Abbott, J. Neurosci. 25, 10786 (2005); its numbers, as in the example COBA of brian2, are the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import (
    CONDUCTANCES,
    Neuron,
    Values,
    add_conductances,
    add_spike,
    connect_scaled,
    leaky_membrane,
)
from neurosim.reference import Reference


def conductance_lif(
    size: int = 1, *, capacitance: Values = 200e-12, leak_conductance: Values = 10e-9, resting: Values = -60e-3,
    threshold: Values = -50e-3, reset: Values = -60e-3, refractory: Values = 5e-3, background: Values = 0.0,
    initial: Values | None = None, synapses: Mapping[str, Any] = CONDUCTANCES,
) -> SignalGraph:  # fmt: skip
    """Build a population of leaky integrate-and-fire neurons with conductances.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    capacitance : float
        C [F], default 200 pF.
    leak_conductance : float
        gL [S], default 10 nS: a membrane time constant of 20 ms.
    resting, threshold, reset : float
        EL, threshold and reset [V], default -60 mV, -50 mV and -60 mV.
    refractory : float
        Seconds for which v rests after a spike, default 5 ms.
    background : float
        Constant current [A], default 0.
    initial : float, optional
        v at t = 0 [V], default the reset value.
    synapses : mapping of str to (shape, float)
        Receptors with their reversal potentials, see `neurosim.neurons.neuron.add_conductances`; default
        ``excitatory`` with 5 ms and 0 V, ``inhibitory`` with 10 ms and -80 mV. Weights are in S.

    Returns
    -------
    SignalGraph
        States ``v`` and one for each receptor, event ``spike``, input ``current`` [A].
    """
    resistance = 1.0 / np.asarray(leak_conductance, float)
    graph = leaky_membrane(
        "conductance lif", size, time_constant=capacitance * resistance, resistance=resistance, resting=resting,
        background=background, initial=reset if initial is None else initial,
    )  # fmt: skip
    for current in ["current", *add_conductances(graph, size, synapses, "S")]:
        connect_scaled(graph, current, "v", resistance, size)
    add_spike(graph, size, threshold, reset, refractory)
    return graph


neuron = Neuron(
    name="conductance_lif",
    summary="leaky integrate-and-fire with conductance synapses (COBA)",
    source=Reference("Brette et al., J. Comput. Neurosci. 23, 349 (2007)", "10.1007/s10827-007-0038-6"),
    equations="C v' = -gL (v - EL) + sum of g_s (E_s - v) + i_background + i_input\ntau_s g_s' = -g_s",
    reset="v <- reset, held for the refractory time",
    build=conductance_lif,
    aliases=("coba",),
)
