"""Fixed point: values, laws of rounding, effective bits, independence of batches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.architectures.elman import elman
from neurosim.digital.network import digital
from neurosim.digital.quantisation import Quantisation, fixed_point, quantisation_error, quantised
from neurosim.errors import ParameterError
from neurosim.graph.signal_graph import SignalGraph


def test_values_of_a_format():
    values = np.array([-2.0, -1.0, -0.3, 0.1, 0.125, 0.375, 0.9, 5.0])
    expected = [-1.0, -1.0, -0.25, 0.0, 0.0, 0.5, 0.75, 0.75]
    assert fixed_point(values, 3, 1.0).tolist() == expected
    assert fixed_point(np.array([1.0, 1.25, -1.25]), 3, 1.0, saturate=False).tolist() == [-1.0, -0.75, 0.75]


@given(st.integers(2, 20), st.floats(-1.0, 1.0), st.floats(0.0, 1.0, exclude_max=True))
def test_rounding_laws(bits: int, share: float, chance: float):
    limit = 4.0
    step = limit * 2.0 ** (1 - bits)
    value = np.array([share * (limit - step)])
    near = fixed_point(value, bits, limit)
    assert np.abs(near - value)[0] <= step / 2
    assert fixed_point(near, bits, limit) == near
    assert np.abs(fixed_point(value, bits, limit, chance=np.array([chance])) - value)[0] <= step


def test_stochastic_rounding_is_right_in_the_mean():
    chance = np.random.default_rng(0).random(200_000)
    rounded = fixed_point(np.full(chance.size, 0.3), 3, 1.0, chance=chance)
    assert set(rounded) == {0.25, 0.5}
    assert rounded.mean() == pytest.approx(0.3, abs=4 * 0.25 * 0.5 / np.sqrt(chance.size))


def network():
    return digital(elman(3, 12, 2, seed=1), "exponential_euler", 0.5)


def test_many_bits_are_the_exact_network_and_few_are_not():
    u = np.random.default_rng(1).normal(size=(40, 3, 3))
    exact = network().sequence(u)
    fine = quantised(network(), Quantisation(52, 52, 52, range=2.0)).sequence(u)
    assert fine.states == pytest.approx(exact.states, abs=1e-13)
    assert fine.outputs == pytest.approx(exact.outputs, abs=1e-13)
    assert quantised(network(), Quantisation()).sequence(u).states == pytest.approx(exact.states, abs=1e-15)
    coarse = quantised(network(), Quantisation(state_bits=6)).sequence(u)
    assert np.abs(coarse.states - exact.states).max() > 1e-3
    step = 2.0**-5
    assert np.abs(coarse.states / step - np.rint(coarse.states / step)).max() == 0.0


@pytest.mark.parametrize("bits", [6, 10, 14])
def test_effective_bits_follow_the_bits_of_the_state(bits: int):
    u = np.random.default_rng(2).normal(size=(200, 2, 3))
    report = quantisation_error(quantised(network(), Quantisation(state_bits=bits)), u)
    # half of each error is kept from step to step: 1 / sqrt(1 - 0.6^2) = 1.25 in size, 0.3 bits, and the feedback
    assert bits - 1.0 < report.effective_bits < bits
    assert report.weight_error == 0.0
    weights = quantisation_error(quantised(network(), Quantisation(weight_bits=bits)), u)
    assert 0.0 < weights.weight_error < 2.0 ** (1 - bits)
    assert weights.output_error > 0.0


def test_each_sample_has_its_own_chances():
    u = np.random.default_rng(3).normal(size=(20, 5, 3))
    net = quantised(network(), Quantisation(state_bits=5, activation_bits=5, rounding="stochastic", seed=7))
    whole = net.sequence(u).states
    assert np.array_equal(whole, net.sequence(u).states)
    assert np.array_equal(whole[:, 3:], net.sequence(u[:, 3:], first_sample=3).states)
    assert not np.array_equal(whole[:, 3:], net.sequence(u[:, 3:]).states)


def test_stochastic_rounding_keeps_small_changes():
    """A leaky integrator with increments below half a step stands still when rounded to the nearest."""
    graph = SignalGraph("integrator")
    graph.port("u", 1)
    graph.state("x", 1, time_constant=1.0, leak=0.0)
    graph.connect("u", "x")
    net = digital(graph, "forward_euler", 0.01)
    u = np.full((400, 200, 1), 0.1)
    still = quantised(net, Quantisation(state_bits=6)).sequence(u).final
    moving = quantised(net, Quantisation(state_bits=6, rounding="stochastic")).sequence(u).final
    assert np.all(still == 0.0)
    assert moving.mean() == pytest.approx(0.4, abs=0.03)


def test_time_constants_are_not_rounded_and_saturation_is_counted():
    graph = SignalGraph("leaky")
    graph.port("u", 1)
    graph.parameter("tau", 0.37)
    graph.parameter("w", 0.77)
    graph.state("x", 1, time_constant="tau")
    graph.connect("u", "x", weight="w")
    net = quantised(digital(graph, "forward_euler", 0.1), Quantisation(weight_bits=3, state_bits=8))
    assert net.network.program.p[:2].tolist() == [0.37, 0.75]
    report = quantisation_error(net, np.full((100, 1), 3.0))
    assert report.saturated > 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [({"state_bits": 0}, "state_bits"), ({"weight_bits": 60}, "weight_bits"), ({"range": -1.0}, "range"),
     ({"rounding": "up"}, "stochastic")],
)  # fmt: skip
def test_bad_formats_are_refused(arguments: dict, words: str):
    with pytest.raises(ParameterError, match=words):
        Quantisation(**arguments)


def test_implicit_rules_are_refused():
    with pytest.raises(ParameterError, match="implicit_midpoint"):
        quantised(digital(elman(), "implicit_midpoint", 0.5), Quantisation(state_bits=8))
