"""Weights that learn while the net runs: what ``connect(a, b, weight="W", plastic=...)`` stands for.

A plastic edge is written out, before anything else happens, as a state of the weight's shape, with the weight's name
and initial value, and products: there is nothing in it that a graph could not say by itself, and other rules are
written that way by hand. With x the value of a, y that of b (both of the edge's own, before the jump at a tick), W of
shape (size of b, size of a):

``hebb``
    ``time_constant W' = -leak W + y x^T``; settings ``time_constant`` [s], ``leak`` (default 0).
    D. O. Hebb, The Organization of Behavior (1949).
``oja``
    ``time_constant W' = y x^T - y^2 W`` (row by row): for ``b = W a`` a row becomes the first principal component of a.
    E. Oja, J. Math. Biol. 15, 267 (1982), doi 10.1007/BF00275687.
``stdp``
    a is an event, and ``post`` names the event of the neurons behind b. Each tick adds 1 to a trace of its neuron:
    ``tau_plus x' = -x`` before, ``tau_minus y' = -y`` behind the synapse. A tick of ``post`` adds ``amplitude_plus x``
    to its row of W, a tick of a takes ``amplitude_minus y`` from its column: all pairs of ticks count, two at the same
    instant do not. ``bounds`` (low, high) keep W. The pulse itself uses W before its own change.
    S. Song, K. D. Miller, L. F. Abbott, Nat. Neurosci. 3, 919 (2000), doi 10.1038/78829.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.signal_graph import SignalGraph


def expand_plastic(graph: SignalGraph) -> SignalGraph:
    """The graph with states and products in place of its plastic edges; itself if it has none.

    Raises
    ------
    ParameterError, UnknownNameError
        An unknown rule or setting, or an edge that cannot be plastic; names the edge.
    """
    plastic = [(str(a), str(b), key, d) for a, b, key, d in graph.edges(keys=True, data=True) if d["plastic"]]
    if not plastic:
        return graph
    made = graph.copy()
    made.graph["flat"] = True
    for a, b, key, data in plastic:
        where, name = f"edge '{a}' -> '{b}'", rule_name(data["plastic"])
        given = {} if isinstance(data["plastic"], str) else {k: v for k, v in data["plastic"].items() if k != "rule"}
        if name not in RULES:
            raise UnknownNameError(f"{where}: no learning rule '{name}'; {nearest(name, RULES) or ', '.join(RULES)}")
        expand, known = RULES[name]
        settings = {key: value for key, value in known.items() if value is not None}
        for setting, value in given.items():
            if setting not in known:
                raise UnknownNameError(f"{where}: rule '{name}' has no setting '{setting}'; it has {', '.join(known)}")
            settings[setting] = value
        if missing := [setting for setting in known if setting not in settings and setting != "bounds"]:
            raise ParameterError(f"{where}: rule '{name}' needs {', '.join(missing)}")
        _check(graph, a, b, data, where)
        made.remove_edge(a, b, key)
        product = f"{data['weight']} times {a}"
        made.product(product, graph.size_of(b), "ij,j->i")
        made.connect(product, b, gain=data["gain"])
        expand(made, a, b, data["weight"], settings)
        made.connect(data["weight"], product)
        made.connect(a, product, slot=1)
    return made


def rule_name(plastic: str | Mapping[str, Any]) -> str:
    """Name of the rule of a plastic edge."""
    return plastic if isinstance(plastic, str) else str(plastic.get("rule", ""))


def _check(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], where: str) -> None:
    weight = data["weight"]
    if weight is None or weight not in graph.parameters:
        raise ParameterError(f"{where}: a plastic edge needs a weight (a parameter)")
    if data["role"] != "add" or data["transpose"] or data["delay"] > 0.0 or data["source_part"] or data["target_part"]:
        raise ParameterError(f"{where}: a plastic edge adds a whole node to a whole node, without transpose and delay")
    value = graph.parameters[weight].value
    shape = (graph.size_of(b), graph.size_of(a))
    if hasattr(value, "tocsr") or value.shape != shape or len(graph.nodes[a]["shape"]) != 1:
        raise ParameterError(f"{where}: a plastic weight is dense, of shape {shape}, from a node of one axis")
    uses = [(x, y) for x, y, d in graph.edges(data=True) if d["weight"] == weight]
    uses += [(n, n) for n, d in graph.nodes(data=True) if weight in (d.get("weight"), d.get("bias"))]
    if len(uses) > 1 or weight in graph:
        raise ParameterError(f"{where}: weight '{weight}' learns, so nothing else may use it or be called so")


def _hebb(graph: SignalGraph, a: str, b: str, weight: str, settings: Mapping[str, Any]) -> None:
    shape = graph.parameters[weight].value.shape
    graph.state(
        weight, shape, time_constant=settings["time_constant"], leak=settings.get("leak", 0.0), initial=weight
    )  # fmt: skip
    graph.product(f"growth of {weight}", shape, "i,j->ij")
    graph.connect(b, f"growth of {weight}")
    graph.connect(a, f"growth of {weight}", slot=1)
    graph.connect(f"growth of {weight}", weight)


def _oja(graph: SignalGraph, a: str, b: str, weight: str, settings: Mapping[str, Any]) -> None:
    _hebb(graph, a, b, weight, settings)
    graph.product(f"decay of {weight}", graph.parameters[weight].value.shape, "i,i,ij->ij")
    for slot, source in enumerate((b, b, weight)):
        graph.connect(source, f"decay of {weight}", slot=slot)
    graph.connect(f"decay of {weight}", weight, gain=-1.0)


def _stdp(graph: SignalGraph, a: str, b: str, weight: str, settings: Mapping[str, Any]) -> None:
    post, where = settings["post"], f"edge '{a}' -> '{b}'"
    rows, columns = graph.parameters[weight].value.shape
    for name, size in ((a, columns), (post, rows)):
        if name not in graph or graph.nodes[name]["kind"] != "event" or graph.nodes[name]["shape"] != (size,):
            raise ParameterError(
                f"{where}: rule 'stdp' goes from an event to one in post=; '{name}' is no event of {size}"
            )
    graph.state(weight, (rows, columns), time_constant=1.0, leak=0.0, initial=weight, bounds=settings.get("bounds"))
    for trace, event, size, tau in (
        (f"trace before {weight}", a, columns, settings["tau_plus"]),
        (f"trace behind {weight}", post, rows, settings["tau_minus"]),
    ):
        graph.state(trace, size, time_constant=tau)
        graph.connect(event, trace)
    for change, row, column, amplitude in (
        (f"growth of {weight}", post, f"trace before {weight}", settings["amplitude_plus"]),
        (f"decay of {weight}", f"trace behind {weight}", a, -settings["amplitude_minus"]),
    ):
        graph.product(change, (rows, columns), "i,j->ij")
        graph.connect(row, change)
        graph.connect(column, change, slot=1)
        graph.connect(change, weight, gain=amplitude)


Expansion = Callable[[SignalGraph, str, str, str, Mapping[str, Any]], None]

RULES: dict[str, tuple[Expansion, dict[str, Any]]] = {
    "hebb": (_hebb, {"time_constant": None, "leak": 0.0}),
    "oja": (_oja, {"time_constant": None}),
    "stdp": (_stdp, {
        "post": None, "amplitude_plus": 0.01, "amplitude_minus": 0.0105, "tau_plus": 0.02, "tau_minus": 0.02,
        "bounds": None,
    }),
}  # fmt: skip
"""What writes each rule out, and its settings with their defaults; None is needed, but for the bounds."""
