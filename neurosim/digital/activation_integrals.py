"""Increasing activation functions with what an energy needs of them: inverse, integral of the inverse, and means.

For v = phi(q) the energy of a unit is Psi(v), the integral of the inverse function; written in q (Legendre) it is
``Psi = q phi(q) - integral of phi``, which stays exact where v saturates. A discrete gradient needs

- the *mean argument* ``(Psi(v1) - Psi(v0)) / (v1 - v0)``, which lies between q0 and q1;
- the *argument of the mean*, ``phi^-1((v0 + v1) / 2)``.

Both are computed from q0 and q1 without cancellation, by quadrature where these are near to each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

Pair = tuple[np.ndarray, np.ndarray]

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
NEAR = 0.5
"""Half distance up to which quadrature is used; its error is below 1e-16 there (poles of tanh at +-i pi/2)."""
SATURATED = 20.0
"""Beyond this, 1 - tanh(q) is 2 exp(-2 q) to rounding, so that shifts of q only scale it."""


@dataclass(frozen=True)
class IncreasingFunction:
    """A strictly increasing function and its means; all elementwise.

    Attributes
    ----------
    value, slope, inverse : callable
        phi(q), phi'(q), phi^-1(v).
    energy : callable
        Psi(phi(q)) as a function of q.
    mean_argument : callable
        ``(q0, q1) -> (mean, its derivative by q1)``.
    argument_of_mean : callable
        ``(q0, q1) -> (argument, its derivative by q1)``.
    steepest : float
        Largest slope.
    lower, upper : float
        Range of phi, open.
    """

    value: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    inverse: Callable[[np.ndarray], np.ndarray]
    energy: Callable[[np.ndarray], np.ndarray]
    mean_argument: Callable[[np.ndarray, np.ndarray], Pair]
    argument_of_mean: Callable[[np.ndarray, np.ndarray], Pair]
    steepest: float = 1.0
    lower: float = -np.inf
    upper: float = np.inf


def _decay(q: np.ndarray) -> np.ndarray:
    """(1 - tanh(q)) / 2 with full relative accuracy."""
    t = np.exp(-2.0 * np.abs(q))
    return np.where(q >= 0.0, t, 1.0) / (1.0 + t)


def _reflected(q0: np.ndarray, q1: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Both arguments with their mean made positive, less a shift that keeps exponentials in range; sign and shift."""
    sign = np.where(q0 + q1 < 0.0, -1.0, 1.0)
    a, b = sign * q0, sign * q1
    shift = np.maximum(np.minimum(a, b) - SATURATED, 0.0)
    return a - shift, b - shift, sign, shift


def _tanh_mean(q0: np.ndarray, q1: np.ndarray) -> Pair:
    a, b, sign, shift = _reflected(q0, q1)
    middle, half = 0.5 * (a + b), 0.5 * (b - a)
    near = np.abs(half) <= NEAR
    narrow = np.where(near, half, 0.0)

    def relative_slope(x: np.ndarray, centre: np.ndarray) -> np.ndarray:
        t = np.exp(-2.0 * np.abs(x))
        return np.exp(-2.0 * (np.abs(x) - centre)) / (1.0 + t) ** 2

    shares = WEIGHTS * relative_slope(middle[..., None] + narrow[..., None] * NODES, middle[..., None])
    total = shares.sum(axis=-1)
    centre = shares @ NODES / total
    mean, change = middle + narrow * centre, (1.0 - centre) * relative_slope(middle + narrow, middle) / total
    if not near.all():
        decay0, decay1 = _decay(a), _decay(b)
        rise = np.where(near, 1.0, 2.0 * (decay0 - decay1))
        area = np.logaddexp(0.0, -2.0 * b) - np.logaddexp(0.0, -2.0 * a)
        far = middle + (-2.0 * half * (decay0 + decay1) - area) / rise
        mean = np.where(near, mean, far)
        change = np.where(near, change, (b - far) * 4.0 * decay1 * (1.0 - decay1) / rise)
    return sign * (mean + shift), change


