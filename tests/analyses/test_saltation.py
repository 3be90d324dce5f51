"""Tangent vectors across the jumps of spiking and reset networks, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph


def neurons(n=1, weight=None, initial=0.0, delay=0.0, refractory=0.0):
    """Leaky integrate-and-fire: v' = I - v, reset from 1 to 0, pulse coupled."""
    graph = SignalGraph("lif")
    graph.port("u", n)
    graph.state("v", n, time_constant=1.0, initial=initial)
    graph.event("spike", n, threshold=1.0, refractory=refractory)
    graph.connect("u", "v")
    graph.connect("v", "spike")
    graph.connect("spike", "v", role="reset", to=0.0)
    if weight is not None:
        graph.parameter("W", weight)
        graph.connect("spike", "v", weight="W", delay=delay)
    return graph


def exponents(graph, stop, **settings):
    return ns.lyapunov_spectrum(graph, (0.0, stop), transient=(0.2 * stop, 0.1 * stop), **settings)


def test_a_regular_neuron_has_the_zero_of_its_cycle():
    # Between spikes neighbours come together at rate 1; only the saltation at the reset makes up for it.
    found = exponents(neurons(), 60.0, drive={"u": 2.0})
    assert abs(found.exponents[0]) < 0.02
    assert np.isnan(found.divergence)


@pytest.mark.parametrize("w", [-0.1, -0.3])
def test_two_neurons_in_antiphase_return_as_the_closed_form_says(w):
    # When one has fired, the other stands at x and fires after t = ln((I - x)/(I - 1)); the first is then at h(x).
    current = 2.0
    z = 0.5 * (-w + np.sqrt(w * w + 4.0 * current * (current - 1.0)))
    slope, half_period = current * (current - 1.0) / z**2, np.log(z / (current - 1.0))
    graph = neurons(2, np.array([[0.0, w], [w, 0.0]]), initial=[0.0, current - z + 0.05])
    found = exponents(graph, 200.0 * half_period, drive={"u": [current] * 2}, renormalise=half_period)
    np.testing.assert_allclose(found.measured, [0.0, np.log(slope) / half_period], atol=0.01)
    cycle = ns.limit_cycle(graph, inputs={"u": [current] * 2})
    assert cycle.period == pytest.approx(2.0 * half_period, rel=1e-8)
    np.testing.assert_allclose(cycle.multipliers, [1.0, slope**2], atol=1e-7)


def test_a_map_at_the_ticks_of_a_clock_that_is_a_state():
    # y <- a (0.5 - |y - 0.5|) stretches by a at every tick; the clock itself is the direction of the flow.
    a, period = 1.9, 0.5
    graph = SignalGraph("tent")
    graph.parameter("rate", [1.0 / period])
    graph.parameter("half", [-0.5])
    graph.parameter("top", [0.5 * a])
    graph.state("phase", 1, time_constant=1.0, leak=0.0, bias="rate", initial=0.5)
    graph.event("tick", 1, threshold=1.0)
    graph.connect("phase", "tick")
    graph.connect("tick", "phase", role="reset", by=1.0)
    graph.state("y", 1, clock="tick", initial=0.3, bias="top")
    graph.map("bend", 1, "abs", bias="half")
    graph.connect("y", "bend")
    graph.connect("bend", "y", gain=-a)
    found = exponents(graph, 100.0, dt=0.05, renormalise=period)
    np.testing.assert_allclose(found.measured, [np.log(a) / period, 0.0], atol=1e-6)
    assert found.kind == "chaos"


def test_an_elastic_ball_keeps_its_volume():
    graph = SignalGraph("ball")
    graph.parameter("weight", [-1.0])
    graph.state("h", 1, time_constant=1.0, leak=0.0, initial=1.0)
    graph.state("v", 1, time_constant=1.0, leak=0.0, bias="weight")
    graph.event("hit", 1, threshold=0.0)
    graph.connect("v", "h")
    graph.connect("h", "hit", gain=-1.0)
    graph.connect("hit", "v", role="reset", factor=-1.0)
    found = exponents(graph, 400.0, dt=0.02)
    assert found.measured.sum() == pytest.approx(0.0, abs=1e-6)
    assert np.abs(found.measured).max() < 0.05


@pytest.mark.parametrize("rest", [0.1, 0.3])
def test_a_refractory_time_ends_as_much_earlier_as_it_began(rest):
    found = exponents(neurons(refractory=rest), 60.0, drive={"u": 2.0})
    assert abs(found.exponents[0]) < 0.03
    # As above, but the neuron that fired first waits; pulses that come meanwhile are lost, and none come.
    current, w = 2.0, -0.2
    c = current * (current - 1.0) * np.exp(rest)
    z = 0.5 * (-w + np.sqrt(w * w + 4.0 * c))
    slope, half_period = c / z**2, np.log(z / (current - 1.0))
    assert half_period > rest
    graph = neurons(2, np.array([[0.0, w], [w, 0.0]]), initial=[0.0, current - z + 0.05], refractory=rest)
    found = exponents(graph, 200.0 * half_period, drive={"u": [current] * 2}, renormalise=half_period)
    np.testing.assert_allclose(found.measured, [0.0, np.log(slope) / half_period], atol=0.01)


def test_what_remembers_more_is_refused():
    drive = {"u": [2.0, 2.0]}
    with pytest.raises(ParameterError, match="with a delay"):
        ns.lyapunov_spectrum(neurons(2, np.full((2, 2), 0.1), delay=0.1), (0.0, 10.0), drive=drive)
    with pytest.raises(ParameterError, match="no orbit is shot"):
        ns.limit_cycle(neurons(2, refractory=0.1, initial=[0.1, 0.4]), inputs=drive)
