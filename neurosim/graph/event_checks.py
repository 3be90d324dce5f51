"""What is checked of events, their edges, and the pulses that they send."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import RESETS, SignalGraph


def check_event(graph: SignalGraph, name: str) -> None:
    """Check threshold, refractory time and name of an event.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    data, where = graph.nodes[name], f"event '{name}'"
    graph.value_of(data["threshold"], graph.size_of(name), f"{where}, threshold")
    pause = graph.value_of(data["refractory"], graph.size_of(name), f"{where}, refractory")
    if not (pause >= 0.0).all():
        raise ParameterError(f"{where}: refractory time {pause.min():g} s must be zero or more")
    if name in graph.clocks:
        raise ParameterError(f"{where}: a clock has the same name; rename one")
    resets = any(d["role"] == "reset" for _, _, d in graph.out_edges(name, data=True))
    if (pause > 0.0).any() and not resets:
        raise ParameterError(f"{where}: a refractory time holds what the event resets, but it resets no state")


def check_event_edge(graph: SignalGraph, a: str, b: str, data: dict) -> None:
    """Check an edge of role ``reset`` or ``clock``.

    Raises
    ------
    ParameterError, UnknownNameError
    """
    where, role = f"edge '{a}' -> '{b}'", data["role"]
    if graph.nodes[a]["kind"] != "event":
        raise ParameterError(
            f"{where}: role '{role}' needs an event as its source, '{a}' is a {graph.nodes[a]['kind']}"
        )
    if data["weight"] is not None or data["delay"] > 0.0 or data["gain"] != 1.0:
        raise ParameterError(f"{where}: an edge of role '{role}' takes no weight, gain or delay")
    target = graph.nodes[b]
    if role == "clock":
        if target["kind"] not in ("state", "hold") or target["clock"] != a:
            raise ParameterError(f"{where}: '{b}' must be a state or hold that is declared with clock='{a}'")
        return
    if target["kind"] != "state" or target["clock"] is not None:
        what = f"a state of clock '{target['clock']}'" if target["kind"] == "state" else f"a {target['kind']}"
        raise ParameterError(f"{where}: a reset needs a state that flows (with a time_constant), '{b}' is {what}")
    named = [key for key in RESETS if data.get(key) is not None]
    if len(named) != 1:
        raise ParameterError(
            f"{where}: name the reset by one of to= (x <- to), by= (x <- x - by), factor= (x <- factor x), draw="
            + (f", not {' and '.join(named)}" if named else "")
        )
    n, m = _sizes(graph, a, b, data)
    if m not in (1, n):
        raise ParameterError(f"{where}: {m} elements reset {n}; as many, or an event of one element, are needed")
    graph.value_of(data[named[0]], n, f"{where}, {named[0]}")


def check_ticked(graph: SignalGraph, name: str) -> None:
    """Check a state or hold whose clock is an event.

    Raises
    ------
    ParameterError
    """
    clock, data = graph.nodes[name]["clock"], graph.nodes[name]
    n, m = graph.size_of(name), graph.size_of(clock)
    if m not in (1, n):
        raise ParameterError(
            f"{data['kind']} '{name}': its clock '{clock}' is an event of {m} elements for its {n}; as many, or one, "
            "are needed"
        )


def pulse_nodes(graph: SignalGraph) -> set[str]:
    """Maps and products that carry pulses: what ticks of events become on their way to states."""
    found: set[str] = set()
    stack = graph.of_kind("event")
    while stack:
        for _, b, data in graph.out_edges(stack.pop(), data=True):
            if data["role"] in ("add", "factor") and b not in found and graph.nodes[b]["kind"] in ("map", "product"):
                found.add(b)
                stack.append(b)
    return found


