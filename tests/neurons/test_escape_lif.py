"""Escape noise: waiting times of a neuron that ticks by chance."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.formats.graphs.graph_json import from_document, to_document

CURRENT, RATE, WIDTH, REFRACTORY = 14.8e-9, 40.0, 0.6e-3, 3e-3


def survival(t: np.ndarray) -> np.ndarray:
    """Probability that there is no spike until t after v was let go at the reset value."""
    v = 1e6 * CURRENT + (13.5e-3 - 1e6 * CURRENT) * np.exp(-t / 30e-3)
    hazard = RATE * np.exp((v - 15e-3) / WIDTH)
    return np.exp(-np.concatenate([[0.0], np.cumsum(0.5 * (hazard[1:] + hazard[:-1]) * np.diff(t))]))


def waiting_times(seed: int, size: int = 300) -> np.ndarray:
    net = ns.neurons.escape_lif(size, rate=RATE, width=WIDTH, refractory=REFRACTORY, background=CURRENT)
    events = ns.simulate(net, (0.0, 1.0), dt=1e-4, seed=seed).events
    # The first ones: later ones in a span of fixed length are biased to be short.
    return np.concatenate([times[:3] - np.concatenate([[-REFRACTORY], times[:2]]) for times in events.values()])


def test_waiting_times_have_their_distribution():
    found = np.sort(waiting_times(1)) - REFRACTORY
    assert found.size == 900
    t = np.linspace(0.0, 1.0, 20_001)
    # Ticks are at the end of their steps: half a step late in the mean.
    statistic = scipy.stats.kstest(found - 0.5e-4, lambda x: 1.0 - np.interp(x, t, survival(t)))
    assert statistic.pvalue > 0.01
    mean = float(np.trapezoid(survival(t), t))
    assert found.mean() - 0.5e-4 == pytest.approx(mean, abs=3.0 * found.std() / np.sqrt(found.size))
    # The rate is what the test sees.
    assert scipy.stats.kstest(found, lambda x: 1.0 - np.interp(x, t, survival(t) ** 1.2)).pvalue < 1e-3


def test_what_is_drawn_follows_from_the_seed():
    first, again, other = waiting_times(1, 5), waiting_times(1, 5), waiting_times(2, 5)
    assert (first == again).all()
    assert not np.isin(first, other).all()
    net = ns.neurons.escape_lif(3, background=CURRENT)
    trials = ns.spike_trials(net, [{}] * 3, [1.0] * 3, dt=1e-4, save="v", seed=7)
    assert np.unique(trials, axis=0).shape == (3, 3)
    alone = ns.spiking_run(net, (0.0, 1.0), dt=1e-4, seed=9)
    alone.run_to(1.0)
    assert (trials[2] == alone.state("v")).all()
    pieces = ns.spiking_run(net, (0.0, 0.2), dt=1e-4, seed=3)
    for at in (0.01, 0.05, 0.2):
        pieces.run_to(at)
    made = from_document(to_document(net))
    for run in (pieces.result(), ns.simulate(made, (0.0, 0.2), dt=1e-4, seed=3)):
        for name, times in ns.simulate(net, (0.0, 0.2), dt=1e-4, seed=3).events.items():
            assert (run.events[name] == times).all()


def test_chance_needs_a_grid():
    net = ns.neurons.escape_lif()
    with pytest.raises(ParameterError, match="'spike' -> 'waited': what is drawn at ticks needs a grid of time"):
        ns.simulate(net, (0.0, 0.1))
    net = ns.SignalGraph("linear")
    net.state("x", 1, time_constant=1.0)
    net.event("spike", 1, threshold=0.0)
    net.connect("x", "spike")
    net.connect("spike", "x", role="reset", draw=1.0)
    with pytest.raises(ParameterError, match="'spike' -> 'x': what is drawn at ticks needs a grid"):
        ns.simulate(net, (0.0, 0.1), grid="free")
