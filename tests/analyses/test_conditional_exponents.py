"""`neurosim.analyses.conditional_exponents`."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph


def driven(gain, clocked=False, units=20):
    random = np.random.default_rng(1)
    graph = SignalGraph("driven net")
    graph.parameter("W", gain * random.standard_normal((units, units)) / units**0.5)
    graph.parameter("U", random.standard_normal((units, 1)))
    graph.port("u", 1)
    if clocked:
        graph.clock("c", 1.0)
        graph.state("x", units, clock="c")
    else:
        graph.state("x", units, time_constant=1.0, leak=1.0)
    graph.map("r", units, "tanh")
    graph.connect("x", "r")
    graph.connect("r", "x", weight="W")
    graph.connect("u", "x", weight="U")
    return graph


def test_a_weak_net_forgets_its_start_under_noise():
    drives = [{"u": ns.noise(0.5, 0.5, seed=seed)} for seed in (0, 1)]
    found = ns.conditional_exponents(driven(0.5), (0, 60.0), drive=drives, dt=0.05)
    assert found.has_echo_states is True
    assert found.largest.shape == (2,)
    assert (found.largest < -0.3).all()
    assert found.distances.shape == (2, 2)
    assert "forgets its start" in str(found)
    assert any("driven" in note for note in found.spectra[0].notes)


def test_a_strong_net_does_not():
    found = ns.conditional_exponents(driven(4.0, clocked=True), steps=2000, drive=np.zeros((2400, 1)), starts=1)
    assert (found.largest > 0.05).all()
    assert found.has_echo_states is False


def test_a_strong_drive_silences_chaos():
    noise = 5.0 * np.random.default_rng(0).standard_normal((2400, 1))
    found = ns.conditional_exponents(driven(1.5, clocked=True), steps=2000, drive=noise)
    assert (found.largest < 0.0).all()
    assert found.has_echo_states is True


def test_of_a_linear_response_it_is_the_leak():
    graph = SignalGraph("leak")
    graph.port("u", 1)
    graph.state("x", 1, time_constant=2.0, leak=1.0)
    graph.connect("u", "x")
    found = ns.conditional_exponents(graph, (0, 50.0), drive={"u": "SIN(0 1 1)"})
    assert found.largest[0] == pytest.approx(-0.5, abs=1e-6)


def test_bad_input_is_refused():
    with pytest.raises(ParameterError, match="need drive="):
        ns.conditional_exponents(driven(0.5), (0, 1.0), drive=None)
    with pytest.raises(ParameterError, match="starts = 0"):
        ns.conditional_exponents(driven(0.5), (0, 1.0), drive={"u": 1.0}, starts=0)
    with pytest.raises(ParameterError, match="drive has 10 steps"):
        ns.conditional_exponents(driven(0.5, clocked=True), steps=2000, drive=np.zeros((10, 1)))
