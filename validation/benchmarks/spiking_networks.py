"""The networks of the benchmark `spiking`; ``python spiking_networks.py CONTEST`` is our way to a first result."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.architectures import architectures
from neurosim.graph.flatten import flatten
from neurosim.randomness import stream

DT, SPAN, ROUNDS, INPUTS, RATE, FIRST = 1e-4, 1.0, 3, 4, 20.0, 0.1
LIQUIDS = {"liquid 135": (15, 3, 3), "liquid 1000": (10, 10, 10), "liquid 10000": (25, 20, 20)}


def network(contest: str) -> tuple[ns.SignalGraph, dict[str, Any]]:
    """Graph of a contest, and its arrays for the other engines, in mV, ms and nA."""
    if contest in LIQUIDS:
        graph = architectures.get("liquid").build(
            LIQUIDS[contest], inputs=INPUTS, seed=3, input_amplitudes=(9e-9, 4.5e-9)
        )
        flat = flatten(graph, expand=False)
        draw = stream(3, "benchmark input")
        steps = [np.flatnonzero(draw.random(round((ROUNDS + 1) * SPAN / DT)) < RATE * DT) + 1 for _ in range(INPUTS)]
        given = graph.parameters["W input"].value.tocoo()
        arrays = {
            "v": flat.nodes["neurons/v"]["initial"] * 1e3, "rest": flat.nodes["neurons/spike"]["refractory"] * 1e3,
            "spike_steps": np.concatenate(steps), "spike_inputs": np.repeat(np.arange(INPUTS), [s.size for s in steps]),
            "input_sources": given.col, "input_targets": given.row, "input_weights": given.data * 1e9,
        }  # fmt: skip
        for kind, delay in (("EE", 1.5), ("EI", 0.8), ("IE", 0.8), ("II", 0.8)):
            weight, use, recovery, facilitation = (graph.parameters[f"{what} {kind}"].value.tocoo() for what in "WUDF")
            arrays |= {
                f"{kind} sources": weight.col, f"{kind} targets": weight.row, f"{kind} weights": weight.data * 1e9,
                f"{kind} U": use.data, f"{kind} D": recovery.data * 1e3, f"{kind} F": facilitation.data * 1e3,
                f"{kind} delay": delay,
            }  # fmt: skip
        return graph, arrays
    graph = architectures.get("balanced").build(4000, synapses=contest[:4].lower(), seed=7)
    arrays = {"v": flatten(graph, expand=False).nodes["neurons/v"]["initial"] * 1e3}
    for kind in ("excitatory", "inhibitory"):
        weight = graph.parameters[f"W {kind}"].value.tocoo()
        arrays |= {f"{kind} sources": weight.col, f"{kind} targets": weight.row}
    return graph, arrays


def drive(contest: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """Our input of a contest."""
    if contest not in LIQUIDS:
        return {}
    return {"train": ns.spike_trains(arrays["spike_steps"] * DT, arrays["spike_inputs"])}


if __name__ == "__main__":
    built, numbers = network(sys.argv[1])
    result = ns.simulate(built, (0.0, FIRST), dt=DT, drive=drive(sys.argv[1], numbers))
    assert any(train.size for train in result.trains["neurons/spike"])
