"""Losses against their formulas, and their gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.training.losses import LOSSES, loss_of
from neurosim.errors import ParameterError, UnknownNameError

T, S, K = 4, 3, 5


def made(name: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Outputs and targets that suit a loss."""
    targets = rng.random((T, S, K))
    if name == "softmax_cross_entropy":
        targets /= targets.sum(-1, keepdims=True)
    return rng.normal(size=(T, S, K)) * 3.0, targets


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_gradient_agrees_with_differences(name: str, masked: bool):
    rng = np.random.default_rng(0)
    outputs, targets = made(name, rng)
    mask = np.array(rng.random((T, S)) < 0.5, float) * rng.uniform(0.5, 2.0, (T, S)) if masked else None
    loss = LOSSES[name]
    gradient = loss(outputs, targets, mask)[1]
    direction, e = rng.normal(size=outputs.shape), 1e-6
    up, down = (loss(outputs + s * e * direction, targets, mask)[0] for s in (1, -1))
    assert (gradient * direction).sum() == pytest.approx((up - down) / (2 * e), rel=1e-7, abs=1e-8)


@pytest.mark.parametrize("name", LOSSES)
def test_masked_steps_do_not_count(name: str):
    rng = np.random.default_rng(1)
    outputs, targets = made(name, rng)
    loss = LOSSES[name]
    mask = np.ones((T, S))
    assert loss(outputs, targets, mask)[0] == pytest.approx(loss(outputs, targets, None)[0], rel=1e-14)
    mask[2:] = 0.0
    value, gradient = loss(outputs, targets, mask)
    assert value == pytest.approx(loss(outputs[:2], targets[:2], None)[0], rel=1e-14)
    assert not gradient[2:].any()
    value, gradient = loss(outputs, targets, np.zeros((T, S)))
    assert value == 0.0
    assert not gradient.any()


def test_values_are_the_formulas():
    rng = np.random.default_rng(2)
    x, t = made("softmax_cross_entropy", rng)
    share = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    assert LOSSES["softmax_cross_entropy"](x, t, None)[0] == pytest.approx(-(t * np.log(share)).sum(-1).mean())
    classes = rng.integers(0, K, (T, S))
    assert LOSSES["softmax_cross_entropy"](x, classes, None)[0] == pytest.approx(
        -np.log(np.take_along_axis(share, classes[..., None], -1)).mean()
    )
    s = 1 / (1 + np.exp(-x))
    expected = -(t * np.log(s) + (1 - t) * np.log(1 - s)).mean()
    assert LOSSES["logistic_cross_entropy"](x, t, None)[0] == pytest.approx(expected)
    assert LOSSES["mean_squared_error"](x, t, None)[0] == pytest.approx(((x - t) ** 2).mean())


def test_large_outputs_stay_finite():
    x = np.array([[[1000.0, -1000.0]]])
    value, gradient = LOSSES["logistic_cross_entropy"](x, np.array([[[0.0, 0.0]]]), None)
    assert value == 500.0
    assert gradient.ravel() == pytest.approx([0.5, 0.0])
    value, gradient = LOSSES["softmax_cross_entropy"](x, np.array([[1]]), None)
    assert value == 2000.0
    assert gradient.ravel() == pytest.approx([1.0, -1.0])


def test_wrong_shapes_and_names_are_refused():
    x = np.zeros((T, S, K))
    for loss in LOSSES.values():
        with pytest.raises(ParameterError, match="shape"):
            loss(x, np.zeros((T, S, K + 1)), None)
        with pytest.raises(ParameterError, match="mask"):
            loss(x, x, np.ones(T))
    with pytest.raises(ParameterError, match="classes from 0 to 4"):
        LOSSES["softmax_cross_entropy"](x, np.full((T, S), K), None)
    with pytest.raises(UnknownNameError, match="mean_squared_error"):
        loss_of("mean_square_error")
