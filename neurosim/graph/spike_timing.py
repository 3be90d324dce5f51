"""Synapses that learn from the times of ticks: the rules ``stdp`` and ``triplet_stdp`` of a plastic edge.

Each neuron before the synapse has traces r (``tau_plus r' = -r``) and r2 (``tau_x``), each behind it o (``tau_minus``)
and o2 (``tau_y``). A tick adds 1 to the traces of its neuron; with ``pairing="nearest"`` it puts them to 1, so that
only the last tick counts. The weight W changes

    at a tick that reaches the synapse from before:  W <- W - o (pair_minus + triplet_minus r2)
    at a tick behind it:                             W <- W + r (pair_plus + triplet_plus o2)

with all traces as they were just before the tick. ``stdp`` has pairs only. The delay of the edge is that of the axon: a
tick from before counts when it arrives, one behind the synapse at once; of two at one instant without a delay neither
counts, and an arrival comes before a tick. The pulse uses W before its own change. ``bounds`` (low, high) keep W; with
``soft`` a growth is multiplied by ``(high - W)/(high - low)`` and a fall by ``(W - low)/(high - low)``.

Sources: S. Song, K. D. Miller, L. F. Abbott, Nat. Neurosci. 3, 919 (2000), doi 10.1038/78829 (pairs; tau 20 ms, a fall
1.05 times the growth); J.-P. Pfister, W. Gerstner, J. Neurosci. 26, 9673 (2006), doi 10.1523/JNEUROSCI.1425-06.2006
(triplets; the defaults are the minimal all-to-all model of visual cortex, Table 3, as quoted by others); soft bounds:
M. van Rossum, G. Bi, G. Turrigiano, J. Neurosci. 20, 8812 (2000), doi 10.1523/JNEUROSCI.20-23-08812.2000 (recalled).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph

COMMON = {"post": None, "bounds": None, "pairing": "all", "soft": False}
STDP = COMMON | {"amplitude_plus": 0.01, "amplitude_minus": 0.0105, "tau_plus": 0.02, "tau_minus": 0.02}
TRIPLET = COMMON | {
    "pair_plus": 0.0, "triplet_plus": 6.5e-3, "pair_minus": 7.1e-3, "triplet_minus": 0.0, "tau_plus": 16.8e-3,
    "tau_minus": 33.7e-3, "tau_x": 101e-3, "tau_y": 114e-3,
}  # fmt: skip
"""Settings of the rules with their defaults; `post` is needed."""

RULES = ("stdp", "triplet_stdp")
PAIRINGS = ("all", "nearest")
RUNAWAY = 1e3
"""An amplitude so many times above the largest weight was given in another unit."""


@dataclass(frozen=True)
class SpikeTiming:
    """Checked settings of one plastic edge; times in seconds, amplitudes in the unit of the weight."""

    post: str
    pair_plus: float
    triplet_plus: float
    pair_minus: float
    triplet_minus: float
    tau_plus: float
    tau_minus: float
    tau_x: float
    tau_y: float
    bounds: tuple[float, float] | None
    is_nearest: bool
    is_soft: bool


def spike_timing(graph: SignalGraph, a: str, weight: str, settings: Mapping[str, Any], where: str) -> SpikeTiming:
    """Check the settings of the edge from event `a` with the parameter `weight`.

    Raises
    ------
    ParameterError
    """
    post, shape = settings["post"], graph.parameters[weight].value.shape
    for name, size in ((a, shape[1]), (post, shape[0])):
        if name not in graph or graph.nodes[name]["kind"] != "event" or graph.nodes[name]["shape"] != (size,):
            raise ParameterError(
                f"{where}: rule 'stdp' goes from an event to one in post=; '{name}' is no event of {size}"
            )
    numbers = dict(settings)
    if "amplitude_plus" in numbers:
        numbers |= {"pair_plus": numbers["amplitude_plus"], "pair_minus": numbers["amplitude_minus"]}
        numbers |= {"triplet_plus": 0.0, "triplet_minus": 0.0, "tau_x": 1.0, "tau_y": 1.0}
    values = {}
    for key in TRIPLET.keys() - COMMON.keys():
        values[key] = float(numbers[key])
        if not np.isfinite(values[key]) or (key.startswith("tau") and values[key] <= 0.0):
            allowed = "a positive time [s]" if key.startswith("tau") else "finite"
            raise ParameterError(f"{where}: {key} = {numbers[key]!r} must be {allowed}")
    bounds = None if settings["bounds"] is None else (float(settings["bounds"][0]), float(settings["bounds"][1]))
    if bounds is not None and not bounds[0] < bounds[1]:
        raise ParameterError(f"{where}: bounds = {settings['bounds']} must rise")
    largest = abs(graph.parameters[weight].value).max()
    change = max(abs(values[key]) for key in ("pair_plus", "triplet_plus"))
    if bounds is None and change > RUNAWAY * largest > 0.0:
        raise ParameterError(
            f"{where}: ticks would move weights by {change:g}, and the largest is {largest:g}: amplitudes are in the "
            "unit of the weight; give smaller ones, or bounds=(low, high)"
        )
    if settings["pairing"] not in PAIRINGS:
        raise ParameterError(f"{where}: pairing = {settings['pairing']!r} must be one of {', '.join(PAIRINGS)}")
    if settings["soft"] and (bounds is None or not np.isfinite(bounds).all()):
        raise ParameterError(f"{where}: soft bounds need bounds=(low, high), both finite")
    return SpikeTiming(
        post=post, bounds=bounds, is_nearest=settings["pairing"] == "nearest", is_soft=bool(settings["soft"]), **values
    )


def expand_spike_timing(
    graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], settings: Mapping[str, Any]
) -> None:  # fmt: skip
    """Write the edge out as a state of the weight's shape, traces and products.

    Raises
    ------
    ParameterError
    """
    weight, delay = data["weight"], data["delay"]
    rule = spike_timing(graph, a, weight, settings, f"edge '{a}' -> '{b}'")
    value, pattern = graph.parameters[weight].value, None
    if hasattr(value, "tocsr"):
        pattern = f"pattern of {weight}"
        ones = value.copy()
        ones.data = np.ones_like(ones.data)
        graph.parameters[weight].value = value.toarray()
        graph.parameter(pattern, ones.toarray(), trainable=False)
    shape = rows, columns = value.shape
    graph.state(weight, shape, time_constant=1.0, leak=0.0, initial=weight, bounds=rule.bounds)

    def affine(name: str, size: Any, source: str, gain: float, constant: float) -> str:
        """A map with the value gain source + constant."""
        graph.parameter(f"constant of {name}", np.full(int(np.prod(size)), constant), trainable=False)
        graph.map(name, size, bias=f"constant of {name}")
        graph.connect(source, name, gain=gain)
        return name

    def trace(name: str, event: str, size: int, tau: float, after: float) -> str:
        graph.state(name, size, time_constant=tau)
        if rule.is_nearest:
            graph.product(f"rise of {name}", size)
            graph.connect(affine(f"{name} to 1", size, name, -1.0, 1.0), f"rise of {name}")
            graph.connect(event, f"rise of {name}", slot=1, delay=after)
            graph.connect(f"rise of {name}", name)
        else:
            graph.connect(event, name, delay=after)
        return name

    def change(name: str, pulses: tuple[str, str, float], values: list[tuple[str, str]], gain: float) -> None:
        """Move the weight by ticks times values; a product has three factors at most."""
        mask, sizes = pattern, {"i": rows, "j": columns, "ij": shape}
        while len(values) + (mask is not None) > 2:
            (first, a_value), (second, b_value) = values[:2]
            letters = "ij" if mask is not None or first != second else first
            part = f"{name} of {weight}, factor {len(values)}"
            form = f"{'ij,' if mask is not None else ''}{first},{second}->{letters}"
            graph.product(part, sizes[letters], form, weight=mask)
            graph.connect(a_value, part)
            graph.connect(b_value, part, slot=1)
            values, mask = [(letters, part), *values[2:]], None
        letter, event, after = pulses
        letters = ",".join([*(["ij"] if mask is not None else []), letter, *(found for found, _ in values)])
        graph.product(f"{name} of {weight}", shape, f"{letters}->ij", weight=mask)
        graph.connect(event, f"{name} of {weight}", delay=after)
        for slot, (_, source) in enumerate(values, 1):
            graph.connect(source, f"{name} of {weight}", slot=slot)
        graph.connect(f"{name} of {weight}", weight, gain=gain)

    growth = [("j", trace(f"trace before {weight}", a, columns, rule.tau_plus, delay))]
    decay = [("i", trace(f"trace behind {weight}", rule.post, rows, rule.tau_minus, 0.0))]
    plus, minus = rule.pair_plus, -rule.pair_minus
    if rule.triplet_plus != 0.0:
        slow = trace(f"slow trace behind {weight}", rule.post, rows, rule.tau_y, 0.0)
        growth.append(("i", affine(f"triplets behind {weight}", rows, slow, rule.triplet_plus, rule.pair_plus)))
        plus = 1.0
    if rule.triplet_minus != 0.0:
        slow = trace(f"slow trace before {weight}", a, columns, rule.tau_x, delay)
        decay.append(("j", affine(f"triplets before {weight}", columns, slow, rule.triplet_minus, rule.pair_minus)))
        minus = -1.0
    if rule.is_soft:
        assert rule.bounds is not None
        low, high = rule.bounds
        width = high - low
        growth.append(("ij", affine(f"room above {weight}", shape, weight, -1.0 / width, high / width)))
        decay.append(("ij", affine(f"room below {weight}", shape, weight, 1.0 / width, -low / width)))
    change("growth", ("i", rule.post, 0.0), growth, plus)
    change("decay", ("j", a, delay), decay, minus)
    use_learned(graph, a, b, data, pattern)


def use_learned(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], pattern: str | None = None) -> None:
    """The edge itself, with a state as its weight, where `pattern` is 1."""
    product = f"{data['weight']} times {a}"
    graph.product(product, graph.size_of(b), "ij,j->i" if pattern is None else "ij,ij,j->i", weight=pattern)
    graph.connect(data["weight"], product)
    graph.connect(a, product, slot=1, delay=data["delay"])
    graph.connect(product, b, gain=data["gain"])
