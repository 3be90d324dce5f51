"""Delayed edges of a graph that flows: each becomes an input that carries the past of a flowing state.

A delay behind maps and products moves through them to the states that they see, for their value at t - d follows from
the states at t - d. Before t = 0 states have their initial values, or those of a given history.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph

MOST_KINKS = 100_000
"""Kinks are not followed through more sums of delays than this."""


@dataclass(frozen=True)
class Delay:
    """An input that is a part of a state some time ago.

    Attributes
    ----------
    port : str
        Name of the input.
    state : str
    part : (int, int)
        Elements of the flattened state.
    seconds : float
    """

    port: str
    state: str
    part: tuple[int, int]
    seconds: float


def has_delays(graph: SignalGraph) -> bool:
    """Whether an edge of a flat graph has a delay; delayed ticks of events wait in queues of their own."""
    return any(data["delay"] > 0.0 and graph.nodes[a]["kind"] != "event" for a, _, data in graph.edges(data=True))


def delays_refused(title: str, delays: tuple[Delay, ...]) -> str:
    """What to say where a graph is taken for an equation of its present state."""
    return (
        f"graph '{title}' has delays ('{delays[0].port}'), so its state is a whole past: simulate(), digital() and "
        "compare() can, this cannot"
    )


def without_delays(graph: SignalGraph) -> tuple[SignalGraph, tuple[Delay, ...]]:
    """The graph with inputs called ``"x(t - 1 s)"`` in place of delayed edges, and what they carry.

    Parameters
    ----------
    graph : SignalGraph
        Flat and checked.

    Raises
    ------
    ParameterError
        What is delayed is an input, jumps at a clock, is a Python procedure, or depends on itself by delays alone;
        names the edge.
    """
    if not has_delays(graph):
        return graph, ()
    moved = _Moved(graph)
    for a, b, key, data in list(graph.edges(keys=True, data=True)):
        if data["delay"] > 0.0 and data["role"] != "teach":
            where = f"edge '{a}' -> '{b}' with a delay of {data['delay']:g} s"
            moved.made.remove_edge(a, b, key)
            moved.connect(str(a), str(b), data, data["delay"], where, ())
    moved.made.graph["flat"] = True
    return moved.made, tuple(moved.delays.values())


class _Moved:
    """The graph in the making."""

    def __init__(self, graph: SignalGraph) -> None:
        self.graph, self.made = graph, graph.copy()
        self.delays: dict[str, Delay] = {}

    def connect(self, a: str, b: str, data: dict, delay: float, where: str, path: tuple[str, ...]) -> None:
        """Connect the past of `a` to `b` as the edge `data` says, which may take a part of it."""
        whole = (0, self.graph.size_of(a))
        if self.graph.nodes[a]["kind"] == "state":
            source, part = self._port(a, data["source_part"] or whole, delay, where), None
        else:
            source, part = self._copy(a, delay, where, path), data["source_part"]
        self.made.add_edge(source, b, **{**data, "delay": 0.0, "source_part": part})

    def _port(self, name: str, part: tuple[int, int], delay: float, where: str) -> str:
        data, size = self.graph.nodes[name], self.graph.size_of(name)
        if data["clock"] is not None:
            raise ParameterError(
                f"{where}: '{name}' jumps at the clock '{data['clock']}', and only the past of states that flow is "
                "kept; a digital network can delay it"
            )
        shown = f"[{part[0]}:{part[1]}]" if part != (0, size) else ""
        port = f"{name}{shown}(t - {delay:.12g} s)"
        if port not in self.delays:
            self.delays[port] = Delay(port, name, (part[0], part[1]), delay)
            shape = data["shape"] if part == (0, size) else (part[1] - part[0],)
            self.made.add_node(
                port, kind="port", shape=shape, output=False, unit=data["unit"], limits=None, bias=None
            )  # fmt: skip
        return port

    def _copy(self, name: str, delay: float, where: str, path: tuple[str, ...]) -> str:
        """A copy of a map or product that sees the past."""
        data = self.graph.nodes[name]
        if data["kind"] not in ("map", "product"):
            kind = "an input" if data["kind"] == "port" else f"a {data['kind']}"
            raise ParameterError(
                f"{where}: '{name}' is {kind}, and only the past of states that flow is kept; a digital network can "
                "delay it" + (", or drive it later by yourself" if kind == "an input" else "")
            )
        if name in path:
            raise ParameterError(
                f"{where}: '{name}' depends on itself by delays alone; put a state that flows between, or take a "
                "digital network"
            )
        copy = f"{name}(t - {delay:.12g} s)"
        if copy not in self.made:
            self.made.add_node(copy, **data)
            for a, _, edge in list(self.graph.in_edges(name, data=True)):
                self.connect(str(a), copy, edge, delay + edge["delay"], where, (*path, name))
        return copy


def propagated(kinks: np.ndarray, delays: tuple[Delay, ...], t_stop: float, levels: int) -> np.ndarray:
    """Times in (0, t_stop) at which a kink at one of `kinks` or at 0 shows again, that many delays later."""
    seconds = np.unique([delay.seconds for delay in delays])
    level, found = np.concatenate([[0.0], kinks]), []
    for _ in range(levels):
        level = (level[:, None] + seconds).ravel()
        # Sums that differ by rounding are one moment.
        level = np.unique(level[level < t_stop])
        level = level[np.diff(level, prepend=-np.inf) > 1e-12 * t_stop]
        found.append(level)
        if level.size * seconds.size > MOST_KINKS:
            break
    return np.concatenate(found) if found else np.empty(0)
