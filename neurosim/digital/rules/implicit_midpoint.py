"""Implicit midpoint: the flow at the mean of the old and the new state.

    x+ = x + dt F(m, u),    m = (x + x+)/2,    solved for m by Newton's method

It keeps quadratic invariants of the flow, and is stable wherever the flow is, for linear networks at any dt.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from neurosim.devices.device import Reference
from neurosim.digital.rule import Rule

if TYPE_CHECKING:
    from neurosim.digital.network import DigitalNetwork


def step(network: DigitalNetwork) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Solve ``(1 + c leak) m = x + c G(m, u)``, c = dt/(2 tau); what jumps at a clock stays as it is."""
    from neurosim.kernels.implicit_step import MIDPOINT
    from neurosim.kernels.room import Room
    from neurosim.solve.discrete_gradient import solve

    program, room = network.program, Room()
    n = program.states.size
    half = np.where(program.is_clocked, 0.0, 0.5 * network.dt / program.time_constant)
    coefficients = np.concatenate([half, 1.0 / (1.0 + half * program.leak)])
    # Where in the Jacobian each number of the drive of n directions belongs: blocks hold directions by rows.
    directions = np.arange(n * n).reshape(n, n).T
    places = program.states.to_blocks(directions.astype(float)).astype(np.int64).ravel()

    @cache
    def plan(samples: int) -> np.ndarray:
        return np.array([MIDPOINT, samples, n, 0, *places])

    def advance(y: np.ndarray, u: np.ndarray) -> np.ndarray:
        given, before = room.filled("given", u.ravel()), room.filled("before", y.ravel())
        return 2.0 * solve(network, room, plan(len(y)), coefficients, given, before).reshape(y.shape) - y

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
