"""Ticks of two runs beside one another; a spiking network and its digital form."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.analyses.comparison_report import as_markdown, as_values
from neurosim.errors import ParameterError


def network(size: int = 8) -> ns.SignalGraph:
    """Neurons whose pulses move membranes directly, after a delay, with an input that makes others tick."""
    draw = np.random.default_rng(5)
    net = ns.SignalGraph("pulses")
    net.sub("in", ns.neurons.spike_source(2))
    net.port("train", 2)
    net.connect("train", "in/train")
    net.parameter("b", draw.uniform(0.9, 1.4, size))
    net.state("v", size, time_constant=draw.uniform(8e-3, 20e-3, size), bias="b", initial=draw.uniform(0.0, 0.9, size))
    net.event("spike", size, threshold=1.0, refractory=2e-3)
    net.connect("v", "spike")
    net.connect("spike", "v", role="reset", to=0.0)
    net.parameter("W", draw.normal(0.0, 0.15, (size, size)))
    net.parameter("U", draw.uniform(0.0, 0.5, (size, 2)))
    net.connect("spike", "v", weight="W", delay=1.5e-3)
    net.connect("in/spike", "v", weight="U", delay=0.5e-3)
    net.port("y", size, output=True)
    net.connect("v", "y")
    return net


def test_pairs_are_counted_once():
    found = ns.spike_agreement({"a": [1.0, 2.0, 3.0], "b": [5.0]}, {"a": [1.1, 2.9, 3.05], "c": [7.0]}, 0.2, dt=0.1)
    assert (found.first, found.second, found.coincident) == (4, 4, 2)
    assert found.equal_counts == pytest.approx(1.0 / 3.0)
    assert found.shift == pytest.approx(0.0)
    assert found.spread == pytest.approx(0.1)
    assert found.share == pytest.approx(0.5)
    assert ns.spike_agreement({}, {}, 0.0).share == 1.0
    with pytest.raises(ParameterError, match="window -1"):
        ns.spike_agreement({}, {}, -1.0)


def test_the_digital_form_is_the_run_on_the_grid_tick_for_tick():
    net, dt, stop = network(), 1e-4, 0.4
    trains = ns.poisson_trains(60.0, stop, 2, seed=1)
    grid = ns.simulate(net, (0.0, stop), dt=dt, drive={"train": trains}).events
    steps = round(stop / dt)
    # A spike within a step ticks at its end: the input of that step is 1.
    given = np.zeros((steps, 1, 2))
    given[np.ceil(trains.times / dt - 1e-6).astype(int) - 1, 0, trains.elements] = 1.0
    run = ns.digital(net, "exponential_euler", dt).sequence(given)
    found = run.times_of_ticks(dt)
    assert sum(times.size for times in grid.values()) > 100
    assert set(found) == set(grid)
    for name, times in grid.items():
        assert np.round(found[name] / dt).tolist() == np.round(times / dt).tolist()


def test_a_comparison_says_how_far_spikes_agree():
    inputs = np.zeros((60, 2))
    inputs[[5, 20, 41], [0, 1, 0]] = 1.0
    found = ns.compare(network(), "exponential_euler", inputs, dt=1e-4, sample_period=1e-3, refinements=2, window=1e-3)
    assert [s.dt for s in found.spikes] == [1e-4, 5e-5, 2.5e-5]
    assert found.spikes[0].first == found.spikes[-1].first >= 15
    assert all(s.share > 0.9 for s in found.spikes)
    # A crossing within a step ticks at its end, so the digital side is later, in proportion to dt.
    shifts = np.array([s.shift for s in found.spikes])
    assert (shifts > 0.0).all()
    assert shifts[2] < 0.5 * shifts[0]
    text = as_markdown(found)
    assert "## Spikes" in text
    assert f"{found.spikes[0].first} on the analog side" in text
    assert as_values(found)["spikes"][0]["coincident"] == found.spikes[0].coincident
