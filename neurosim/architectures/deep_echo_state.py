"""Deep echo state network: reservoirs in a row, each driven by the new state of the one before, one readout of all.

    x_1+ = (1 - a_1) x_1 + a_1 phi(W_1 x_1 + U_1 u + b_1)
    x_k+ = (1 - a_k) x_k + a_k phi(W_k x_k + U_k x_(k-1)+ + b_k),    y = sum_k V_k x_k + c

Its continuous twin is tau x_k' = a_k (phi(...) - x_k), where x_(k-1)+ is where x_(k-1) goes within tau.

Source: Gallicchio, Micheli & Pedrelli, Neurocomputing 268, 87 (2017), doi 10.1016/j.neucom.2016.12.089.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.architectures.echo_state import TOPOLOGIES, reservoir
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def deep_echo_state(
    inputs: int = 1, units: int = 100, outputs: int = 1, *, layers: int = 3, leak: float | Sequence[float] = 1.0,
    topology: str = "random", density: float = 0.1, spectral_radius: float = 0.9, input_scaling: float = 1.0,
    layer_scaling: float = 1.0, bias_scaling: float = 0.0, activation: str = "tanh", time_constant: float = 1.0,
    seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a deep echo state network; its readout is zero until it is trained.

    Parameters
    ----------
    inputs, units, outputs : int
        Port ``u``, units of each layer, port ``y``.
    layers : int
        Default 3.
    leak : float or sequence of float
        a, of all layers or of each, above 0 to 1, default 1.
    topology, density, spectral_radius, input_scaling, bias_scaling, activation
        Of each layer, as of `neurosim.architectures.echo_state`.
    layer_scaling : float
        U_2, U_3, ... are uniform in plus or minus this over sqrt(units), default 1.
    time_constant : float
        tau [s], default 1; with dt = tau the network is the equations above.
    seed : int

    Returns
    -------
    SignalGraph
        States ``x1``, ``x2``, ...; parameters ``W1``, ``U1``, ``b1``, ... which are not trainable, and ``V1``, ...
        (outputs, units) and ``c``, which are.

    Raises
    ------
    ParameterError
        An unknown topology, no layers, leaks that are not one or `layers` numbers above 0 to 1, or what
        `neurosim.architectures.echo_state` refuses.
    """
    leaks = np.full(layers, leak) if np.ndim(leak) == 0 else np.asarray(leak, dtype=float)
    if layers < 1 or leaks.shape != (layers,) or not ((leaks > 0.0) & (leaks <= 1.0)).all():
        raise ParameterError(f"deep_echo_state: leak = {leak} must be above 0 to 1, one or layers = {layers} numbers")
    if topology not in TOPOLOGIES:
        raise ParameterError(f"deep_echo_state: topology = {topology!r} must be one of {', '.join(TOPOLOGIES)}")
    graph = SignalGraph("deep_echo_state")
    graph.port("u", inputs)
    graph.parameter("c", np.zeros(outputs))
    graph.map("readout", outputs, bias="c")
    graph.port("y", outputs, output=True)
    graph.connect("readout", "y")
    draws = stream(seed, "deep echo state")
    source, width, scale = "u", inputs, input_scaling
    for k, a in enumerate(leaks.tolist(), start=1):
        w = reservoir(topology, units, density, spectral_radius, int(draws.integers(2**31)))
        graph.parameter(f"W{k}", w, trainable=False)
        graph.parameter(f"U{k}", scale * draws.uniform(-1.0, 1.0, (units, width)), trainable=False)
        graph.parameter(f"b{k}", bias_scaling * draws.uniform(-1.0, 1.0, units), trainable=False)
        graph.parameter(f"V{k}", np.zeros((outputs, units)))
        graph.state(f"x{k}", units, time_constant=time_constant)
        graph.map(f"rate{k}", units, activation, bias=f"b{k}")
        graph.map(f"new{k}", units)
        graph.connect(f"x{k}", f"rate{k}", weight=f"W{k}")
        graph.connect(source, f"rate{k}", weight=f"U{k}")
        graph.connect(f"rate{k}", f"new{k}", gain=a)
        if a < 1.0:
            graph.connect(f"x{k}", f"new{k}", gain=1.0 - a)
        graph.connect(f"new{k}", f"x{k}")
        graph.connect(f"x{k}", "readout", weight=f"V{k}")
        source, width, scale = f"new{k}", units, layer_scaling / np.sqrt(units)
    return graph


architecture = Architecture(
    name="deep_echo_state",
    summary="fixed random reservoirs in a row, one trained readout of all",
    source=Reference("Gallicchio, Micheli & Pedrelli, Neurocomputing 268, 87 (2017)", "10.1016/j.neucom.2016.12.089"),
    equations="x_k+ = (1 - a_k) x_k + a_k phi(W_k x_k + U_k x_(k-1)+ + b_k),  x_0+ = u\ny = sum_k V_k x_k + c",
    analog="tau x_k' = a_k (phi(W_k x_k + U_k x_(k-1)+ + b_k) - x_k)",
    digital="forward_euler, dt = tau",
    check="equals reservoirs of another library in a row; longer memory of higher layers (validation/literature)",
    cases=("deep_reservoir",),
    build=deep_echo_state,
    example={"inputs": 2, "units": 10, "outputs": 1, "layers": 2, "leak": 0.6, "density": 0.3},
)
