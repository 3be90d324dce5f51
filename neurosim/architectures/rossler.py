"""Roessler's band: one nonlinearity, one spiral, one fold.

    x' = -y - z,    y' = x + a y,    z' = b + z (x - c)

Source: Roessler, Phys. Lett. A 57, 397 (1976), doi 10.1016/0375-9601(76)90101-8.
"""

from __future__ import annotations

from neurosim.architectures.architecture import Architecture, graph_of_law
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.reference import Reference


@law(3, ("a", "b", "c"), formula="-y - z, x + a y, b + z (x - c)")
def rossler_field(context, u, p, memory, table, code, F, D):
    """Rates and derivatives."""
    for e in range(F.shape[1]):
        x, y, z = u[0, e], u[1, e], u[2, e]
        a, b, c = p[0, e], p[1, e], p[2, e]
        F[0, e] = -y - z
        F[1, e] = x + a * y
        F[2, e] = b + z * (x - c)
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 1, e] = D[0, 2, e] = -1.0
            D[1, 0, e], D[1, 1, e], D[1, 3, e] = 1.0, a, y
            D[2, 0, e], D[2, 2, e], D[2, 4, e], D[2, 5, e] = z, x - c, 1.0, -z


def rossler(
    a: float = 0.2, b: float = 0.2, c: float = 5.7, *, initial: tuple[float, ...] = (1.0, 1.0, 1.0)
) -> SignalGraph:  # fmt: skip
    """Build the Roessler system.

    Parameters
    ----------
    a, b, c : float
        Defaults 0.2, 0.2, 5.7.
    initial : tuple of float
        Of the 3 elements of the state, default (1.0, 1.0, 1.0).

    Returns
    -------
    SignalGraph
        State ``x``, time in units of 1 s; no inputs.
    """
    return graph_of_law("rossler", rossler_field, (a, b, c), initial)


vector_field = rossler_field
architecture = Architecture(
    name="rossler",
    summary="spiral with one fold: the simplest chaotic band",
    source=Reference("Roessler, Phys. Lett. A 57, 397 (1976)", "10.1016/0375-9601(76)90101-8"),
    equations="x' = -y - z\ny' = x + a y\nz' = b + z (x - c)",
    analog="x' = -y - z,  y' = x + a y,  z' = b + z (x - c)",
    digital="forward_euler or any rule, dt well below 1 s",
    check="rests at its fixed points, equals an integration by SciPy (validation/analytic/calibration_systems)",
    cases=("lyapunov",),
    build=rossler,
)
