"""Intrinsic plasticity: the distributions that it aims at, and what it leaves in the weights."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.intrinsic_plasticity import adapt_intrinsically
from neurosim.errors import ParameterError, SimulationError

U = np.random.default_rng(0).uniform(-1.0, 1.0, (2000, 1))


def outputs(graph) -> np.ndarray:
    return digital(graph).sequence(U).states[200:, 0]


def test_tanh_units_become_normal() -> None:
    graph = echo_state(1, 30, seed=1)
    made = outputs(adapt_intrinsically(graph, U, deviation=0.2, rate=2e-3, epochs=3))
    before = outputs(graph)
    assert np.abs(made.std(0) - 0.2).mean() < 0.02 < np.abs(before.std(0) - 0.2).mean()
    assert np.abs(made.mean(0)).mean() < 0.1


def test_logistic_units_become_exponential() -> None:
    graph = echo_state(1, 30, activation="logistic", seed=1)
    made = outputs(adapt_intrinsically(graph, U, mean=0.2, rate=2e-3, epochs=3))
    assert np.abs(made.mean(0) - 0.2).mean() < 0.03 < np.abs(outputs(graph).mean(0) - 0.2).mean()


def test_gain_and_shift_of_the_first_step() -> None:
    """One step from zero: z = U u + b, so every number is known."""
    graph = echo_state(1, 8, bias_scaling=0.5, feedback="teacher", density=0.5, seed=3)
    u, rate = np.array([[0.4, -0.3]]), 0.01
    made, w = adapt_intrinsically(graph, u, leak=0.5, deviation=0.3, rate=rate).weights(), graph.weights()
    z = 0.4 * w["U"][:, 0] - 0.3 * w["F"][:, 0] + w["b"]
    y = np.tanh(z)
    shift = -rate * y / 0.09 * (2 * 0.09 + 1 - y**2)
    gain = 1.0 + rate + shift * z
    for name in "WUF":
        assert made[name] == pytest.approx(gain[:, None] * w[name], abs=1e-13)
    assert made["b"] == pytest.approx(gain * w["b"] + shift, abs=1e-13)


@pytest.mark.parametrize(
    ("made", "options", "words"),
    [
        ({"feedback": "closed"}, {}, "without closed feedback"),
        ({"activation": "identity"}, {}, "tanh or logistic"),
        ({}, {"leak": 0.0}, "leak = 0.0"),
        ({"activation": "logistic"}, {"mean": 0.0}, "mean = 0.0"),
        ({"inputs": 2}, {}, r"\(steps, 2\)"),
    ],
)
def test_refused(made: dict, options: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        adapt_intrinsically(echo_state(**{"units": 20, **made}), U[:5], **options)


def test_a_rate_that_diverges_is_named() -> None:
    with pytest.raises(SimulationError, match="smaller rate"):
        adapt_intrinsically(echo_state(1, 20), U, rate=0.5, deviation=0.05)
