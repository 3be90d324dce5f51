"""Izhikevich's neuron.

In mV and ms, ``v' = 0.04 v^2 + 5 v + 140 - u + I`` and ``u' = a (b v - u)``; here in V and s:

    v' = 4e4 (v - v_1) (v - v_2) - u + i,  v_1, v_2 = -62.5 mV -+ 20.156 mV
    u' = a (b v - u)

v reaches the peak, 30 mV: a spike; v is put to c and d is added to u. Nothing rests.

The paper steps v twice by 0.5 ms and then u by 1 ms with forward Euler; here the equations are solved. With
``scheme="euler"`` a step is that of NEST's ``izhikevich`` with ``consistent_integration``.

Source: E. M. Izhikevich, IEEE Trans. Neural Netw. 14, 1569 (2003), doi 10.1109/TNN.2003.820440; types as in its
figure 2.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, nearest
from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import Neuron, Values, add_spike, add_synapses, as_parameter, connect_scaled
from neurosim.reference import Reference

TYPES = {
    "regular_spiking": (0.02, 0.2, -65.0, 8.0),
    "intrinsically_bursting": (0.02, 0.2, -55.0, 4.0),
    "chattering": (0.02, 0.2, -50.0, 2.0),
    "fast_spiking": (0.1, 0.2, -65.0, 2.0),
    "thalamo_cortical": (0.02, 0.25, -65.0, 0.05),
    "resonator": (0.1, 0.26, -65.0, 2.0),
    "low_threshold_spiking": (0.02, 0.25, -65.0, 2.0),
}
"""a [1/ms], b [1/ms], c [mV] and d [mV/ms] of the paper's figure 2."""

CENTRE, HALF_WIDTH, CURVATURE = -62.5e-3, 20.155644370746373e-3, 4e4
"""Of 0.04 v^2 + 5 v + 140: half the sum of its zeros and half their distance [V], and its factor [1/(V s)]."""


def izhikevich(
    size: int = 1, *, type: str = "regular_spiking", a: Values | None = None, b: Values | None = None,
    c: Values | None = None, d: Values | None = None, peak: Values = 30e-3, background: Values = 0.0,
    initial: Values | None = None, synapses: Mapping[str, Any] | None = None,
) -> SignalGraph:  # fmt: skip
    """Build a population of Izhikevich's neurons.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    type : str
        One of `TYPES`, which gives a, b, c and d where they are not given; default ``"regular_spiking"``.
    a, b : float, optional
        Rate of recovery [1/s] and its sensitivity to v [1/s]: the paper's numbers times 1000.
    c : float, optional
        Reset of v [V].
    d : float, optional
        What a spike adds to u [V/s]: the paper's number.
    peak : float
        Volts, default 30 mV.
    background : float
        Constant current [V/s], the paper's I; default 0.
    initial : float, optional
        v at t = 0 [V], default c; u starts at b v.
    synapses : mapping, optional
        Receptors, see `neurosim.neurons.neuron.add_synapses`; default ``excitatory`` with 5 ms and ``inhibitory`` with
        10 ms, both exponential. Weights are in V/s.

    Returns
    -------
    SignalGraph
        States ``v`` [V], ``u`` [V/s] and one for each receptor, event ``spike``, input ``current`` [V/s].

    Raises
    ------
    ParameterError
        The type is unknown.
    """
    if type not in TYPES:
        raise ParameterError(f"izhikevich(): no type '{type}'; {nearest(type, TYPES) or ', '.join(TYPES)}")
    scaled = zip((a, b, c, d), TYPES[type], (1e3, 1e3, 1e-3, 1.0), strict=True)
    rate, sensitivity, reset, step = (known * unit if given is None else given for given, known, unit in scaled)
    start = reset if initial is None else initial
    graph = SignalGraph("izhikevich")
    graph.port("current", size, unit="V/s")
    bias = as_parameter(graph, "background", background, size, "V/s")
    graph.state("v", size, time_constant=1.0, leak=0.0, initial=start, bias=bias, unit="V")
    graph.state(
        "u", size, time_constant=1.0 / np.asarray(rate, float), initial=np.multiply(sensitivity, start), unit="V/s"
    )
    graph.product("rise", size)
    for slot, zero in enumerate((CENTRE - HALF_WIDTH, CENTRE + HALF_WIDTH)):
        name = f"above zero {slot}"
        graph.map(name, size, bias=as_parameter(graph, f"zero {slot}", -zero, size, "V"), unit="V")
        graph.connect("v", name)
        graph.connect(name, "rise", slot=slot)
    graph.connect("rise", "v", gain=CURVATURE)
    graph.connect("u", "v", gain=-1.0)
    connect_scaled(graph, "v", "u", sensitivity, size)
    receptors = {"excitatory": 5e-3, "inhibitory": 10e-3} if synapses is None else synapses
    for current in ["current", *add_synapses(graph, size, receptors, "V/s")]:
        graph.connect(current, "v")
    add_spike(graph, size, peak, reset)
    graph.connect("spike", "u", role="reset", by=-np.asarray(step, float))
    return graph


neuron = Neuron(
    name="izhikevich",
    summary="quadratic integrate-and-fire with recovery",
    source=Reference("Izhikevich, IEEE Trans. Neural Netw. 14, 1569 (2003)", "10.1109/TNN.2003.820440"),
    equations="v' = 4e4 (v - v_1) (v - v_2) - u + i\nu' = a (b v - u)",
    reset="v <- c; u <- u + d",
    build=izhikevich,
)
