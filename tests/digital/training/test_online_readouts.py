"""Readouts that learn along a run, and FORCE, against the same rules by hand."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.architectures.echo_state import echo_state
from neurosim.digital.network import digital
from neurosim.digital.training.online_readouts import LeastMeanSquares, fit_online
from neurosim.digital.training.readouts import RecursiveLeastSquares, fit_readout
from neurosim.errors import ParameterError, SimulationError

DRAW = np.random.default_rng(0)
U, Y = DRAW.normal(size=(120, 1)), DRAW.normal(size=(120, 2))


def test_least_squares_of_the_whole_run_are_reached() -> None:
    graph = echo_state(1, 6, 2, topology="orthogonal", bias_scaling=0.5, seed=1)
    online, errors = fit_online(graph, U, Y, regularisation=1e-9, washout=10)
    whole, _ = fit_readout(graph, U, Y, weights="V", bias="c", regularisation=0.0, washout=10)
    for name in "Vc":
        assert online.weights()[name] == pytest.approx(whole.weights()[name], rel=1e-4, abs=1e-6)
    assert errors.shape == Y.shape
    assert (errors[:10] == Y[:10]).all()


def test_least_mean_squares_by_hand() -> None:
    graph = echo_state(1, 15, 2, seed=1)
    online, errors = fit_online(graph, U, Y, method="lms", rate=0.01, every=2)
    w = np.zeros((2, 16))
    for t, state in enumerate(digital(graph).sequence(U).states[:, 0]):
        x = np.append(state, 1.0)
        error = Y[t] - w @ x
        assert errors[t] == pytest.approx(error, abs=1e-12)
        if t % 2 == 0:
            w = w + 0.01 * np.outer(error, x)
    assert online.weights()["V"] == pytest.approx(w[:, :-1], abs=1e-12)
    assert online.weights()["c"] == pytest.approx(w[:, -1], abs=1e-12)


def test_force_feeds_back_what_the_weights_of_the_moment_give() -> None:
    graph = echo_state(0, 40, 1, feedback="closed", spectral_radius=1.3, seed=2)
    wanted = np.sin(0.2 * np.arange(120))[:, None]
    start = np.random.default_rng(1).normal(size=40) * 0.5
    online, errors = fit_online(graph, 120, wanted, force=True, y0=start)
    w, x, rule = graph.weights(), start, RecursiveLeastSquares(41, 1)
    for t in range(120):
        out = rule.weights @ np.append(x, 1.0)
        x = np.tanh(w["W"] @ x + w["F"] @ out + w["b"])
        assert errors[t] == pytest.approx(rule.update(np.append(x, 1.0), wanted[t]), abs=1e-9)
    assert online.weights()["V"] == pytest.approx(rule.weights[:, :-1], rel=1e-6, abs=1e-8)
    assert np.abs(errors[60:]).mean() < 0.2


@pytest.mark.parametrize(
    ("options", "words"),
    [({"method": "adam"}, "method = 'adam'"), ({"every": 0}, "every = 0"), ({"method": "lms", "rate": 0.0}, "rate")],
)
def test_refused(options: dict, words: str) -> None:
    with pytest.raises(ParameterError, match=words):
        fit_online(echo_state(1, 10, 2), U, Y, **options)


def test_shapes_and_a_rate_that_diverges() -> None:
    with pytest.raises(ParameterError, match=r"\(steps, 2\)"):
        fit_online(echo_state(1, 10, 2), U, Y[:, :1])
    with pytest.raises(SimulationError, match="smaller rate"):
        fit_online(echo_state(1, 10, 2), np.tile(U, (40, 1)), np.tile(Y, (40, 1)), method="lms", rate=1e3)
    with pytest.raises(ParameterError, match="weights have shape"):
        LeastMeanSquares(3, 2, rate=0.1, weights=np.zeros((3, 2)))
