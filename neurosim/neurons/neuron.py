"""What a model of a neuron declares, and the synaptic states that many share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import Number, SignalGraph
from neurosim.reference import Reference

Values = float | np.ndarray
"""A number, or one for each neuron."""


@dataclass(frozen=True)
class Neuron:
    """One model.

    Attributes
    ----------
    name, summary : str
    source : Reference
    equations : str
        One equation a line.
    reset : str
        What a spike does to the neuron, in words.
    build : callable
        ``build(size, **parameters)`` returns a SignalGraph whose event is ``spike``.
    """

    name: str
    summary: str
    source: Reference
    equations: str
    reset: str
    build: Callable[..., SignalGraph]
    aliases: tuple[str, ...] = ()


def leaky_membrane(
    name: str, size: int, *, time_constant: Number, resistance: Values, resting: Any, background: Any, initial: Number
) -> SignalGraph:  # fmt: skip
    """A graph with input ``current`` and state ``v``: ``time_constant v' = -(v - resting) + resistance background``."""
    graph = SignalGraph(name)
    graph.port("current", size, unit="A")
    drive = np.add(resting, resistance * np.asarray(background, float))
    bias = as_parameter(graph, "resting drive", drive, size, "V")
    graph.state("v", size, time_constant=time_constant, initial=initial, bias=bias, unit="V")
    return graph


def add_spike(graph: SignalGraph, size: int, threshold: Number, reset: Number, refractory: Number = 0.0) -> None:
    """Add the event ``spike`` where v reaches the threshold, which puts v to the reset value."""
    graph.event("spike", size, threshold=threshold, refractory=refractory)
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=reset)


SHAPES = ("exponential", "alpha", "biexponential")


def add_synapses(graph: SignalGraph, size: int, synapses: Mapping[str, Any], unit: str) -> list[str]:
    """Add a synaptic state for each name, on which pulses add up; return the names of what they give the neuron.

    Parameters
    ----------
    synapses : mapping of str to float, array_like or tuple
        For each receptor its time constant [s]: a jump that decays; ``("alpha", tau)``: ``t/tau exp(1 - t/tau)``; or
        ``("biexponential", rise, decay)``; the latter two have the peak of the pulse's weight.
    unit : str
        Of the pulses' weights.

    Raises
    ------
    ParameterError
        An unknown shape, or a rise that is not shorter than the decay.
    """
    if not isinstance(synapses, Mapping):
        raise ParameterError(f"synapses = {synapses!r} must be a mapping from receptor to time constant [s]")
    found = []
    for name, shape in synapses.items():
        if not isinstance(shape, tuple):
            shape = ("exponential", shape)
        if shape[0] not in SHAPES or len(shape) != (3 if shape[0] == "biexponential" else 2):
            raise ParameterError(
                f"synapse '{name}': {shape!r} must be a time constant [s], ('alpha', tau), or "
                "('biexponential', rise, decay)"
            )
        if shape[0] == "exponential":
            graph.state(name, size, time_constant=shape[1], unit=unit)
            found.append(name)
            continue
        rise, decay = np.broadcast_arrays(*(np.asarray(tau, float) for tau in (shape[1], shape[-1])))
        if shape[0] == "alpha":
            peak = np.exp(1.0)
        else:
            if not (rise < decay).all():
                raise ParameterError(f"synapse '{name}': rise {rise} s must be shorter than decay {decay} s")
            # Of exp(-t/decay) - exp(-t/rise) at its largest.
            at = np.log(decay / rise) * rise * decay / (decay - rise)
            peak = (decay / rise - 1.0) / (np.exp(-at / decay) - np.exp(-at / rise))
        graph.state(name, size, time_constant=rise.copy(), unit=unit)
        graph.state(f"{name} current", size, time_constant=decay.copy(), unit=unit)
        graph.parameter(f"{name} peak", np.full(size, peak) if peak.ndim == 0 else peak, trainable=False)
        graph.connect(name, f"{name} current", weight=f"{name} peak")
        found.append(f"{name} current")
    return found


def as_parameter(graph: SignalGraph, name: str, value: Number, size: int, unit: str) -> str:
    """Declare a bias of `size` elements and return its name."""
    graph.parameter(name, graph.value_of(value, size, name), trainable=False, unit=unit)
    return name


CONDUCTANCES = {"excitatory": (5e-3, 0.0), "inhibitory": (10e-3, -80e-3)}
"""Receptors of models with conductances: time constant [s] and reversal potential [V], as of Brette et al. (2007)."""


def add_conductances(graph: SignalGraph, size: int, synapses: Mapping[str, Any], unit: str) -> list[str]:
    """Add conductances on which pulses add up; return the names of the currents ``g (reversal - v)`` that they let in.

    Parameters
    ----------
    synapses : mapping of str to (shape, float)
        For each receptor a shape as of `add_synapses`, and its reversal potential [V].
    unit : str
        Of the pulses' weights.

    Raises
    ------
    ParameterError
        What is given is no pair, or the shape is unknown.
    """
    for name, pair in synapses.items():
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise ParameterError(
                f"synapse '{name}': {pair!r} must be a pair: shape or time constant, reversal potential"
            )
    conductances = add_synapses(graph, size, {name: shape for name, (shape, _) in synapses.items()}, unit)
    for (name, (_, reversal)), conductance in zip(synapses.items(), conductances, strict=True):
        bias = as_parameter(graph, f"{name} reversal", reversal, size, "V")
        graph.map(f"{name} force", size, bias=bias, unit="V")
        graph.connect("v", f"{name} force", gain=-1.0)
        graph.product(f"through {name}", size)
        graph.connect(conductance, f"through {name}", slot=0)
        graph.connect(f"{name} force", f"through {name}", slot=1)
    return [f"through {name}" for name in synapses]


def connect_scaled(graph: SignalGraph, source: str, target: str, factor: Values, size: int) -> None:
    """Connect with a factor that may differ from neuron to neuron."""
    if np.ndim(factor) == 0:
        graph.connect(source, target, gain=float(factor))
        return
    name = as_parameter(graph, f"{source} to {target}", factor, size, "")
    graph.connect(source, target, weight=name)
