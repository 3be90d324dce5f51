"""Mackey and Glass's model of blood cells: one variable with a delay, chaotic for delays of 17 and more.

    x' = beta x(t - tau) / (1 + |x(t - tau)|^n) - gamma x

Before t = 0, x is its initial value. A digital network keeps the past in a chain of tau/dt copies.

Source: Mackey & Glass, Science 197, 287 (1977), doi 10.1126/science.267326.
"""

from __future__ import annotations

import numpy as np

from neurosim.architectures.architecture import Architecture
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.reference import Reference


@law(1, ("beta", "n"), formula="beta x / (1 + |x|^n)")
def mackey_glass_field(context, u, p, memory, table, code, F, D):
    """Production and derivatives."""
    for e in range(F.shape[1]):
        x, beta, n = u[0, e], p[0, e], p[1, e]
        size = abs(x)
        power = size**n
        share = 1.0 / (1.0 + power)
        F[0, e] = beta * x * share
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e] = beta * share * (1.0 - n * power * share)
            D[0, 1, e] = x * share
            D[0, 2, e] = -beta * x * power * share * share * np.log(size) if size > 0.0 else 0.0


def mackey_glass(
    delay: float = 17.0, beta: float = 0.2, gamma: float = 0.1, n: float = 10.0, *, initial: float = 1.2
) -> SignalGraph:  # fmt: skip
    """Build the Mackey-Glass equation.

    Parameters
    ----------
    delay : float
        Seconds, default 17.
    beta, gamma : float
        Rates of production and decay [1/s], defaults 0.2, 0.1.
    n : float
        Steepness, default 10.
    initial : float
        x until t = 0, default 1.2.

    Returns
    -------
    SignalGraph
        State ``x``; parameters ``beta``, ``n``, ``gamma``; no inputs.
    """
    graph = SignalGraph("mackey glass")
    for name, value in (("beta", beta), ("n", n), ("gamma", gamma)):
        graph.parameter(name, value)
    graph.state("x", time_constant=1.0, leak="gamma", initial=initial)
    graph.map("production", law=mackey_glass_field)
    graph.connect("x", "production", delay=delay)
    graph.connect("production", "x")
    return graph


vector_field = mackey_glass_field
architecture = Architecture(
    name="mackey_glass",
    summary="one variable with a delay: the calibration system of delay equations",
    source=Reference("Mackey & Glass, Science 197, 287 (1977)", "10.1126/science.267326"),
    equations="x' = beta x(t - tau) / (1 + |x(t - tau)|^n) - gamma x",
    analog="x' = beta x(t - tau) / (1 + |x(t - tau)|^n) - gamma x",
    digital="forward_euler or any rule, dt dividing the delay",
    check="equals an integration delay by delay, and its digital twin at first order (validation/analytic/delays)",
    cases=("lyapunov",),
    build=mackey_glass,
    example={"delay": 2.5},
)
