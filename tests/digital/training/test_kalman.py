"""The extended Kalman filter: exact on linear problems, and faster in steps than gradients on a recurrent one."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.architectures.elman import elman
from neurosim.digital.network import digital
from neurosim.digital.training.backpropagation import train
from neurosim.digital.training.kalman import KalmanFilter, train_kalman
from neurosim.digital.training.optimisers import Adam
from neurosim.digital.training.readouts import RecursiveLeastSquares
from neurosim.errors import ParameterError


def plant(rng: np.random.Generator, steps: int, samples: int) -> tuple[np.ndarray, np.ndarray]:
    """x+ = 0.6 x + tanh(u - x)/2, seen after each step."""
    u = rng.normal(size=(steps, samples, 1))
    x, y = np.zeros((samples, 1)), np.empty((steps, samples, 1))
    for t in range(steps):
        x = 0.6 * x + 0.5 * np.tanh(u[t] - x)
        y[t] = x
    return u, y


def test_on_a_linear_readout_it_is_recursive_least_squares():
    rng = np.random.default_rng(0)
    u, y = plant(rng, 40, 1)
    graph = elman(1, 6, 1)
    for name in ("U", "W", "b", "c"):
        graph.parameters[name].trainable = False
    states = digital(graph).sequence(u).states[:, 0]
    filtered = train_kalman(graph, (u, y), epochs=1, variance=4.0, measurement_noise=0.5, process_noise=0.0)
    squares = RecursiveLeastSquares(6, 1, regularisation=0.5 / 4.0, weights=graph.weights()["V"])
    for x, target in zip(states, y[:, 0], strict=True):
        squares.update(x, target)
    assert filtered.graph.weights()["V"] == pytest.approx(squares.weights, rel=1e-9)


def test_update_is_the_posterior_of_a_linear_model():
    rng = np.random.default_rng(1)
    h, target, before = rng.normal(size=(3, 5)), rng.normal(size=3), rng.normal(size=5)
    filtered = KalmanFilter(before, 2.0)
    filtered.update(target - h @ before, h, measurement_noise=0.3, process_noise=0.1)
    precision = np.eye(5) / 2.0 + h.T @ h / 0.3
    assert filtered.weights == pytest.approx(np.linalg.solve(precision, before / 2.0 + h.T @ target / 0.3))
    assert filtered.covariance == pytest.approx(np.linalg.inv(precision) + 0.1 * np.eye(5))


def test_it_needs_fewer_presentations_than_adam():
    rng = np.random.default_rng(2)
    data, test = plant(rng, 60, 2), plant(rng, 100, 3)
    graph = elman(1, 4, 1, seed=1)
    filtered = train_kalman(graph, data, epochs=4, process_noise=lambda k: 1e-3 * 0.3**k, washout=2)

    def error(network):
        return ((network.sequence(test[0]).outputs - test[1]) ** 2).mean()

    descended = train(graph, data, optimiser=Adam(0.02), batches=100)
    assert error(filtered.network) < 0.05 * test[1].var()
    assert error(filtered.network) < error(descended.network)


def test_what_a_mask_leaves_out_does_not_move_weights():
    rng = np.random.default_rng(3)
    u, y = plant(rng, 10, 2)
    mask = np.zeros((10, 2))
    still = train_kalman(elman(1, 3, 1), (u, y, mask), epochs=1)
    assert still.graph.weights()["W"] == pytest.approx(elman(1, 3, 1).weights()["W"], abs=0.0)
    mask[:, 0] = 1.0
    y[:, 1] = 1e6
    one = train_kalman(elman(1, 3, 1), (u, y, mask), epochs=1)
    alone = train_kalman(elman(1, 3, 1), (u[:, :1], y[:, :1]), epochs=1)
    assert one.graph.weights()["W"] == pytest.approx(alone.graph.weights()["W"], rel=1e-12)


def test_wrong_noise_is_refused():
    rng = np.random.default_rng(4)
    with pytest.raises(ParameterError, match="measurement_noise"):
        train_kalman(elman(1, 3, 1), plant(rng, 5, 1), epochs=1, measurement_noise=0.0)
    with pytest.raises(ParameterError, match="variance"):
        KalmanFilter(np.zeros(2), 0.0)
