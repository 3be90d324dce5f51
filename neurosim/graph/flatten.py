"""Replace the graphs inside a graph by their nodes, under names such as ``"layer2/h"``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.plasticity import expand_plastic
from neurosim.graph.signal_graph import RESETS, Clock, GraphParameter, SignalGraph


def flatten(graph: SignalGraph, *, expand: bool = True) -> SignalGraph:
    """Graph without ``sub`` nodes and, unless told not to `expand` them, without plastic edges.

    Ports of an inner graph become maps that pass their sum on. Its parameters are called ``"sub/name"``, or share the
    outer parameter of the same name when the sub was declared ``shared``; its clocks are shared by name.

    Raises
    ------
    UnknownNameError
        An edge ends at a port that the inner graph does not have.
    """
    if not graph.of_kind("sub"):
        return expand_plastic(graph) if expand else graph
    flat = SignalGraph(graph.title)
    flat.graph.update(graph.graph, flat=True)
    _copy(graph, flat, "", {}, 1.0, is_outermost=True)
    return expand_plastic(flat) if expand else flat


def _copy(
    graph: SignalGraph, flat: SignalGraph, prefix: str, outer: dict[str, str], scale: float, *, is_outermost: bool
) -> None:  # fmt: skip
    renamed = {name: outer.get(name, prefix + name) for name in graph.parameters}
    for name, parameter in graph.parameters.items():
        if name not in outer:
            flat.parameters[prefix + name] = GraphParameter(
                parameter.value, parameter.trainable, parameter.unit, parameter.mask, parameter.parent
            )
    for name, clock in graph.clocks.items():
        if flat.clocks.setdefault(name, Clock(clock.period, clock.phase)) != clock:
            raise ParameterError(f"clock '{name}' has two periods, in '{prefix or graph.title}' and around it")
    for name, data in graph.nodes(data=True):
        if data["kind"] == "sub":
            body: SignalGraph = data["body"]
            shared = {p: renamed[p] for p in body.parameters if p in renamed} if data["shared"] else {}
            _copy(body, flat, f"{prefix}{name}/", shared, scale * data["time_scale"], is_outermost=False)
            continue
        made: dict[str, Any] = dict(data)
        for key in ("bias", "weight", "time_constant", "leak", "initial", "threshold", "refractory", "noise"):
            if isinstance(made.get(key), str):
                made[key] = renamed.get(made[key], prefix + made[key])
        if "parameters" in made:
            made["parameters"] = tuple(renamed.get(p, prefix + p) for p in made["parameters"])
        if made.get("clock") in graph and made["clock"] not in graph.clocks:
            made["clock"] = prefix + made["clock"]
        for key in ("time_constant", "refractory"):
            if made.get(key) is not None and scale != 1.0:
                if isinstance(made[key], str):
                    raise ParameterError(
                        f"{data['kind']} '{prefix}{name}': time_scale needs a number as {key}, not a parameter"
                    )
                made[key] = np.multiply(made[key], scale)
        if made.get("noise") is not None and scale != 1.0 and not isinstance(made["noise"], str):
            made["noise"] = np.divide(made["noise"], np.sqrt(scale))
        if data["kind"] == "port" and not is_outermost:
            made = {"kind": "map", "shape": data["shape"], "function": "identity", "bias": made["bias"], "gain": 1.0,
                    "argument": None, "unit": data["unit"]}  # fmt: skip
        flat.add_node(prefix + name, **made)
    for a, b, data in graph.edges(data=True):
        ends = [
            _end(graph, str(a), data.get("source_port"), prefix, is_source=True),
            _end(graph, str(b), data.get("target_port"), prefix, is_source=False),
        ]
        made = {**data, "source_port": None, "target_port": None}
        for key in ("weight", *RESETS):
            if isinstance(made.get(key), str):
                made[key] = renamed.get(made[key], prefix + made[key])
        if isinstance(made["plastic"], dict):
            plastic = {k: renamed.get(v, v) if isinstance(v, str) else v for k, v in made["plastic"].items()}
            made["plastic"] = plastic | ({"post": prefix + plastic["post"]} if "post" in plastic else {})
        flat.add_edge(*ends, **made)


def _end(graph: SignalGraph, node: str, port: str | None, prefix: str, *, is_source: bool) -> str:
    """Node of the flat graph at which an edge ends; a sub with one port of the right direction needs no port name."""
    data = graph.nodes[node]
    if data.get("kind") != "sub":
        if port is not None:
            raise UnknownNameError(f"edge at '{node}/{port}': '{node}' is not a graph inside the graph")
        return prefix + node
    body: SignalGraph = data["body"]
    if port is None:
        candidates = body.outputs if is_source else body.inputs
        if len(candidates) != 1:
            raise UnknownNameError(f"edge at sub '{node}': name its port, one of {', '.join(body.of_kind('port'))}")
        port = candidates[0]
    head, _, rest = port.partition("/")
    if head not in body:
        near = nearest(port, [str(name) for name in body])
        raise UnknownNameError(f"edge at '{node}/{port}': sub '{node}' has no '{port}'; {near}".rstrip("; "))
    return _end(body, head, rest or None, f"{prefix}{node}/", is_source=is_source)
