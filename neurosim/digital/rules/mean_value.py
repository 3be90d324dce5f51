"""Mean-value discrete gradient: the average of the gradient along the straight line between two states.

For the energies here the average is exact and separable: unit i gets ``(Psi(v1) - Psi(v0)) / (v1 - v0)``, the mean
argument of its activation function, between its old and its new value.
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
    from neurosim.kernels.implicit_step import MEAN_VALUE
    from neurosim.solve.discrete_gradient import discrete_gradient_step

    return discrete_gradient_step(network, MEAN_VALUE)


rule = Rule(
    name="mean_value",
    summary="mean-value discrete gradient: the energy of a symmetric net falls at any dt",
    formula="tau (x+ - x)/dt = -integral over 0 < s < 1 of dE/dv((1-s) v + s v+), solved in each step",
    leak="implicit; (dt/tau) / (1 + leak dt/(2 tau)) for a linear unit",
    order=2,
    fixed_points="exactly the points where dE = 0, for any dt",
    stability="the energy never rises, for any dt; only for networks that descend an energy",
    source=Reference("Harten, Lax & van Leer, SIAM Review 25, 35 (1983)", "10.1137/1025002"),
    descends=True,
    step=step,
)
