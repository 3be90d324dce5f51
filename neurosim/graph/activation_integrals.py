"""Increasing activation functions with what an energy needs of them: inverse, and integral of the inverse.

For v = phi(q) the energy of a unit is Psi(v), the integral of the inverse function; written in q (Legendre) it is
``Psi = q phi(q) - integral of phi``, which stays exact where v saturates. The means that discrete gradients need are in
`neurosim.kernels.increasing_functions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from neurosim.graph.functions import IDENTITY, LEAKY_RELU, LOGISTIC, TANH


@dataclass(frozen=True)
class IncreasingFunction:
    """A strictly increasing function; all elementwise.

    Attributes
    ----------
    number : int
        In compiled code.
    value, slope, inverse : callable
        phi(q), phi'(q), phi^-1(v).
    energy : callable
        Psi(phi(q)) as a function of q.
    steepest : float
        Largest slope.
    lower, upper : float
        Range of phi, open.
    constant : float
        Of functions that have one.
    """

    number: int
    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    energy: Callable[[np.ndarray], np.ndarray]
    steepest: float = 1.0
    lower: float = -np.inf
    upper: float = np.inf
    constant: float = 0.0


def _decay(q: np.ndarray) -> np.ndarray:
    """(1 - tanh(q)) / 2 with full relative accuracy."""
    t = np.exp(-2.0 * np.abs(q))
    return np.where(q >= 0.0, t, 1.0) / (1.0 + t)


def _tanh_slope(q: np.ndarray) -> np.ndarray:
    decay = _decay(q)
    return 4.0 * decay * (1.0 - decay)


def _tanh_energy(q: np.ndarray) -> np.ndarray:
    size = np.abs(q)
    # q tanh q - log cosh q; both saturate to size - size + log 2
    return np.log(2.0) - 2.0 * size * _decay(size) - np.log1p(np.exp(-2.0 * size))


def _logistic_energy(q: np.ndarray) -> np.ndarray:
    # the tanh energy of q/2 less log 2, since q = 2 artanh(2 v - 1)
    return _tanh_energy(0.5 * q) - np.log(2.0)


def _leaky(a: float) -> IncreasingFunction:
    """x, or a x below 0."""

    def value(q: np.ndarray) -> np.ndarray:
        return np.where(q > 0.0, q, a * q)

    def slope(q: np.ndarray) -> np.ndarray:
        return np.where(q > 0.0, 1.0, a)

    def inverse(v: np.ndarray) -> np.ndarray:
        return np.where(v > 0.0, v, v / a)

    return IncreasingFunction(LEAKY_RELU, value, slope, inverse, lambda q: 0.5 * q * value(q), max(1.0, a), constant=a)


TANH_FUNCTION = IncreasingFunction(TANH, np.tanh, _tanh_slope, np.arctanh, _tanh_energy, 1.0, -1.0, 1.0)
LOGISTIC_FUNCTION = IncreasingFunction(
    LOGISTIC, lambda q: _decay(-0.5 * q), lambda q: 0.25 * _tanh_slope(0.5 * q), lambda v: np.log(v) - np.log1p(-v),
    _logistic_energy, 0.25, 0.0, 1.0,
)  # fmt: skip
IDENTITY_FUNCTION = IncreasingFunction(IDENTITY, lambda q: q, np.ones_like, lambda v: v, lambda q: 0.5 * q * q)


def increasing_function(name: str, argument: float | None) -> IncreasingFunction | None:
    """The function of that name (`neurosim.graph.functions`), None if it is not strictly increasing or not known here.

    Parameters
    ----------
    name : str
    argument : float, optional
        The constant of functions that have one.
    """
    if name == "leaky_relu" and argument is not None and argument > 0.0:
        return _leaky(argument)
    return {"tanh": TANH_FUNCTION, "logistic": LOGISTIC_FUNCTION, "identity": IDENTITY_FUNCTION}.get(name)


SUPPORTED = ("identity", "tanh", "logistic", "leaky_relu")
