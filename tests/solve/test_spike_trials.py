"""Trials of a spiking network that run side by side are what they are alone, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, SimulationError
from neurosim.graph.spikes import compile_spikes
from neurosim.solve import spike_trials as module

TRIALS = 7


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch):
    """Results with trials side by side, and alone."""

    def run(*args, **settings) -> tuple[np.ndarray, np.ndarray]:
        found = []
        for together in (1000, 1):
            monkeypatch.setattr(module, "WORTH_COMPILING", 0)
            monkeypatch.setattr(module, "TOGETHER", together)
            found.append(ns.spike_trials(*args, **settings))
        return found[0], found[1]

    return run


def drives(size: int = 2) -> list[dict]:
    return [{"train": ns.poisson_trains(60.0, 0.1, size, seed=k)} if k != 3 else {} for k in range(TRIALS)]


def test_a_liquid(compared):
    net, draw = ns.architectures.liquid((5, 3, 3), inputs=2, seed=1), np.random.default_rng(0)
    times = np.sort(draw.uniform(0.02, 0.1, (TRIALS, 3)), axis=1)
    starts = [{"neurons/v": draw.uniform(13.5e-3, 15e-3, 45)} for _ in range(TRIALS - 1)] + [{}]
    for graph in (net, compile_spikes(net, 1e-4)):
        together, alone = compared(graph, drives(), times, dt=1e-4, save="trace", initial=starts)
        assert together.shape == (TRIALS, 3, 45)
        assert (together == alone).all()
        assert len(np.unique(alone[:, 2].sum(axis=1))) == TRIALS


def test_conductances_that_differ_between_neurons(compared):
    """Steps by a program, thresholds and resets of each neuron, a weight for all, and one for each pair."""
    net = ns.SignalGraph("conductances")
    net.sub("in", ns.neurons.spike_source(2))
    net.port("train", 2)
    net.connect("train", "in/train")
    net.sub("n", ns.neurons.conductance_lif(3, threshold=np.array([-58e-3, -57e-3, -56e-3])))
    net.parameter("W", np.array([[8e-9, 2e-9], [0.0, 9e-9], [7e-9, 8e-9]]))
    net.connect("in/spike", "n/excitatory", weight="W", delay=1e-3)
    net.connect("n/spike", "n/inhibitory", gain=3e-9, delay=1e-3)
    together, alone = compared(net, drives(), np.full(TRIALS, 0.08), dt=1e-4, save="n/v")
    assert (together == alone).all()
    assert np.ptp(alone) > 1e-3


def test_what_is_wrong_is_said_as_of_a_trial_alone(compared):
    net = ns.architectures.liquid((3, 2, 2), inputs=2, seed=1)
    wrong = [*drives()[:-1], {"train": ns.spike_trains([0.01], [2])}]
    with pytest.raises(ParameterError, match="input 'train' has 2 elements, a spike is for element 2"):
        compared(net, wrong, np.full(TRIALS, 0.08), dt=1e-4, save="trace")
    growing = ns.SignalGraph("grows")
    growing.sub("in", ns.neurons.spike_source(2))
    growing.port("train", 2)
    growing.connect("train", "in/train")
    growing.state("x", 2, time_constant=1e-5, leak=-1.0)
    growing.connect("in/spike", "x", gain=1e300)
    with pytest.raises(SimulationError, match=r"state 'x\[[01]\]' is not finite"):
        compared(growing, drives(), np.full(TRIALS, 0.08), dt=1e-4, save="x")
