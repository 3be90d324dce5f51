"""TEAM: the (current) threshold adaptive memristor.

    x' = k_off (i / i_off - 1)^alpha_off f(x)    for i > i_off > 0
    x' = k_on  (i / i_on  - 1)^alpha_on  f(x)    for i < i_on < 0
    x' = 0                                       between the thresholds
    i  = v / R(x),   R = r_on + (r_off - r_on) s   or   R = r_on (r_off / r_on)^s,   s = (x - x_on) / (x_off - x_on)

x in [x_on, x_off] (metres) is the width of the tunnel barrier; x = x_on is the low resistance; a positive current makes
the resistance larger. f is one of the windows of `memristor_windows`, of (x - x_on) / window_length.

Source: Kvatinsky, Friedman, Kolodny & Weiser, IEEE Trans. Circuits Syst. I 60, 211 (2013),
doi 10.1109/TCSI.2012.2215714. The netlist names are those of Xyce's memristor of level 2; two of its defaults are not
those of the paper (ION is +8.9e-6 there, WC 1.07e-12), and its random telegraph noise (RESNOISE) is not modelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_initial_resistance import INITIAL_RESISTANCE, instead_of
from neurosim.devices.memristor_windows import MIXINGS, mixed_conductance, window, window_parameters
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, x = u[0, m], u[1, m]
        x_on, span, length = p[2, m], p[3, m], p[4, m]
        g, g_slope = mixed_conductance(int(p[5, m]), (x - x_on) / span, p[0, m], p[1, m])
        g_slope /= span
        i = v * g
        factor, threshold, alpha = p[6, m], p[7, m], p[8, m]
        if i < 0.0:
            factor, threshold, alpha = p[9, m], p[10, m], p[11, m]
        excess = i / threshold - 1.0
        speed, speed_slope, f, f_slope = 0.0, 0.0, 1.0, 0.0
        if excess > 0.0:
            power = factor * excess ** (alpha - 1.0)
            speed, speed_slope = power * excess, power * alpha / threshold
            s = (x - x_on) / length
            f, f_slope = window(int(p[12, m]), s, speed > 0.0, p[13, m], p[14, m], p[15, m], p[16, m], p[17, m])
        F[0, m] = i
        F[1, m] = speed * f
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 0, m] = g
            D[0, 1, m] = v * g_slope
            D[1, 0, m] = speed_slope * g * f
            D[1, 1, m] = speed_slope * v * g_slope * f + speed * f_slope / length


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`; places and width of the Kvatinsky window as shares of the window's length."""
    import numpy as np

    c = columns
    span = c["x_off"] - c["x_on"]
    length = np.where(c["window_length"] == 0.0, span, c["window_length"])
    rates = (c[name] for name in ("k_off", "i_off", "alpha_off", "k_on", "i_on", "alpha_on"))
    places = ((c["a_on"] - c["x_on"]) / length, (c["a_off"] - c["x_on"]) / length, c["w_c"] / length)
    windows = (c["window"], c["window_exponent"], c["window_height"])
    return (c["r_on"], c["r_off"], c["x_on"], span, length, c["resistance"], *rates, *windows, *places)


device = Device(
    name="team",
    summary="memristor, current threshold adaptive model (TEAM)",
    source=Reference(
        "Kvatinsky, Friedman, Kolodny & Weiser, IEEE Trans. Circuits Syst. I 60, 211 (2013)",
        "10.1109/TCSI.2012.2215714",
    ),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("x", None)),
        flows=(Current("p", "n"), Rate("x")),
        states=(State("x", "m", "x0", "x_on", "x_off", "x_off", "barrier width; x_on is the low resistance"),),
    ),
    parameters=(
        Parameter("r_on", 50.0, "ohm", "resistance at x_on, R_ON", 0, exclusive=True, aliases=("ron",)),
        Parameter("r_off", 1e3, "ohm", "resistance at x_off, R_OFF", 0, exclusive=True, aliases=("roff",)),
        Parameter("k_off", 8e-13, "m/s", "speed factor towards x_off, k_off", 0, aliases=("koff",)),
        Parameter("k_on", -8e-13, "m/s", "speed factor towards x_on, k_on", -float("inf"), 0, aliases=("kon",)),
        Parameter("i_off", 115e-6, "A", "positive threshold i_off", 0, exclusive=True, aliases=("ioff",)),
        Parameter("i_on", -8.9e-6, "A", "negative threshold i_on", -1e300, 0, exclusive=True, aliases=("ion",)),
        Parameter("alpha_off", 3.0, "", "exponent alpha_off", 1, 20, aliases=("alphaoff",)),
        Parameter("alpha_on", 3.0, "", "exponent alpha_on", 1, 20, aliases=("alphaon",)),
        Parameter("x_on", 0.0, "m", "lower bound of the width x_on", aliases=("xon",)),
        Parameter("x_off", 3e-9, "m", "upper bound of the width x_off", aliases=("xoff",)),
        Parameter("x0", "x_on", "m", "width at the start", aliases=("x_init",)),
        INITIAL_RESISTANCE,
        Parameter("resistance", "linear", "", "form of R(x)", 0, 1, aliases=("ivrelation",), choices=MIXINGS),
        *window_parameters("kvatinsky"),
        Parameter("window_length", 0.0, "m", "length of the window; 0 for x_off - x_on", 0, aliases=("d",)),
        Parameter("a_on", "x_on", "m", "place a_on of the Kvatinsky window", aliases=("aon",)),
        Parameter("a_off", "x_off", "m", "place a_off of the Kvatinsky window", aliases=("aoff",)),
        Parameter("w_c", 107e-12, "m", "width w_c of the Kvatinsky window", 0, exclusive=True, aliases=("wc",)),
        Parameter("state_scaling", 1.0, "", "unit of x in Xyce's solver; no effect here", aliases=("xscaling",)),
    ),
    law=law,
    derive=derive,
    alternatives=instead_of("x0", "x_on", "x_off"),
    netlist=NetlistRule("YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "team"), level=2),
    reference={"pinched": True, "drive": {"amplitude": 1.0, "frequency": 1e3}, "state_bounds": {"x": (0.0, 3e-9)}},
)
