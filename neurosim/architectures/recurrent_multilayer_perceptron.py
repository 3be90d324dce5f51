"""Recurrent multilayer perceptron (RMLP): a cascade of layers, each with its own feedback.

    x_l+ = phi(W_l x_l + U_l z_l + b_l),    z_1 = u,    z_l = x_(l-1)+,    y = x_L  (the last layer with phi_out)

Source: Puskorius & Feldkamp, IEEE Trans. Neural Networks 5, 279 (1994), doi 10.1109/72.279191; Fernandez, Parlos &
Tsai, IJCNN 1990. The continuous twin is a cascade of CTRNNs, tau x_l' = -x_l + phi(W_l x_l + U_l z_l + b_l) with z_l
the drive of the layer below; with ``cascade="states"`` each layer sees the state below, as wires would have it, and a
signal then takes one step (one lag) more per layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.architectures.architecture import Architecture, uniform_weights
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def recurrent_multilayer_perceptron(
    inputs: int = 1, hidden: Sequence[int] = (8, 8), outputs: int = 1, *, activation: str = "tanh",
    output: str = "identity", output_feedback: bool = True, cascade: str = "drives", time_constant: float = 1.0,
    seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a recurrent multilayer perceptron.

    Parameters
    ----------
    inputs, outputs : int
        Ports ``u`` and ``y``.
    hidden : sequence of int
        Units of the hidden layers; the states are ``x1``, ``x2``, ... and last the output layer.
    activation, output : str
        Functions of the hidden layers and of the output layer.
    output_feedback : bool
        Whether the output layer sees itself too.
    cascade : str
        ``"drives"``: a layer sees the new values of the layer below (textbook); ``"states"``: the old ones.
    time_constant : float
        Of the continuous twin [s], default 1.
    seed : int
        Of the initial weights, uniform in +-1/sqrt(sources).

    Returns
    -------
    SignalGraph
        Parameters ``U1``, ``W1``, ``b1``, ``U2``, ...

    Raises
    ------
    ParameterError
        An unknown `cascade`.
    """
    if cascade not in ("drives", "states"):
        raise ParameterError(f"recurrent_multilayer_perceptron: cascade = {cascade!r} must be 'drives' or 'states'")
    draw = stream(seed, "recurrent_multilayer_perceptron")
    graph = SignalGraph("recurrent multilayer perceptron")
    graph.port("u", inputs)
    source, width = "u", inputs
    sizes = [*map(int, hidden), outputs]
    for k, size in enumerate(sizes, start=1):
        is_last = k == len(sizes)
        graph.parameter(f"U{k}", uniform_weights(draw, size, width))
        graph.parameter(f"b{k}", np.zeros(size))
        graph.state(f"x{k}", size, time_constant=time_constant)
        graph.map(f"rate{k}", size, output if is_last else activation, bias=f"b{k}")
        graph.connect(source, f"rate{k}", weight=f"U{k}")
        if output_feedback or not is_last:
            graph.parameter(f"W{k}", uniform_weights(draw, size, size))
            graph.connect(f"x{k}", f"rate{k}", weight=f"W{k}")
        graph.connect(f"rate{k}", f"x{k}")
        source, width = (f"rate{k}" if cascade == "drives" else f"x{k}"), size
    graph.port("y", outputs, output=True)
    graph.connect(f"x{len(sizes)}", "y")
    return graph


architecture = Architecture(
    name="recurrent_multilayer_perceptron",
    summary="cascade of layers, each with its own feedback",
    source=Reference("Puskorius & Feldkamp, IEEE Trans. Neural Networks 5, 279 (1994)", "10.1109/72.279191"),
    equations="x_l+ = phi(W_l x_l + U_l x_(l-1)+ + b_l),  x_0 = u\ny = x_L",
    analog="tau x_l' = -x_l + phi(W_l x_l + U_l z_l + b_l),  z_l the drive of the layer below",
    digital="forward_euler, dt = tau",
    check="follows a plant of Narendra & Parthasarathy in free run",
    cases=("plant_identification",),
    build=recurrent_multilayer_perceptron,
    example={"inputs": 2, "hidden": (5, 4), "outputs": 1},
    aliases=("rmlp",),
)
