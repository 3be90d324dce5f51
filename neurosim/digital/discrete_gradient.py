"""Steps along discrete gradients: the energy falls whatever dt, and the fixed points are those of the energy.

A discrete gradient D of E satisfies ``D . (w1 - w0) = E(w1) - E(w0)`` and is the gradient at w1 = w0. In the forms of
`neurosim.digital.gradient_form`, with c = dt/tau, q0 and q1 the arguments of phi before and after,

    membrane:  x1 - x0 = -c D                                   rate:  r1 - r0 = c (phi(B - k D) - phi(B)),
                                                                       B = (q0 + q1) / 2

Each change of a unit has the sign opposite to its D (phi increases), so ``E(w1) - E(w0)`` is a sum of terms that are
not positive. As E = -w.W w / 2 - b.w + separable terms, the quadratic part of D is exactly -(W (w0 + w1)/2 + b).

Source: McLachlan, Quispel & Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999), doi 10.1098/rsta.1999.0363 (recalled).
The form for rates was derived for this package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.digital.batched_newton import TOLERANCE, solve_batch
from neurosim.digital.gradient_form import GradientForm, gradient_form
from neurosim.errors import SimulationError

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork

Separable = Callable[[GradientForm, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray, np.ndarray | None]]
"""``(form, q0, q1) -> (S, dS/dq1 by element, None or the rest of the derivative (samples, n, n))``: the
discrete gradient of the separable part of the energy."""


def discrete_gradient_step(
    network: DigitalNetwork, separable: Separable
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Make the step of a network under a discrete gradient that is symmetric in its two states.

    Parameters
    ----------
    network : DigitalNetwork
    separable : callable
        Discrete gradient of the separable energy.

    Raises
    ------
    ParameterError
        The graph is not known to descend an energy.
    """
    form = gradient_form(network.program)
    full = network.dt / network.program.time_constant
    weights, scale, gain = form.weights, form.scale, form.gain
    identity = np.eye(gain.size)

    def step(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        q0 = form.argument(y)
        w0 = form.value(q0) * scale
        bias = form.bias(u)

        def equation(q1: np.ndarray, rows: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            c = share * full
            before, w1 = q0[rows], form.value(q1) * scale
            by_argument = form.slope(q1) * scale
            part, change, rank_one = separable(form, before, q1)
            middle = 0.5 * (w0[rows] + w1)
            linear = middle @ weights + bias[rows]
            gradient = part - linear
            d_gradient = identity * change[:, None, :] - 0.5 * weights * by_argument[:, None, :]
            if rank_one is not None:
                d_gradient = d_gradient + rank_one
            if not form.is_rate:
                divide = 1.0 / gain + c * np.abs(form.curvature)
                residual = ((q1 - before) / gain + c * gradient) / divide
                size = (np.abs(q1) / gain + c * (np.abs(part) + np.abs(linear))) / divide + 1.0
                jacobian = (identity / gain + c[:, None] * d_gradient) / divide[:, None]
                return residual, size, jacobian
            centre = 0.5 * (before + q1)
            moved = centre - gain * gradient
            divide = 1.0 + c / scale
            residual = (w1 - w0[rows] - c * (form.value(moved) - form.value(centre))) / divide
            slope, centre_slope = c * form.slope(moved) / divide, 0.5 * c * form.slope(centre) / divide
            jacobian = identity * (by_argument / divide - 0.5 * slope + centre_slope)[:, None, :]
            jacobian += slope[..., None] * gain[:, None] * d_gradient
            return residual, np.ones_like(residual), jacobian

        q1, error = solve_batch(equation, q0)
        if error.max(initial=0.0) > TOLERANCE:
            sample, place = np.unravel_index(int(error.argmax()), error.shape)
            raise SimulationError(
                f"rule '{network.rule.name}' with dt = {network.dt:g} s: no solution found for a step; worst state "
                f"{network.state_name(int(place))} (sample {sample}), relative residual {error.max():.1e}; a smaller dt, "
                "or itoh_abe, may help"
            )
        return form.state(q1)

    return step
