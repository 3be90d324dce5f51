"""Kernel rank and generalisation rank: how many different inputs a reservoir tells apart, and how many copies of one.

The states at the end of m runs are the rows of a matrix. For m different inputs its rank says how much can be told
apart linearly; for m copies of one input that noise has moved, how little the reservoir generalises. The difference
predicts how well tasks are learnt.

Source: R. Legenstein, W. Maass, Neural Networks 20, 323 (2007), doi 10.1016/j.neunet.2007.04.017; inputs of rate
reservoirs by uniform noise as in L. Busing, B. Schrauwen, R. Legenstein, Neural Comput. 22, 1272 (2010) (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.analyses.drawable import Drawable
from neurosim.analyses.reservoir import reservoir
from neurosim.errors import ParameterError


@dataclass(frozen=True)
class KernelRank(Drawable):
    """What `kernel_rank` finds.

    Attributes
    ----------
    title : str
    size, inputs : int
        Numbers of states and of runs; the smaller one bounds the ranks.
    tolerance : float
        Singular values above this part of the largest count.
    different, alike : ndarray
        Singular values for different inputs and for copies of one input, falling.
    """

    drawn_by = "kernel_rank:kernel_rank"
    title: str
    size: int
    inputs: int
    tolerance: float
    different: np.ndarray
    alike: np.ndarray

    @property
    def kernel(self) -> int:
        """Kernel rank."""
        return rank_of(self.different, self.tolerance)

    @property
    def generalisation(self) -> int:
        """Generalisation rank; both are cut at the same size of singular values, that of different inputs."""
        largest = self.different.max(initial=0.0)
        return int((self.alike > self.tolerance * largest).sum()) if largest > 0.0 else 0

    @property
    def quality(self) -> int:
        """Kernel rank less generalisation rank."""
        return self.kernel - self.generalisation

    def __str__(self) -> str:
        return (
            f"{self.title}: kernel rank {self.kernel}, generalisation rank {self.generalisation} of at most "
            f"{min(self.size, self.inputs)} (singular values above {self.tolerance:g} of the largest)"
        )


def kernel_rank(
    what: Any, *, inputs: int | None = None, steps: int = 20, noise: float | None = None, tolerance: float = 0.01,
    seed: int = 0,
) -> KernelRank:  # fmt: skip
    """Measure kernel and generalisation rank with random inputs.

    Parameters
    ----------
    what : Reservoir, or what `neurosim.reservoir` takes
    inputs : int, optional
        Runs, default the number of states.
    steps : int
        Length of each input, default 20.
    noise : float, optional
        Distance of the copies from the one input, see `Reservoir.moved`; default 0.1, of spike trains 2: about what a
        jitter of 10 ms does.
    tolerance : float
        Above 0 to 1, default 0.01.
    seed : int

    Raises
    ------
    ParameterError
    """
    net = reservoir(what)
    count = net.size if inputs is None else inputs
    noise = net.usual_noise if noise is None else noise
    if count < 2 or steps < 1 or not 0.0 < tolerance < 1.0 or not noise >= 0.0:
        raise ParameterError(
            f"kernel_rank(): inputs = {count} must be 2 or more, steps = {steps} 1 or more, tolerance = {tolerance} "
            f"within 0 and 1, noise = {noise} 0 or more"
        )
    different = net.stimuli(count, steps, seed=seed)
    one = net.stimuli(1, steps, seed=seed + 1)
    copies = list(one) * count if isinstance(one, list) else np.repeat(one, count, axis=0)
    alike = net.moved(copies, noise, steps, seed=seed)
    values = [np.linalg.svd(net.states(some, steps=steps)[:, -1], compute_uv=False) for some in (different, alike)]
    return KernelRank(net.title, net.size, count, tolerance, *values)


def rank_of(values: np.ndarray, tolerance: float) -> int:
    """How many singular values are above a part of the largest."""
    largest = values.max(initial=0.0)
    return int((values > tolerance * largest).sum()) if largest > 0.0 else 0
