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
from neurosim.devices.memristor_powers import speed_row, speed_slope_row
from neurosim.devices.memristor_windows import MIXINGS, conductance_row, window_parameters, window_row
from neurosim.kernels.abi import WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, x, r_on, r_off, x_on, span, length = u[0], u[1], p[0], p[1], p[2], p[3], p[4]
    current, rate = F[0], F[1]
    g, by_x, speed, rate_by_x = D[0, 0], D[0, 1], D[1, 0], D[1, 1]
    width = v.size
    wanted = context[WANT_DERIVATIVES] != 0.0
    # loops with few rows each run on vector registers; rows of results are room for what comes before them
    s = rate
    for m in range(width):
        s[m] = (x[m] - x_on[m]) / span[m]
    conductance_row(p[5], s, r_on, r_off, 0, g)
    if wanted:
        conductance_row(p[5], s, r_on, r_off, 1, by_x)
        for m in range(width):
            by_x[m] *= v[m] / span[m]
    for m in range(width):
        current[m] = v[m] * g[m]
    speed_row(p[6:12], current, rate_by_x, speed)
    s = current
    for m in range(width):
        s[m] = (x[m] - x_on[m]) / length[m]
    window_row(p[12:18], s, v, rate, rate_by_x, wanted)
    for m in range(width):
        rate[m] *= speed[m]
    for m in range(width):
        current[m] = v[m] * g[m]
    if wanted:
        for m in range(width):
            rate_by_x[m] *= speed[m] / length[m]
        by_current = speed
        speed_slope_row(p[6:12], current, rate, by_current)
        for m in range(width):
            rate_by_x[m] += by_current[m] * by_x[m]
        for m in range(width):
            by_current[m] *= g[m]


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
