"""Itoh-Abe discrete gradient: one unit after the other, each to its end before the next.

    D_i = (E(w1_1 .. w1_i, w0_(i+1) ..) - E(w1_1 .. w1_(i-1), w0_i ..)) / (w1_i - w0_i)

Each unit solves one equation of one variable, so a step always exists; it is the graded cousin of the asynchronous
Hopfield network. The gain in robustness costs an order.
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
    """Solve unit by unit."""
    from neurosim.kernels.implicit_step import ITOH_ABE
    from neurosim.solve.discrete_gradient import discrete_gradient_step

    return discrete_gradient_step(network, ITOH_ABE)


rule = Rule(
    name="itoh_abe",
    summary="coordinate discrete gradient, unit by unit: the energy of a symmetric net falls at any dt",
    formula="tau (x_i+ - x_i)/dt = -(E(.., v_i+, v_(i+1), ..) - E(.., v_(i-1)+, v_i, ..))/(v_i+ - v_i), i = 1, 2, ..",
    leak="implicit; (dt/tau) / (1 + leak dt/(2 tau)) for a linear unit",
    order=1,
    fixed_points="exactly the points where dE = 0, for any dt",
    stability="the energy never rises, for any dt; only for networks that descend an energy",
    source=Reference("Itoh & Abe, Journal of Computational Physics 76, 85 (1988)", "10.1016/0021-9991(88)90132-5"),
    descends=True,
    step=step,
)
