"""Leaky integrate-and-fire neuron with current synapses.

    tau_m v' = -(v - E) + R (i_background + i_synaptic + i_input)

v reaches the threshold: a spike; v is put to the reset value and held there for the refractory time.

Source: W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955, whose
numbers are the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.graph.signal_graph import Number, SignalGraph
from neurosim.neurons.neuron import Neuron, add_spike, add_synapses, leaky_membrane
from neurosim.reference import Reference


def lif(
    size: int = 1, *, membrane_time_constant: Number = 30e-3, resistance: float = 1e6, resting: Number = 0.0,
    threshold: Number = 15e-3, reset: Number = 13.5e-3, refractory: Number = 3e-3, background: Number = 13.5e-9,
    initial: Number | None = None, synapses: Mapping[str, Any] | None = None,
) -> SignalGraph:  # fmt: skip
    """Build a population of leaky integrate-and-fire neurons.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    membrane_time_constant : float
        tau_m [s], default 30 ms.
    resistance : float
        R [ohm], default 1 Mohm; with 1, currents are given in volts.
    resting, threshold, reset : float
        E, threshold and reset [V], default 0, 15 mV and 13.5 mV.
    refractory : float
        Seconds for which a neuron rests after a spike, default 3 ms.
    background : float
        Constant current [A], default 13.5 nA.
    initial : float, optional
        v at t = 0 [V], default the reset value.
    synapses : mapping, optional
        Receptors, see `neurosim.neurons.neuron.add_synapses`; default ``excitatory`` with 3 ms and ``inhibitory`` with
        6 ms, both exponential. Weights are in A.

    Returns
    -------
    SignalGraph
        States ``v`` and one for each receptor, event ``spike``, input ``current`` [A].
    """
    graph = leaky_membrane(
        "lif", size, time_constant=membrane_time_constant, resistance=resistance, resting=resting,
        background=background, initial=reset if initial is None else initial,
    )  # fmt: skip
    receptors = {"excitatory": 3e-3, "inhibitory": 6e-3} if synapses is None else synapses
    for current in ["current", *add_synapses(graph, size, receptors, "A")]:
        graph.connect(current, "v", gain=resistance)
    add_spike(graph, size, threshold, reset, refractory)
    return graph


neuron = Neuron(
    name="lif",
    summary="leaky integrate-and-fire with current synapses",
    source=Reference("Maass, Natschlaeger and Markram, Neural Comput. 14, 2531 (2002)", "10.1162/089976602760407955"),
    equations="tau_m v' = -(v - E) + R (i_background + i_synaptic + i_input)",
    reset="v <- reset, held for the refractory time",
    build=lif,
)
