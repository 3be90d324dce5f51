"""Increasing activation functions one number at a time, with the means between two arguments that energies need.

For v = phi(q) the energy of a unit is Psi(v), the integral of the inverse function. A discrete gradient needs the *mean
argument* ``(Psi(v1) - Psi(v0)) / (v1 - v0)``, which lies between q0 and q1, and the *argument of the mean*,
``phi^-1((v0 + v1) / 2)``. Both are computed from q0 and q1 without cancellation: by quadrature where these are near to
each other.
"""

from __future__ import annotations

import math

import numpy as np

from neurosim.kernels.abi import helper
from neurosim.kernels.array_functions import LEAKY_RELU, LOGISTIC, TANH

NODES, WEIGHTS = np.polynomial.legendre.leggauss(12)
NEAR = 0.5
"""Half distance up to which quadrature is used; its error is below 1e-16 there (poles of tanh at +-i pi/2)."""
SATURATED = 20.0
"""Beyond this, 1 - tanh(q) is 2 exp(-2 q) to rounding, so that shifts of q only scale it."""


@helper
def _decay(q):
    """(1 - tanh(q)) / 2 with full relative accuracy."""
    t = math.exp(-2.0 * abs(q))
    return (t if q >= 0.0 else 1.0) / (1.0 + t)


@helper
def increasing_value(function, constant, q):
    """phi(q); `function` as in `array_functions`, what is neither tanh, logistic nor leaky_relu is the identity."""
    if function == TANH:
        return math.tanh(q)
    if function == LOGISTIC:
        return _decay(-0.5 * q)
    if function == LEAKY_RELU:
        return q if q > 0.0 else constant * q
    return q


@helper
def increasing_slope(function, constant, q):
    """phi'(q)."""
    if function == TANH:
        decay = _decay(q)
        return 4.0 * decay * (1.0 - decay)
    if function == LOGISTIC:
        decay = _decay(0.5 * q)
        return decay * (1.0 - decay)
    if function == LEAKY_RELU:
        return 1.0 if q > 0.0 else constant
    return 1.0


@helper
def _relative_slope(x, centre):
    t = math.exp(-2.0 * abs(x))
    return math.exp(-2.0 * (abs(x) - centre)) / (1.0 + t) ** 2


@helper
def _softplus(x):
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@helper
def _tanh_mean(q0, q1):
    sign = -1.0 if q0 + q1 < 0.0 else 1.0
    # The mean is positive, and a shift keeps exponentials in range.
    shift = max(min(sign * q0, sign * q1) - SATURATED, 0.0)
    a, b = sign * q0 - shift, sign * q1 - shift
    middle, half = 0.5 * (a + b), 0.5 * (b - a)
    if abs(half) <= NEAR:
        total = centre = 0.0
        for k in range(NODES.size):
            share = WEIGHTS[k] * _relative_slope(middle + half * NODES[k], middle)
            total += share
            centre += share * NODES[k]
        centre /= total
        return sign * (middle + half * centre + shift), (1.0 - centre) * _relative_slope(middle + half, middle) / total
    decay0, decay1 = _decay(a), _decay(b)
    rise = 2.0 * (decay0 - decay1)
    area = _softplus(-2.0 * b) - _softplus(-2.0 * a)
    mean = middle + (-2.0 * half * (decay0 + decay1) - area) / rise
    return sign * (mean + shift), (b - mean) * 4.0 * decay1 * (1.0 - decay1) / rise


@helper
def _tanh_argument_of_mean(q0, q1):
    sign = -1.0 if q0 + q1 < 0.0 else 1.0
    shift = max(min(sign * q0, sign * q1) - SATURATED, 0.0)
    a, b = sign * q0 - shift, sign * q1 - shift
    argument = 0.5 * (math.log(_decay(-a) + _decay(-b)) - math.log(_decay(a) + _decay(b)))
    there, here = _decay(argument), _decay(b)
    return sign * (argument + shift), here * (1.0 - here) / (2.0 * there * (1.0 - there))


@helper
def mean_argument(function, constant, q0, q1):
    """Mean argument and its derivative by q1."""
    if function == TANH:
        return _tanh_mean(q0, q1)
    if function == LOGISTIC:
        # tanh of half the argument, up to a constant and a factor
        mean, change = _tanh_mean(0.5 * q0, 0.5 * q1)
        return 2.0 * mean, change
    if function == LEAKY_RELU and q0 * q1 < 0.0:
        v0, v1 = increasing_value(function, constant, q0), increasing_value(function, constant, q1)
        across = 0.5 * (q1 * v1 - q0 * v0) / (v1 - v0)
        return across, (q1 - across) * increasing_slope(function, constant, q1) / (v1 - v0)
    return 0.5 * (q0 + q1), 0.5


@helper
def argument_of_mean(function, constant, q0, q1):
    """Argument of the mean and its derivative by q1."""
    if function == TANH:
        return _tanh_argument_of_mean(q0, q1)
    if function == LOGISTIC:
        argument, change = _tanh_argument_of_mean(0.5 * q0, 0.5 * q1)
        return 2.0 * argument, change
    if function == LEAKY_RELU:
        mean = 0.5 * (increasing_value(function, constant, q0) + increasing_value(function, constant, q1))
        argument = mean if mean > 0.0 else mean / constant
        return argument, 0.5 * increasing_slope(function, constant, q1) / increasing_slope(function, constant, argument)
    return 0.5 * (q0 + q1), 0.5
