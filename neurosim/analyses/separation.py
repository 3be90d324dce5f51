"""Separation: how far apart the states of two inputs get, by time and by the distance of the inputs.

Source: W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi 10.1162/089976602760407955, figure 2:
distance 0 is one input from two random starts, the floor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.reservoir import reservoir
from neurosim.errors import ParameterError


@dataclass(frozen=True)
class Separation(Drawable):
    """What `separation` finds.

    Attributes
    ----------
    title : str
    distances : ndarray, shape (distances,)
        Of the inputs.
    times : ndarray, shape (steps,)
        Ends of the steps, in the time of spike trains for a spiking network [s].
    state_distances : ndarray, shape (distances, steps)
        Euclidean, mean over the pairs.
    """

    drawn_by = "separation:separation"
    title: str
    distances: np.ndarray
    times: np.ndarray
    state_distances: np.ndarray

    @property
    def levels(self) -> np.ndarray:
        """Mean state distance of the later half of the steps, shape (distances,)."""
        return self.state_distances[:, self.times.size // 2 :].mean(axis=1)

    @property
    def is_graded(self) -> bool:
        """Whether a larger input distance always leaves a larger state distance."""
        order = np.argsort(self.distances)
        return bool((np.diff(self.levels[order]) > 0.0).all())

    @property
    def forgets(self) -> float:
        """Distance at the end over that after the first step, of one input from two starts."""
        floor = self.state_distances[np.argmin(self.distances)]
        return float(floor[-1] / floor[0]) if floor[0] > 0.0 else 0.0

    def __str__(self) -> str:
        parts = ", ".join(f"{d:g}: {level:.3g}" for d, level in zip(self.distances, self.levels, strict=True))
        return f"{self.title}: state distance by input distance {parts}{'' if self.is_graded else ' (not graded)'}"


def separation(
    what: Any, *, distances: Sequence[float] = (0.0, 0.1, 0.2, 0.4), pairs: int = 40, steps: int = 20, seed: int = 0
) -> Separation:  # fmt: skip
    """Measure the distance of states of pairs of inputs, from random starts.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
    distances : sequence of float
        Of the inputs, see `Reservoir.moved`; default 0, 0.1, 0.2 and 0.4.
    pairs : int
        For each distance, default 40.
    steps : int
        Length of the inputs, default 20.
    seed : int

    Raises
    ------
    ParameterError
    """
    net = reservoir(what)
    at = np.asarray(distances, float)
    if at.ndim != 1 or at.size == 0 or not (at >= 0.0).all() or pairs < 1 or steps < 2:
        raise ParameterError(
            f"separation(): distances = {distances} must be 0 or more, pairs = {pairs} 1 or more, steps = {steps} 2 or "
            "more"
        )
    first, starts = net.stimuli(pairs, steps, seed=seed), range(pairs)
    a = net.states(first, steps=steps, starts=starts)
    found = []
    for distance in at:
        second = net.moved(first, float(distance), steps, seed=seed)
        b = net.states(second, steps=steps, starts=[pairs + k for k in starts])
        found.append(np.linalg.norm(a - b, axis=-1).mean(axis=0))
    return Separation(net.title, at, np.arange(1, steps + 1) * net.bin, np.array(found))
