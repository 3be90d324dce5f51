"""Pools of perceptrons as a readout, trained by the parallel delta rule (p-delta).

The output of a pool is how many of its n perceptrons say yes less how many say no, squashed to -1 to 1. Only signs
are communicated: each perceptron moves when the pool is wrong and it is on the wrong side, or is too close to its
threshold.

Source: P. Auer, H. Burgsteiner, W. Maass, Neural Networks 21, 786 (2008), doi 10.1016/j.neunet.2007.12.036; pools of
about 50 as readouts of liquids: W. Maass, T. Natschlaeger, H. Markram, Neural Comput. 14, 2531 (2002), doi
10.1162/089976602760407955. The rule and its numbers are recalled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError
from neurosim.randomness import stream


@dataclass(frozen=True)
class PerceptronPools:
    """One pool for each output.

    Attributes
    ----------
    weights : ndarray, shape (outputs, n, features + 1)
        Unit vectors; the last feature is a constant.
    centre, scale : ndarray, shape (features,)
        Taken off the features, and divided by.
    squashing : float
        Votes at which an output is 1.
    """

    weights: np.ndarray
    centre: np.ndarray
    scale: np.ndarray
    squashing: float

    def __call__(self, features: Any) -> np.ndarray:
        """Outputs (..., outputs) in -1 to 1 of features (..., features)."""
        votes = np.einsum("...f,onf->...on", self._shown(np.asarray(features, float)), self.weights) >= 0.0
        return np.clip((2.0 * votes - 1.0).sum(axis=-1) / self.squashing, -1.0, 1.0)

    def _shown(self, features: np.ndarray) -> np.ndarray:
        scaled = (features - self.centre) / self.scale
        made = np.concatenate([scaled, np.ones((*scaled.shape[:-1], 1))], axis=-1)
        return made / np.linalg.norm(made, axis=-1, keepdims=True)


def p_delta(
    features: Any, targets: Any, *, perceptrons: int = 51, squashing: float | None = None,
    accuracy: float | None = None, rate: float = 0.01, margin: float = 0.05, margin_weight: float = 1.0,
    epochs: int = 40, seed: int = 0,
) -> PerceptronPools:  # fmt: skip
    """Train a pool of perceptrons for each target.

    Parameters
    ----------
    features : array_like, shape (rows, features)
    targets : array_like, shape (rows, outputs)
        In -1 to 1; -1 and 1 for classes.
    perceptrons : int
        n, default 51.
    squashing : float, optional
        rho; default 1 where all targets are -1 or 1 (a majority), else n.
    accuracy : float, optional
        epsilon: error of an output that counts as right; default 0 for a majority, else ``1 / n``.
    rate : float
        eta of the first epoch, default 0.01; it falls linearly to a tenth.
    margin, margin_weight : float
        gamma and mu: perceptrons of a right pool that are closer to their threshold than gamma move away; default 0.05
        and 1.
    epochs : int
        Default 40.
    seed : int
        Of the first weights and the order of the rows.

    Raises
    ------
    ParameterError
    """
    x, wanted = np.asarray(features, float), np.asarray(targets, float)
    if x.ndim != 2 or wanted.ndim != 2 or len(x) != len(wanted) or x.size == 0:
        raise ParameterError(f"features {x.shape} and targets {wanted.shape} must be (rows, n) and (rows, k)")
    if not (np.isfinite(x).all() and (np.abs(wanted) <= 1.0).all()):
        raise ParameterError("features must be finite, targets in -1 to 1")
    is_class = bool((np.abs(wanted) == 1.0).all())
    rho = (1.0 if is_class else float(perceptrons)) if squashing is None else float(squashing)
    epsilon = (0.0 if is_class else 1.0 / perceptrons) if accuracy is None else float(accuracy)
    if perceptrons < 1 or epochs < 1 or not (rho > 0.0 and epsilon >= 0.0 and rate > 0.0 and margin >= 0.0):
        raise ParameterError(
            f"p_delta(): perceptrons = {perceptrons}, epochs = {epochs}, squashing = {rho} and rate = {rate} must be "
            f"positive, accuracy = {epsilon} and margin = {margin} 0 or more"
        )
    draw = stream(seed, "p-delta")
    scale = x.std(axis=0)
    first = draw.normal(size=(wanted.shape[1], perceptrons, x.shape[1] + 1))
    pools = PerceptronPools(
        first / np.linalg.norm(first, axis=-1, keepdims=True), x.mean(axis=0), np.where(scale > 0.0, scale, 1.0), rho
    )
    shown, w = pools._shown(x), pools.weights
    for epoch in range(epochs):
        step = rate * (1.0 - 0.9 * epoch / epochs)
        for row in draw.permutation(len(x)):
            z, goal = shown[row], wanted[row][:, None]
            reach = w @ z
            yes = reach >= 0.0
            output = np.clip((2.0 * yes.sum(axis=1, keepdims=True) - perceptrons) / rho, -1.0, 1.0)
            above, below = output > goal + epsilon, output < goal - epsilon
            move = np.where(above & yes, -1.0, 0.0) + np.where(below & ~yes, 1.0, 0.0)
            move += np.where(~above & yes & (reach < margin), margin_weight, 0.0)
            move -= np.where(~below & ~yes & (reach > -margin), margin_weight, 0.0)
            places = np.nonzero(move)
            if places[0].size:
                w[places] += step * move[places][:, None] * z
                w[places] /= np.linalg.norm(w[places], axis=-1, keepdims=True)
    return pools
