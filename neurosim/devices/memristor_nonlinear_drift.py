"""Nonlinear ion drift: a memristor with a rectifying contact.

    i = w^n beta sinh(alpha v) + chi (exp(gamma v) - 1)        w' = a f(w) v^q

w in [0, 1] is the normalised state, w = 1 the conducting one; q is odd, so that v^q has the sign of v (for any q the
law takes sign(v) abs(v)^q). f is one of the windows of `memristor_windows`.

Source: Yang, Pickett, Li, Ohlberg, Stewart & Williams, Nature Nanotechnology 3, 429 (2008), doi 10.1038/nnano.2008.160
(current); Lehtonen & Laiho, CNNA 2010, doi 10.1109/CNNA.2010.5430304 (rate; DOI recalled). Standard set: the
nonlinear drift model of the Technion memristor toolbox, in volt, ampere and second.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_exponentials import limited_exponential_minus_one, limited_sinh
from neurosim.devices.memristor_windows import window, window_parameters
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, w = u[0, m], u[1, m]
        n, beta, alpha, chi, gamma = p[0, m], p[1, m], p[2, m], p[3, m], p[4, m]
        a, q = p[5, m], p[6, m]
        c = min(max(w, 0.0), 1.0)
        share_slope = c ** (n - 1.0)
        share = share_slope * c
        tunnel, tunnel_slope = limited_sinh(alpha * v)
        diode, diode_slope = limited_exponential_minus_one(gamma * v)
        power = abs(v) ** (q - 1.0)
        f, f_slope = window(int(p[7, m]), w, v > 0.0, p[8, m], p[9, m], p[10, m], p[11, m], p[12, m])
        F[0, m] = share * beta * tunnel + chi * diode
        F[1, m] = a * f * power * v
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, m] = share * beta * alpha * tunnel_slope + chi * gamma * diode_slope
            D[0, 1, m] = n * share_slope * beta * tunnel if c == w else 0.0
            D[1, 0, m] = a * f * q * power
            D[1, 1, m] = a * f_slope * power * v


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: the parameters that the law reads, in its order."""
    names = ("n", "beta", "alpha", "chi", "gamma", "drift", "q", "window", "window_exponent", "window_height")
    places = ("window_lower", "window_upper", "window_width")
    return tuple(columns[name] for name in (*names, *places))


device = Device(
    name="nonlinear_drift",
    summary="memristor, nonlinear ion drift with a rectifying contact (Yang)",
    source=Reference(
        "Yang, Pickett, Li, Ohlberg, Stewart & Williams, Nature Nanotechnology 3, 429 (2008)", "10.1038/nnano.2008.160"
    ),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("w", None)),
        flows=(Current("p", "n"), Rate("w")),
        states=(State("w", "", "w0", 0.0, 1.0, 1.0, "normalised state; 1 conducts"),),
    ),
    parameters=(
        Parameter("beta", 9.0, "A", "tunnelling current beta", 0),
        Parameter("alpha", 2.0, "1/V", "steepness of tunnelling alpha", 0),
        Parameter("chi", 0.01, "A", "saturation current of the contact chi", 0, aliases=("c",)),
        Parameter("gamma", 4.0, "1/V", "steepness of the contact gamma", 0, aliases=("g",)),
        Parameter("n", 14.0, "", "exponent of the state n", 1, 100),
        Parameter("q", 13.0, "", "exponent of the voltage q", 1, 21),
        Parameter("drift", 4.0, "1/(V^q s)", "speed a", 0, aliases=("a",)),
        Parameter("w0", 0.5, "", "state at the start", 0, 1, aliases=("x0", "w_init")),
        *window_parameters("joglekar"),
        Parameter("window_lower", 0.0, "", "a_lower of the Kvatinsky window"),
        Parameter("window_upper", 1.0, "", "a_upper of the Kvatinsky window"),
        Parameter("window_width", 0.0357, "", "w_c of the Kvatinsky window", 0, exclusive=True),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "nonlinear_drift"), level=102
    ),
    reference={"pinched": True, "drive": {"amplitude": 1.0, "frequency": 0.5}, "state_bounds": {"w": (0.0, 1.0)}},
)
