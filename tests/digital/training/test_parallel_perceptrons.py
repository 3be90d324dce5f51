"""Pools of perceptrons learn what one perceptron cannot."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.training import p_delta
from neurosim.errors import ParameterError


def test_majority_learns_parity_of_two_signs():
    draw = np.random.default_rng(0)
    x = draw.uniform(-1.0, 1.0, (400, 2))
    x = x[np.abs(x).min(axis=1) > 0.15]
    wanted = np.sign(x[:, :1] * x[:, 1:])
    pools = p_delta(x[:150], wanted[:150], perceptrons=51, epochs=60)
    assert (np.sign(pools(x[150:])) == wanted[150:]).mean() > 0.9
    # One perceptron tells no parity.
    alone = p_delta(x[:150], wanted[:150], perceptrons=1, epochs=60)
    assert (np.sign(alone(x[150:])) == wanted[150:]).mean() < 0.75


def test_fraction_of_perceptrons_follows_a_curve():
    x = np.linspace(-1.0, 1.0, 150)[:, None]
    wanted = 0.6 * np.sin(3.0 * x)
    pools = p_delta(x, wanted, perceptrons=101, rate=0.002, margin=0.0)
    assert np.sqrt(((pools(x) - wanted) ** 2).mean()) < 0.25 * wanted.std()


def test_weights_stay_unit_vectors_and_outputs_in_bounds():
    draw = np.random.default_rng(1)
    x, wanted = draw.normal(size=(60, 5)), np.sign(draw.normal(size=(60, 3)))
    pools = p_delta(x, wanted, perceptrons=7, epochs=3)
    assert np.linalg.norm(pools.weights, axis=-1) == pytest.approx(np.ones((3, 7)))
    assert pools(x).shape == (60, 3)
    assert np.abs(pools(x)).max() <= 1.0
    assert (p_delta(x, wanted, perceptrons=7, epochs=3)(x) == pools(x)).all()


@pytest.mark.parametrize(
    ("options", "says"),
    [({"perceptrons": 0}, "perceptrons"), ({"rate": -1.0}, "rate"), ({"targets": [[2.0]] * 3}, "targets"),
     ({"features": [[1.0]] * 2}, "shape|must be")],
)  # fmt: skip
def test_what_means_nothing_is_refused(options: dict, says: str):
    given = {"features": [[0.0], [1.0], [2.0]], "targets": [[1.0], [-1.0], [1.0]], **options}
    with pytest.raises(ParameterError, match=says):
        p_delta(given.pop("features"), given.pop("targets"), **given)
