"""Random wiring between populations: which neuron reaches which.

Each pair is connected on its own with its probability. Instead of one random number for each pair, every pair is *hit*
a Poisson number of times with mean ``-log(1 - p)`` and connected if it was hit at all, which is the same: hits are
drawn together, so that the cost grows with the synapses and not with the pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream

LEAST_PROBABILITY = 1e-12
"""Pairs at distances at which connections are rarer than this are left out."""


def random_pairs(
    sources: int, targets: int, probability: float, *, seed: int = 0, name: str = "wiring"
) -> tuple[np.ndarray, np.ndarray]:
    """Connect each source with each target with one probability.

    Parameters
    ----------
    sources, targets : int
        Numbers of neurons.
    probability : float
        From 0 to 1 (not included).
    seed : int
        Default 0.
    name : str
        Of the stream of random numbers; give each projection its own.

    Returns
    -------
    source, target : ndarray of int
        In the order of the sources.

    Raises
    ------
    ParameterError
    """
    if not 0.0 <= probability < 1.0:
        raise ParameterError(f"random_pairs(): probability {probability!r} must lie in [0, 1)")
    draw = stream(seed, name)
    hits = draw.poisson(-np.log1p(-probability) * sources * targets)
    return np.divmod(_different(draw.integers(0, sources * targets, hits)), targets)


def lattice_pairs(
    shape: tuple[int, ...], constants: Any, kinds: Any, length: float, *, seed: int = 0, name: str = "wiring"
) -> tuple[np.ndarray, np.ndarray]:
    """Connect neurons on an integer grid with ``P(a -> b) = C exp(-(D/length)^2)``, D their Euclidean distance.

    Parameters
    ----------
    shape : tuple of int
        Of the grid; neurons are numbered as NumPy ravels it.
    constants : array_like, shape (kinds, kinds)
        C by the kind of the source and of the target, from 0 to 1 (not included).
    kinds : array_like of int, shape (neurons,)
    length : float
        In steps of the grid; no neuron connects to itself.
    seed, name
        As `random_pairs`.

    Returns
    -------
    source, target : ndarray of int
        In the order of the sources.

    Raises
    ------
    ParameterError

    References
    ----------
    W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955.
    """
    largest, size = np.asarray(constants, float), int(np.prod(shape))
    kind = np.asarray(kinds)
    if kind.shape != (size,):
        raise ParameterError(f"lattice_pairs(): kinds of shape {kind.shape} for {size} neurons on a grid of {shape}")
    if not (length > 0.0 and np.isfinite(length)):
        raise ParameterError(f"lattice_pairs(): length {length!r} must be positive and finite")
    if not ((largest >= 0.0).all() and (largest < 1.0).all()):
        raise ParameterError("lattice_pairs(): constants must lie in [0, 1)")
    reach = length * np.sqrt(np.log(1.0 / LEAST_PROBABILITY))
    axes = [np.arange(-min(n - 1, int(reach)), min(n - 1, int(reach)) + 1) for n in shape]
    offsets = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, len(shape))
    squared = (offsets**2).sum(axis=1)
    offsets = offsets[(squared > 0) & (squared <= reach**2)]
    decay = np.exp(-(offsets**2).sum(axis=1) / length**2)
    # All offsets with the largest constant; what other kinds have less of is thinned out afterwards.
    most = float(largest.max())
    draw = stream(seed, name)
    hits = draw.poisson(-np.log1p(-most * decay) * size)
    numbers = draw.integers(0, size, hits.sum()) * len(offsets) + np.repeat(np.arange(len(offsets)), hits)
    source, offset = np.divmod(_different(numbers), len(offsets))
    inside = np.ones(source.size, bool)
    for places, n, steps in zip(np.unravel_index(np.arange(size), shape), shape, offsets.T, strict=True):
        place = places[source] + steps[offset]
        inside &= (place >= 0) & (place < n)
    source, offset = source[inside], offset[inside]
    # Offsets are in the order of the numbers of neurons, so targets come out sorted.
    strides = np.cumprod([1, *shape[:0:-1]])[::-1]
    target = source + (offsets @ strides)[offset]
    kept = draw.random(source.size) * most < largest[kind[source], kind[target]]
    return source[kept], target[kept]


def _different(values: np.ndarray) -> np.ndarray:
    """The numbers that occur, sorted; `np.unique` hashes them first, which takes three times as long."""
    values.sort()
    return values[np.diff(values, prepend=-1) > 0]
