"""Codes of signals as spikes: what they say can be read back, and distances of trains against their closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import neurosim as ns
from neurosim.errors import ParameterError


@given(st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=20), st.floats(1e-3, 1.0))
def test_latency_gives_each_sample_back(values: list[float], dt: float):
    trains = ns.latency_coded(np.array(values), dt)
    assert trains.times.size == len(values)
    late = trains.times / dt - np.arange(len(values))
    assert 1.0 - 2.0 * late / 0.9 == pytest.approx(np.array(values), abs=1e-9)


def test_rates_follow_the_samples_and_copies_are_independent():
    values = np.tile([[-1.0, 1.0], [1.0, 0.0]], (2000, 1))
    trains = ns.rate_coded(values, 10e-3, rates=(10.0, 90.0), copies=2, seed=3)
    step = np.floor(trains.times / 10e-3).astype(int)
    for element, (even, odd) in enumerate([(10.0, 90.0)] * 2 + [(90.0, 50.0)] * 2):
        for parity, rate in ((0, even), (1, odd)):
            count = ((trains.elements == element) & (step % 2 == parity)).sum()
            assert abs(count - rate * 20.0) < 5.0 * np.sqrt(rate * 20.0)
    assert not np.intersect1d(trains.times[trains.elements == 0], trains.times[trains.elements == 1]).size


@given(st.integers(0, 1000), st.floats(0.05, 0.5))
@settings(max_examples=15)
def test_send_on_delta_knows_the_signal_within_delta(seed: int, delta: float):
    times = np.linspace(0.0, 1.0, 40)
    signal = np.cumsum(np.random.default_rng(seed).normal(0.0, 0.3, (40, 2)), axis=0)
    trains = ns.send_on_delta(times, signal, delta)
    for channel in range(2):
        steps = delta * ((trains.elements == 2 * channel) * 1.0 - (trains.elements == 2 * channel + 1) * 1.0)
        fine = np.linspace(0.0, 1.0, 397)
        known = signal[0, channel] + np.array([steps[trains.times <= t + 1e-12].sum() for t in fine])
        assert np.abs(known - np.interp(fine, times, signal[:, channel])).max() <= delta * (1.0 + 1e-6)


def test_distance_of_trains_is_its_closed_form():
    a, b = ns.spike_trains([[0.1, 0.3]]), ns.spike_trains([[0.1, 0.32]])
    width, length = 5e-3, 0.5
    one = 1.0 / (2.0 * width * np.sqrt(np.pi))
    assert ns.spike_distance(a, a, length) == 0.0
    wanted = np.sqrt(2.0 * one * (1.0 - np.exp(-((0.02 / (2.0 * width)) ** 2))) * width / length)
    assert ns.spike_distance(a, b, length) == pytest.approx(wanted, rel=1e-12)
    rate = 20.0
    far = [ns.spike_distance(ns.poisson_trains(rate, 50.0, seed=k), ns.poisson_trains(rate, 50.0, seed=k + 50), 50.0)
           for k in range(4)]  # fmt: skip
    assert np.mean(far) == pytest.approx(np.sqrt(rate / np.sqrt(np.pi)), rel=0.05)


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (lambda: ns.latency_coded([np.nan], 0.1), "finite"),
        (lambda: ns.latency_coded([0.1], 0.1, window=(0.9, 0.1)), "window"),
        (lambda: ns.rate_coded([0.1], -1.0), "positive"),
        (lambda: ns.rate_coded([0.1], 0.1, rates=(0.0, -5.0)), "rates"),
        (lambda: ns.send_on_delta([0.0, 1.0], [0.0, 1.0], 0.0), "delta"),
        (lambda: ns.send_on_delta([1.0, 0.0], [0.0, 1.0], 0.1), "rise"),
    ],
)
def test_what_means_nothing_is_refused(code, says: str):
    with pytest.raises(ParameterError, match=says):
        code()
