"""Any networkx graph whose edges carry weights as a SignalGraph of one population."""

from __future__ import annotations

from typing import Any

import networkx as nx
import numpy as np
from scipy import sparse

from neurosim.errors import ParameterError
from neurosim.graph.functions import map_function
from neurosim.graph.signal_graph import SignalGraph

SPARSE_BELOW = 0.2
"""Density of the weights under which they are kept sparse."""

FORMS = ("membrane", "rate")


def from_networkx(
    graph: nx.Graph, *, weight: str = "weight", form: str = "membrane", function: str = "tanh",
    time_constant: float = 1.0, bias: float = 0.0, initial: float = 0.0, input_weight: Any = None, name: str = "",
) -> SignalGraph:  # fmt: skip
    """Turn a weighted graph into a continuous-time recurrent network.

    Membrane form ``tau x' = -x + W phi(x) + b + U u`` with output ``y = phi(x)``, or rate form
    ``tau x' = -x + phi(W x + b + U u)`` with output ``y = x``; the two agree for ``x_membrane = W x_rate + b + U u``
    with one tau and a constant input. The edge from node j to node i with weight w gives ``W[i, j] = w``; an undirected
    edge goes both ways, and parallel edges add.

    Parameters
    ----------
    graph : networkx.Graph, DiGraph, MultiGraph or MultiDiGraph
        Nodes may have attributes ``time_constant`` [s], ``bias`` and ``initial``.
    weight : str
        Edge attribute that holds the weight, default ``"weight"``; 1 where it is missing.
    form : {"membrane", "rate"}
    function : str
        phi, see `neurosim.graph.functions`; default tanh.
    time_constant, bias, initial : float
        For nodes without the attribute; defaults 1 s, 0, 0.
    input_weight : array_like, shape (nodes, inputs), optional
        U; without it each node has an input of its own.
    name : str
        Default that of the graph.

    Returns
    -------
    SignalGraph
        Port ``u``, state ``x``, map ``r``, output ``y``; parameters ``W`` (sparse if its density is below 0.2), ``b``,
        and ``U``. The elements of ``x`` are the nodes in their order; ``graph.graph["nodes"]`` lists their names.

    Raises
    ------
    ParameterError
        There are no nodes, or a weight or attribute is not a finite number; names the node or edge.

    Notes
    -----
    R. D. Beer, Adaptive Behavior 3, 469 (1995), doi 10.1177/105971239500300405.
    """
    if form not in FORMS:
        raise ParameterError(f"from_networkx(): form = {form!r} must be {' or '.join(map(repr, FORMS))}")
    phi = map_function(function, "from_networkx()").name
    nodes = list(graph)
    size = len(nodes)
    if size == 0:
        raise ParameterError("from_networkx(): the graph has no nodes")
    made = SignalGraph(name or str(graph.graph.get("name") or "network"))
    made.graph["nodes"] = [node if isinstance(node, (str, int)) else str(node) for node in nodes]
    tau = _attribute(graph, "time_constant", time_constant)
    if not (tau > 0.0).all():
        worst = int(np.argmin(tau))
        raise ParameterError(f"node {nodes[worst]!r}: time_constant = {tau[worst]:g} s must be positive")
    matrix = _weights(graph, weight, nodes)
    made.parameter("W", matrix if matrix.nnz < SPARSE_BELOW * size * size else matrix.toarray())
    made.parameter("b", _attribute(graph, "bias", bias))
    is_membrane = form == "membrane"
    inputs = size
    if input_weight is not None:
        made.parameter("U", input_weight)
        shape = made.parameters["U"].value.shape
        if len(shape) != 2 or shape[0] != size:
            raise ParameterError(f"from_networkx(): input_weight has shape {shape}; ({size}, inputs) is needed")
        inputs = shape[1]
    made.port("u", inputs)
    made.state(
        "x", size, time_constant=tau, initial=_attribute(graph, "initial", initial), bias="b" if is_membrane else None
    )
    made.map("r", size, phi, bias=None if is_membrane else "b")
    made.port("y", size, output=True)
    made.connect("u", "x" if is_membrane else "r", weight=None if input_weight is None else "U")
    if is_membrane:
        made.connect("x", "r")
        made.connect("r", "x", weight="W")
        made.connect("r", "y")
    else:
        made.connect("x", "r", weight="W")
        made.connect("r", "x")
        made.connect("x", "y")
    return made


def _attribute(graph: nx.Graph, key: str, missing: float) -> np.ndarray:
    """Attribute of all nodes, shape (nodes,)."""
    return np.array([_number(data.get(key, missing), f"node {node!r}: {key}") for node, data in graph.nodes(data=True)])


def _weights(graph: nx.Graph, weight: str, nodes: list[Any]) -> sparse.csr_matrix:
    place = {node: k for k, node in enumerate(nodes)}
    rows, columns, values = [], [], []
    for a, b, data in graph.edges(data=True):
        value = _number(data.get(weight, 1.0), f"edge {a!r} -> {b!r}: {weight}")
        ends = [(a, b)] if graph.is_directed() or a == b else [(a, b), (b, a)]
        for source, target in ends:
            rows.append(place[target])
            columns.append(place[source])
            values.append(value)
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(nodes), len(nodes)), dtype=float)


def _number(value: Any, where: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{where} = {value!r} is not a number") from None
    if not np.isfinite(number):
        raise ParameterError(f"{where} = {number} must be finite")
    return number
