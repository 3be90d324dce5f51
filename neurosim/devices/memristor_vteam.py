"""VTEAM: the voltage threshold adaptive memristor.

    w' = k_off (v / v_off - 1)^alpha_off f(w)    for v > v_off > 0
    w' = k_on  (v / v_on  - 1)^alpha_on  f(w)    for v < v_on < 0
    w' = 0                                       between the thresholds
    i  = v / R(w),   R = r_on + (r_off - r_on) s   or   R = r_on (r_off / r_on)^s,   s = (w - w_on) / (w_off - w_on)

w in [w_on, w_off] (metres); w = w_on is the low resistance; a positive voltage makes the resistance larger. f is one of
the windows of `memristor_windows`, of s. Without a window a constant v > v_off crosses from w_on to w_off in
(w_off - w_on) / (k_off (v / v_off - 1)^alpha_off).

Source: Kvatinsky, Ramadan, Friedman & Kolodny, IEEE Trans. Circuits Syst. II 62, 786 (2015),
doi 10.1109/TCSII.2015.2433536. Standard set: the defaults of MemTorch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.devices.memristor_initial_resistance import INITIAL_RESISTANCE, instead_of
from neurosim.devices.memristor_powers import speed_row, speed_slope_row
from neurosim.devices.memristor_windows import MIXINGS, conductance_row, window_parameters, window_row
from neurosim.kernels.abi import CURRENTS, RATES, REQUEST, WANT_DERIVATIVES, kernel

if TYPE_CHECKING:
    import numpy as np


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, w, r_on, r_off, w_on, span = u[0], u[1], p[0], p[1], p[2], p[3]
    current, rate = F[0], F[1]
    g, by_w, speed, rate_by_w = D[0, 0], D[0, 1], D[1, 0], D[1, 1]
    width = v.size
    wanted = context[WANT_DERIVATIVES] != 0.0
    # loops with few rows each run on vector registers; rows of derivatives are room for what comes before them
    s = current
    for m in range(width):
        s[m] = (w[m] - w_on[m]) / span[m]
    if context[REQUEST] == CURRENTS:
        conductance_row(p[4], s, r_on, r_off, 0, g)
        for m in range(width):
            current[m] = v[m] * g[m]
        return
    window_row(p[11:17], s, v, rate, rate_by_w, wanted)
    speed_row(p[5:11], v, g, speed)
    for m in range(width):
        rate[m] *= speed[m]
    if context[REQUEST] == RATES:
        return
    conductance_row(p[4], s, r_on, r_off, 0, g)
    if wanted:
        conductance_row(p[4], s, r_on, r_off, 1, by_w)
        for m in range(width):
            by_w[m] *= v[m] / span[m]
        for m in range(width):
            rate_by_w[m] *= speed[m] / span[m]
        rate_by_v = speed
        speed_slope_row(p[5:11], v, rate, rate_by_v)
    for m in range(width):
        current[m] = v[m] * g[m]


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`; the places and the width of the Kvatinsky window as shares of w_off - w_on."""
    c = columns
    span = c["w_off"] - c["w_on"]
    rates = (c[name] for name in ("k_off", "v_off", "alpha_off", "k_on", "v_on", "alpha_on"))
    places = ((c["a_on"] - c["w_on"]) / span, (c["a_off"] - c["w_on"]) / span, c["w_c"] / span)
    windows = (c["window"], c["window_exponent"], c["window_height"])
    return (c["r_on"], c["r_off"], c["w_on"], span, c["resistance"], *rates, *windows, *places)


device = Device(
    name="vteam",
    summary="memristor, voltage threshold adaptive model (VTEAM)",
    source=Reference(
        "Kvatinsky, Ramadan, Friedman & Kolodny, IEEE Trans. Circuits Syst. II 62, 786 (2015)",
        "10.1109/TCSII.2015.2433536",
    ),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("w", None)),
        flows=(Current("p", "n"), Rate("w")),
        states=(State("w", "m", "w0", "w_on", "w_off", "w_off", "width; w_on is the low resistance"),),
    ),
    parameters=(
        Parameter("r_on", 50.0, "ohm", "resistance at w_on, R_ON", 0, exclusive=True, aliases=("ron",)),
        Parameter("r_off", 1e3, "ohm", "resistance at w_off, R_OFF", 0, exclusive=True, aliases=("roff",)),
        Parameter("k_off", 5e-4, "m/s", "speed factor towards w_off, k_off", 0, aliases=("koff",)),
        Parameter("k_on", -10.0, "m/s", "speed factor towards w_on, k_on", -float("inf"), 0, aliases=("kon",)),
        Parameter("v_off", 0.02, "V", "positive threshold v_off", 0, exclusive=True, aliases=("voff",)),
        Parameter("v_on", -0.2, "V", "negative threshold v_on", -1e300, 0, exclusive=True, aliases=("von",)),
        Parameter("alpha_off", 1.0, "", "exponent alpha_off", 1, 20, aliases=("alphaoff",)),
        Parameter("alpha_on", 3.0, "", "exponent alpha_on", 1, 20, aliases=("alphaon",)),
        Parameter("w_on", 0.0, "m", "lower bound of the width w_on", aliases=("won", "xon", "x_on")),
        Parameter("w_off", 3e-9, "m", "upper bound of the width w_off", aliases=("woff", "xoff", "x_off")),
        Parameter("w0", "w_on", "m", "width at the start", aliases=("x0", "w_init")),
        INITIAL_RESISTANCE,
        Parameter("resistance", "linear", "", "form of R(w)", 0, 1, aliases=("ivrelation",), choices=MIXINGS),
        *window_parameters("none"),
        Parameter("a_on", "w_on", "m", "place a_on of the Kvatinsky window", aliases=("aon",)),
        Parameter("a_off", "w_off", "m", "place a_off of the Kvatinsky window", aliases=("aoff",)),
        Parameter("w_c", 107e-12, "m", "width w_c of the Kvatinsky window", 0, exclusive=True, aliases=("wc",)),
    ),
    law=law,
    derive=derive,
    alternatives=instead_of("w0", "w_on", "w_off"),
    netlist=NetlistRule("YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "vteam"), level=104),
    reference={"pinched": True, "drive": {"amplitude": 1.0, "frequency": 5e5}, "state_bounds": {"w": (0.0, 3e-9)}},
)
