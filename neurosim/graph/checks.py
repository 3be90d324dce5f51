"""What is checked before a graph runs; each message names the node or the edge."""

from __future__ import annotations

from collections.abc import Mapping

import networkx as nx
import numpy as np

from neurosim.errors import ParameterError, UnknownNameError, nearest
from neurosim.graph.event_checks import check_event, check_event_edge, check_pulses, check_ticked, stuck_events
from neurosim.graph.signal_graph import RESETS, SignalGraph

MEMORYLESS = ("map", "product", "port")


def check_graph(graph: SignalGraph) -> list[str]:
    """Check a flat graph and return notes (parameters that nothing uses, nodes that nothing drives).

    Raises
    ------
    ParameterError
        A shape does not fit, a loop has no state, hold or delay, a clock is crossed without a hold, or there is nothing
        to run.
    UnknownNameError
        A parameter or clock does not exist.
    """
    if graph.number_of_nodes() == 0:
        raise ParameterError(f"graph '{graph.title}' is empty")
    used: set[str] = set()
    for name, data in graph.nodes(data=True):
        if "kind" not in data:
            raise ParameterError(f"graph '{graph.title}': node '{name}' has no kind; edges must end at declared nodes")
        _check_node(graph, str(name), used)
    for a, b, data in graph.edges(data=True):
        _check_edge(graph, str(a), str(b), data, used)
        if isinstance(data.get("plastic"), Mapping):
            used.update(value for value in data["plastic"].values() if isinstance(value, str))
    _check_loops(graph)
    _check_clocks(graph)
    check_pulses(graph)
    notes = [f"parameter '{name}' is not used" for name in graph.parameters if name not in used]
    notes += [
        f"{graph.nodes[name]['kind']} '{name}' has no incoming edge and no bias: its drive is 0"
        for name in graph.nodes
        if graph.in_degree(name) == 0
        and graph.nodes[name].get("bias") is None
        and not (graph.nodes[name]["kind"] == "port" and not graph.nodes[name]["output"])
    ]
    return notes + stuck_events(graph)


def _parameter(graph: SignalGraph, name: str, where: str, used: set[str]) -> tuple[int, ...]:
    if name not in graph.parameters:
        raise UnknownNameError(f"{where}: no parameter '{name}'; {nearest(name, graph.parameters)}".rstrip("; "))
    used.add(name)
    value = graph.parameters[name].value
    numbers = value.data if hasattr(value, "tocsr") else value
    if not np.isfinite(numbers).all():
        raise ParameterError(f"{where}: parameter '{name}' has values that are not finite")
    return tuple(value.shape)


def _check_node(graph: SignalGraph, name: str, used: set[str]) -> None:
    data = graph.nodes[name]
    where = f"{data['kind']} '{name}'"
    size = graph.size_of(name)
    if data["kind"] == "event":
        check_event(graph, name)
        for value in (data["threshold"], data["refractory"]):
            used.update([value] if isinstance(value, str) else ())
    if isinstance(data.get("bias"), str):
        shape = _parameter(graph, data["bias"], where, used)
        if int(np.prod(shape)) != size:
            raise ParameterError(f"{where}: bias '{data['bias']}' has shape {shape} for {size} elements")
    for key in ("time_constant", "leak", "initial", "noise"):
        value = data.get(key)
        if isinstance(value, str):
            _parameter(graph, value, where, used)
        if value is not None:
            numbers = graph.value_of(value, size, f"{where}, {key}")
            if key == "time_constant" and not (numbers > 0.0).all():
                raise ParameterError(f"{where}: time constant {numbers.min():g} s must be positive")
    if data.get("clock") in graph and graph.nodes[data["clock"]]["kind"] == "event":
        check_ticked(graph, name)
    elif data.get("clock") is not None and data["clock"] not in graph.clocks:
        raise UnknownNameError(
            f"{where}: no clock '{data['clock']}'; "
            + (nearest(data["clock"], [*graph.clocks, *graph.of_kind("event")]) or "declare it with clock() or event()")
        )
    for parameter in data.get("parameters", ()):
        shape, instances = _parameter(graph, parameter, where, used), size // data["law"].size
        if int(np.prod(shape)) not in (1, instances) or hasattr(graph.parameters[parameter].value, "tocsr"):
            raise ParameterError(
                f"{where}: parameter '{parameter}' of law '{data['law'].name}' has shape {shape}; a number"
                + (f" or {instances} numbers are needed" if instances > 1 else " is needed")
            )
    if data["kind"] == "product":
        _check_product(graph, name, used)


def factors(graph: SignalGraph, name: str) -> list[list[tuple[str, dict]]]:
    """Incoming edges of a product, one list for each slot."""
    slots: dict[int, list[tuple[str, dict]]] = {}
    for a, _, data in graph.in_edges(name, data=True):
        slots.setdefault(data["slot"], []).append((str(a), data))
    return [slots[k] for k in sorted(slots)]


