"""Yakopcic's generalised memristor.

    i  = a1 x sinh(b v)  for v >= 0,   a2 x sinh(b v)  for v < 0
    x' = eta g(v) f(v, x)
    g  = A_p (e^v - e^V_p)  for v > V_p,   -A_n (e^-v - e^V_n)  for v < -V_n,   0  between
    f  = w_p e^(-alpha_p (x - x_p))      for x >= x_p       when x grows     (eta v > 0),   else 1
    f  = w_n e^(alpha_n (x + x_n - 1))   for x <= 1 - x_n   when x shrinks   (eta v < 0),   else 1
    w_p = (x_p - x) / (1 - x_p) + 1,     w_n = x / (1 - x_n)

x in [0, 1]; x = 1 conducts best; voltages in the exponents are in volt. f is 0 at the bound that x moves to.

Source: Yakopcic, Taha, Subramanyam & Pino, IEEE Trans. CAD 32, 1201 (2013), doi 10.1109/TCAD.2013.2252057. Standard set
and netlist names: Xyce's memristor of level 3 and its regression deck (whose random telegraph noise is not modelled).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_exponentials import limited_exponential, limited_sinh
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel
from neurosim.kernels.functions import fast_exp

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, x = u[0, m], u[1, m]
        b, eta = p[2, m], p[3, m]
        a = p[0, m] if v >= 0.0 else p[1, m]
        c = min(max(x, 0.0), 1.0)
        s, s_slope = limited_sinh(b * v)
        g, g_slope = 0.0, 0.0
        if v > p[4, m]:
            e, e_slope = limited_exponential(v)
            g, g_slope = p[6, m] * (e - p[12, m]), p[6, m] * e_slope
        elif v < -p[5, m]:
            e, e_slope = limited_exponential(-v)
            g, g_slope = -p[7, m] * (e - p[13, m]), p[7, m] * e_slope
        f, f_slope = 1.0, 0.0
        if eta * v > 0.0:
            if x >= p[8, m]:
                w = (p[8, m] - x) / (1.0 - p[8, m]) + 1.0
                e = fast_exp(-p[10, m] * (c - p[8, m]))
                f, f_slope = w * e, -e / (1.0 - p[8, m]) - (p[10, m] * w * e if c == x else 0.0)
        elif x <= 1.0 - p[9, m]:
            w = x / (1.0 - p[9, m])
            e = fast_exp(p[11, m] * (c + p[9, m] - 1.0))
            f, f_slope = w * e, e / (1.0 - p[9, m]) + (p[11, m] * w * e if c == x else 0.0)
        F[0, m] = a * c * s
        F[1, m] = eta * g * f
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, m] = a * c * b * s_slope
            D[0, 1, m] = a * s if c == x else 0.0
            D[1, 0, m] = eta * g_slope * f
            D[1, 1, m] = eta * g * f_slope


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: the parameters that the law reads, in its order, and exp(V_p), exp(V_n)."""
    import numpy as np

    names = ("a1", "a2", "b", "eta", "v_p", "v_n", "a_p", "a_n", "x_p", "x_n", "alpha_p", "alpha_n")
    return (*(columns[name] for name in names), np.exp(columns["v_p"]), np.exp(columns["v_n"]))


device = Device(
    name="yakopcic",
    summary="memristor, Yakopcic's generalised model",
    source=Reference(
        "Yakopcic, Taha, Subramanyam & Pino, IEEE Trans. CAD 32, 1201 (2013)", "10.1109/TCAD.2013.2252057"
    ),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("x", None)),
        flows=(Current("p", "n"), Rate("x")),
        states=(State("x", "", "x0", 0.0, 1.0, 1.0, "normalised state; 1 conducts best"),),
    ),
    parameters=(
        Parameter("a1", 0.17, "A", "current factor at v >= 0, a_1", 0),
        Parameter("a2", 0.17, "A", "current factor at v < 0, a_2", 0),
        Parameter("b", 0.05, "1/V", "steepness of the current b", 0),
        Parameter("v_p", 0.16, "V", "positive threshold V_p", 0, 100, aliases=("vp",)),
        Parameter("v_n", 0.15, "V", "size of the negative threshold V_n", 0, 100, aliases=("vn",)),
        Parameter("a_p", 4000.0, "1/s", "speed above V_p, A_p", 0, aliases=("ap",)),
        Parameter("a_n", 4000.0, "1/s", "speed below -V_n, A_n", 0, aliases=("an",)),
        Parameter("x_p", 0.3, "", "state from which growth slows x_p", 0, 0.999999, aliases=("xp",)),
        Parameter("x_n", 0.5, "", "1 - x_n is the state from which shrinking slows", 0, 0.999999, aliases=("xn",)),
        Parameter("alpha_p", 1.0, "", "rate of slowing of growth alpha_p", 0, 100, aliases=("alphap",)),
        Parameter("alpha_n", 5.0, "", "rate of slowing of shrinking alpha_n", 0, 100, aliases=("alphan",)),
        Parameter("eta", 1.0, "", "1: x grows with v > 0; -1: with v < 0", -1, 1),
        Parameter("x0", 0.11, "", "state at the start", 0, 1, aliases=("xo", "x_init")),
        Parameter("state_scaling", 1.0, "", "unit of x in Xyce's solver; no effect here", aliases=("xscaling",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule("YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "yakopcic"), level=3),
    reference={"pinched": True, "drive": {"amplitude": 0.5, "frequency": 100.0}, "state_bounds": {"x": (0.0, 1.0)}},
)
