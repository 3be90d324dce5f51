"""Van der Pol's oscillator: a triode with a resonant circuit; stiff for large mu.

    x' = v,    v' = mu (1 - x^2) v - x

For large mu the period is (3 - 2 log 2) mu + 3 a mu^(-1/3) + ..., a = 2.33811 the first zero of the Airy function.

Source: van der Pol, Phil. Mag. 2, 978 (1926), doi 10.1080/14786442608564127; the period: Dorodnicyn (1947)
(recalled).
"""

from __future__ import annotations

from neurosim.architectures.architecture import Architecture, graph_of_law
from neurosim.graph.signal_graph import SignalGraph
from neurosim.kernels.abi import WANT_DERIVATIVES
from neurosim.kernels.named_law import law
from neurosim.reference import Reference


@law(2, ("mu",), formula="v, mu (1 - x^2) v - x")
def van_der_pol_field(context, u, p, memory, table, code, F, D):
    """Rates and derivatives."""
    for e in range(F.shape[1]):
        x, v, mu = u[0, e], u[1, e], p[0, e]
        F[0, e] = v
        F[1, e] = mu * (1.0 - x * x) * v - x
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 1, e] = 1.0
            D[1, 0, e] = -2.0 * mu * x * v - 1.0
            D[1, 1, e], D[1, 2, e] = mu * (1.0 - x * x), (1.0 - x * x) * v


def van_der_pol(
    mu: float = 1.0, *, initial: tuple[float, ...] = (2.0, 0.0)
) -> SignalGraph:  # fmt: skip
    """Build van der Pol's oscillator.

    Parameters
    ----------
    mu : float
        Strength of the nonlinear damping, default 1; from about 100 on choose an implicit method.
    initial : tuple of float
        Of the 2 elements of the state, default (2.0, 0.0).

    Returns
    -------
    SignalGraph
        State ``x``, time in units of 1 s; no inputs.
    """
    return graph_of_law("van der pol", van_der_pol_field, (mu,), initial)


vector_field = van_der_pol_field
architecture = Architecture(
    name="van_der_pol",
    summary="relaxation oscillator with one parameter, stiff where it is large",
    source=Reference("van der Pol, Phil. Mag. 2, 978 (1926)", "10.1080/14786442608564127"),
    equations="x' = v\nv' = mu (1 - x^2) v - x",
    analog="x' = v,  v' = mu (1 - x^2) v - x",
    digital="forward_euler or any rule, dt well below 1 s",
    check="has the period 2 pi (1 + mu^2/16) for small mu (validation/analytic/calibration_systems)",
    cases=("dynamics",),
    build=van_der_pol,
)
