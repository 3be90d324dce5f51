"""Gated recurrent unit, with the reset gate before or after the matrix, and its simplified variants.

    z = sigma(U_z x + W_z h + b_z),   r = sigma(U_r x + W_r h + b_r),   h+ = z (.) h + (1 - z) (.) n
    reset="after":  n = tanh(U_n x + b_n + r (.) (W_n h + d_n))      (torch; ONNX with linear_before_reset = 1)
    reset="before": n = tanh(U_n x + b_n + W_n (r (.) h))            (the paper; ONNX by default)

Variants, each as in its paper:

    "gru1", "gru2", "gru3": the gates see h and b; h only; b only; n with reset before;  h+ = (1 - z) h + z n
    "mgu":   one gate f for both:  n = tanh(U_n x + W_n (f (.) h) + b_n),   h+ = (1 - f) (.) h + f (.) n
    "light": no reset, n = relu(U_n x + W_n h + b_n),  h+ = z h + (1 - z) n  (batch norm is folded into U and b)

Sources: Cho et al., EMNLP 2014, arXiv 1406.1078; Dey & Salem, MWSCAS 2017, arXiv 1701.05923; Zhou, Wu, Zhang & Zhou,
Int. J. Automation and Computing 13, 226 (2016), arXiv 1603.09420; Ravanelli, Brakel, Omologo & Bengio, IEEE Trans.
Emerging Topics in Computational Intelligence 2, 92 (2018), arXiv 1803.10225. The continuous twin is GRU-ODE,
tau h' = -h + drive = (1 - z) (n - h) for the full unit (de Brouwer et al., NeurIPS 2019, arXiv 1905.12374).
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture, stacked_cells
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph
from neurosim.randomness import stream
from neurosim.reference import Reference

VARIANTS = ("full", "gru1", "gru2", "gru3", "mgu", "light")


def gru_cell(
    inputs: int, hidden: int, draw: np.random.Generator, *, variant: str = "full", reset: str = "after",
    time_constant: float = 1.0,
) -> SignalGraph:  # fmt: skip
    """One layer, to be put into a graph with ``sub``.

    Parameters
    ----------
    inputs, hidden : int
        Port ``x``, state ``h``.
    draw : numpy.random.Generator
        Of the initial weights, uniform in +-1/sqrt(hidden).
    variant : str
        One of `VARIANTS`.
    reset : str
        ``"after"`` or ``"before"`` the matrix; only the full unit has the choice.
    time_constant : float
        Of the continuous twin [s].

    Returns
    -------
    SignalGraph
        Output ports: ``held``, the state h, and ``new``, the value that it takes next. Parameters ``U_z`` (hidden,
        inputs), ``W_z`` (hidden, hidden), ``b_z``, and so on for each gate that the variant has.

    Raises
    ------
    ParameterError
        An unknown variant or reset convention.
    """
    if variant not in VARIANTS:
        raise ParameterError(f"gru: variant = {variant!r} must be one of {', '.join(VARIANTS)}")
    if reset not in ("before", "after"):
        raise ParameterError(f"gru: reset = {reset!r} must be 'before' or 'after'")
    bound = 1.0 / np.sqrt(hidden)
    graph = SignalGraph("gru cell")
    graph.port("x", inputs)
    graph.state("h", hidden, time_constant=time_constant)

    def unit(gate: str, function: str, terms: str, state: str = "h") -> None:
        """A map that sees those of U x, W h and b that `terms` names."""
        if "b" in terms:
            graph.parameter(f"b_{gate}", np.zeros(hidden))
        graph.map(gate, hidden, function, bias=f"b_{gate}" if "b" in terms else None)
        for term, source, width in (("U", "x", inputs), ("W", state, hidden)):
            if term in terms:
                graph.parameter(f"{term}_{gate}", draw.uniform(-bound, bound, (hidden, width)))
                graph.connect(source, gate, weight=f"{term}_{gate}")

    def product(name: str, left: str, right: str) -> None:
        graph.product(name, hidden)
        graph.connect(left, name, slot=0)
        graph.connect(right, name, slot=1)

    gate = "f" if variant == "mgu" else "z"
    terms = {"gru1": "Wb", "gru2": "W", "gru3": "b"}.get(variant, "UWb")
    unit(gate, "logistic", terms)
    if variant == "light":
        unit("n", "relu", "UWb")
    elif variant == "full" and reset == "after":
        unit("r", "logistic", terms)
        graph.parameter("d_n", np.zeros(hidden))
        graph.map("recurrent", hidden, bias="d_n")
        product("reset", "r", "recurrent")
        unit("n", "tanh", "Ub")
        graph.parameter("W_n", draw.uniform(-bound, bound, (hidden, hidden)))
        graph.connect("h", "recurrent", weight="W_n")
        graph.connect("reset", "n")
    else:
        if variant != "mgu":
            unit("r", "logistic", terms)
        product("reset", gate if variant == "mgu" else "r", "h")
        unit("n", "tanh", "UWb", state="reset")
    graph.map("opposite", hidden, "complement")
    graph.connect(gate, "opposite")
    keep, take = (gate, "opposite") if variant in ("full", "light") else ("opposite", gate)
    product("kept", keep, "h")
    product("taken", take, "n")
    graph.map("new_h", hidden)
    graph.connect("kept", "new_h")
    graph.connect("taken", "new_h")
    graph.connect("new_h", "h")
    graph.port("new", hidden, output=True)
    graph.port("held", hidden, output=True)
    graph.connect("new_h", "new")
    graph.connect("h", "held")
    return graph


def gru(
    inputs: int = 1, hidden: int = 16, outputs: int = 1, *, layers: int = 1, variant: str = "full",
    reset: str = "after", output: str = "identity", time_constant: float = 1.0, seed: int = 0,
) -> SignalGraph:  # fmt: skip
    """Build a GRU with a read-out.

    Parameters
    ----------
    inputs, hidden, outputs : int
        Ports ``u`` and ``y``; states ``layer1/h``, ... of `hidden` units each.
    layers : int
    variant, reset, time_constant
        See `gru_cell`.
    output : str
        Function of the read-out.
    seed : int
        Of the initial weights.

    Returns
    -------
    SignalGraph
        Flat. Parameters ``layer1/U_z``, ..., ``V`` (outputs, hidden), ``d``. See
        `neurosim.architectures.gate_layouts` for weights of torch and ONNX.
    """
    draw = stream(seed, "gru")
    cells = (
        gru_cell(inputs if k == 0 else hidden, hidden, draw, variant=variant, reset=reset, time_constant=time_constant)
        for k in range(layers)
    )
    return stacked_cells("gru", inputs, hidden, outputs, output, draw, cells)


architecture = Architecture(
    name="gru",
    summary="gated recurrent unit; reset before or after; variants gru1, gru2, gru3, mgu, light",
    source=Reference("Cho et al., EMNLP 2014, arXiv 1406.1078", "10.3115/v1/D14-1179"),
    equations=(
        "z, r = sigma(U x + W h + b)\nn = tanh(U_n x + b_n + r (.) (W_n h + d_n))\nh+ = z h + (1 - z) n\ny = V h + d"
    ),
    analog="tau h' = (1 - z) (.) (n - h)",
    digital="forward_euler, dt = tau",
    check="all variants against one another on parity, on the adding problem, and on images row by row",
    cases=("gru_variants",),
    build=gru,
    example={"inputs": 2, "hidden": 4, "outputs": 1, "layers": 2},
)
