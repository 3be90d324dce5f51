"""A deep echo state network: a nudge of the input is remembered longer in higher layers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from neurosim.architectures.deep_echo_state import deep_echo_state
from neurosim.digital.network import digital
from neurosim.randomness import stream
from validation.case import Case, Context
from validation.figures import curves

SOURCE = "Gallicchio, Micheli & Pedrelli, Neurocomputing 268, 87 (2017): time scales are ordered along the layers"
LAYERS, NUDGED, AFTER = 5, 200, 120


def distances(seed: int) -> np.ndarray:
    """Distance of states of two runs whose input differs at one step, over the first one; shape (steps, layers)."""
    graph = deep_echo_state(1, 100, 1, layers=LAYERS, leak=0.55, layer_scaling=1.0, spectral_radius=0.9, seed=seed)
    network = digital(graph)
    u = stream(seed, "deep reservoir").uniform(-0.5, 0.5, (NUDGED + AFTER, 2, 1))
    u[:, 1] = u[:, 0]
    u[NUDGED, 1] += 0.2
    states = network.sequence(u).states[NUDGED:]
    parts = [network.program.states.slices[f"x{k + 1}"] for k in range(LAYERS)]
    apart = np.stack([np.linalg.norm(states[:, 1, p] - states[:, 0, p], axis=-1) for p in parts], axis=1)
    return apart / apart.max(axis=0)


def cases(context: Context) -> Iterator[Case]:
    """Mean of five networks."""
    apart = np.mean([distances(seed) for seed in range(5)], axis=0)
    lasting = (apart >= 0.1).sum(axis=0)
    steps = np.arange(AFTER)
    shown = {f"layer {k + 1}": (steps, apart[:, k], "-") for k in range(LAYERS)}
    yield Case(
        "deep reservoir, memory along the layers", SOURCE,
        "steps until the trace of a nudge is below a tenth of its peak, by layer; error: layers out of order",
        "rising", ", ".join(map(str, lasting)), float((np.diff(lasting) < 0).sum()), 0.0,
        "an order; the source shows the same with another measure",
        context.figure("deep reservoir", curves("steps after the nudge", "distance over its peak", shown)),
    )  # fmt: skip
