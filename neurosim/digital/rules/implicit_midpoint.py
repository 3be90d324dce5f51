"""Implicit midpoint: the flow at the mean of the old and the new state.

    x+ = x + dt F(m, u),    m = (x + x+)/2,    solved for m by Newton's method

It keeps quadratic invariants of the flow, and is stable wherever the flow is, for linear networks at any dt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule
from neurosim.errors import SimulationError

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork


def step(network: DigitalNetwork) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Solve ``(1 + c leak) m = x + c G(m, u)``, c = dt/(2 tau); what jumps at a clock stays as it is."""
    from neurosim.digital.batched_newton import TOLERANCE, newton

    program = network.program
    half = np.where(program.is_clocked, 0.0, 0.5 * network.dt / program.time_constant)
    keep = 1.0 / (1.0 + half * program.leak)
    identity = np.eye(half.size)

    def advance(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        def equation(m: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            drive = program.drive(m, u[rows])
            residual = m - keep * (y[rows] + half * drive)
            size = 1.0 + np.abs(m) + keep * (np.abs(y[rows]) + half * np.abs(drive))
            jacobian = np.array([program.jacobian(m[k], u[row])[0] for k, row in enumerate(rows)])
            return residual, size, identity - (keep * half)[:, None] * jacobian.reshape(len(rows), *identity.shape)

        middle, error = newton(equation, y, np.arange(len(y)))
        if error.max(initial=0.0) > TOLERANCE:
            sample, place = np.unravel_index(int(error.argmax()), error.shape)
            raise SimulationError(
                f"rule 'implicit_midpoint' with dt = {network.dt:g} s: no solution found for a step; worst state "
                f"{network.state_name(int(place))} (sample {sample}), relative residual {error.max():.1e}; try a "
                "smaller dt"
            )
        return 2.0 * middle - y

    return advance


rule = Rule(
    name="implicit_midpoint",
    summary="flow at the mean of old and new state, solved in each step; keeps quadratic invariants",
    formula="x+ = x + (dt/tau) (G(m, u) - leak m), m = (x + x+)/2",
    leak="implicit; (dt/tau) / (1 + leak dt/(2 tau)) for a linear unit",
    order=2,
    fixed_points="those of the flow; at large dt cycles of period two may join them",
    stability="a linear net is stable at any dt where its flow is (A-stable); modes with |rate| dt > 2 ring",
    source=Reference("Hairer, Lubich & Wanner, Geometric Numerical Integration (2006)", "10.1007/3-540-30666-8"),
    step=step,
)
