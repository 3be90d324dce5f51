"""Ridge regression and recursive least squares against the normal equations, and put into graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.architectures.elman import elman
from neurosim.digital.network import digital
from neurosim.digital.training.readouts import RecursiveLeastSquares, fit_readout, ridge
from neurosim.errors import ParameterError, RankDeficientWarning
from neurosim.graph.signal_graph import SignalGraph


@given(st.integers(0, 10_000), st.booleans(), st.floats(1e-6, 1e3))
@settings(max_examples=40, deadline=None)
def test_ridge_solves_its_normal_equations(seed: int, intercept: bool, penalty: float):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(30, 4)) + 2.0, rng.normal(size=(30, 2))
    found = ridge(x, y, penalty, intercept=intercept)
    left = y - found(x)
    assert left.T @ x == pytest.approx(penalty * found.weights, rel=1e-7, abs=1e-8)
    if intercept:
        assert left.sum(0) == pytest.approx(np.zeros(2), abs=1e-9)
    else:
        assert not found.intercept.any()


def test_cross_validation_is_its_formula_and_finds_the_noise_level():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 40)) * np.logspace(0, -3, 40)
    truth = rng.normal(size=(1, 40))
    y = x @ truth.T + 0.3 * rng.normal(size=(60, 1))
    found = ridge(x, y)
    centred = x - x.mean(0)
    influence = centred @ np.linalg.solve(centred.T @ centred + found.regularisation * np.eye(40), centred.T) + 1 / 60
    expected = 60 * ((y - influence @ y) ** 2).sum() / np.trace(np.eye(60) - influence) ** 2
    assert found.cross_validation == pytest.approx(expected, rel=1e-8)
    x_new = rng.normal(size=(2000, 40)) * np.logspace(0, -3, 40)
    errors = [((ridge(x, y, r)(x_new) - x_new @ truth.T) ** 2).mean() for r in (found.regularisation, 1e-10, 1e3)]
    assert errors[0] < min(errors[1:])


def test_no_regularisation_is_least_squares_of_least_norm():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(20, 3)) @ rng.normal(size=(3, 6))
    y = rng.normal(size=(20, 1))
    with pytest.warns(RankDeficientWarning, match="6 features over 20 rows have rank 3"):
        found = ridge(x, y, 0.0, intercept=False)
    assert found.weights[0] == pytest.approx(np.linalg.lstsq(x, y[:, 0], rcond=None)[0], rel=1e-8, abs=1e-10)


@given(st.integers(0, 10_000), st.floats(0.8, 1.0))
@settings(max_examples=30, deadline=None)
def test_recursive_least_squares_minimise_the_forgetting_sum(seed: int, forgetting: float):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(25, 3)), rng.normal(size=(25, 2))
    fit = RecursiveLeastSquares(3, 2, forgetting=forgetting, regularisation=0.7)
    for a, b in zip(x, y, strict=True):
        fit.update(a, b)
    w = forgetting ** np.arange(24, -1, -1.0)
    normal = (x.T * w) @ x + 0.7 * forgetting**25 * np.eye(3)
    assert fit.weights == pytest.approx(np.linalg.solve(normal, (x.T * w) @ y).T, rel=1e-7, abs=1e-9)


def test_recursive_and_whole_fit_agree_and_go_into_a_graph():
    rng = np.random.default_rng(2)
    graph = elman(2, 6, 1)
    u, y = rng.normal(size=(50, 1, 2)), rng.normal(size=(50, 1, 1))
    states = digital(graph).sequence(u).states[:, 0]
    fit = RecursiveLeastSquares(7, 1, regularisation=1e-9)
    for x, target in zip(states, y[:, 0], strict=True):
        fit.update(np.append(x, 1.0), target)
    moved = fit.into(graph, "V", "c")
    fitted, readout = fit_readout(graph, u, y, weights="V", bias="c", regularisation=0.0)
    for name in ("V", "c"):
        assert moved.weights()[name] == pytest.approx(fitted.weights()[name], rel=1e-4, abs=1e-6)
    assert digital(fitted).sequence(u).outputs == pytest.approx(readout(states)[:, None], abs=1e-10)
    assert (fitted.weights()["W"] == graph.weights()["W"]).all()


def both_ways() -> SignalGraph:
    """A reservoir whose output sees the state and the input."""
    rng = np.random.default_rng(3)
    graph = SignalGraph("reservoir")
    graph.port("u", 2)
    graph.state("x", 5, time_constant=1.0)
    graph.map("r", 5, "tanh")
    graph.port("y", 3, output=True)
    for name, shape in (("U", (5, 2)), ("W", (5, 5)), ("A", (3, 5)), ("B", (3, 2))):
        graph.parameter(name, 0.4 * rng.normal(size=shape))
    graph.connect("u", "r", weight="U")
    graph.connect("x", "r", weight="W")
    graph.connect("r", "x")
    graph.connect("x", "y", weight="A")
    graph.connect("u", "y", weight="B")
    return graph


def test_several_weights_recover_a_readout():
    rng = np.random.default_rng(4)
    graph = both_ways()
    u = rng.normal(size=(80, 2, 2))
    y = digital(graph).sequence(u).outputs
    blank = graph.with_weights({"A": np.zeros((3, 5)), "B": np.zeros((3, 2))})
    fitted, _ = fit_readout(blank, u, y, weights=("A", "B"), regularisation=1e-14, washout=10)
    for name in ("A", "B"):
        assert fitted.weights()[name] == pytest.approx(graph.weights()[name], abs=1e-8)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"weights": "A"}, "'y' has edges from u"), ({"weights": "W"}, "lead to one output port"),
        ({"weights": "Q"}, "'Q' is on 0 edges"), ({"weights": ("A", "B"), "washout": 8}, "washout = 8"),
        ({"weights": ("A", "B"), "bias": "A"}, "bias None"),
        ({"weights": ("A", "B"), "regularisation": -1.0}, "regularisation"),
    ],
)  # fmt: skip
def test_what_is_no_readout_is_refused(options: dict, words: str):
    with pytest.raises(ParameterError, match=words):
        fit_readout(both_ways(), np.zeros((8, 1, 2)), np.zeros((8, 1, 3)), **options)


def test_wrong_numbers_are_refused():
    with pytest.raises(ParameterError, match="agree"):
        ridge(np.zeros((4, 2)), np.zeros((5, 1)))
    with pytest.raises(ParameterError, match="forgetting"):
        RecursiveLeastSquares(2, 1, forgetting=1.5)


def test_features_that_never_move_are_warned_of():
    """Silent neurons, or a washout that leaves nothing."""
    with pytest.warns(RankDeficientWarning, match="constant over 8 rows"):
        found = ridge(np.ones((8, 3)), np.arange(8.0)[:, None])
    assert not found.weights.any()
    assert found.intercept == pytest.approx([3.5])
