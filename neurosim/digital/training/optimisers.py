"""Optimisers on one flat vector; what they remember is a dict of plain arrays, so that a run resumes exactly."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.errors import ParameterError
from neurosim.kernels.adam import move_by_adam

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""Value and gradient at a vector."""


@dataclass(frozen=True)
class SGD:
    """Gradient descent with momentum: v <- momentum v + g, x <- x - rate v.

    With `nesterov` the step is g + momentum v (Sutskever, Martens, Dahl & Hinton, ICML 2013, in the form that torch
    has).

    Attributes
    ----------
    rate : float
        Default 0.01.
    momentum : float
        Default 0.
    nesterov : bool
        Default False.
    decay : float
        Added to the gradient times x (L2), default 0.
    """

    rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    decay: float = 0.0

    def __post_init__(self) -> None:
        _check(self.rate > 0.0 and 0.0 <= self.momentum < 1.0 and self.decay >= 0.0, self)

    def start(self, size: int) -> dict[str, np.ndarray]:
        """What it remembers before the first step."""
        return {"velocity": np.zeros(size)} if self.momentum else {}

    def step(self, x: np.ndarray, gradient: np.ndarray, memory: dict[str, np.ndarray], factor: float = 1.0) -> None:
        """Move `x` in place; `factor` multiplies the rate."""
        g = gradient + self.decay * x if self.decay else gradient
        if self.momentum:
            velocity = memory["velocity"]
            velocity *= self.momentum
            velocity += g
            g = g + self.momentum * velocity if self.nesterov else velocity
        x -= (factor * self.rate) * g


@dataclass(frozen=True)
class Adam:
    """Adam with bias correction.

    m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2,
    x <- x - rate m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + epsilon).

    Source: Kingma & Ba, ICLR 2015, arXiv 1412.6980, algorithm 1.

    Attributes
    ----------
    rate : float
        Default 0.001.
    beta1, beta2 : float
        Default 0.9 and 0.999.
    epsilon : float
        Default 1e-8.
    decay : float
        Added to the gradient times x (L2), default 0.
    """

    rate: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    decay: float = 0.0

    def __post_init__(self) -> None:
        fits = 0.0 <= self.beta1 < 1.0 and 0.0 <= self.beta2 < 1.0 and self.epsilon > 0.0
        _check(self.rate > 0.0 and self.decay >= 0.0 and fits, self)

    def start(self, size: int) -> dict[str, np.ndarray]:
        """What it remembers before the first step."""
        return {"mean": np.zeros(size), "square": np.zeros(size), "count": np.zeros((), np.int64)}

    def step(self, x: np.ndarray, gradient: np.ndarray, memory: dict[str, np.ndarray], factor: float = 1.0) -> None:
        """Move `x` in place; `factor` multiplies the rate."""
        g = gradient + self.decay * x if self.decay else gradient
        count = memory["count"]
        count += 1
        t = int(count)
        move_by_adam(
            x, g, memory["mean"], memory["square"], factor * self.rate / (1.0 - self.beta1**t), self.beta1, self.beta2,
            math.sqrt(1.0 - self.beta2**t), self.epsilon,
        )  # fmt: skip


@dataclass(frozen=True)
class LBFGS:
    """Limited-memory quasi-Newton steps with line search on the whole data, by `scipy.optimize.minimize`.

    Source: Byrd, Lu, Nocedal & Zhu, SIAM J. Sci. Comput. 16, 1190 (1995), doi 10.1137/0916069.

    Attributes
    ----------
    pairs : int
        Remembered corrections, default 20.
    tolerance : float
        Of the largest element of the gradient, default 1e-8.
    """

    pairs: int = 20
    tolerance: float = 1e-8

    def __post_init__(self) -> None:
        _check(self.pairs >= 1 and self.tolerance >= 0.0, self)

    def minimise(
        self, function: Function, x: np.ndarray, iterations: int, told: Callable[[np.ndarray, float], None]
    ) -> tuple[np.ndarray, str]:  # fmt: skip
        """Minimise from x; `told` gets each iterate with its value.

        Returns
        -------
        x : ndarray
        reason : str
            Why it ended, in SciPy's words.
        """
        from scipy.optimize import minimize

        def after_iteration(intermediate_result: object) -> None:
            told(intermediate_result.x, float(intermediate_result.fun))  # pyright: ignore[reportAttributeAccessIssue]

        found = minimize(
            function, x, jac=True, method="L-BFGS-B", callback=after_iteration,
            options={"maxiter": iterations, "maxfun": 20 * iterations + 20, "maxcor": self.pairs, "ftol": 0.0,
                     "gtol": self.tolerance},
        )  # fmt: skip
        return np.asarray(found.x), str(found.message)


Optimiser = SGD | Adam | LBFGS


def clip_by_norm(gradient: np.ndarray, limit: float) -> tuple[np.ndarray, float]:
    """Shorten a gradient to the length `limit` where it is longer; also gives its norm before.

    Source: Pascanu, Mikolov & Bengio, ICML 2013, arXiv 1211.5063, algorithm 1.
    """
    norm = float(np.sqrt(gradient @ gradient))
    return (gradient * (limit / norm) if norm > limit else gradient), norm


def _check(fits: bool, optimiser: object) -> None:
    if not fits:
        raise ParameterError(f"{optimiser!r}: rates must be positive, momentum and betas from 0 to below 1")
