"""Long short-term memory with forget gate, optional peepholes, and stacked layers.

    i = sigma(U_i x + W_i h + p_i (.) c + b_i)      f = sigma(U_f x + W_f h + p_f (.) c + b_f)
    g = tanh(U_g x + W_g h + b_g)                   c+ = f (.) c + i (.) g
    o = sigma(U_o x + W_o h + p_o (.) c+ + b_o)     h+ = o (.) tanh(c+)

Sources: Hochreiter & Schmidhuber, Neural Computation 9, 1735 (1997), doi 10.1162/neco.1997.9.8.1735; forget gate: Gers,
Schmidhuber & Cummins, Neural Computation 12, 2451 (2000), doi 10.1162/089976600300015015; peepholes: Gers &
Schmidhuber, IJCNN 2000. The continuous twin is a capacitor with the programmable leak 1 - f: tau c' = -(1 - f) c + i g,
tau h' = -h + o tanh(f c + i g); forward Euler with dt = tau is the LSTM. A layer above sees the new h of the one below.
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture, stacked_cells
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference

GATES = ("i", "f", "g", "o")


def lstm_cell(
    inputs: int, hidden: int, draw: np.random.Generator, *, peepholes: bool = False, forget_bias: float = 1.0,
    time_constant: float = 1.0,
) -> SignalGraph:  # fmt: skip
    """One layer, to be put into a graph with ``sub``.

    Parameters
    ----------
    inputs, hidden : int
        Port ``x``; states ``h`` and ``c``.
    draw : numpy.random.Generator
        Of the initial weights, uniform in +-1/sqrt(hidden).
    peepholes : bool
        Let the gates see c.
    forget_bias : float
        Initial b_f, default 1, so that the cell remembers at first.
    time_constant : float
        Of the continuous twin [s].

    Returns
    -------
    SignalGraph
        Output ports: ``held``, the state h, and ``new``, the value that it takes next. Parameters ``U_i`` (hidden,
        inputs), ``W_i`` (hidden, hidden), ``b_i``, ..., and ``p_i``, ``p_f``, ``p_o`` (hidden,).
    """
    bound = 1.0 / np.sqrt(hidden)
    graph = SignalGraph("lstm cell")
    graph.port("x", inputs)
    graph.state("h", hidden, time_constant=time_constant)
    graph.state("c", hidden, time_constant=time_constant)
    for gate in GATES:
        graph.parameter(f"U_{gate}", draw.uniform(-bound, bound, (hidden, inputs)))
        graph.parameter(f"W_{gate}", draw.uniform(-bound, bound, (hidden, hidden)))
        graph.parameter(f"b_{gate}", np.full(hidden, forget_bias if gate == "f" else 0.0))
        graph.map(gate, hidden, "tanh" if gate == "g" else "logistic", bias=f"b_{gate}")
        graph.connect("x", gate, weight=f"U_{gate}")
        graph.connect("h", gate, weight=f"W_{gate}")
    graph.product("kept", hidden)
    graph.product("written", hidden)
    graph.product("new_h", hidden)
    graph.map("new_c", hidden)
    graph.map("squashed", hidden, "tanh")
    for gate, product, other in (("f", "kept", "c"), ("i", "written", "g"), ("o", "new_h", "squashed")):
        graph.connect(gate, product, slot=0)
        graph.connect(other, product, slot=1)
    graph.connect("kept", "new_c")
    graph.connect("written", "new_c")
    graph.connect("new_c", "c")
    graph.connect("new_c", "squashed")
    graph.connect("new_h", "h")
    if peepholes:
        for gate, seen in (("i", "c"), ("f", "c"), ("o", "new_c")):
            graph.parameter(f"p_{gate}", draw.uniform(-bound, bound, hidden))
            graph.connect(seen, gate, weight=f"p_{gate}")
    graph.port("new", hidden, output=True)
    graph.port("held", hidden, output=True)
    graph.connect("new_h", "new")
    graph.connect("h", "held")
    return graph


def lstm(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, layers: int = 1, peepholes: bool = False,
    output: str = "identity", forget_bias: float = 1.0, time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build an LSTM with a read-out.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` and ``y``; states ``layer1/h``, ``layer1/c``, ... of `hidden` units each.
    layers : int
    peepholes, forget_bias, time_constant
        See `lstm_cell`.
    output : str
        Function of the read-out.
    seed : int
        Of the initial weights.

    Returns
    -------
    SignalGraph
        Flat. Parameters ``layer1/U_i``, ..., ``V`` (outputs, hidden), ``d``. See
        `neurosim.architectures.gate_layouts` for weights of torch and ONNX.
    """
    draw = stream(seed, "lstm")
    cells = (
        lstm_cell(
            inputs if k == 0 else hidden,
            hidden,
            draw,
            peepholes=peepholes,
            forget_bias=forget_bias,
            time_constant=time_constant,
        )
        for k in range(layers)
    )
    return stacked_cells("lstm", inputs, hidden, outputs, output, draw, cells)


architecture = Architecture(
    name="lstm",
    summary="gated memory cell: forget gate, peepholes, stacks",
    source=Reference("Hochreiter & Schmidhuber, Neural Computation 9, 1735 (1997)", "10.1162/neco.1997.9.8.1735"),
    equations=(
        "i, f = sigma(U x + W h + p (.) c + b),  g = tanh(U_g x + W_g h + b_g)\nc+ = f (.) c + i (.) g\n"
        "o = sigma(U_o x + W_o h + p_o (.) c+ + b_o)\nh+ = o (.) tanh(c+)\ny = V h + d"
    ),
    analog="tau c' = -(1 - f) c + i (.) g,  tau h' = -h + o (.) tanh(f c + i g)",
    digital="forward_euler, dt = tau",
    check="a^n b^n c^n: counted to n = 1000 with hand-set weights, and learnt; embedded Reber grammar",
    cases=("lstm_counter", "context_sensitive_language", "reber_grammar"),
    build=lstm,
    example={"inputs": 2, "hidden": 4, "outputs": 1, "layers": 2, "peepholes": True},
)
