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
    from neurosim.digital.discrete_gradient import SeparablePart
    from neurosim.digital.gradient_form import GradientForm
    from neurosim.digital.network import DigitalNetwork


def separable(form: GradientForm, q0: np.ndarray, q1: np.ndarray, shift: np.ndarray | None) -> SeparablePart:
    """Argument of the mean plus the correction; the correction couples all units by a matrix of rank one."""
    from neurosim.digital.discrete_gradient import SeparablePart

    middle, middle_change = form.argument_of_mean(q0, q1)
    distance = (form.value(q1) - form.value(q0)) * form.scale
    by_argument = form.slope(q1) * form.scale
    value, change = form.curvature * middle, form.curvature * middle_change
    if shift is not None:
        return SeparablePart(value + shift * distance, change + shift * by_argument)
    mean, mean_change = form.mean_argument(q0, q1)
    total = (distance**2).sum(axis=-1, keepdims=True)
    total = np.where(total > 0.0, total, 1.0)
    excess, d_excess = form.curvature * (mean - middle), form.curvature * (mean_change - middle_change)
    factor = (excess * distance).sum(axis=-1, keepdims=True) / total
    d_factor = (d_excess * distance + (excess - 2.0 * factor * distance) * by_argument) / total
    coupling = distance[..., :, None] * d_factor[..., None, :]
    return SeparablePart(value + factor * distance, change + factor * by_argument, coupling, factor)


def step(network: DigitalNetwork) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Solve for the new states by Newton's method."""
    from neurosim.digital.discrete_gradient import discrete_gradient_step

    return discrete_gradient_step(network, separable)


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
