"""Steps along discrete gradients: the energy falls whatever dt, and the fixed points are those of the energy.

A discrete gradient D of E satisfies ``D . (w1 - w0) = E(w1) - E(w0)`` and is the gradient at w1 = w0. In the forms of
`neurosim.digital.gradient_form`, with c = dt/tau, q0 and q1 the arguments of phi before and after,

    membrane:  x1 - x0 = -c D                                   rate:  r1 - r0 = c (phi(B - k D) - phi(B)),
                                                                       B = (q0 + q1) / 2

Each change of a unit has the sign opposite to its D (phi increases), so ``E(w1) - E(w0)`` is a sum of terms that are
not positive. As E = -w.W w / 2 - b.w + separable terms, the quadratic part of D is exactly -(W (w0 + w1)/2 + b).

Newton's method first. Where it fails (large dt), sweeps solve each unit for itself, with the concave part of the
quadratic energy taken from the sweep before: for `mean_value` the equations are those of a minimum, and each sweep goes
down to it (the concave-convex procedure); then Newton again.

Source: McLachlan, Quispel & Robidoux, Phil. Trans. R. Soc. A 357, 1021 (1999), doi 10.1098/rsta.1999.0363.
The form for rates was derived for this package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.digital.gradient_form import gradient_form
from neurosim.digital.room import Room
from neurosim.errors import SimulationError
from neurosim.kernels import implicit_step as kernel

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork


def discrete_gradient_step(network: DigitalNetwork, rule: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Make the step of a network under a discrete gradient.

    Parameters
    ----------
    network : DigitalNetwork
    rule : int
        ``MEAN_VALUE``, ``GONZALEZ`` or ``ITOH_ABE`` of `neurosim.kernels.implicit_step`.

    Raises
    ------
    ParameterError
        The graph is not known to descend an energy.
    """
    form, room = gradient_form(network.program), Room()
    n = form.gain.size
    functions = [form.function_of(i) for i in range(n)]
    rows = (
        network.dt / network.program.time_constant, form.scale, form.curvature, form.gain,
        np.array([function.constant for function in functions]),
    )  # fmt: skip
    coefficients = np.concatenate([*rows, form.weights.ravel()])
    convex = max(0.0, -float(np.linalg.eigvalsh(form.weights)[0]))
    numbers = [int(form.is_rate), *(function.number for function in functions)]

    def step(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        plan = room.numbers("plan", rule, len(y), n, *numbers)
        before, bias = room.filled("before", form.argument(y).ravel()), room.filled("bias", form.bias(u).ravel())
        return form.state(solve(network, room, plan, coefficients, bias, before, convex).reshape(len(y), n))

    return step


def solve(
    network: DigitalNetwork, room: Room, plan: np.ndarray, coefficients: np.ndarray, given: np.ndarray,
    before: np.ndarray, convex: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Solve the equations of one step; the arguments are those of `neurosim.kernels.implicit_step.implicit_step`.

    Raises
    ------
    SimulationError
        No solution was found.
    """
    program = network.program
    n, samples = int(plan[kernel.COUNT]), int(plan[kernel.SAMPLES])
    x, errors = room.array("x", samples * n), room.array("errors", samples * n)
    room.run(
        kernel.implicit_step, plan, program.code, program.p, program.transposed, coefficients, given, before, x, errors,
        room.array("room", n * (n + kernel.PARTS)), room.array("arena", int(program.code[0]) * (1 + n)), convex,
    )  # fmt: skip
    worst = float(errors.max(initial=0.0))
    if not worst <= kernel.TOLERANCE:
        sample, place = divmod(int(errors.argmax()), n)
        raise SimulationError(
            f"rule '{network.rule.name}' with dt = {network.dt:g} s: no solution found for a step; worst state "
            f"{network.state_name(place)} (sample {sample}), relative residual {worst:.1e}; a smaller dt may help"
            + (", or itoh_abe" if network.rule.descends else "")
        )
    return x
