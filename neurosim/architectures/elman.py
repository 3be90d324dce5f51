"""Elman network: the hidden layer sees a copy of itself from the step before.

    h+ = phi(U u + W h + b),    y = V h + c

Source: Elman, Cognitive Science 14, 179 (1990), doi 10.1207/s15516709cog1402_1. Its continuous twin is the rate form
tau h' = -h + phi(U u + W h + b), of which forward Euler with dt = tau is the network itself.
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture, uniform_weights
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def elman(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, activation: str = "tanh", output: str = "identity",
    time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build an Elman network.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` and ``y``, state ``h``.
    activation, output : str
        Functions of the hidden layer and of the read-out.
    time_constant : float
        Of the continuous twin [s], default 1.
    seed : int
        Of the initial weights, uniform in +-1/sqrt(sources).

    Returns
    -------
    SignalGraph
        Parameters ``U`` (hidden, inputs), ``W`` (hidden, hidden), ``b``, ``V`` (outputs, hidden), ``c``.
    """
    draw = stream(seed, "elman")
    graph = SignalGraph("elman")
    graph.parameter("U", uniform_weights(draw, hidden, inputs))
    graph.parameter("W", uniform_weights(draw, hidden, hidden))
    graph.parameter("b", np.zeros(hidden))
    graph.parameter("V", uniform_weights(draw, outputs, hidden))
    graph.parameter("c", np.zeros(outputs))
    graph.port("u", inputs)
    graph.state("h", hidden, time_constant=time_constant)
    graph.map("rate", hidden, activation, bias="b")
    graph.map("readout", outputs, output, bias="c")
    graph.port("y", outputs, output=True)
    graph.connect("u", "rate", weight="U")
    graph.connect("h", "rate", weight="W")
    graph.connect("rate", "h")
    graph.connect("h", "readout", weight="V")
    graph.connect("readout", "y")
    return graph


architecture = Architecture(
    name="elman",
    summary="hidden layer with a copy of itself as context",
    source=Reference("Elman, Cognitive Science 14, 179 (1990)", "10.1207/s15516709cog1402_1"),
    equations="h+ = phi(U u + W h + b)\ny = V h + c",
    analog="tau h' = -h + phi(U u + W h + b)",
    digital="forward_euler, dt = tau",
    check="temporal XOR: the error falls only on every third bit",
    cases=("temporal_xor",),
    build=elman,
    example={"inputs": 2, "hidden": 8, "outputs": 1},
)
