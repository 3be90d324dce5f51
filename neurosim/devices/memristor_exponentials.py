"""Exponential and hyperbolic sine with their derivatives, for memristor laws that must never overflow.

Beyond an argument of 100, far outside what any device sees, both go on as their tangents.
"""

from __future__ import annotations

import math

from neurosim.kernels.abi import helper
from neurosim.kernels.functions import fast_exp, fast_expm1

_LARGEST = 100.0
"""exp(100) = 2.7e43 leaves room for products and powers in double precision."""


@helper
def limited_exponential(z):
    """Value and slope of exp(z), continued by its tangent above z = 100."""
    c = _LARGEST if z > _LARGEST else z
    e = fast_exp(c)
    return e + e * (z - c), e


@helper
def limited_exponential_minus_one(z):
    """Value and slope of exp(z) - 1, exactly 0 at z = 0, continued by its tangent above z = 100."""
    c = _LARGEST if z > _LARGEST else z
    e = fast_expm1(c)
    return e + (e + 1.0) * (z - c), e + 1.0


@helper
def limited_sinh(z):
    """Value and slope of sinh(z), continued by its tangents beyond abs(z) = 100."""
    a = abs(z)
    c = _LARGEST if a > _LARGEST else a
    e = fast_expm1(c)
    share = e / (e + 1.0)
    slope = 1.0 + 0.5 * e * share
    return math.copysign(0.5 * (e + share) + slope * (a - c), z), slope
