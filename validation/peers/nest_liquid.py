"""The liquid of 135 neurons against NEST: the same spikes, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import neurosim as ns
from neurosim.architectures.liquid import PROJECTIONS, liquid
from neurosim.randomness import stream
from validation.case import Case, Context

DT, SPAN, INPUTS, RATE = 1e-4, 2.0, 4, 20.0
NEST_LEAD = 2
"""Steps that NEST's spike generators and relays take until their spikes reach a neuron."""


def cases(context: Context) -> Iterator[Case]:
    """Spikes of all neurons over two seconds, two liquids."""
    try:
        import nest
    except ImportError:
        context.remarks.append("nest is not installed: the spikes of the liquid were not compared with it")
        return
    for seed in (3, 4):
        graph = liquid(inputs=INPUTS, seed=seed, input_amplitudes=(9e-9, 4.5e-9))
        draw = stream(seed, "nest liquid")
        given = [np.flatnonzero(draw.random(round(SPAN / DT)) < RATE * DT) + 1 for _ in range(INPUTS)]
        theirs = _nest(nest, graph, given)
        trains = ns.spike_trains([(steps + NEST_LEAD) * DT for steps in given])
        run = ns.simulate(graph, (0.0, SPAN), dt=DT, drive={"train": trains})
        ours = [np.round(run.events[f"neurons/spike[{k}]"] / DT).astype(int) for k in range(len(theirs))]
        counts = sum(a.size != b.size for a, b in zip(ours, theirs, strict=True))
        pairs = [np.abs(a - b) for a, b in zip(ours, theirs, strict=True) if a.size == b.size and a.size]
        furthest = int(max((d.max() for d in pairs), default=0)) if counts == 0 else np.inf
        total = sum(a.size for a in theirs)
        yield Case(
            f"liquid of 135 neurons, seed {seed}", f"NEST {nest.__version__}, iaf_psc_exp and tsodyks2_synapse",
            f"largest difference of a spike [steps of 0.1 ms] over {SPAN:g} s; neurons with another count: {counts}",
            f"{total} spikes", f"{sum(a.size for a in ours)} spikes", furthest, 1.0,
            "one step of the grid, with equal counts of every neuron",
        )  # fmt: skip


def _nest(nest: Any, graph: ns.SignalGraph, given: list[np.ndarray]) -> list[np.ndarray]:
    """Steps of the spikes of each neuron of the same network in NEST; its units are mV, pF, ms, and pA for our nA."""
    nest.ResetKernel()
    nest.resolution, nest.local_num_threads = DT * 1e3, 1
    body = graph.nodes["neurons"]["body"]
    start = body.nodes["v"]["initial"]
    cells = nest.Create("iaf_psc_exp", len(start), params={
        "E_L": 0.0, "V_reset": 13.5, "V_th": 15.0, "tau_m": 30.0, "C_m": 30.0, "I_e": 13.5, "tau_syn_ex": 3.0,
        "tau_syn_in": 6.0,
    })  # fmt: skip
    cells.V_m = list(start * 1e3)
    cells.t_ref = list(body.nodes["spike"]["refractory"] * 1e3)
    for name, numbers in PROJECTIONS.items():
        weights, use, recovery, facilitation = (graph.parameters[f"{what} {name}"].value.tocoo() for what in "WUDF")
        nest.Connect(weights.col + 1, weights.row + 1, "one_to_one", {
            "synapse_model": "tsodyks2_synapse", "weight": weights.data * 1e9,
            "delay": np.full(weights.nnz, round(numbers.delay * 1e3, 3)), "U": use.data, "u": use.data,
            "x": np.ones(weights.nnz), "tau_rec": recovery.data * 1e3, "tau_fac": facilitation.data * 1e3,
        })  # fmt: skip
    generators, relays = nest.Create("spike_generator", len(given)), nest.Create("parrot_neuron", len(given))
    nest.Connect(generators, relays, "one_to_one", {"delay": DT * 1e3})
    for generator, steps in zip(generators, given, strict=True):
        generator.spike_times = list(np.round(steps * DT * 1e3, 1))
    inputs = graph.parameters["W input"].value.tocoo()
    nest.Connect(np.array(relays.tolist())[inputs.col], inputs.row + 1, "one_to_one", {
        "synapse_model": "static_synapse", "weight": inputs.data * 1e9, "delay": np.full(inputs.nnz, DT * 1e3),
    })  # fmt: skip
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    nest.Simulate(SPAN * 1e3)
    steps, senders = np.round(recorder.events["times"] / (DT * 1e3)).astype(int), recorder.events["senders"] - 1
    return [np.sort(steps[senders == k]) for k in range(len(start))]
