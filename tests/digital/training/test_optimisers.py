"""Optimisers against their formulas, on quadratics, and continued from what they remember."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.digital.training.optimisers import LBFGS, SGD, Adam, clip_by_norm
from neurosim.errors import ParameterError


@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8), st.floats(1e-3, 1e3))
@settings(max_examples=50, deadline=None)
def test_clipping_keeps_the_direction(values: list[float], limit: float):
    gradient = np.array(values)
    clipped, norm = clip_by_norm(gradient, limit)
    assert norm == pytest.approx(float(np.linalg.norm(gradient)))
    assert np.linalg.norm(clipped) <= limit * (1 + 1e-12) or norm <= limit
    assert clipped * norm == pytest.approx(gradient * min(norm, limit), rel=1e-9, abs=1e-9)


def test_adam_is_the_published_recursion():
    rng = np.random.default_rng(0)
    adam = Adam(0.01)
    x = rng.normal(size=4)
    expected, memory = x.copy(), adam.start(4)
    m = v = np.zeros(4)
    for t in range(1, 30):
        g = rng.normal(size=4)
        m = 0.9 * m + 0.1 * g
        v = 0.999 * v + 0.001 * g**2
        expected = expected - 0.01 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
        adam.step(x, g, memory)
        assert x == pytest.approx(expected, rel=1e-13, abs=1e-14)


def test_first_step_of_adam_has_the_length_of_the_rate():
    x = np.zeros(3)
    adam = Adam(0.1)
    adam.step(x, np.array([1e-3, -5.0, 1e4]), adam.start(3), factor=0.5)
    assert x == pytest.approx([-0.05, 0.05, -0.05], rel=1e-4)


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_is_its_formula(nesterov: bool):
    sgd = SGD(0.1, 0.9, nesterov, decay=0.01)
    x, v, memory = np.array([1.0, -2.0]), np.zeros(2), sgd.start(2)
    expected = x.copy()
    for k in range(5):
        g = np.array([k, 1.0])
        full = g + 0.01 * expected
        v = 0.9 * v + full
        expected = expected - 0.1 * (full + 0.9 * v if nesterov else v)
        sgd.step(x, g, memory)
        assert x == pytest.approx(expected, rel=1e-14)


def test_lbfgs_finds_the_bottom_of_rosenbrock():
    def rosenbrock(x: np.ndarray) -> tuple[float, np.ndarray]:
        a, b = 1.0 - x[0], x[1] - x[0] ** 2
        return float(a * a + 100.0 * b * b), np.array([-2.0 * a - 400.0 * x[0] * b, 200.0 * b])

    seen: list[float] = []
    x, _ = LBFGS().minimise(rosenbrock, np.array([-1.2, 1.0]), 200, lambda x, value: seen.append(value))
    assert x == pytest.approx([1.0, 1.0], abs=1e-7)
    assert (np.diff(seen) <= 0.0).all()


@pytest.mark.parametrize("wrong", [{"rate": 0.0}, {"rate": -1.0}, {"decay": -1.0}])
def test_wrong_numbers_are_refused(wrong: dict[str, float]):
    for kind in (SGD, Adam):
        with pytest.raises(ParameterError, match="positive"):
            kind(**wrong)
