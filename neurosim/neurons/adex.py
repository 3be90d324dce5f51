"""Adaptive exponential integrate-and-fire neuron (AdEx).

    C v' = -gL (v - EL) + gL DT exp((v - VT)/DT) - w + i_background + i_synaptic + i_input
    tau_w w' = a (v - EL) - w

v reaches the peak: a spike; v is put to the reset value (and held there for the refractory time, if there is one, while
w goes on), and b is added to w. Above the peak, where a step of the grid may land, the exponential sees the peak, and w
sees the reset value, where v has been since it crossed the peak within the step.

Source: R. Brette, W. Gerstner, J. Neurophysiol. 94, 3637 (2005), doi 10.1152/jn.00686.2005; its numbers are the
defaults (checked in brian2's example Brette_Gerstner_2005). Firing patterns: R. Naud, N. Marcille, C. Clopath,
W. Gerstner, Biol. Cybern. 99, 335 (2008), doi 10.1007/s00422-008-0264-7.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import (
    Neuron,
    Values,
    add_spike,
    add_synapses,
    as_parameter,
    connect_scaled,
    leaky_membrane,
)
from neurosim.reference import Reference


def adex(
    size: int = 1, *, capacitance: Values = 281e-12, leak_conductance: Values = 30e-9, resting: Values = -70.6e-3,
    threshold: Values = -50.4e-3, slope: Values = 2e-3, adaptation_time_constant: Values = 144e-3,
    adaptation_conductance: Values = 4e-9, adaptation_step: Values = 80.5e-12, reset: Values = -70.6e-3,
    peak: Values = 0.0, refractory: Values = 0.0, background: Values = 0.0, initial: Values | None = None,
    synapses: Mapping[str, Any] | None = None,
) -> SignalGraph:  # fmt: skip
    """Build a population of adaptive exponential integrate-and-fire neurons.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    capacitance, leak_conductance : float
        C [F] and gL [S], default 281 pF and 30 nS.
    resting, threshold, slope : float
        EL, VT and DT [V], default -70.6 mV, -50.4 mV and 2 mV.
    adaptation_time_constant, adaptation_conductance, adaptation_step : float
        tau_w [s], a [S] and b [A], default 144 ms, 4 nS and 80.5 pA.
    reset, peak : float
        Volts, default -70.6 mV and 0.
    refractory : float
        Seconds for which v rests after a spike, default 0.
    background : float
        Constant current [A], default 0.
    initial : float, optional
        v at t = 0 [V], default the resting value; w starts at 0.
    synapses : mapping, optional
        Receptors, see `neurosim.neurons.neuron.add_synapses`; default ``excitatory`` with 5 ms and ``inhibitory`` with
        10 ms, both exponential. Weights are in A.

    Returns
    -------
    SignalGraph
        States ``v`` [V], ``w`` [A] and one for each receptor, event ``spike``, input ``current`` [A].
    """
    resistance = 1.0 / np.asarray(leak_conductance, float)
    graph = leaky_membrane(
        "adex", size, time_constant=capacitance * resistance, resistance=resistance, resting=resting,
        background=background, initial=resting if initial is None else initial,
    )  # fmt: skip
    # What is left to the peak, never negative: v as the exponential and w see it is peak - margin.
    graph.map("margin", size, "relu", bias=as_parameter(graph, "peak", peak, size, "V"), unit="V")
    graph.connect("v", "margin", gain=-1.0)
    top = as_parameter(graph, "exponent at the peak", np.subtract(peak, threshold) / slope, size, "")
    graph.map("upswing", size, "exp", bias=top)
    connect_scaled(graph, "margin", "upswing", -1.0 / np.asarray(slope, float), size)
    connect_scaled(graph, "upswing", "v", slope, size)
    drive = as_parameter(
        graph, "adaptation at the peak", adaptation_conductance * np.subtract(peak, resting), size, "A"
    )
    graph.state("w", size, time_constant=adaptation_time_constant, bias=drive, unit="A")
    connect_scaled(graph, "margin", "w", -np.asarray(adaptation_conductance, float), size)
    graph.map("past the peak", size, "heaviside", bias=as_parameter(graph, "minus peak", np.negative(peak), size, "V"))
    graph.connect("v", "past the peak")
    connect_scaled(graph, "past the peak", "w", adaptation_conductance * np.subtract(reset, peak), size)
    receptors = {"excitatory": 5e-3, "inhibitory": 10e-3} if synapses is None else synapses
    for current in ["current", *add_synapses(graph, size, receptors, "A")]:
        connect_scaled(graph, current, "v", resistance, size)
    connect_scaled(graph, "w", "v", -resistance, size)
    add_spike(graph, size, peak, reset, refractory)
    # A reset of w would hold it for the refractory time: a pulse adds b.
    connect_scaled(graph, "spike", "w", adaptation_step, size)
    return graph


neuron = Neuron(
    name="adex",
    summary="adaptive exponential integrate-and-fire",
    source=Reference("Brette and Gerstner, J. Neurophysiol. 94, 3637 (2005)", "10.1152/jn.00686.2005"),
    equations="C v' = -gL (v - EL) + gL DT exp((v - VT)/DT) - w + i\ntau_w w' = a (v - EL) - w",
    reset="v <- reset, held for the refractory time; w <- w + b",
    build=adex,
)
