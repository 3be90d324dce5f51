"""Gonzalez' midpoint discrete gradient: the gradient at the midpoint, corrected along the step.

D = dE(m) + (E(w1) - E(w0) - dE(m).d) d / |d|^2,    m = (w0 + w1)/2, d = w1 - w0
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork


def step(network: DigitalNetwork) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Solve for the new states by Newton's method."""
    from neurosim.kernels.implicit_step import GONZALEZ
    from neurosim.solve.discrete_gradient import discrete_gradient_step

    return discrete_gradient_step(network, GONZALEZ)


rule = Rule(
    name="gonzalez",
    summary="midpoint discrete gradient: the energy of a symmetric net falls at any dt",
    formula="tau (x+ - x)/dt = -D, D = dE(m) + (E(v+) - E(v) - dE(m).d) d/|d|^2, m = (v + v+)/2, d = v+ - v",
    leak="implicit; (dt/tau) / (1 + leak dt/(2 tau)) for a linear unit",
    order=2,
    fixed_points="exactly the points where dE = 0, for any dt",
    stability="the energy never rises, for any dt; only for networks that descend an energy",
    source=Reference("Gonzalez, Journal of Nonlinear Science 6, 449 (1996)", "10.1007/BF02440162"),
    descends=True,
    step=step,
)
