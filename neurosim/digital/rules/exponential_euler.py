"""Exponential Euler: exact while the drive is held (the digital form of sample-and-hold, zero-order hold).

    x+ = exp(-leak dt/tau) x + a G(x, u),    a = (1 - exp(-leak dt/tau)) / leak

A leaky integrator whose drive is sampled once per step follows it exactly, so a network whose every loop has a hold
stage *is* this recurrence (`neurosim.digital.clocked`). At leak 0 it is forward Euler, a = dt / tau.
"""

from __future__ import annotations

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule
from neurosim.digital.rules.phi_functions import phi_functions


def coefficients(tau: np.ndarray, leak: np.ndarray, dt: float) -> list[list[np.ndarray]]:
    """One stage."""
    z = -leak * dt / tau
    return [[np.exp(z), dt / tau * phi_functions(z)[0]]]


rule = Rule(
    name="exponential_euler",
    summary="exact decay, drive held over the step: what a sample-and-hold circuit computes",
    formula="x+ = exp(-leak dt/tau) x + a G(x, u), a = (1 - exp(-leak dt/tau)) / leak",
    leak="a = (1 - exp(-leak dt/tau)) / leak",
    order=1,
    fixed_points="those of the flow, for any dt",
    stability=(
        "the leak alone is never unstable; a symmetric net descends while a < 2/(leak + g |lambda_min|), a net with "
        "g |W| < leak contracts for any dt"
    ),
    source=Reference("Hochbruck & Ostermann, Acta Numerica 19, 209 (2010)", "10.1017/S0962492910000048"),
    coefficients=coefficients,
)
