"""Every model of a neuron: its declaration, and that it runs."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.neurons import neurons
from neurosim.neurons.neuron import Neuron


@pytest.mark.parametrize("model", list(neurons), ids=lambda m: m.name)
def test_declaration_is_complete(model: Neuron):
    for text in (model.summary, model.source.citation, model.equations, model.reset):
        assert text.strip()
    body = model.build(3)
    assert body.nodes["spike"]["kind"] == "event"
    assert body.nodes["spike"]["shape"] == (3,)


@pytest.mark.parametrize("current", [15.5e-9, 20e-9, 40e-9])
def test_rate_of_lif_against_its_closed_form(current: float):
    """Period of a constant current: t_ref + tau log((RI - reset) / (RI - threshold)); the grid adds up to one step."""
    tau, threshold, reset, rest, dt = 30e-3, 15e-3, 13.5e-3, 3e-3, 1e-5
    net = ns.SignalGraph("f-I")
    net.sub("n", ns.neurons.lif(1, background=current))
    times = ns.simulate(net, (0.0, 1.0), dt=dt).events["n/spike"]
    drive = 1e6 * current
    period = rest + tau * np.log((drive - reset) / (drive - threshold))
    assert np.diff(times) == pytest.approx(np.full(times.size - 1, np.diff(times)[0]), abs=1e-12)
    assert period <= np.diff(times)[0] + 1e-12 < period + dt + 1e-12
