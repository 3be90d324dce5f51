"""Lorenz's convection cell, the calibration system of chaotic flows.

    x' = sigma (y - x),    y' = x (rho - z) - y,    z' = x y - beta z

The mean divergence is -(sigma + 1 + beta) everywhere, which the Lyapunov exponents must sum up to.

Source: Lorenz, J. Atmos. Sci. 20, 130 (1963), doi 10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2.
"""

from __future__ import annotations

from neurosim.architectures.architecture import Architecture, graph_of_law
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.reference import Reference


@law(3, ("sigma", "rho", "beta"), formula="sigma (y - x), x (rho - z) - y, x y - beta z")
def lorenz_field(context, u, p, memory, table, code, F, D):
    """Rates and derivatives."""
    for e in range(F.shape[1]):
        x, y, z = u[0, e], u[1, e], u[2, e]
        sigma, rho, beta = p[0, e], p[1, e], p[2, e]
        F[0, e] = sigma * (y - x)
        F[1, e] = x * (rho - z) - y
        F[2, e] = x * y - beta * z
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e], D[0, 3, e] = -sigma, sigma, y - x
            D[1, 0, e], D[1, 1, e], D[1, 2, e], D[1, 4, e] = rho - z, -1.0, -x, x
            D[2, 0, e], D[2, 1, e], D[2, 2, e], D[2, 5, e] = y, x, -beta, -z


def lorenz(
    sigma: float = 10.0, rho: float = 28.0, beta: float = 8.0 / 3.0, *, initial: tuple[float, ...] = (1.0, 1.0, 1.0)
) -> SignalGraph:  # fmt: skip
    """Build the Lorenz system.

    Parameters
    ----------
    sigma, rho, beta : float
        Prandtl number, Rayleigh number over its critical value, and geometry; defaults 10, 28, 8/3.
    initial : tuple of float
        Of the 3 elements of the state, default (1.0, 1.0, 1.0).

    Returns
    -------
    SignalGraph
        State ``x``, time in units of 1 s; no inputs.
    """
    return graph_of_law("lorenz", lorenz_field, (sigma, rho, beta), initial)


vector_field = lorenz_field
architecture = Architecture(
    name="lorenz",
    summary="convection cell of three modes: the calibration system of chaotic flows",
    source=Reference("Lorenz, J. Atmos. Sci. 20, 130 (1963)", "10.1175/1520-0469(1963)020<0130:DNF>2.0.CO;2"),
    equations="x' = sigma (y - x)\ny' = x (rho - z) - y\nz' = x y - beta z",
    analog="x' = sigma (y - x),  y' = x (rho - z) - y,  z' = x y - beta z",
    digital="forward_euler or any rule, dt well below 1 s",
    check="equals an integration of the same equations by SciPy, contracts volume at -(sigma + 1 + beta) "
    "(validation/analytic/calibration_systems)",
    cases=("lyapunov",),
    build=lorenz,
)
