"""Henon's map of the plane: a clocked state, the calibration system of chaotic maps.

    x <- 1 - a x^2 + y,    y <- b x

Areas shrink by the factor b in each step, so the Lyapunov exponents sum up to log b.

Source: Henon, Commun. Math. Phys. 50, 69 (1976), doi 10.1007/BF01608556.
"""

from __future__ import annotations

from neurosim.architectures.architecture import Architecture, graph_of_law
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.reference import Reference


@law(2, ("a", "b"), formula="1 - a x^2 + y, b x")
def henon_field(context, u, p, memory, table, code, F, D):
    """One step and derivatives."""
    for e in range(F.shape[1]):
        x, y, a, b = u[0, e], u[1, e], p[0, e], p[1, e]
        F[0, e] = 1.0 - a * x * x + y
        F[1, e] = b * x
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, e], D[0, 1, e], D[0, 2, e] = -2.0 * a * x, 1.0, -x * x
            D[1, 0, e], D[1, 3, e] = b, x


def henon(
    a: float = 1.4, b: float = 0.3, *, initial: tuple[float, ...] = (0.0, 0.0)
) -> SignalGraph:  # fmt: skip
    """Build Henon's map.

    Parameters
    ----------
    a, b : float
        Defaults 1.4, 0.3.
    initial : tuple of float
        Of the 2 elements of the state, default (0.0, 0.0).

    Returns
    -------
    SignalGraph
        State ``x`` on the clock ``step`` of 1 s; no inputs.
    """
    return graph_of_law("henon", henon_field, (a, b), initial, period=1.0)


vector_field = henon_field
architecture = Architecture(
    name="henon",
    summary="map of the plane with a fold: the calibration system of chaotic maps",
    source=Reference("Henon, Commun. Math. Phys. 50, 69 (1976)", "10.1007/BF01608556"),
    equations="x+ = 1 - a x^2 + y\ny+ = b x",
    analog="the same map at the ticks of a clock of 1 s",
    digital="forward_euler, dt = 1 s, exactly",
    check="equals the iterated formula, shrinks areas by b (validation/analytic/calibration_systems)",
    cases=("lyapunov",),
    build=henon,
)
