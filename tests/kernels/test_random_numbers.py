"""Normal numbers by counter: the bits of NumPy's Philox, and Box & Muller."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.random import Philox

from neurosim.kernels.random_numbers import draw_normal_numbers


@pytest.mark.parametrize(("seed", "number", "size"), [(0, 0, 4), (5, 7, 10), (2**53 - 1, 2**40, 3), (1, 1, 1)])
def test_bits_of_philox_and_box_muller(seed, number, size):
    found = np.zeros(size)
    draw_normal_numbers(seed, number, found)
    # NumPy raises the counter before the first draw.
    raw = np.concatenate([Philox(key=[seed, 0], counter=[b, number, 0, 0]).random_raw(4) for b in range(-(-size // 4))])
    uniform = ((raw >> np.uint64(11)).astype(float) + 0.5) * 2.0**-53
    radius, angle = np.sqrt(-2 * np.log(uniform[::2])), 2 * np.pi * uniform[1::2]
    wanted = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()[:size]
    np.testing.assert_allclose(found, wanted, rtol=1e-14, atol=1e-15)


def test_numbers_are_normal_and_differ_from_draw_to_draw():
    draws = np.zeros((2000, 8))
    for number, row in enumerate(draws):
        draw_normal_numbers(3, number, row)
    assert abs(draws.mean()) < 4 / np.sqrt(draws.size)
    assert draws.std() == pytest.approx(1.0, abs=0.02)
    assert abs(np.corrcoef(draws[:-1, 0], draws[1:, 0])[0, 1]) < 0.08
    assert len(np.unique(draws)) == draws.size