def _check_product(graph: SignalGraph, name: str, used: set[str]) -> None:
    data = graph.nodes[name]
    slots = factors(graph, name)
    if not data["form"]:
        if len(slots) < 2:
            raise ParameterError(f"product '{name}' needs at least two slots; it has {len(slots)}")
        return
    left, _, result = data["form"].partition("->")
    terms = left.split(",")
    operands: list[tuple[str, tuple[int, ...]]] = []
    if data["weight"] is not None:
        shape = _parameter(graph, data["weight"], f"product '{name}'", used)
        if hasattr(graph.parameters[data["weight"]].value, "tocsr"):
            raise ParameterError(f"product '{name}': weight '{data['weight']}' must be dense")
        operands.append((f"weight '{data['weight']}'", shape))
    for slot in slots:
        a, edge = slot[0]
        if len(slot) > 1 or edge["weight"] is not None or edge["source_part"] or edge["target_part"]:
            raise ParameterError(
                f"product '{name}' with form '{data['form']}': each slot takes one plain edge; put a map before it"
            )
        operands.append((f"'{a}'", graph.nodes[a]["shape"]))
    if len(operands) != len(terms) or len(operands) > 3:
        raise ParameterError(
            f"product '{name}': form '{data['form']}' names {len(terms)} factors (3 at most), there are {len(operands)}"
        )
    extents: dict[str, int] = {}
    for (what, shape), letters in zip([*operands, (f"product '{name}'", data["shape"])], [*terms, result], strict=True):
        here = shape if letters or shape != (1,) else ()
        if len(here) != len(letters):
            raise ParameterError(f"product '{name}': {what} has shape {shape}, its indices are '{letters}'")
        for letter, length in zip(letters, here, strict=True):
            if extents.setdefault(letter, length) != length:
                raise ParameterError(
                    f"product '{name}': index {letter} is {extents[letter]} long, but {length} in {what} {shape}"
                )
    if len(extents) > 6:
        raise ParameterError(f"product '{name}': form '{data['form']}' has {len(extents)} indices; 6 are allowed")
    if any(letter not in "".join(terms) for letter in result):
        raise ParameterError(f"product '{name}': form '{data['form']}' has an index in the result only")


def _check_edge(graph: SignalGraph, a: str, b: str, data: dict, used: set[str]) -> None:
    where = f"edge '{a}' -> '{b}'"
    if data["role"] in ("reset", "clock"):
        check_event_edge(graph, a, b, data)
        used.update(data[key] for key in RESETS if isinstance(data.get(key), str))
        return
    if data["role"] == "teach":
        return
    if graph.nodes[b]["kind"] == "port" and not graph.nodes[b]["output"]:
        raise ParameterError(f"{where}: '{b}' is an input port and takes no edges")
    n, m = graph.size_of(b), graph.size_of(a)
    for part, size, end in ((data["target_part"], n, b), (data["source_part"], m, a)):
        if part is not None and not 0 <= part[0] < part[1] <= size:
            raise ParameterError(f"{where}: part {tuple(part)} does not lie within the {size} elements of '{end}'")
    n = data["target_part"][1] - data["target_part"][0] if data["target_part"] else n
    m = data["source_part"][1] - data["source_part"][0] if data["source_part"] else m
    if graph.nodes[b]["kind"] == "product" and graph.nodes[b]["form"]:
        return
    if data["weight"] is None:
        if n != m:
            raise ParameterError(f"{where}: {m} elements go to {n}; give a weight of shape ({n}, {m})")
        return
    shape = _parameter(graph, data["weight"], where, used)
    expected = (m, n) if data["transpose"] else (n, m)
    if not (shape in (expected, ()) or (n == m and shape in ((n,), (1,)))) or (shape in ((), (1,)) and n != m):
        raise ParameterError(
            f"{where}: weight '{data['weight']}' has shape {shape}; {expected} is needed"
            f"{' (transposed)' if data['transpose'] else ''}"
        )


def memoryless_order(graph: SignalGraph) -> list[str]:
    """Maps, products and output ports in an order in which each follows its sources.

    Raises
    ------
    ParameterError
        They form a loop; it is named.
    """
    kept = [n for n in graph.nodes if graph.nodes[n]["kind"] in (*MEMORYLESS, "host")]
    part = nx.DiGraph()
    part.add_nodes_from(kept)
    inside = set(kept)
    part.add_edges_from(
        (a, b) for a, b, d in graph.edges(data=True) if a in inside and b in inside and d["delay"] == 0.0
    )
    try:
        order = list(nx.lexicographical_topological_sort(part, key={n: i for i, n in enumerate(graph.nodes)}.get))
    except nx.NetworkXUnfeasible:
        loop = [str(edge[0]) for edge in nx.find_cycle(part)]
        raise ParameterError(
            f"graph '{graph.title}' has an algebraic loop: {' -> '.join([*loop, loop[0]])}; put a state, a hold or a "
            "delay into it"
        ) from None
    return [n for n in order if not (graph.nodes[n]["kind"] == "port" and not graph.nodes[n]["output"])]


def _check_loops(graph: SignalGraph) -> None:
    memoryless_order(graph)


def _check_clocks(graph: SignalGraph) -> None:
    clocked = {n: d["clock"] for n, d in graph.nodes(data=True) if d["kind"] == "state" and d["clock"] is not None}
    if len(set(clocked.values())) < 2:
        return
    for target, clock in clocked.items():
        seen, stack = {target}, [target]
        while stack:
            for a in graph.predecessors(stack.pop()):
                if clocked.get(a, clock) != clock:
                    raise ParameterError(
                        f"state '{target}' of clock '{clock}' is driven by state '{a}' of clock '{clocked[a]}': put a "
                        "hold between them"
                    )
                if a not in seen and graph.nodes[a]["kind"] in (*MEMORYLESS, "host"):
                    seen.add(a)
                    stack.append(a)
