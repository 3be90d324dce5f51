"""Exponential, hyperbolic sine and logistic function with their derivatives, for laws that must never overflow.

Beyond an argument of 100, far outside what any device sees, exp and sinh go on as their tangents.
"""

from __future__ import annotations

import math

from neurosim.kernels.abi import helper

_LARGEST = 100.0
"""exp(100) = 2.7e43 leaves room for products and powers in double precision."""


@helper
def limited_exponential(z):
    """Value and slope of exp(z), continued by its tangent above z = 100."""
    c = min(z, _LARGEST)
    e = math.exp(c)
    return e + e * (z - c), e


@helper
def limited_exponential_minus_one(z):
    """Value and slope of exp(z) - 1, exactly 0 at z = 0, continued by its tangent above z = 100."""
    c = min(z, _LARGEST)
    e = math.exp(c)
    return math.expm1(c) + e * (z - c), e


@helper
def limited_sinh(z):
    """Value and slope of sinh(z), continued by its tangents beyond abs(z) = 100."""
    c = min(max(z, -_LARGEST), _LARGEST)
    slope = math.cosh(c)
    return math.sinh(c) + slope * (z - c), slope


@helper
def logistic(z):
    """Value and slope of 1 / (1 + exp(-z))."""
    value = 0.5 + 0.5 * math.tanh(0.5 * z)
    return value, value * (1.0 - value)
