"""Delayed edges of a digital network: a chain of copies that moves on by one place in each step."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.graph.flatten import flatten
from neurosim.graph.program import compile_graph
from neurosim.graph.signal_graph import SignalGraph

DELAY_CLOCK = "delay steps"
"""Clock of the chains; what is on it takes its drive from before the step."""


def _is_chain(graph: SignalGraph, source: Any, data: dict[str, Any]) -> bool:
    """Whether an edge becomes a chain; delayed ticks of events wait in queues of their own."""
    return data["delay"] > 0.0 and graph.nodes[source]["kind"] != "event"


def with_chains(graph: SignalGraph, dt: float) -> SignalGraph:
    """The graph with a chain of clocked copies in place of each delay.

    Before the first step, states had their initial values and inputs were 0; a map that depends on itself by delays
    alone was 0 as well.

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
    past = _past(flat)
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
            made.state(chain, size * steps, clock=DELAY_CLOCK, initial=np.tile(past[str(a)][start:stop], steps))
            made.connect(a, chain, source_part=data["source_part"], target_part=(0, size))
            if steps > 1:
                kept = size * (steps - 1)
                made.connect(chain, chain, source_part=(0, kept), target_part=(size, size * steps))
        made.remove_edge(a, b, key)
        made.add_edge(chain, b, **{**data, "delay": 0.0, "source_part": (size * (steps - 1), size * steps)})
    return made


def _past(graph: SignalGraph) -> dict[str, np.ndarray]:
    """Values before the first step of all that an edge delays."""
    delayed = {str(a) for a, _, data in graph.edges(data=True) if _is_chain(graph, a, data)}
    past = {name: np.zeros(graph.size_of(name)) for name in delayed}
    for name in delayed & set(graph.of_kind("state", "hold")):
        past[name] = graph.value_of(graph.nodes[name]["initial"], past[name].size, f"'{name}', initial")
    memoryless = sorted(delayed & set(graph.of_kind("map", "product")))
    if memoryless and not graph.of_kind("host"):
        still = graph.copy()
        for _, _, data in still.edges(data=True):
            data["delay"] = 0.0
        for name in memoryless:
            still.port(f"past of {name}", graph.nodes[name]["shape"], output=True)
            still.connect(name, f"past of {name}")
        try:
            program = compile_graph(still)
        except ParameterError:
            return past
        values = program.output(program.initial, np.zeros(program.inputs.size))
        past |= {name: values[program.outputs.slices[f"past of {name}"]] for name in memoryless}
    return past
