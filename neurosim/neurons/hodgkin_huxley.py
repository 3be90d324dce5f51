"""Hodgkin and Huxley's neuron: sodium, potassium and leak currents of the squid's giant axon.

    C v' = gNa m^3 h (ENa - v) + gK n^4 (EK - v) + gL (EL - v) + sum of g_s (E_s - v) + i
    x' = alpha_x(v) (1 - x) - beta_x(v) x for x = m, h, n

v rises through the threshold: a spike. Nothing is reset: the currents themselves bring v back.

Source: A. L. Hodgkin, A. F. Huxley, J. Physiol. 117, 500 (1952), doi 10.1113/jphysiol.1952.sp004764, at 6.3 degrees
Celsius, in today's sign and with rest at -65 mV. With dt, the conductances of a spike ask for steps of 0.05 ms or less,
or for ``scheme="exponential_midpoint"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.graph.signal_graph import SignalGraph
from neurosim.neurons.neuron import CONDUCTANCES, Neuron, Values, add_conductances, as_parameter, connect_scaled
from neurosim.reference import Reference

RATES = {
    "m": (("bernoulli", 1.0, -40.0, -10.0), ("exp", 4.0, -65.0, -18.0)),
    "h": (("exp", 0.07, -65.0, -20.0), ("logistic", 1.0, -35.0, 10.0)),
    "n": (("bernoulli", 0.1, -55.0, -10.0), ("exp", 0.125, -65.0, -80.0)),
}
"""alpha and beta [1/ms] of each gate: function, factor A, offset V0 and scale k [mV] of ``A function((v - V0)/k)``;
``bernoulli(-x) = x/(1 - exp(-x))``."""

FUNCTIONS = {"bernoulli": lambda x: x / np.expm1(x), "exp": np.exp, "logistic": lambda x: 1.0 / (1.0 + np.exp(-x))}


def resting_gates(v: np.ndarray) -> dict[str, np.ndarray]:
    """Steady values of m, h and n at v [V]; v is not exactly -40 or -55 mV."""
    found = {}
    for gate, rates in RATES.items():
        alpha, beta = (factor * FUNCTIONS[f]((v * 1e3 - at) / scale) for f, factor, at, scale in rates)
        found[gate] = alpha / (alpha + beta)
    return found


def hodgkin_huxley(
    size: int = 1, *, capacitance: Values = 0.01, sodium: Values = 1200.0, potassium: Values = 360.0,
    leak: Values = 3.0, reversals: tuple[float, float, float] = (50e-3, -77e-3, -54.387e-3), threshold: Values = 0.0,
    background: Values = 0.0, initial: Values = -65e-3, synapses: Mapping[str, Any] = CONDUCTANCES,
) -> SignalGraph:  # fmt: skip
    """Build a population of Hodgkin and Huxley's neurons.

    Parameters
    ----------
    size : int
        Number of neurons; other numbers may differ from neuron to neuron, shape (size,).
    capacitance : float
        C [F/m2], default 0.01 (1 uF/cm2). With totals in F, S and A instead, the model is that of a whole cell.
    sodium, potassium, leak : float
        gNa, gK and gL [S/m2], default 1200, 360 and 3 (120, 36 and 0.3 mS/cm2).
    reversals : (float, float, float)
        ENa, EK and EL [V], default 50, -77 and -54.387 mV.
    threshold : float
        Where a rising v counts as a spike [V], default 0.
    background : float
        Constant current [A/m2], default 0; 1 uA/cm2 is 0.01 A/m2.
    initial : float
        v at t = 0 [V], default -65 mV; the gates start at their steady values there.
    synapses : mapping of str to (shape, float)
        Receptors with their reversal potentials, see `neurosim.neurons.neuron.add_conductances`; default
        ``excitatory`` with 5 ms and 0 V, ``inhibitory`` with 10 ms and -80 mV. Weights are in S/m2.

    Returns
    -------
    SignalGraph
        States ``v`` [V], ``m``, ``h``, ``n`` and one for each receptor, event ``spike``, input ``current`` [A/m2].
    """
    graph = SignalGraph("hodgkin huxley")
    graph.port("current", size, unit="A/m2")
    ones = np.ones(size)
    resistance = 1.0 / (ones * leak)
    bias = as_parameter(graph, "resting drive", reversals[2] + resistance * background, size, "V")
    graph.state("v", size, time_constant=capacitance * resistance, initial=initial, bias=bias, unit="V")
    # Where a rate is 0/0, a tenth of a microvolt beside is near enough for a starting value.
    start = resting_gates(ones * initial + 1e-7)
    graph.parameter("open", ones, trainable=False)
    for gate, rates in RATES.items():
        graph.state(gate, size, time_constant=1e-3, leak=0.0, initial=start[gate])
        graph.map(f"closed {gate}", size, bias="open")
        graph.connect(gate, f"closed {gate}", gain=-1.0)
        for way, source, (function, factor, at, scale) in zip(
            ("opening", "closing"), (f"closed {gate}", gate), rates, strict=True
        ):
            offset = as_parameter(graph, f"{way} {gate} offset", -at / scale, size, "")
            graph.map(f"rate of {way} {gate}", size, function, bias=offset)
            graph.connect("v", f"rate of {way} {gate}", gain=1e3 / scale)
            graph.product(f"{way} {gate}", size)
            graph.connect(f"rate of {way} {gate}", f"{way} {gate}", slot=0)
            graph.connect(source, f"{way} {gate}", slot=1)
            graph.connect(f"{way} {gate}", gate, gain=factor if way == "opening" else -factor)
    for ion, gates, conductance, reversal in (
        ("sodium", ("m", "m", "m", "h"), sodium, reversals[0]), ("potassium", ("n",) * 4, potassium, reversals[1]),
    ):  # fmt: skip
        graph.map(f"{ion} force", size, bias=as_parameter(graph, f"{ion} reversal", reversal, size, "V"), unit="V")
        graph.connect("v", f"{ion} force", gain=-1.0)
        graph.product(f"through {ion}", size)
        for slot, source in enumerate((*gates, f"{ion} force")):
            graph.connect(source, f"through {ion}", slot=slot)
        connect_scaled(graph, f"through {ion}", "v", _plain(resistance * conductance), size)
    for current in ["current", *add_conductances(graph, size, synapses, "S/m2")]:
        connect_scaled(graph, current, "v", _plain(resistance), size)
    graph.event("spike", size, threshold=threshold)
    graph.connect("v", "spike")
    return graph


def _plain(values: np.ndarray) -> Any:
    return float(values[0]) if (values == values[0]).all() else values


neuron = Neuron(
    name="hodgkin_huxley",
    summary="sodium, potassium and leak currents of the squid axon",
    source=Reference("Hodgkin and Huxley, J. Physiol. 117, 500 (1952)", "10.1113/jphysiol.1952.sp004764"),
    equations="C v' = gNa m^3 h (ENa - v) + gK n^4 (EK - v) + gL (EL - v) + sum of g_s (E_s - v) + i\n"
    "x' = alpha_x(v) (1 - x) - beta_x(v) x for x = m, h, n",
    reset="none: v rises through the threshold, and falls by itself",
    build=hodgkin_huxley,
)