def _tanh_argument_of_mean(q0: np.ndarray, q1: np.ndarray) -> Pair:
    a, b, sign, shift = _reflected(q0, q1)
    argument = 0.5 * (np.log(_decay(-a) + _decay(-b)) - np.log(_decay(a) + _decay(b)))
    there, here = _decay(argument), _decay(b)
    change = here * (1.0 - here) / (2.0 * there * (1.0 - there))
    return sign * (argument + shift), change


def _tanh_energy(q: np.ndarray) -> np.ndarray:
    size = np.abs(q)
    # q tanh q - log cosh q; both saturate to size - size + log 2
    return np.log(2.0) - 2.0 * size * _decay(size) - np.log1p(np.exp(-2.0 * size))


def _tanh_slope(q: np.ndarray) -> np.ndarray:
    decay = _decay(q)
    return 4.0 * decay * (1.0 - decay)


def _logistic_energy(q: np.ndarray) -> np.ndarray:
    # the tanh energy of q/2 less log 2, since q = 2 artanh(2 v - 1)
    return _tanh_energy(0.5 * q) - np.log(2.0)


def _halved(function: Callable[[np.ndarray, np.ndarray], Pair], q0: np.ndarray, q1: np.ndarray) -> Pair:
    """For the logistic function, which is tanh of half the argument up to a constant and a factor."""
    value, change = function(0.5 * q0, 0.5 * q1)
    return 2.0 * value, change


def _middle(q0: np.ndarray, q1: np.ndarray) -> Pair:
    return 0.5 * (q0 + q1), np.full_like(q0 + q1, 0.5)


def _leaky(a: float) -> IncreasingFunction:
    """x, or a x below 0."""

    def value(q: np.ndarray) -> np.ndarray:
        return np.where(q > 0.0, q, a * q)

    def slope(q: np.ndarray) -> np.ndarray:
        return np.where(q > 0.0, 1.0, a)

    def inverse(v: np.ndarray) -> np.ndarray:
        return np.where(v > 0.0, v, v / a)

    def mean_argument(q0: np.ndarray, q1: np.ndarray) -> Pair:
        crossing = q0 * q1 < 0.0
        v0, v1 = value(q0), value(q1)
        rise = np.where(crossing, v1 - v0, 1.0)
        across = 0.5 * (q1 * v1 - q0 * v0) / rise
        mean = np.where(crossing, across, 0.5 * (q0 + q1))
        return mean, np.where(crossing, (q1 - across) * slope(q1) / rise, 0.5)

    def argument_of_mean(q0: np.ndarray, q1: np.ndarray) -> Pair:
        argument = inverse(0.5 * (value(q0) + value(q1)))
        return argument, 0.5 * slope(q1) / slope(argument)

    return IncreasingFunction(
        value, slope, inverse, lambda q: 0.5 * q * value(q), mean_argument, argument_of_mean, max(1.0, a)
    )


TANH = IncreasingFunction(
    np.tanh, _tanh_slope, np.arctanh, _tanh_energy, _tanh_mean, _tanh_argument_of_mean, 1.0, -1.0, 1.0
)  # fmt: skip
LOGISTIC = IncreasingFunction(
    lambda q: _decay(-0.5 * q), lambda q: 0.25 * _tanh_slope(0.5 * q), lambda v: np.log(v) - np.log1p(-v),
    _logistic_energy, partial(_halved, _tanh_mean), partial(_halved, _tanh_argument_of_mean), 0.25, 0.0, 1.0,
)  # fmt: skip
IDENTITY = IncreasingFunction(
    lambda q: q, np.ones_like, lambda v: v, lambda q: 0.5 * q * q, _middle, _middle
)  # fmt: skip


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
    return {"tanh": TANH, "logistic": LOGISTIC, "identity": IDENTITY}.get(name)


SUPPORTED = ("identity", "tanh", "logistic", "leaky_relu")
