"""Power spectra: area, peak, refusals."""

from __future__ import annotations

import numpy as np
import pytest

import neurosim as ns
from neurosim.errors import ParameterError
from neurosim.results import Column


def run(values, times):
    return ns.Result.build("time", times, {"x": Column(values, "V")})


def test_a_sine_has_its_peak_and_its_power():
    times = np.linspace(0.0, 10.0, 20_001)
    found = ns.power_spectrum(run(3.0 * np.sin(2 * np.pi * 12.34 * times), times))
    assert found.peak("x") == pytest.approx(12.34, abs=0.02)
    area = np.trapezoid(found.density["x"], found.frequency)
    assert area == pytest.approx(4.5, rel=1e-3)
    assert found.plot().get_ylabel() == "density (V²/Hz)"


def test_white_noise_is_flat():
    random = np.random.default_rng(0)
    times = np.arange(20_000) * 1e-3
    found = ns.power_spectrum(run(random.standard_normal(times.size), times), segments=100)
    inside = found.density["x"][2:-2]
    assert inside.mean() == pytest.approx(2.0 * 1e-3, rel=0.03)


@pytest.mark.parametrize(
    ("options", "says"),
    [({"start": 99.0}, "must lie in the run"), ({"segments": 0}, "at least 1"), ({"samples": 5}, "too few")],
)
def test_bad_input(options, says):
    times = np.linspace(0.0, 1.0, 100)
    with pytest.raises(ParameterError, match=says):
        ns.power_spectrum(run(times, times), **options)


def test_what_was_not_simulated_is_refused():
    with pytest.raises(ParameterError, match="one of a Result, not SignalGraph: simulate it first"):
        ns.power_spectrum(ns.architectures.lorenz())
