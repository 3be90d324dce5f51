"""The bidirectional associative memory: equations, energy, recall, and weights that recall every pair."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.architectures.bam import bam, energy, multiple_training_weights, outer_product_weights, recall
from neurosim.errors import ParameterError
from neurosim.graph.program import compile_graph
from neurosim.randomness import stream


def pairs(count: int, first: int, second: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Random patterns."""
    draw = stream(seed, "test", "pairs")
    return draw.choice([-1.0, 1.0], (count, first)), draw.choice([-1.0, 1.0], (count, second))


def test_flow_and_energy() -> None:
    """tau u' is the flow of both fields, and minus the gradient of the energy by tanh(gain u)."""
    graph = bam(first=5, second=4, gain=1.5, time_constant_first=0.5, time_constant_second=3.0, seed=1)
    draw = stream(2, "test", "state")
    x, y, i, j = (0.5 * draw.normal(size=n) for n in (5, 4, 5, 4))
    weights = graph.weights()["W"]
    moved = compile_graph(graph).flow(np.concatenate([x, y]), np.concatenate([i, j]))
    by_hand = (-x + weights @ np.tanh(1.5 * y) + i, -y + weights.T @ np.tanh(1.5 * x) + j)
    assert moved == pytest.approx(np.concatenate([by_hand[0] / 0.5, by_hand[1] / 3.0]), abs=1e-13)
    values = np.tanh(1.5 * np.concatenate([x, y]))
    slopes = []
    for e in 1e-5 * np.eye(9):
        up, down = (np.arctanh(values + sign * e) / 1.5 for sign in (1.0, -1.0))
        slopes.append((energy(graph, up[:5], up[5:], i, j) - energy(graph, down[:5], down[5:], i, j)) / 2e-5)
    assert np.array(slopes) == pytest.approx(-np.concatenate(by_hand), abs=1e-7)


@given(st.integers(0, 10**6))
@settings(max_examples=30, deadline=None)
def test_any_real_weights_are_stable(seed: int) -> None:
    """E = -x'Wy never rises, and the memory settles."""
    draw = np.random.default_rng(seed)
    weights = draw.normal(size=(9, 6))
    x, y = draw.choice([-1.0, 1.0], 9), np.ones(6)
    last = np.inf
    for _ in range(200):
        old = x
        x, y = recall(weights, x, steps=1)
        value = -x @ weights @ y
        assert value <= last + 1e-9
        if (x == old).all():
            break
        last = value
    assert (np.sign(weights.T @ x) == y).all()
    assert (np.sign(weights @ y) == x).all()


def test_recall_from_either_side() -> None:
    first, second = pairs(3, 60, 50)
    weights = outer_product_weights(first, second)
    for x, y in zip(first, second, strict=True):
        noisy = np.where(np.arange(60) < 6, -x, x)
        assert [(a == b).all() for a, b in zip(recall(weights, noisy), (x, y), strict=True)] == [True, True]
        noisy = np.where(np.arange(50) < 5, -y, y)
        assert [(a == b).all() for a, b in zip(recall(weights.T, noisy), (y, x), strict=True)] == [True, True]


def test_multiple_training_recalls_pairs_that_outer_products_lose() -> None:
    first, second = pairs(6, 24, 20, seed=4)
    recalled = {}
    for rule in (outer_product_weights, multiple_training_weights):
        weights = rule(first, second)
        assert weights.shape == (24, 20)
        recalled[rule] = sum(
            (recall(weights, x)[1] == y).all() and (recall(weights.T, y)[1] == x).all()
            for x, y in zip(first, second, strict=True)
        )
    assert recalled[outer_product_weights] < 6
    assert recalled[multiple_training_weights] == 6
    margins = (first @ multiple_training_weights(first, second)) * second
    assert margins.min() >= 1.0 - 1e-7


def test_refused() -> None:
    first, second = pairs(3, 6, 5)
    with pytest.raises(ParameterError, match="do not pair"):
        bam((first, second[:2]))
    # One pattern cannot recall two.
    with pytest.raises(ParameterError, match="no multiplicities"):
        multiple_training_weights(np.ones((2, 4)), np.array([[1.0, 1.0], [1.0, -1.0]]))
