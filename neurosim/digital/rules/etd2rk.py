"""Exponential time differencing, Runge-Kutta of order 2.

x1 = exp(z) x + (dt/tau) phi_1(z) G(x, u),           z = -leak dt/tau
x+ = x1 + (dt/tau) phi_2(z) (G(x1, u) - G(x, u))
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule
from neurosim.digital.rules.phi_functions import phi_functions


def coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
    """Two stages."""
    z = -leak * dt / tau
    first, second = phi_functions(z)
    step, decay = dt / tau, np.exp(z)
    return [[decay, step * first], [decay, step * (first - second), step * second]]


rule = Rule(
    name="etd2rk",
    summary="exact decay, drive linear in time over the step",
    formula="x1 = exp(z) x + (dt/tau) phi_1(z) G(x, u); x+ = x1 + (dt/tau) phi_2(z) (G(x1, u) - G), z = -leak dt/tau",
    leak="(1 - exp(-leak dt/tau)) / leak",
    order=2,
    fixed_points="those of the flow; at large dt there may be more",
    stability="the leak alone is never unstable; the drive, if dt g |W|/tau is of order 1 or less",
    source=Reference("Cox & Matthews, Journal of Computational Physics 176, 430 (2002)", "10.1006/jcph.2002.6995"),
    coefficients=coefficients,
)
