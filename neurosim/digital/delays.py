"""Delayed edges of a digital network: a chain of copies that moves on by one place in each step."""

from __future__ import annotations

from typing import Any

from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.signal_graph import SignalGraph

DELAY_CLOCK = "delay steps"
"""Clock of the chains; what is on it takes its drive from before the step."""


def has_delays(graph: SignalGraph) -> bool:
    """Whether an edge of a flat graph has a delay."""
    return any(_is_chain(graph, a, data) for a, _, data in graph.edges(data=True))


def _is_chain(graph: SignalGraph, source: Any, data: dict[str, Any]) -> bool:
    """Whether an edge becomes a chain; delayed ticks of events wait in queues of their own."""
    return data["delay"] > 0.0 and graph.nodes[source]["kind"] != "event"


def with_chains(graph: SignalGraph, dt: float) -> SignalGraph:
    """The graph with a chain of clocked copies in place of each delay.

    Parameters
    ----------
    graph : SignalGraph
    dt : float
        Step [s]; every delay must be a whole number of steps.

    Raises
    ------
    ParameterError
        A delay is no multiple of dt; names the edge.
    """
    flat = flatten(graph)
    made = flat.copy()
    made.graph["flat"] = True
    made.clock(DELAY_CLOCK, dt)
    chains: dict[tuple[str, Any, int], str] = {}
    for a, b, key, data in list(flat.edges(keys=True, data=True)):
        if not _is_chain(flat, a, data):
            continue
        steps = round(data["delay"] / dt)
        if steps < 1 or abs(steps * dt - data["delay"]) > 1e-9 * data["delay"]:
            raise ParameterError(
                f"edge '{a}' -> '{b}': its delay of {data['delay']:g} s must be a multiple of dt = {dt:g} s"
            )
        start, stop = data["source_part"] or (0, flat.size_of(a))
        size = stop - start
        chain = chains.get((a, data["source_part"], steps))
        if chain is None:
            chain = chains[a, data["source_part"], steps] = f"{a}/delayed {steps} steps from {start}"
            made.state(chain, size * steps, clock=DELAY_CLOCK)
            made.connect(a, chain, source_part=data["source_part"], target_part=(0, size))
            if steps > 1:
                kept = size * (steps - 1)
                made.connect(chain, chain, source_part=(0, kept), target_part=(size, size * steps))
        made.remove_edge(a, b, key)
        made.add_edge(chain, b, **{**data, "delay": 0.0, "source_part": (size * (steps - 1), size * steps)})
    return made
