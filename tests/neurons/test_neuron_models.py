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


FIRING = {
    "conductance_lif": {"background": 250e-12}, "adex": {"background": 1e-9}, "izhikevich": {"background": 10.0},
    "hodgkin_huxley": {"background": 0.1}, "fitzhugh_nagumo": {"background": 0.5}, "lif": {"background": 17e-9},
    "stochastic_lif": {"background": 17e-9, "deviation": 1e-9},
}  # fmt: skip
"""Constant currents with which each model fires again and again."""


@pytest.mark.parametrize("model", [m for m in neurons if m.name in FIRING], ids=lambda m: m.name)
def test_models_fire_alike_with_and_without_dt(model: Neuron):
    """The engine locates every spike; the grid is late by a step or two at each."""
    dt, stop = 2.5e-5, 0.06
    net = ns.SignalGraph("one")
    net.sub("n", model.build(2, **FIRING[model.name]))
    given = {"fixed_step": 1e-5} if model.name == "stochastic_lif" else {"rtol": 1e-8}
    exact = ns.simulate(net, (0.0, stop), save=["n/v"], save_steps=False, **given).events["n/spike[1]"]
    found = ns.simulate(net, (0.0, stop), dt=dt).events["n/spike[1]"]
    assert found.size == len(exact) >= 1
    assert np.all(np.abs(found - exact) <= 2.5 * dt * np.arange(1, found.size + 1)), (found, exact)


@pytest.mark.parametrize("model", [m for m in neurons if m.name in FIRING], ids=lambda m: m.name)
def test_numbers_may_differ_between_neurons(model: Neuron):
    """A population of different neurons is each of them alone."""
    current = np.array([0.9, 1.0, 1.3]) * FIRING[model.name]["background"]
    rest = {key: value for key, value in FIRING[model.name].items() if key not in ("background", "deviation")}
    if model.name == "stochastic_lif":
        rest["deviation"] = 0.0
    runs = [
        ns.simulate(model.build(c.size, background=c, **rest), (0.0, 0.05), dt=5e-5).events
        for c in (current, *current[:, None])
    ]
    for k, alone in enumerate(runs[1:]):
        assert alone["spike"].tolist() == runs[0][f"spike[{k}]"].tolist()


def test_receptors_with_conductances():
    """One pulse of a conductance, v clamped by a large capacitance: the charge is g tau (E - v)."""
    net = ns.SignalGraph("pulse")
    net.sub("in", ns.neurons.spike_source())
    net.port("train")
    net.connect("train", "in/train")
    synapses = {"fast": (5e-3, 0.0), "slow": (("alpha", 3e-3), -80e-3)}
    net.sub("n", ns.neurons.conductance_lif(1, capacitance=1e-6, initial=-60e-3, synapses=synapses))
    net.parameter("w", np.array([6e-9]))
    drive = {"train": ns.spike_trains([[1e-3]])}
    for receptor, area, reversal in (("fast", 5e-3, 0.0), ("slow", 3e-3 * np.e, -80e-3)):
        wired = net.copy()
        wired.connect("in/spike", f"n/{receptor}", weight="w")
        run = ns.simulate(wired, (0.0, 0.1), dt=1e-4, drive=drive, save=["n/v"])
        moved = (run["n/v"][-1] + 60e-3) * 1e-6
        assert moved == pytest.approx(6e-9 * area * (reversal + 60e-3), rel=2e-3)
    with pytest.raises(ns.errors.ParameterError, match=r"synapse 'fast': .* must be a pair"):
        ns.neurons.conductance_lif(1, synapses={"fast": 5e-3})
    with pytest.raises(ns.errors.ParameterError, match="no type 'regular_spikin'"):
        ns.neurons.izhikevich(1, type="regular_spikin")


def test_hodgkin_huxley_rests_where_it_should():
    """Known: rest at -65 mV, gates 0.0529, 0.5961, 0.3177 (any textbook), and no drift from there."""
    from neurosim.neurons.hodgkin_huxley import resting_gates

    gates = resting_gates(np.array([-65e-3]))
    assert [round(float(gates[x][0]), 4) for x in "mhn"] == [0.0529, 0.5961, 0.3177]
    run = ns.simulate(ns.neurons.hodgkin_huxley(1), (0.0, 0.1), dt=5e-5, save=["v"])
    assert run["v"] == pytest.approx(np.full(run.time.size, -65e-3), abs=2e-5)
