"""A balanced random network of excitatory and inhibitory neurons: the benchmarks CUBA and COBA.

Four fifths of the neurons excite and one fifth inhibits; every pair is connected with one probability. With these
numbers the network keeps itself active, irregularly, without any input.

Source: R. Brette et al., J. Comput. Neurosci. 23, 349 (2007), doi 10.1007/s10827-007-0038-6, benchmarks 1 (``"coba"``,
conductances) and 2 (``"cuba"``, currents), after T. Vogels, L. Abbott, J. Neurosci. 25, 10786 (2005); numbers as in
brian2's examples CUBA and COBA (the drive of COBA is 200 pA into 10 nS: 20 mV).
"""

from __future__ import annotations

import numpy as np
import scipy.sparse

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.wiring import random_pairs
from neurosim.neurons.conductance_lif import conductance_lif
from neurosim.neurons.lif import lif
from neurosim.randomness import stream
from neurosim.reference import Reference

WEIGHTS = {"cuba": (1.62e-3, -9e-3), "coba": (6e-9, 67e-9)}
"""Of an excitatory and an inhibitory spike: volts of drive (R i) for currents, siemens for conductances."""

INPUTS = 80.0
"""Mean number of synapses of a neuron."""


def balanced(
    size: int = 4000, *, synapses: str = "coba", probability: float | None = None, excitatory: float = 0.8,
    weights: tuple[float, float] | None = None, delay: float = 0.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build the network.

    Parameters
    ----------
    size : int
        Number of neurons, default 4000.
    synapses : str
        ``"coba"`` (conductances, default) or ``"cuba"`` (currents).
    probability : float, optional
        With which a pair is connected; default 80/size, the 2 % of 4000 neurons.
    excitatory : float
        Part of the neurons, the first ones; default 0.8.
    weights : (float, float), optional
        Of excitatory and inhibitory synapses, default `WEIGHTS`.
    delay : float
        Of all synapses [s], default 0.
    seed : int
        Of the wiring and of v at t = 0, uniform between reset and threshold; default 0.

    Returns
    -------
    SignalGraph
        Population ``neurons``, whose event is ``"neurons/spike"``; input ``current``, by default none.

    Raises
    ------
    ParameterError
    """
    if synapses not in WEIGHTS:
        raise ParameterError(f"balanced(): synapses = {synapses!r} must be one of {', '.join(WEIGHTS)}")
    if not isinstance(size, (int, np.integer)) or size < 2:
        raise ParameterError(f"balanced(): size = {size!r} must be a whole number of two or more")
    if not 0.0 <= excitatory <= 1.0:
        raise ParameterError(f"balanced(): excitatory = {excitatory!r} must be a part, from 0 to 1")
    chance = min(INPUTS / size, 0.5) if probability is None else probability
    initial = stream(seed, "balanced").uniform(-60e-3, -50e-3, size)
    graph = SignalGraph(f"balanced {synapses}")
    if synapses == "coba":
        neurons = conductance_lif(size, background=200e-12, initial=initial)
    else:
        neurons = lif(
            size, membrane_time_constant=20e-3, resistance=1.0, resting=-49e-3, threshold=-50e-3, reset=-60e-3,
            refractory=5e-3, background=0.0, initial=initial, synapses={"excitatory": 5e-3, "inhibitory": 10e-3},
        )  # fmt: skip
    graph.sub("neurons", neurons)
    graph.port("current", size, unit="A" if synapses == "coba" else "V")
    graph.connect("current", "neurons/current")
    source, target = random_pairs(size, size, chance, seed=seed, name="balanced wiring")
    is_excitatory = source < round(excitatory * size)
    unit = "S" if synapses == "coba" else "V"
    for receptor, here, weight in zip(
        ("excitatory", "inhibitory"), (is_excitatory, ~is_excitatory), weights or WEIGHTS[synapses], strict=True
    ):
        if not here.any():
            continue
        values = np.full(int(here.sum()), float(weight))
        matrix = scipy.sparse.coo_array((values, (target[here], source[here])), shape=(size, size))
        graph.parameter(f"W {receptor}", matrix, unit=unit)
        graph.connect("neurons/spike", f"neurons/{receptor}", weight=f"W {receptor}", delay=delay)
    return flatten(graph)


architecture = Architecture(
    name="balanced",
    summary="random network of excitatory and inhibitory neurons that keeps itself active (CUBA, COBA)",
    source=Reference("Brette et al., J. Comput. Neurosci. 23, 349 (2007)", "10.1007/s10827-007-0038-6"),
    equations="C v' = -gL (v - EL) + ge (Ee - v) + gi (Ei - v) + i (coba)\ntau_m v' = -(v - E) + R (ie + ii) (cuba)\n"
    "tau_s g_s' = -g_s, g_s += w at a spike",
    analog="the neurons and synapses themselves; ticks at the threshold",
    digital="steps of dt: ns.simulate(graph, t_span, dt=1e-4)",
    check="self-sustained activity at the published rates",
    cases=("neurons",),
    build=balanced,
    example={"size": 6, "probability": 0.3},
)
