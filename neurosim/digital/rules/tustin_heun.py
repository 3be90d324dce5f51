"""Tustin's bilinear rule for the leak, Heun's for the drive.

    x1 = ((1 - l) x + (dt/tau) G(x, u)) / (1 + l),                       l = leak dt / (2 tau)
    x+ = ((1 - l) x + (dt/(2 tau)) (G(x, u) + G(x1, u))) / (1 + l)

The leak is the trapezoidal rule, the bilinear transform s -> (2/dt) (z - 1)/(z + 1) of filter design.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule


def coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
    """Two stages."""
    half = 0.5 * leak * dt / tau
    keep, take = (1.0 - half) / (1.0 + half), dt / tau / (1.0 + half)
    return [[keep, take], [keep, 0.5 * take, 0.5 * take]]


rule = Rule(
    name="tustin_heun",
    summary="bilinear (trapezoidal) leak, Heun's average of two drives",
    formula="x1 = ((1-l) x + (dt/tau) G)/(1+l); x+ = ((1-l) x + (dt/tau) (G + G(x1, u))/2)/(1+l), l = leak dt/(2 tau)",
    leak="(dt/tau) / (1 + leak dt/(2 tau))",
    order=2,
    fixed_points="those of the flow; at large dt there may be more",
    stability="the leak alone is never unstable, but rings for leak dt > 2 tau; the drive, if dt g |W|/tau <~ 1",
    source=Reference("Tustin, Journal of the IEE 94 (IIA), 130 (1947)", "10.1049/ji-2a.1947.0020"),
    coefficients=coefficients,
)
