"""Memristors as synapses of spiking networks."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError, UnknownNameError
from neurosim.graph.memristor_synapses import device_law
from neurosim.neurons.lif import lif

VTEAM = {"k_off": 2e-6, "k_on": -2e-6, "v_off": 0.5, "v_on": -0.5, "alpha_off": 1.0, "alpha_on": 1.0}


def test_a_device_in_a_graph_is_the_device_in_a_netlist():
    t = np.array([0.0, 0.1, 0.3, 0.5, 0.8, 1.0])
    v = np.array([0.0, 1.0, -0.4, 0.8, -1.0, 0.0])
    graph = ns.SignalGraph("one device")
    graph.port("v")
    graph.sub("m", ns.memristor_synapses(1, 1, "drift_decay", convention="standard", beta=1.0, alpha=0.7, initial=0.3))
    graph.connect("v", "m/before")
    graph.state("charge", 1, time_constant=1.0, leak=0.0)
    graph.connect("m/current", "charge")
    found = ns.simulate(graph, (0.0, 1.0), drive={"v": ns.interpolated(t, v)}, rtol=1e-9)
    points = " ".join(f"{a:g} {b:g}" for a, b in zip(t, v, strict=True))
    netlist = (
        f"one device\nV1 a 0 PWL({points})\nYMEMRISTOR m a 0 m1\n"
        ".model m1 memristor (level=110 convention=standard beta=1.0 alpha=0.7 x0=0.3)\n"
    )
    wanted = ns.simulate(ns.read_netlist(netlist), (0.0, 1.0), rtol=1e-9)
    name = next(name for name in wanted.columns if name.endswith(".x"))
    assert found["m/x"][-1] == pytest.approx(wanted[name][-1], rel=1e-6)
    assert abs(found["m/x"][-1] - 0.3) > 0.01
    current = next(n for n in wanted.columns if n.startswith("i(") and "v1" in n)
    assert found["charge"][-1] == pytest.approx(-np.trapezoid(wanted[current], wanted.time), rel=1e-3)


def overlap(later: float) -> float:
    """Change of the share of the low resistance [1] by one tick before and one `later` [s] behind a VTEAM synapse."""
    graph = ns.SignalGraph("overlap")
    graph.sub("synapse", ns.memristor_synapses(1, 1, "vteam", w0=1.5e-9, **VTEAM))
    for name, end in (("pre", "before"), ("post", "behind")):
        graph.port(f"to_{name}")
        graph.event(name, threshold=0.5)
        graph.connect(f"to_{name}", name)
        # A short pulse of 0.9 with a tail of -0.45: alone it stays below the threshold of 0.5.
        graph.state(f"{name} pulse", 1, time_constant=1e-3)
        graph.state(f"{name} tail", 1, time_constant=10e-3)
        for part in ("pulse", "tail"):
            graph.connect(name, f"{name} {part}")
        graph.connect(f"{name} pulse", f"synapse/{end}", gain=0.9)
        graph.connect(f"{name} tail", f"synapse/{end}", gain=-0.45)
    drive = {
        f"to_{name}": ns.interpolated(np.array([0.0, at - 1e-6, at + 1e-6]), np.array([0.0, 0.0, 1.0]))
        for name, at in (("pre", 0.05), ("post", 0.05 + later))
    }
    run = ns.simulate(graph, (0.0, 0.15), drive=drive, rtol=1e-8)
    return float(1.5e-9 - run["synapse/w"][-1]) / 3e-9


@pytest.mark.parametrize("later", [-0.005, 0.003, 0.005])
def test_overlapping_pulses_make_a_window(later: float):
    """A tick behind after one before lets the device conduct better, the other way round worse: as the law says."""
    t = np.linspace(0.0, 0.15, 600_001)

    def pulse(at: float) -> np.ndarray:
        since = np.maximum(t - at, 0.0)
        return np.where(t >= at, 0.9 * np.exp(-since / 1e-3) - 0.45 * np.exp(-since / 10e-3), 0.0)

    v = pulse(0.05) - pulse(0.05 + later)
    rate = np.where(v > 0.5, 2e-6 * (v / 0.5 - 1.0), np.where(v < -0.5, -2e-6 * (v / -0.5 - 1.0), 0.0))
    wanted = -np.trapezoid(rate, t) / 3e-9
    assert abs(wanted) > 5e-3
    assert np.sign(wanted) == np.sign(later)
    # The law has corners at its thresholds, which no step ends at.
    assert overlap(later) == pytest.approx(wanted, rel=5e-3)


def test_a_device_that_forgets_facilitates_between_neurons_and_rate_units():
    """One system of spiking neurons, memristors and a rate unit; between pulses the memory fades with its own rate."""
    net = ns.SignalGraph("mixed")
    net.sub("a", lif(2, background=np.array([16e-9, 16.5e-9])))
    net.sub("b", lif(1, background=14.5e-9))
    net.sub("synapses", ns.memristor_synapses(1, 2, "drift_decay", convention="flipped", beta=0.05, alpha=8.0, x0=0.0))
    net.state("pulse", 2, time_constant=1e-3)
    net.connect("a/spike", "pulse")
    net.connect("pulse", "synapses/before")
    net.connect("synapses/current", "b/current", gain=10e-3)
    net.state("rate", 1, time_constant=50e-3)
    net.map("squashed", 1, "tanh")
    net.connect("synapses/current", "squashed", gain=1e3)
    net.connect("squashed", "rate")
    run = ns.simulate(net, (0.0, 0.5), rtol=1e-7)
    ticks, x = run.events["a/spike[0]"], run["synapses/x[0]"]
    assert ticks.size >= 4
    assert run.events["b/spike"].size >= 1
    assert run["rate"][-1] > 1e-3
    # Long after a pulse nothing is left but the decay.
    k = np.searchsorted(run.time, ticks[1] + 14e-3)
    end = np.searchsorted(run.time, ticks[2]) - 1
    passed = run.time[end] - run.time[k]
    assert passed > 2e-3
    assert x[end] / x[k] == pytest.approx(np.exp(-8.0 * passed), rel=1e-4)
    # Facilitation: each pulse finds more memory than the one before.
    peaks = [x[(run.time >= t) & (run.time < t + 20e-3)].max() for t in ticks[:3]]
    assert peaks[0] < peaks[1] < peaks[2]


def test_laws_are_found_by_name_and_values_are_checked():
    law = device_law("vteam", 14)
    assert pickle.loads(pickle.dumps(law)) is law
    graph = ns.memristor_synapses(2, 2, "vteam", pairs=([0, 1, 1], [0, 0, 1]), r_on=np.array([50.0, 60.0, 70.0]))
    assert graph.parameters["vteam 0"].value.tolist() == [50.0, 60.0, 70.0]
    for arguments, kind, message in (
        ({"device": "vteem"}, UnknownNameError, "vteam"),
        ({"device": "resistor"}, ParameterError, "must be a memristor"),
        ({"device": "vteam", "r": 1.0}, ParameterError, "no parameter 'r'"),
        ({"device": "vteam", "r_on": np.ones(3)}, ParameterError, r"r_on has shape \(3,\), there are 4 devices"),
        ({"device": "vteam", "pairs": ([0, 2], [0, 0])}, ParameterError, "pairs must name targets below 2"),
    ):
        with pytest.raises(kind, match=message):
            ns.memristor_synapses(2, 2, **arguments)
