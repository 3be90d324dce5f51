"""What the tests of architectures share: random weights, the net under forward Euler, derivatives by differences."""

from __future__ import annotations

import numpy as np

from neurosim.digital.network import DigitalNetwork, Trajectory, digital
from neurosim.graph.signal_graph import SignalGraph

STEPS, SAMPLES = 7, 3


def randomised(graph: SignalGraph, seed: int = 0, scale: float = 0.7) -> SignalGraph:
    """The graph with normal values in every parameter, so that none hides behind its initial zero."""
    rng = np.random.default_rng(seed)
    return graph.with_weights({name: scale * rng.normal(size=w.shape) for name, w in graph.weights().items()})


def run(graph: SignalGraph, seed: int = 1) -> tuple[np.ndarray, np.ndarray, Trajectory, DigitalNetwork]:
    """Random inputs u (steps, samples, m), random initial states, and the run of the textbook recurrence."""
    network = digital(graph)
    rng = np.random.default_rng(seed)
    u = rng.normal(size=(STEPS, SAMPLES, sum(graph.size_of(name) for name in graph.inputs)))
    y0 = rng.normal(size=(SAMPLES, network.program.states.size))
    return u, y0, network.sequence(u, y0, keep=True), network


def states(network: DigitalNetwork, y: np.ndarray) -> dict[str, np.ndarray]:
    """Named parts of a state vector."""
    return network.program.states.unpack(y)


def check_gradient(network: DigitalNetwork, u: np.ndarray, y0: np.ndarray, tolerance: float = 1e-8) -> None:
    """Backpropagation through time against differences of fourth order in random directions."""
    rng = np.random.default_rng(2)
    vector = network.program.p[: network.program.parameters.size]
    kept = network.sequence(u, y0, keep=True)
    weights = [rng.normal(size=a.shape) for a in (kept.outputs, kept.states, kept.final)]

    def value(p: np.ndarray, y: np.ndarray, v: np.ndarray) -> float:
        made = network.with_parameters(p).sequence(v, y)
        parts = zip(weights, (made.outputs, made.states, made.final), strict=True)
        return float(sum((w * x).sum() for w, x in parts))

    found = network.gradient(kept, weights[0], d_states=weights[1], d_final=weights[2], inputs=True)
    dp, dy, du = rng.normal(size=vector.shape), rng.normal(size=y0.shape), rng.normal(size=u.shape)
    for forward, back, direction in (
        (lambda e: value(vector + e * dp, y0, u), found.parameters, dp),
        (lambda e: value(vector, y0 + e * dy, u), found.initial, dy),
        (lambda e: value(vector, y0, u + e * du), found.inputs, du),
    ):
        near, far = (forward(e) - forward(-e) for e in (1e-4, 2e-4))
        difference = (8.0 * near - far) / 12e-4
        assert abs((back * direction).sum() - difference) < tolerance * (1.0 + abs(difference))


def logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))
