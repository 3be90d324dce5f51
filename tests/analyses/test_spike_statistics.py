"""Rates, intervals and filtered traces of spikes."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.architectures.liquid import liquid
from neurosim.errors import ParameterError, UnknownNameError


def run(*trains: list[float], stop: float = 1.0) -> ns.Result:
    events = {f"n/spike[{k}]": train for k, train in enumerate(trains)} | {"in/spike": [0.5]}
    return ns.Result.build("time", [0.0, stop], {}, attrs={"events": events})


def poisson(neurons: int, rate: float, stop: float) -> ns.Result:
    found = ns.poisson_trains(rate, stop, neurons, seed=1)
    return run(*(found.times[found.elements == k].tolist() for k in range(neurons)), stop=stop)


def test_trains_are_grouped_by_event():
    trains = run([0.1, 0.2], [], [0.7]).trains
    assert {name: [train.tolist() for train in found] for name, found in trains.items()} == {
        "n/spike": [[0.1, 0.2], [], [0.7]], "in/spike": [[0.5]],
    }  # fmt: skip


def test_statistics_of_a_clock_and_of_poisson_spikes():
    found = ns.spike_statistics(run(np.arange(0.05, 1.0, 0.1).tolist(), [0.3], []), "n/spike")
    assert found.counts.tolist() == [10, 1, 0]
    assert found.rates.tolist() == [10.0, 1.0, 0.0]
    assert found.intervals[0] == pytest.approx(0.1)
    assert found.variation[0] == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(found.variation[1:]).all()
    half = ns.spike_statistics(run([0.1, 0.4, 0.6]), "n/spike", span=(0.0, 0.5))
    assert half.counts.tolist() == [2]
    assert half.rate == 4.0
    random = ns.spike_statistics(poisson(50, 40.0, 20.0), "n/spike")
    assert random.rate == pytest.approx(40.0, rel=0.02)
    assert random.mean_variation == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("kernel", ["bin", "gaussian", "exponential"])
def test_a_rate_has_the_area_of_its_spikes(kernel: str):
    result = run([0.4, 0.5], [0.45])
    found = ns.firing_rate(
        result, "n/spike", width=20e-3, kernel=kernel, step=None if kernel == "bin" else 1e-3, neurons=True
    )
    step = found.time[1] - found.time[0]
    assert found.neurons.sum(1) * step == pytest.approx([2.0, 1.0], rel=0.03 if kernel == "exponential" else 1e-6)
    assert found.rate == pytest.approx(found.neurons.mean(0))
    assert ns.firing_rate(result, "n/spike", width=20e-3, kernel=kernel).neurons.size == 0


def test_smoothed_rates_are_the_written_sums():
    ticks, tau = [0.4, 0.47], 15e-3
    t = ns.firing_rate(run(ticks), "n/spike", width=tau, kernel="exponential", step=7e-3)
    wanted = sum(np.where(t.time >= s, np.exp(-(t.time - s) / tau), 0.0) for s in ticks) / tau
    assert t.rate == pytest.approx(wanted, abs=1e-9)
    g = ns.firing_rate(run(ticks), "n/spike", width=tau, kernel="gaussian", step=7e-3)
    wanted = sum(np.exp(-0.5 * ((g.time - s) / tau) ** 2) for s in ticks) / (tau * np.sqrt(2.0 * np.pi))
    assert g.rate == pytest.approx(wanted, abs=1e-6)


def test_filtered_spikes_are_the_liquid_state():
    """The trace that the network itself computes, of the same spikes."""
    net = liquid((3, 3, 2), inputs=2, seed=1)
    train = ns.poisson_trains(50.0, 0.2, 2, seed=1)
    found = ns.simulate(net, (0.0, 0.2), dt=1e-4, drive={"train": train}, save=["trace"], print_step=1e-2)
    wanted = np.stack([found[f"trace[{k}]"] for k in range(18)], axis=1)
    assert wanted.max() > 1.0
    assert ns.filtered_spikes(found, "neurons/spike", found.time) == pytest.approx(wanted, rel=1e-9, abs=1e-12)
    single = ns.filtered_spikes(run([0.1]), "n/spike", [0.05, 0.1, 0.13], time_constant=0.03, rise=0.01)
    assert single[:, 0] == pytest.approx([0.0, 0.0, np.exp(-1.0) - np.exp(-3.0)])


def test_figures_and_refusals():
    result = poisson(30, 20.0, 2.0)
    assert len(ns.spike_statistics(result, "n/spike").plot()) == 3
    for neurons in (False, True):
        assert ns.firing_rate(result, "n/spike", neurons=neurons).plot().get_xlabel() == "time (s)"
    with pytest.raises(ParameterError, match="name one of the events: n/spike, in/spike"):
        ns.spike_statistics(result)
    with pytest.raises(UnknownNameError, match="no 'n/spik' among the events"):
        ns.firing_rate(result, "n/spik")
    with pytest.raises(ParameterError, match="kernel = 'box' must be one of"):
        ns.firing_rate(result, "n/spike", kernel="box")
    with pytest.raises(ParameterError, match="must be positive and fit"):
        ns.firing_rate(result, "n/spike", width=3.0)
    with pytest.raises(ParameterError, match="no ticks of events"):
        ns.spike_statistics(ns.Result.build("time", [0.0, 1.0], {}))
