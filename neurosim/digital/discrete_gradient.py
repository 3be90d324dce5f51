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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.digital.batched_newton import TOLERANCE, newton
from neurosim.digital.gradient_form import GradientForm, gradient_form
from neurosim.errors import SimulationError

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork

SWEEPS = 1024
"""Most sweeps of the solver that takes over where Newton's method fails; Newton is tried again after 1, 2, 4, ..."""
BISECTIONS = 80
"""Most evaluations for one root; a bisection of doubles needs about 60."""


@dataclass(frozen=True)
class SeparablePart:
    """Discrete gradient of the separable part of the energy.

    Attributes
    ----------
    value : ndarray, shape (samples, n)
    change : ndarray, shape (samples, n)
        Its derivative by q1, element by element.
    coupling : ndarray, shape (samples, n, n), or None
        What the derivative has beside that.
    shift : ndarray, shape (samples, 1)
        Multiple of w1 - w0 that is contained in the value and couples the units.
    """

    value: np.ndarray
    change: np.ndarray
    coupling: np.ndarray | None = None
    shift: np.ndarray | float = 0.0


Separable = Callable[[GradientForm, np.ndarray, np.ndarray, np.ndarray | None], SeparablePart]
"""``(form, q0, q1, shift)``; with a given `shift` that one is taken, so that the units are not coupled."""


@dataclass(frozen=True)
class UnitEquations:
    """The equations of a step for q1, given the discrete gradient.

    Attributes
    ----------
    form : GradientForm
    c : ndarray, shape (n,)
        dt / tau.
    """

    form: GradientForm
    c: np.ndarray

    def residual(
        self, q0: np.ndarray, q1: np.ndarray, part: np.ndarray, linear: np.ndarray, units: slice | int = slice(None)
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
        """Residual, size of its terms, derivative by q1 at a fixed discrete gradient, derivative by that."""
        form, c = self.form, self.c[units]
        gain, scale = form.gain[units], form.scale[units]
        gradient = part - linear
        if not form.is_rate:
            divide = 1.0 / gain + c * np.abs(form.curvature[units])
            residual = ((q1 - q0) / gain + c * gradient) / divide
            size = (np.abs(q1) / gain + c * (np.abs(part) + np.abs(linear))) / divide + 1.0
            return residual, size, np.broadcast_to(1.0 / (gain * divide), q1.shape), c / divide + 0.0 * q1
        centre = 0.5 * (q0 + q1)
        moved = centre - gain * gradient
        divide = scale + c
        change = form.value(q1, units) - form.value(q0, units)
        residual = (scale * change - c * (form.value(moved, units) - form.value(centre, units))) / divide
        slope = c * form.slope(moved, units) / divide
        direct = (scale * form.slope(q1, units) + 0.5 * c * form.slope(centre, units)) / divide - 0.5 * slope
        return residual, np.ones_like(residual), direct, slope * gain


def discrete_gradient_step(
    network: DigitalNetwork, separable: Separable
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Make the step of a network under a discrete gradient that is symmetric in its two states.

    Newton's method first. Where it fails (large dt), sweeps that solve each unit for itself, with the concave part of
    the quadratic energy taken from the sweep before: for `mean_value` the equations are those of a minimum, and each
    sweep goes down to it (the concave-convex procedure); then Newton again.

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
    units = UnitEquations(form, network.dt / network.program.time_constant)
    weights, scale = form.weights, form.scale
    identity = np.eye(scale.size)
    convex = max(0.0, -float(np.linalg.eigvalsh(weights)[0]))

    def step(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        q0 = form.argument(y)
        w0 = form.value(q0) * scale
        bias = form.bias(u)

        def equation(q1: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            part = separable(form, q0[rows], q1, None)
            linear = 0.5 * (w0[rows] + form.value(q1) * scale) @ weights + bias[rows]
            residual, size, direct, by_gradient = units.residual(q0[rows], q1, part.value, linear)
            of_gradient = identity * part.change[:, None, :] - 0.5 * weights * (form.slope(q1) * scale)[:, None, :]
            if part.coupling is not None:
                of_gradient = of_gradient + part.coupling
            return residual, size, identity * direct[:, None, :] + by_gradient[..., None] * of_gradient

        def sweep(q1: np.ndarray, rows: np.ndarray) -> np.ndarray:
            before, w1 = q0[rows], form.value(q1) * scale
            shift = separable(form, before, q1, None).shift
            held = 0.5 * (w0[rows] + w1) @ weights + bias[rows] + 0.5 * convex * w1

            def each(q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
                part = separable(form, before, q, np.asarray(shift))
                linear = held - 0.5 * convex * form.value(q) * scale
                residual, _, direct, by_gradient = units.residual(before, q, part.value, linear)
                by_q = part.change + 0.5 * convex * form.slope(q) * scale
                return residual, direct + by_gradient * by_q

            return increasing_roots(each, q1)

        rows = np.arange(len(y))
        q1, error = newton(equation, q0, rows)
        failed = np.flatnonzero(error.max(axis=1, initial=0.0) > TOLERANCE)
        swept = q0[failed]
        for number in range(1, SWEEPS + 1):
            if failed.size == 0:
                break
            swept = sweep(swept, failed)
            if number & (number - 1) == 0:
                q1[failed], error[failed] = newton(equation, swept, failed)
                open_rows = error[failed].max(axis=1) > TOLERANCE
                failed, swept = failed[open_rows], swept[open_rows]
        if failed.size:
            sample, place = np.unravel_index(int(error.argmax()), error.shape)
            raise SimulationError(
                f"rule '{network.rule.name}' with dt = {network.dt:g} s: no solution found for a step; worst state "
                f"{network.state_name(int(place))} (sample {sample}), relative residual {error.max():.1e}; a smaller "
                "dt, or itoh_abe, may help"
            )
        return form.state(q1)

    return step


def increasing_roots(
    function: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]], start: np.ndarray
) -> np.ndarray:  # fmt: skip
    """Roots of many functions of one variable, each negative on the far left and positive on the far right.

    Newton's method, kept between bounds and replaced by bisection where it leaves them.

    Parameters
    ----------
    function : callable
        ``x -> (values, slopes)``, elementwise.
    start : ndarray
    """
    value, slope = function(start)
    low, high = np.where(value > 0.0, -np.inf, start), np.where(value > 0.0, start, np.inf)
    x, reach = start, np.ones_like(start)
    for _ in range(BISECTIONS):
        with np.errstate(all="ignore"):
            guess = x - value / slope
            bounded = np.isfinite(low) & np.isfinite(high)
            fallback = np.where(bounded, 0.5 * (low + high), np.where(np.isfinite(low), low + reach, high - reach))
            limited = np.clip(guess, x - reach, x + reach)
            inside = (limited >= low) & (limited <= high) & (slope > 0.0)
        new = np.where(inside, limited, fallback)
        reach = np.where(bounded, 0.5 * (high - low), 2.0 * reach)
        if (np.abs(new - x) <= 2e-15 * (1.0 + np.abs(x))).all():
            return new
        x = np.where(value == 0.0, x, new)
        value, slope = function(x)
        low, high = np.where(value > 0.0, low, x), np.where(value > 0.0, x, high)
    return x