def check_pulses(graph: SignalGraph) -> None:
    """Check what ticks are led to: a pulse lasts no time, so only sums, products with values, and states take it.

    Raises
    ------
    ParameterError
        Names the edge, and what to do.
    """
    events = set(graph.of_kind("event"))
    carriers = pulse_nodes(graph)
    sources = events | carriers
    for a, b, data in graph.edges(data=True):
        if a not in sources or data["role"] in ("reset", "clock", "teach"):
            continue
        where, target = f"edge '{a}' -> '{b}'", graph.nodes[b]
        if data["delay"] > 0.0 and a not in events:
            raise ParameterError(f"{where}: the delay of a pulse belongs to the edge that leaves the event")
        if target["kind"] == "state":
            if target["clock"] is not None:
                raise ParameterError(
                    f"{where}: pulses move states that flow, '{b}' jumps at ticks of '{target['clock']}'; let them "
                    "move a state with leak=0 and drive this one with it"
                )
        elif target["kind"] == "event":
            raise ParameterError(f"{where}: a tick lasts no time, so no event can watch it; put a state between them")
        elif target["kind"] not in ("map", "product"):
            what = "an output port" if target["kind"] == "port" else f"a {target['kind']}"
            raise ParameterError(
                f"{where}: a tick lasts no time and has no value that {what} could take; put a state between them "
                "(the times of ticks are in result.events)"
            )
    for name in sorted(carriers, key=list(graph.nodes).index):
        _check_carrier(graph, name, sources)


def stuck_events(graph: SignalGraph) -> list[str]:
    """Notes of events that put the state that they watch to their threshold or above, so that they tick once."""
    notes = []
    for name in graph.of_kind("event"):
        watched = {a for a, _, d in graph.in_edges(name, data=True) if d["weight"] is None and d["gain"] == 1.0}
        for _, state, data in graph.out_edges(name, data=True):
            if data["role"] != "reset" or data.get("to") is None or state not in watched:
                continue
            size = graph.size_of(name)
            level = graph.value_of(graph.nodes[name]["threshold"], size, f"event '{name}'")
            if (graph.value_of(data["to"], size, f"reset of '{state}'") >= level).any():
                notes.append(f"event '{name}' resets '{state}' to its threshold or above: there it does not tick again")
    return notes


def _check_carrier(graph: SignalGraph, name: str, sources: Collection[str]) -> None:
    data = graph.nodes[name]
    edges = [(str(a), d) for a, _, d in graph.in_edges(name, data=True) if d["role"] in ("add", "factor")]
    pulses, values = [e for e in edges if e[0] in sources], [e for e in edges if e[0] not in sources]
    first = pulses[0][0]
    if data["kind"] == "map":
        if data["function"] != "identity" or data.get("law") is not None:
            raise ParameterError(
                f"edge '{first}' -> '{name}': a tick lasts no time, map '{data['function']}' has no value for it; put "
                "a state between them"
            )
        if values or data["bias"] is not None:
            other = f"'{values[0][0]}'" if values else f"bias '{data['bias']}'"
            raise ParameterError(f"map '{name}' adds pulses of '{first}' and values of {other}; add them at a state")
        return
    slots = {d["slot"] for _, d in pulses}
    mixed = next((a for a, d in values if d["slot"] in slots), None)
    if len(slots) > 1 or mixed is not None:
        raise ParameterError(
            f"product '{name}': exactly one factor may be pulses (of '{first}'), and no values in the same slot; "
            + (f"'{mixed}' gives values" if mixed else f"slots {', '.join(map(str, sorted(slots)))} have pulses")
        )


def _sizes(graph: SignalGraph, a: str, b: str, data: dict) -> tuple[int, int]:
    """Elements of the target and of the source that an edge connects."""
    n, m = graph.size_of(b), graph.size_of(a)
    for part, size, end in ((data["target_part"], n, b), (data["source_part"], m, a)):
        if part is not None and not 0 <= part[0] < part[1] <= size:
            raise ParameterError(f"edge '{a}' -> '{b}': part {tuple(part)} does not lie within '{end}' ({size})")
    n, m = (int(np.subtract(*part[::-1])) if part else size for part, size in (
        (data["target_part"], n), (data["source_part"], m),
    ))  # fmt: skip
    return n, m
