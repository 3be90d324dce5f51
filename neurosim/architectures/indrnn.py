"""Independently recurrent network (IndRNN): each unit sees only itself, layers are deep.

    h_l+ = phi(U_l x_l + v_l (.) h_l + b_l),    x_1 = u,    x_(l+1) = h_l+  (+ x_l with skip connections, l > 1)
    y = V x_(L+1) + c

A weight |v| <= gain^(1/T) keeps the gradient over T steps below `gain`. Source: Li, Li, Cook, Zhu & Gao, CVPR 2018,
5457, arXiv 1803.04831. The continuous twin is a bank of leaky integrators: tau h' = -h + phi(U x + v (.) h + b), which
while phi = relu is open decays at (1 - v)/tau, and grows where v > 1.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def recurrent_bound(steps: int, gain: float = 2.0) -> float:
    """Largest |v| with which a gradient over `steps` steps stays below `gain`: gain^(1/steps).

    Raises
    ------
    ParameterError
        `steps` or `gain` is not positive.
    """
    if steps < 1 or not gain > 0.0:
        raise ParameterError(f"recurrent_bound: steps = {steps} and gain = {gain} must be positive")
    return float(gain ** (1.0 / steps))


def clip_recurrent(parameters: Mapping[str, np.ndarray], steps: int, gain: float = 2.0) -> dict[str, np.ndarray]:
    """Parameters with every recurrent vector ``v1``, ``v2``, ... put within its bound."""
    bound = recurrent_bound(steps, gain)
    return {
        name: np.clip(value, -bound, bound) if name[0] == "v" and name[1:].isdigit() else np.array(value)
        for name, value in parameters.items()
    }


def indrnn(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, layers: int = 2, skip: bool = False,
    activation: str = "relu", steps: int = 100, remember: bool = False, time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build an IndRNN.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` and ``y``; states ``h1``, ``h2``, ... of `hidden` units each.
    layers : int
    skip : bool
        Add the input of each layer but the first to its output.
    activation : str
    steps : int
        Length of the sequences that it is meant for; the initial v lie between 0 and 2^(1/steps).
    remember : bool
        Start the v of the last layer between (1/2)^(1/steps) and 2^(1/steps), for tasks that ask at the end only.
    time_constant : float
        Of the continuous twin [s], default 1.
    seed : int
        Of the initial weights, U and V normal with variance 2/sources and 1/sources.

    Returns
    -------
    SignalGraph
        Parameters ``U1`` (hidden, inputs), ``v1`` (hidden,), ``b1``, ``U2``, ..., ``V`` (outputs, hidden), ``c``.
    """
    draw = stream(seed, "indrnn")
    graph = SignalGraph("indrnn")
    graph.port("u", inputs)
    for k in range(1, layers + 1):
        sources = inputs if k == 1 else hidden
        lowest = 0.5 ** (1.0 / steps) if remember and k == layers else 0.0
        graph.parameter(f"U{k}", draw.normal(0.0, np.sqrt(2.0 / sources), (hidden, sources)))
        graph.parameter(f"v{k}", draw.uniform(lowest, recurrent_bound(steps), hidden))
        graph.parameter(f"b{k}", np.zeros(hidden))
        graph.state(f"h{k}", hidden, time_constant=time_constant)
        graph.map(f"rate{k}", hidden, activation, bias=f"b{k}")
        below = ["u"] if k == 1 else [f"rate{j}" for j in (range(1, k) if skip else (k - 1,))]
        for source in below:
            graph.connect(source, f"rate{k}", weight=f"U{k}")
        graph.connect(f"h{k}", f"rate{k}", weight=f"v{k}")
        graph.connect(f"rate{k}", f"h{k}")
    graph.parameter("V", draw.normal(0.0, np.sqrt(1.0 / hidden), (outputs, hidden)))
    graph.parameter("c", np.zeros(outputs))
    graph.port("y", outputs, output=True, bias="c")
    for k in range(1, layers + 1) if skip else (layers,):
        graph.connect(f"h{k}", "y", weight="V")
    return graph


architecture = Architecture(
    name="indrnn",
    summary="deep layers of units that each see only themselves; skip connections",
    source=Reference("Li, Li, Cook, Zhu & Gao, CVPR 2018, 5457", "10.1109/CVPR.2018.00572"),
    equations="h_l+ = phi(U_l x_l + v_l (.) h_l + b_l)\nx_(l+1) = h_l+ (+ x_l)\ny = V x_(L+1) + c",
    analog="tau h_l' = -h_l + phi(U_l x_l + v_l (.) h_l + b_l)",
    digital="forward_euler, dt = tau",
    check="adding problem, T = 200: mean squared error a tenth of the constant guess",
    cases=("adding_problem",),
    build=indrnn,
    example={"inputs": 2, "hidden": 5, "outputs": 1, "layers": 3, "skip": True},
)
