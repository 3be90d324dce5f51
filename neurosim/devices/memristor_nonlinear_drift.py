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
from neurosim.devices.memristor_powers import raise_row
from neurosim.devices.memristor_windows import window_parameters, window_row
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, w, n, beta, alpha, chi, gamma, a, q = u[0], u[1], p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    current, rate = F[0], F[1]
    by_v, by_w, power, rate_by_w = D[0, 0], D[0, 1], D[1, 0], D[1, 1]
    width = v.size
    wanted = context[WANT_DERIVATIVES] != 0.0
    # loops with few rows each run on vector registers; rows of results are room for what comes before them
    exponent = current
    for m in range(width):
        exponent[m] = q[m] - 1.0
    for m in range(width):
        power[m] = abs(v[m])
    raise_row(power, exponent)
    for m in range(width):
        power[m] *= a[m]
    window_row(p[7:13], w, v, rate, rate_by_w, wanted)
    if wanted:
        for m in range(width):
            rate_by_w[m] *= power[m] * v[m]
    rate_by_v = power
    for m in range(width):
        rate_by_v[m] *= rate[m]
    for m in range(width):
        rate[m] = rate_by_v[m] * v[m]
    for m in range(width):
        rate_by_v[m] *= q[m]
    for m in range(width):
        exponent[m] = n[m] - 1.0
    share_slope = by_w
    for m in range(width):
        share_slope[m] = min(max(w[m], 0.0), 1.0)
    raise_row(share_slope, exponent)
    tunnel = current
    for m in range(width):
        tunnel[m] = beta[m] * limited_sinh(alpha[m] * v[m])[0]
    if wanted:
        for m in range(width):
            by_v[m] = beta[m] * alpha[m] * limited_sinh(alpha[m] * v[m])[1]
        for m in range(width):
            by_v[m] *= share_slope[m] * min(max(w[m], 0.0), 1.0)
        for m in range(width):
            by_v[m] += chi[m] * gamma[m] * limited_exponential_minus_one(gamma[m] * v[m])[1]
    for m in range(width):
        slope = n[m] * tunnel[m] * share_slope[m]
        tunnel[m] *= share_slope[m] * min(max(w[m], 0.0), 1.0)
        share_slope[m] = slope if 0.0 <= w[m] <= 1.0 else 0.0
    for m in range(width):
        current[m] += chi[m] * limited_exponential_minus_one(gamma[m] * v[m])[0]


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
