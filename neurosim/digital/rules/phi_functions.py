"""The functions phi_1 and phi_2 of exponential integrators, without cancellation near 0.

    phi_1(z) = (exp(z) - 1) / z,    phi_2(z) = (exp(z) - 1 - z) / z^2

Source: Hochbruck & Ostermann, Acta Numerica 19, 209 (2010), doi 10.1017/S0962492910000048.
"""

from __future__ import annotations

import math

import numpy as np

SERIES_BELOW = 0.5
TERMS = 14
"""Rest of the series at 0.5, relative: 0.5^14 2 / 16! = 6e-18."""


def phi_functions(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """phi_1(z) and phi_2(z), elementwise.

    Parameters
    ----------
    z : ndarray
        Real, or complex for derivatives by complex steps.
    """
    z = np.asarray(z)
    near = np.abs(z) < SERIES_BELOW
    small, large = np.where(near, z, 0.0), np.where(near, 1.0, z)
    series = np.zeros_like(small)
    for k in reversed(range(TERMS)):
        series = series * small + 1.0 / math.factorial(k + 2)
    first = np.where(near, 1.0 + small * series, np.expm1(large) / large)
    return first, np.where(near, series, (np.expm1(large) - large) / large**2)
