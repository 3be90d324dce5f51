"""Bidirectional network: one recurrent layer reads the input forwards, another backwards, and the outputs see both.

    f_(t+1) = F(f_t, x_t),    b_t = B(b_(t+1), x_t),    y_t = V [f; b] + d

Source: Schuster & Paliwal, IEEE Trans. Signal Processing 45, 2673 (1997), doi 10.1109/78.650093. The backward layer is
an ordinary one between two hosts that turn the sequence round. Such a network is not causal: it has no continuous twin
that runs beside its input, and targets in continuous time refuse the hosts by name. Replay of a record, reversed,
through the flow of each layer is what an analog machine could do.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.architectures.gate_layouts import from_torch
from neurosim.architectures.gru import gru_cell
from neurosim.architectures.lstm import lstm_cell
from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference


def reverse(x: np.ndarray) -> np.ndarray:
    """The sequence, shape (steps, samples, size), with its last step first."""
    return x[::-1]


def reverse_gradient(x: np.ndarray, value: np.ndarray, d: np.ndarray) -> np.ndarray:
    """Vector-Jacobian product of `reverse`."""
    return d[::-1]


def simple_cell(inputs: int, hidden: int, draw: np.random.Generator, *, time_constant: float = 1.0) -> SignalGraph:
    """Elman's layer with the ports of `lstm_cell`: h+ = tanh(U x + W h + b), weights uniform in +-1/sqrt(hidden)."""
    bound = 1.0 / np.sqrt(hidden)
    graph = SignalGraph("simple cell")
    graph.port("x", inputs)
    graph.state("h", hidden, time_constant=time_constant)
    graph.parameter("U", draw.uniform(-bound, bound, (hidden, inputs)))
    graph.parameter("W", draw.uniform(-bound, bound, (hidden, hidden)))
    graph.parameter("b", np.zeros(hidden))
    graph.map("new_h", hidden, "tanh", bias="b")
    graph.connect("x", "new_h", weight="U")
    graph.connect("h", "new_h", weight="W")
    graph.connect("new_h", "h")
    for port, source in (("new", "new_h"), ("held", "h")):
        graph.port(port, hidden, output=True)
        graph.connect(source, port)
    return graph


CELLS = {"elman": simple_cell, "lstm": lstm_cell, "gru": gru_cell}


def bidirectional(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, cell: str = "elman", layers: int = 1,
    output: str = "identity", time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a bidirectional network.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` and ``y``; `hidden` units in each direction.
    cell : str
        ``"elman"``, ``"lstm"`` or ``"gru"``.
    layers : int
        Each layer above the first sees both directions of the one below.
    output : str
        Function of the read-out.
    time_constant : float
        Seconds.
    seed : int
        Of the initial weights.

    Returns
    -------
    SignalGraph
        Flat. States and parameters ``layer1/forward/...``, ``layer1/backward/...`` as the cell names them; ``V``
        (outputs, 2 hidden), ``d``. It runs under ``digital``.

    Raises
    ------
    ParameterError
        An unknown cell.
    """
    if cell not in CELLS:
        raise ParameterError(f"bidirectional: cell = {cell!r} must be one of {', '.join(CELLS)}")
    draw = stream(seed, "bidirectional", cell)
    graph = SignalGraph("bidirectional")
    graph.port("u", inputs)
    during, after, width = "u", "u", inputs
    for k in range(1, layers + 1):
        layer = SignalGraph("layer")
        for direction in ("forward", "backward"):
            layer.sub(direction, CELLS[cell](width, hidden, draw, time_constant=time_constant))
        # During a step the layer above sees the values that this one takes next, after it those that it has.
        for name, size in (("during", width), ("after", width)):
            layer.port(name, size)
        layer.host("reversed", width, reverse, over="sequence", gradient=reverse_gradient)
        layer.host("restored", hidden, reverse, over="sequence", gradient=reverse_gradient)
        layer.connect("during", "forward/x")
        layer.connect("after", "reversed")
        layer.connect("reversed", "backward/x")
        layer.connect("backward/held", "restored")
        for name, port in (("new", "forward/new"), ("held", "forward/held")):
            layer.port(name, 2 * hidden, output=True)
            layer.connect(port, name, target_part=(0, hidden))
            layer.connect("restored", name, target_part=(hidden, 2 * hidden))
        graph.sub(f"layer{k}", layer)
        graph.connect(during, f"layer{k}/during")
        graph.connect(after, f"layer{k}/after")
        during, after, width = f"layer{k}/new", f"layer{k}/held", 2 * hidden
    bound = 1.0 / np.sqrt(2 * hidden)
    graph.parameter("V", draw.uniform(-bound, bound, (outputs, 2 * hidden)))
    graph.parameter("d", np.zeros(outputs))
    graph.map("readout", outputs, output, bias="d")
    graph.port("y", outputs, output=True)
    graph.connect(after, "readout", weight="V")
    graph.connect("readout", "y")
    return flatten(graph)


def from_torch_bidirectional(weights: Mapping[str, Any], kind: str) -> dict[str, np.ndarray]:
    """Parameters of a graph from the ``state_dict`` of torch.nn.LSTM or torch.nn.GRU with bidirectional=True."""
    made = {}
    for direction, ending in (("forward", ""), ("backward", "_reverse")):
        here = {
            name.removesuffix("_reverse"): value
            for name, value in weights.items()
            if name.endswith("_reverse") == bool(ending)
        }
        for name, value in from_torch(here, kind).items():
            layer, _, rest = name.partition("/")
            made[f"{layer}/{direction}/{rest}"] = value
    return made


architecture = Architecture(
    name="bidirectional",
    summary="one layer forwards in time, one backwards; Elman, LSTM or GRU cells; stacks",
    source=Reference("Schuster & Paliwal, IEEE Trans. Signal Processing 45, 2673 (1997)", "10.1109/78.650093"),
    equations="f_(t+1) = F(f_t, x_t)\nb_t = B(b_(t+1), x_t)\ny_t = V [f_(t+1); b_t] + d",
    analog="none that is causal: each layer flows as its cell does, over a record replayed both ways",
    digital="forward_euler, dt = tau, over the whole sequence",
    check="window of 10 past and 20 future samples",
    cases=("bidirectional_window",),
    build=bidirectional,
    example={"inputs": 2, "hidden": 4, "outputs": 1, "layers": 2, "cell": "lstm"},
    aliases=("birnn",),
)
