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
``stdp``, ``triplet_stdp``
    a is an event, and ``post`` names the event of the neurons behind b: `neurosim.graph.spike_timing`.
``short_term``
    a is an event. Each synapse has resources R and a use u of them; a tick that arrives t after the last one finds
    ``R <- 1 + (R - u R - 1) exp(-t/recovery)``, then ``u <- U + u (1 - U) exp(-t/facilitation)``, and sends the pulse
    ``u R W``: u is refreshed before the release. At first ``u = U, R = 1``. Settings ``use`` (U), ``recovery`` and
    ``facilitation`` [s] are numbers or names of parameters of the weight's shape.
    H. Markram, Y. Wang, M. Tsodyks, PNAS 95, 5323 (1998), doi 10.1073/pnas.95.9.5323 (recalled).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.signal_graph import SignalGraph
from neurosim.graph.spike_timing import RULES as TIMING_RULES
from neurosim.graph.spike_timing import STDP, TRIPLET, expand_spike_timing, use_learned


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
        settings = settings_of(graph, a, b, data)
        made.remove_edge(a, b, key)
        RULES[rule_name(data["plastic"])][0](made, a, b, data, settings)
    return made


def settings_of(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the rule of a plastic edge from a to b, with defaults.

    Raises
    ------
    ParameterError, UnknownNameError
        An unknown rule or setting, or an edge that cannot be plastic; names the edge.
    """
    where, name = f"edge '{a}' -> '{b}'", rule_name(data["plastic"])
    given = {} if isinstance(data["plastic"], str) else {k: v for k, v in data["plastic"].items() if k != "rule"}
    check_rule(name, where)
    known = RULES[name][1]
    for setting in given:
        if setting not in known:
            raise UnknownNameError(f"{where}: rule '{name}' has no setting '{setting}'; it has {', '.join(known)}")
    settings = known | given
    if missing := [key for key, value in settings.items() if value is None and key != "bounds"]:
        raise ParameterError(f"{where}: rule '{name}' needs {', '.join(missing)}")
    _check(graph, a, b, data, where)
    return settings


def rule_name(plastic: str | Mapping[str, Any]) -> str:
    """Name of the rule of a plastic edge."""
    return plastic if isinstance(plastic, str) else str(plastic.get("rule", ""))


def check_rule(plastic: str | Mapping[str, Any], where: str) -> None:
    """Refuse an unknown rule by name.

    Raises
    ------
    UnknownNameError
    """
    name = rule_name(plastic)
    if name not in RULES:
        raise UnknownNameError(f"{where}: no learning rule '{name}'; {nearest(name, RULES) or ', '.join(RULES)}")


def _check(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], where: str) -> None:
    weight = data["weight"]
    if weight is None or weight not in graph.parameters:
        raise ParameterError(f"{where}: a plastic edge needs a weight (a parameter)")
    of_pulses = rule_name(data["plastic"]) == "short_term" or rule_name(data["plastic"]) in TIMING_RULES
    if rule_name(data["plastic"]) == "short_term" and graph.nodes[a]["kind"] != "event":
        raise ParameterError(f"{where}: rule 'short_term' is for the pulses of an event, '{a}' is none")
    delayed = data["delay"] > 0.0 and not of_pulses
    if data["role"] != "add" or data["transpose"] or delayed or data["source_part"] or data["target_part"]:
        raise ParameterError(f"{where}: a plastic edge adds a whole node to a whole node, without transpose and delay")
    value = graph.parameters[weight].value
    shape = (graph.size_of(b), graph.size_of(a))
    if (hasattr(value, "tocsr") and not of_pulses) or value.shape != shape or len(graph.nodes[a]["shape"]) != 1:
        raise ParameterError(f"{where}: a plastic weight is dense, of shape {shape}, from a node of one axis")
    uses = [(x, y) for x, y, d in graph.edges(data=True) if d["weight"] == weight]
    uses += [(n, n) for n, d in graph.nodes(data=True) if weight in (d.get("weight"), d.get("bias"))]
    if len(uses) > 1 or weight in graph:
        raise ParameterError(f"{where}: weight '{weight}' learns, so nothing else may use it or be called so")


def _hebb(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    weight = data["weight"]
    shape = graph.parameters[weight].value.shape
    graph.state(
        weight, shape, time_constant=settings["time_constant"], leak=settings.get("leak", 0.0), initial=weight
    )  # fmt: skip
    graph.product(f"growth of {weight}", shape, "i,j->ij")
    graph.connect(b, f"growth of {weight}")
    graph.connect(a, f"growth of {weight}", slot=1)
    graph.connect(f"growth of {weight}", weight)
    use_learned(graph, a, b, data)


def _oja(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    weight = data["weight"]
    _hebb(graph, a, b, data, settings)
    graph.product(f"decay of {weight}", graph.parameters[weight].value.shape, "i,i,ij->ij")
    for slot, source in enumerate((b, b, weight)):
        graph.connect(source, f"decay of {weight}", slot=slot)
    graph.connect(f"decay of {weight}", weight, gain=-1.0)


def short_term_parameters(
    graph: SignalGraph, data: Mapping[str, Any], weights: Any, where: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Use U, recovery and facilitation times [s] of the synapses of an edge, in the order of the data of `weights`.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    found, columns = [], np.repeat(np.arange(weights.shape[1]), np.diff(weights.indptr))
    for setting in SHORT_TERM:
        value = data["plastic"].get(setting)
        if value is None:
            raise ParameterError(f"{where}: rule 'short_term' needs {', '.join(SHORT_TERM)}")
        if isinstance(value, str):
            if value not in graph.parameters:
                raise UnknownNameError(f"{where}: no parameter '{value}'; {nearest(value, graph.parameters)}")
            value = graph.parameters[value].value
        if hasattr(value, "tocsr") or np.ndim(value) > 0:
            if value.shape != weights.shape:
                raise ParameterError(f"{where}: {setting} has shape {value.shape}, the weight {weights.shape}")
            value = (value.tocsr() if hasattr(value, "tocsr") else value)[weights.indices, columns]
            value = np.ravel(value.toarray() if hasattr(value, "toarray") else value)
        value = np.broadcast_to(np.asarray(value, float), weights.data.shape)
        if not (np.isfinite(value).all() and (value > 0.0).all() and (setting != "use" or (value <= 1.0).all())):
            allowed = "above 0 and at most 1" if setting == "use" else "positive [s]"
            raise ParameterError(f"{where}: {setting} of the rule 'short_term' must be {allowed}")
        found.append(value)
    return found[0], found[1], found[2]


def _short_term(graph: SignalGraph, a: str, b: str, data: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
    import scipy.sparse

    weight, delay = data["weight"], data["delay"]
    value = graph.parameters[weight].value
    pairs = value if hasattr(value, "tocsr") else np.ones(value.shape)
    synapses, shape = scipy.sparse.csc_array(pairs).tocoo(), value.shape
    numbers = short_term_parameters(graph, data, synapses.tocsc(), f"edge '{a}' -> '{b}'")
    # Where there is no synapse the weight is zero, and any number will do.
    use, recovery, facilitation = (np.ones(shape) for _ in SHORT_TERM)
    for made, found in zip((use, recovery, facilitation), numbers, strict=True):
        made[synapses.row, synapses.col] = found
    if pairs is value:
        graph.parameters[weight].value = value.toarray()
    graph.state(f"use of {weight}", shape, time_constant=facilitation.ravel())
    graph.parameter(f"least use of {weight}", use.ravel(), trainable=False)
    graph.parameter(f"rest of use of {weight}", 1.0 - use.ravel(), trainable=False)
    graph.map(f"next use of {weight}", shape, bias=f"least use of {weight}")
    graph.connect(f"use of {weight}", f"next use of {weight}", weight=f"rest of use of {weight}")
    graph.parameter(f"full resources of {weight}", np.ones(use.size), trainable=False)
    graph.state(
        f"resources of {weight}", shape, time_constant=recovery.ravel(), initial=1.0, bias=f"full resources of {weight}"
    )
    graph.map(f"change of use of {weight}", shape)
    graph.connect(f"next use of {weight}", f"change of use of {weight}")
    graph.connect(f"use of {weight}", f"change of use of {weight}", gain=-1.0)
    graph.product(f"growth of use of {weight}", shape, "ij,j->ij")
    graph.connect(f"change of use of {weight}", f"growth of use of {weight}")
    graph.connect(a, f"growth of use of {weight}", slot=1, delay=delay)
    graph.connect(f"growth of use of {weight}", f"use of {weight}")
    graph.product(f"released part of {weight}", shape)
    graph.connect(f"next use of {weight}", f"released part of {weight}")
    graph.connect(f"resources of {weight}", f"released part of {weight}", slot=1)
    graph.product(f"release of {weight}", shape, "ij,j->ij")
    graph.product(f"{weight} times {a}", shape[0], "ij,ij,j->i", weight=weight)
    for product in (f"release of {weight}", f"{weight} times {a}"):
        graph.connect(f"released part of {weight}", product)
        graph.connect(a, product, slot=1, delay=delay)
    graph.connect(f"release of {weight}", f"resources of {weight}", gain=-1.0)
    graph.connect(f"{weight} times {a}", b, gain=data["gain"])


SHORT_TERM = ("use", "recovery", "facilitation")
"""Settings of the rule ``short_term``."""

Expansion = Callable[[SignalGraph, str, str, Mapping[str, Any], Mapping[str, Any]], None]

RULES: dict[str, tuple[Expansion, dict[str, Any]]] = {
    "hebb": (_hebb, {"time_constant": None, "leak": 0.0}),
    "oja": (_oja, {"time_constant": None}),
    "stdp": (expand_spike_timing, STDP),
    "triplet_stdp": (expand_spike_timing, TRIPLET),
    "short_term": (_short_term, dict.fromkeys(SHORT_TERM)),
}  # fmt: skip
"""What writes each rule out, and its settings with their defaults; None is needed, but for the bounds."""
