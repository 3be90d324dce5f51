"""Random wiring."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import ParameterError
from neurosim.graph.wiring import lattice_pairs, random_pairs


def test_random_pairs_have_their_probability_and_no_doubles():
    source, target = random_pairs(300, 200, 0.1, seed=1)
    assert np.unique(source * 200 + target).size == source.size
    # Six standard deviations of a binomial number.
    assert abs(source.size - 6000) < 6.0 * np.sqrt(6000 * 0.9)
    assert (np.diff(source) >= 0).all()
    again = random_pairs(300, 200, 0.1, seed=1)
    assert (again[1] == target).all()
    assert random_pairs(300, 200, 0.1, seed=2)[0].size != source.size


def test_lattice_pairs_fall_with_distance_as_they_should():
    """Frequencies by distance and kind over many draws, against C exp(-(D/lambda)^2)."""
    shape, length, constants = (5, 4, 3), 2.0, np.array([[0.3, 0.2], [0.4, 0.1]])
    kinds = (np.arange(60) % 5 == 0).astype(int)
    counts, draws = np.zeros((60, 60)), 400
    for seed in range(draws):
        source, target = lattice_pairs(shape, constants, kinds, length, seed=seed)
        counts[source, target] += 1.0
    places = np.stack(np.unravel_index(np.arange(60), shape), axis=-1)
    squared = ((places[:, None] - places) ** 2).sum(-1)
    wanted = constants[kinds[:, None], kinds] * np.exp(-squared / length**2)
    assert (counts.diagonal() == 0.0).all()
    for a in range(2):
        for b in range(2):
            for d in range(1, 6):
                here = (kinds[:, None] == a) & (kinds == b) & (squared == d)
                if not here.any():
                    continue
                p, n = wanted[here][0], here.sum() * draws
                assert abs(counts[here].sum() / n - p) < 6.0 * np.sqrt(p / n)


def test_bad_numbers_are_refused():
    with pytest.raises(ParameterError, match="probability"):
        random_pairs(3, 3, 1.5)
    with pytest.raises(ParameterError, match="kinds of shape"):
        lattice_pairs((3, 3), [[0.1]], [0], 1.0)
    with pytest.raises(ParameterError, match="length"):
        lattice_pairs((2,), [[0.1]], [0, 0], 0.0)
