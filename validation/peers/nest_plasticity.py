"""Synapses that learn, against NEST: pairs and triplets of spikes at random times."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.neurons.spike_source import spike_source
from neurosim.randomness import stream
from validation.case import Case, Context

DT, SPAN, SPIKES, DELAY = 1e-4, 2.0, 40, 10
"""Step [s], length [s], spikes of each neuron; NEST's delay [steps], which is that of the dendrite: spikes behind the
synapse reach it so much later."""
RULES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "pairs": (
        {"rule": "stdp", "amplitude_plus": 0.01, "amplitude_minus": 0.0105, "bounds": (0.0, 1.0)},
        {"synapse_model": "stdp_synapse", "lambda": 0.01, "alpha": 1.05, "mu_plus": 0.0, "mu_minus": 0.0, "Wmax": 1.0,
         "tau_plus": 20.0},
    ),
    "pairs with soft bounds": (
        {"rule": "stdp", "amplitude_plus": 0.05, "amplitude_minus": 0.04, "bounds": (0.0, 1.0), "soft": True},
        {"synapse_model": "stdp_synapse", "lambda": 0.05, "alpha": 0.8, "mu_plus": 1.0, "mu_minus": 1.0, "Wmax": 1.0,
         "tau_plus": 20.0},
    ),
    "triplets": (
        {"rule": "triplet_stdp", "pair_plus": 5e-10, "triplet_plus": 6.2e-3, "pair_minus": 7e-3,
         "triplet_minus": 2.3e-4, "tau_x": 101e-3, "tau_y": 125e-3, "bounds": (0.0, 100.0)},
        {"synapse_model": "stdp_triplet_synapse", "Aplus": 5e-10, "Aplus_triplet": 6.2e-3, "Aminus": 7e-3,
         "Aminus_triplet": 2.3e-4, "tau_plus": 16.8, "tau_plus_triplet": 101.0, "Wmax": 100.0},
    ),
}  # fmt: skip
"""Our settings, and those of NEST in ms."""


def cases(context: Context) -> Iterator[Case]:
    """Weights after 40 spikes on either side."""
    try:
        import nest
    except ImportError:
        context.remarks.append("nest is not installed: synapses that learn were not compared with it")
        return
    draw = stream(1, "nest plasticity")
    last = round(SPAN / DT)
    behind = np.sort(draw.choice(np.arange(20, last - 600), SPIKES, replace=False))
    # Not two at one step, of which NEST makes something else; the last of all is one from before: NEST looks then.
    free = np.setdiff1d(np.arange(20, last - 300), behind + DELAY)
    before = np.append(np.sort(draw.choice(free, SPIKES - 1, replace=False)), last - 200)
    for name, (ours, theirs) in RULES.items():
        wanted, found = _nest(nest, theirs, before, behind, ours), _ours(ours, before, behind)
        yield Case(
            f"plasticity, {name}", f"NEST {nest.__version__}, {theirs['synapse_model']}",
            f"weight after {SPIKES} spikes before and behind, from 0.5; relative difference", f"{wanted:.12g}",
            f"{found:.12g}", abs(found / wanted - 1.0), 1e-9, "rounding, in another order of the same sums",
        )  # fmt: skip


def _ours(rule: dict[str, Any], before: np.ndarray, behind: np.ndarray) -> float:
    graph = ns.SignalGraph("pair of neurons")
    for name in ("a", "b"):
        graph.sub(name, spike_source(1))
        graph.port(f"to {name}")
        graph.connect(f"to {name}", f"{name}/train")
    graph.state("v", 1, time_constant=1.0)
    graph.parameter("W", np.full((1, 1), 0.5))
    graph.connect("a/spike", "v", weight="W", plastic={"post": "b/spike", **rule})
    drive = {"to a": ns.spike_trains([before * DT]), "to b": ns.spike_trains([(behind + DELAY) * DT])}
    return float(ns.simulate(graph, (0.0, SPAN), dt=DT, drive=drive).weights["W"][0, 0])


def _nest(nest: Any, synapse: dict[str, Any], before: np.ndarray, behind: np.ndarray, ours: dict[str, Any]) -> float:
    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = DT * 1e3, 1
    cells = nest.Create("parrot_neuron", 2)
    cells[1].tau_minus = 1e3 * ours.get("tau_minus", 33.7e-3 if "triplet" in synapse["synapse_model"] else 20e-3)
    if "triplet" in synapse["synapse_model"]:
        cells[1].tau_minus_triplet = 1e3 * ours["tau_y"]
    generators = nest.Create("spike_generator", 2)
    for k, steps in enumerate((before, behind)):
        # A relay passes on what a generator sent one step before.
        generators[k].spike_times = list(np.round((steps - 1) * DT * 1e3, 1))
    nest.Connect(generators, cells, "one_to_one", {"delay": DT * 1e3})
    # Port 1 of a relay takes spikes without passing them on.
    nest.Connect(cells[0], cells[1], "one_to_one", {
        **synapse, "weight": 0.5, "delay": DELAY * DT * 1e3, "receptor_type": 1,
    })  # fmt: skip
    nest.Simulate(SPAN * 1e3)
    return float(nest.GetConnections(synapse_model=synapse["synapse_model"]).weight)
