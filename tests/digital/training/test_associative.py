"""Rules of associative memories against their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.digital.training.associative import bam, hebb, pseudo_inverse, storkey
from neurosim.errors import ParameterError


def signs(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice([-1.0, 1.0], shape)


def test_hebb_is_the_sum_of_outer_products():
    x = signs(np.random.default_rng(0), 3, 10)
    w = hebb(x, self_connections=True)
    assert w == pytest.approx(sum(np.outer(p, p) for p in x) / 10)
    assert hebb(x) == pytest.approx(w - np.diag(np.diag(w)))


def test_pseudo_inverse_makes_every_pattern_a_fixed_point():
    x = signs(np.random.default_rng(1), 12, 30)
    w = pseudo_inverse(x)
    assert w @ x.T == pytest.approx(x.T, abs=1e-12)
    assert w @ w == pytest.approx(w, abs=1e-12)
    hollow = pseudo_inverse(x, self_connections=False)
    assert (np.sign(hollow @ x.T) == x.T).all()


def test_storkey_is_its_definition():
    x = signs(np.random.default_rng(2), 4, 7)
    w = np.zeros((7, 7))
    for p in x:
        old = w.copy()
        for i in range(7):
            for j in range(7):
                h_ij = sum(old[i, k] * p[k] for k in range(7) if k not in (i, j))
                h_ji = sum(old[j, k] * p[k] for k in range(7) if k not in (i, j))
                w[i, j] = old[i, j] + (p[i] * p[j] - p[i] * h_ji - h_ij * p[j]) / 7
    assert storkey(x, self_connections=True) == pytest.approx(w, abs=1e-14)
    assert storkey(x) == pytest.approx(w - np.diag(np.diag(w)), abs=1e-14)
    assert w == pytest.approx(w.T)


def test_storkey_stores_more_than_hebb():
    x = signs(np.random.default_rng(3), 30, 100)
    kept = [(np.sign(rule(x) @ x.T) == x.T).all(0).mean() for rule in (hebb, storkey)]
    assert kept[0] < 0.2
    assert kept[1] > 0.9


def test_bam_recalls_pairs_both_ways():
    rng = np.random.default_rng(4)
    x, y = signs(rng, 3, 40), signs(rng, 3, 25)
    w = bam(x, y)
    assert w.shape == (25, 40)
    assert (np.sign(w @ x.T) == y.T).all()
    assert (np.sign(w.T @ y.T) == x.T).all()
    with pytest.raises(ParameterError, match="3 patterns"):
        bam(x, y[:2])


@pytest.mark.parametrize("rule", [hebb, pseudo_inverse, storkey])
def test_wrong_patterns_are_refused(rule):
    for wrong in (np.zeros(3), np.zeros((0, 3)), np.full((2, 3), np.nan)):
        with pytest.raises(ParameterError, match="patterns"):
            rule(wrong)
