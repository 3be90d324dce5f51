"""What spiking runs refuse, warn of, and show."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import CoarseStepWarning, ParameterError


def test_spikes_for_which_there_is_no_room():
    with pytest.raises(ParameterError, match=r"poisson_trains\(\): 1e\+15 spikes are to be expected, at most 100,000,"):
        ns.poisson_trains(1e15, 1.0)
    with pytest.raises(ParameterError, match=r"rate_coded\(\): 1e\+12 spikes"):
        ns.rate_coded(np.ones(10), 0.1, rates=(0.0, 1e12))


def test_steps_that_are_too_long_for_nonlinear_neurons():
    net = ns.neurons.fitzhugh_nagumo(1)
    with pytest.warns(CoarseStepWarning, match=r"0.000695 s in which state 'v' moves.*dt / substeps, of 7e-05 s"):
        run = ns.simulate(net, (0.0, 0.01), dt=1e-3)
    assert any("flows nonlinearly" in note for note in run.attrs["notes"])
    # A state whose time constant says nothing: its slope at the start does.
    with pytest.warns(CoarseStepWarning, match=r"0.005 s in which state 'v' moves"):
        ns.simulate(ns.neurons.izhikevich(1), (0.0, 0.01), dt=5e-3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ns.simulate(net, (0.0, 0.01), dt=1e-3, substeps=4)
        # What flows linearly is exact with any step.
        ns.simulate(ns.neurons.lif(1), (0.0, 0.2), dt=0.1)


def test_noise_is_not_left_out_silently():
    net = ns.neurons.stochastic_lif(2)
    with pytest.raises(ParameterError, match="state 'v' has noise, and a digital network makes none"):
        ns.digital(net, "exponential_euler", 1e-4)
    quiet = ns.SignalGraph("noisy")
    quiet.state("x", 1, time_constant=1.0, noise=0.1)
    for analysis in (ns.fixed_points, lambda net: ns.lyapunov_spectrum(net, t_span=(0.0, 1.0))):
        with pytest.raises(ParameterError, match="state 'x' has noise, and"):
            analysis(quiet)
    quiet.nodes["x"]["noise"] = 0.0
    assert ns.digital(quiet, dt=0.1).dt == 0.1


def test_a_comparison_of_spiking_networks_shows_their_ticks():
    net = ns.neurons.lif(3, background=np.array([16e-9, 18e-9, 20e-9]))
    compared = ns.compare(net, dt=1e-4, duration=0.1, drive=np.zeros((10, 3)), sample_period=10e-3, refinements=0)
    assert [sum(map(len, side.values())) for side in compared.ticks] == [
        compared.spikes[0].first, compared.spikes[0].second
    ]  # fmt: skip
    panel = compared.plot()[3]
    assert panel.get_title().startswith(f"ticks: {compared.spikes[0].first} analog")
    assert [line.get_xdata().size for line in panel.lines] == [compared.spikes[0].first, compared.spikes[0].second]
    assert compared.spikes[0].first > 5
