"""Simmons tunnel barrier of variable width, with the switching rates of Pickett: the titanium dioxide memristor.

    i = (J / D^2) [h(phi) - h(phi + a)] sign(v_b),   h(y) = y exp(-B D sqrt(y)),   a = abs(v_b),   v = v_b + R_s i
    phi = phi_0 - a (w_1 + w_2) / w - (1.15 c / D) ln(w_2 (w - w_1) / (w_1 (w - w_2)))
    w_1 = 1.2 c / phi_0,   D = w - 9.2 c / (3 phi_0 + 4 c / w - 2 a),   w_2 = w_1 + D
    c = e ln 2 / (8 pi k eps_0),   B = 4 pi sqrt(2 m e) / h,   J = A e^2 / (2 pi h)
    w' = f_s sinh(i / i_s) exp(-exp(s (w - a_s) / w_c - abs(i) / b) - w / w_c)
    s = 1 with the rates "off" for i > 0, s = -1 with the rates "on" for i < 0

w (metres) is the width of the barrier; a positive current widens it and raises the resistance. The barrier voltage v_b
belongs to an inner net, behind the series resistance R_s.

The formula for the current has a maximum in a, where the barrier has almost gone, and is wrong beyond it. It is used
while B D sqrt(phi) >= 2, up to a little below the maximum (measured for phi_0 0.6 to 4 V, k 3 to 100, w 1 to 6 nm); at
larger a the current goes on with the slope 1 / R_s.

Source: Pickett et al., J. Appl. Phys. 106, 074508 (2009), doi 10.1063/1.3236506; Abdalla & Pickett, ISCAS 2011, doi
10.1109/ISCAS.2011.5937942 (recalled, with phi_0, k, A and R_s). Rates: the set of the Technion memristor toolbox (its
a_on is 2.0 nm, Pickett's 1.8 nm, recalled).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import (
    Columns,
    Current,
    Device,
    Internal,
    NetlistRule,
    Parameter,
    Rate,
    Reference,
    State,
    Structure,
)
from neurosim.devices.memristor_exponentials import limited_sinh
from neurosim.kernels.abi import WANT_DERIVATIVES, helper, kernel
from neurosim.kernels.functions import fast_exp, fast_log

if TYPE_CHECKING:
    import numpy as np

CHARGE, PLANCK, MASS, PERMITTIVITY = 1.602176634e-19, 6.62607015e-34, 9.1093837e-31, 8.8541878e-12
"""e [C] and h [J s], exact in the SI of 2019; m [kg] and eps_0 [F/m], CODATA (recalled)."""

DECAY = 4.0 * math.pi * math.sqrt(2.0 * MASS * CHARGE) / PLANCK
IMAGE = CHARGE * math.log(2.0) / (8.0 * math.pi * PERMITTIVITY)
FLUX = CHARGE * CHARGE / (2.0 * math.pi * PLANCK)


@helper
def barrier(a, w, phi_0, c):
    """Mean height phi [V] and effective width D [m] of the barrier, with slopes in a and w; phi = -1 if it has gone."""
    q = 3.0 * phi_0 + 4.0 * c / w - 2.0 * a
    q_w = -4.0 * c / (w * w)
    width = w - 9.2 * c / q
    width_a, width_w = -18.4 * c / (q * q), 1.0 + 9.2 * c * q_w / (q * q)
    if q <= 0.0 or width <= 0.0:
        return -1.0, 0.0, 0.0, 0.0, 0.0, 0.0
    w1 = 1.2 * c / phi_0
    w2, gap = w1 + width, 9.2 * c / q - w1
    gap_a, gap_w = -width_a, 1.0 - width_w
    log = fast_log(w2 * (w - w1) / (w1 * gap))
    log_a = width_a / w2 - gap_a / gap
    log_w = width_w / w2 + 1.0 / (w - w1) - gap_w / gap
    image = 1.15 * c / width
    phi = phi_0 - a * (w1 + w2) / w - image * log
    phi_a = -(w1 + w2) / w - a * width_a / w - image * (log_a - log * width_a / width)
    phi_w = -a * (width_w - (w1 + w2) / w) / w - image * (log_w - log * width_w / width)
    return phi, phi_a, phi_w, width, width_a, width_w


@helper
def attenuated(y, k):
    """y exp(-k sqrt(y)) with its slopes in y and k."""
    root = math.sqrt(y)
    e = fast_exp(-k * root)
    return y * e, e * (1.0 - 0.5 * k * root), -y * root * e


@helper
def largest_voltage(w, phi_0, c):
    """Voltage a where B D sqrt(phi) = 2, by Newton's method within a bracket; 0 if it is less even without voltage."""
    low, high, a = 0.0, phi_0, 0.5 * phi_0
    for _ in range(60):
        phi, phi_a, _, width, width_a, _ = barrier(a, w, phi_0, c)
        excess = phi * (DECAY * width) ** 2 - 4.0
        low, high = (a, high) if excess > 0.0 else (low, a)
        slope = (phi_a * width + 2.0 * phi * width_a) * width * DECAY**2
        better = a - excess / slope if phi > 0.0 and slope < 0.0 else 0.5 * (low + high)
        better = better if low < better < high else 0.5 * (low + high)
        if abs(better - a) <= 1e-15 * phi_0:
            break
        a = better
    return a if low > 0.0 else 0.0


@helper
def tunnel_current(a, w, phi_0, c, factor, slope_beyond):
    """Current at the barrier voltage a >= 0, with its slopes in a and w."""
    inside, beyond = a, False
    phi, phi_a, phi_w, width, width_a, width_w = barrier(a, w, phi_0, c)
    if a >= phi_0 or phi * (DECAY * width) ** 2 < 4.0:
        inside, beyond = largest_voltage(w, phi_0, c), True
        if inside == 0.0:
            return slope_beyond * a, slope_beyond, 0.0
        phi, phi_a, phi_w, width, width_a, width_w = barrier(inside, w, phi_0, c)
    k = DECAY * width
    low, low_y, low_k = attenuated(phi, k)
    high, high_y, high_k = attenuated(phi + inside, k)
    front = factor / (width * width)
    i = front * (low - high)
    by_width = front * DECAY * (low_k - high_k) - 2.0 * i / width
    i_a = front * (low_y * phi_a - high_y * (phi_a + 1.0)) + by_width * width_a
    i_w = front * (low_y - high_y) * phi_w + by_width * width_w
    if beyond:
        inside_w = -(phi_w * width + 2.0 * phi * width_w) / (phi_a * width + 2.0 * phi * width_a)
        i_w += (i_a - slope_beyond) * inside_w
        i_a = slope_beyond
    return i + slope_beyond * (a - inside), i_a, i_w


@kernel
def law(context, u, p, memory, table, code, F, D):
    for m in range(u.shape[1]):
        v, drop, w = u[0, m], u[1, m], u[2, m]
        conductance, w_c, b = p[3, m], p[4, m], p[5, m]
        held = min(max(w, p[12, m]), p[13, m])
        i, i_v, i_w = tunnel_current(abs(v), held, p[0, m], p[1, m], p[2, m], conductance)
        side = 1.0 if v >= 0.0 else -1.0
        flow = drop * conductance
        sign, speed, scale, place = 1.0, p[6, m], p[7, m], p[8, m]
        if flow < 0.0:
            sign, speed, scale, place = -1.0, p[9, m], p[10, m], p[11, m]
        s, s_slope = limited_sinh(flow / scale)
        # exp(-exp(7)) is 0 in double precision
        e = fast_exp(min(sign * (held - place) / w_c - abs(flow) / b, 7.0))
        damping = fast_exp(-e - held / w_c)
        F[0, m] = side * i
        F[1, m] = flow
        F[2, m] = speed * s * damping
        if context[WANT_DERIVATIVES] != 0.0:
            D[0, 1, m] = D[1, 0, m] = D[1, 2, m] = D[2, 0, m] = 0.0
            D[0, 0, m] = i_v
            D[0, 2, m] = side * i_w if held == w else 0.0
            D[1, 1, m] = conductance
            D[2, 1, m] = speed * damping * (s_slope / scale + s * e * sign / b) * conductance
            D[2, 2, m] = -speed * s * damping * (e * sign + 1.0) / w_c if held == w else 0.0


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: phi_0, c [V m], J [A m^2/V], 1 / R_s, w_c, b, rates of i > 0, rates of i < 0, bounds of w."""
    c = columns
    rows = (c["barrier_height"], IMAGE / c["dielectric_constant"], FLUX * c["area"], 1.0 / c["series_resistance"])
    names = ("w_c", "b", "f_off", "i_off", "a_off", "f_on", "i_on", "a_on", "w_min", "w_max")
    return (*rows, *(c[name] for name in names))


device = Device(
    name="simmons_pickett",
    summary="memristor, Simmons tunnel barrier with Pickett's switching rates",
    source=Reference("Pickett et al., J. Appl. Phys. 106, 074508 (2009)", "10.1063/1.3236506"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "inner"), ("inner", "n"), ("w", None)),
        flows=(Current("p", "inner"), Current("inner", "n"), Rate("w")),
        internals=(Internal("inner", "voltage"),),
        states=(State("w", "m", "w0", "w_min", "w_max", "w_max", "width of the barrier; narrow conducts"),),
        dependence=((0, 0), (0, 2), (1, 1), (2, 1), (2, 2)),
    ),
    parameters=(
        Parameter("f_off", 3.5e-6, "m/s", "speed of widening f_off", 0, aliases=("c_off",)),
        Parameter("f_on", 40e-6, "m/s", "speed of narrowing f_on", 0, aliases=("c_on",)),
        Parameter("i_off", 115e-6, "A", "current scale of widening i_off", 0, exclusive=True),
        Parameter("i_on", 8.9e-6, "A", "current scale of narrowing i_on", 0, exclusive=True),
        Parameter("a_off", 1.2e-9, "m", "width where widening stops a_off"),
        Parameter("a_on", 2.0e-9, "m", "width where narrowing stops a_on"),
        Parameter("w_c", 107e-12, "m", "length scale w_c", 0, exclusive=True),
        Parameter("b", 500e-6, "A", "current that shifts the stops by w_c", 0, exclusive=True),
        Parameter("barrier_height", 0.95, "V", "height of the barrier phi_0", 0.6, 10),
        Parameter("dielectric_constant", 5.0, "", "relative permittivity k", 3, 100),
        Parameter("area", 1e-14, "m^2", "area of the channel A", 0),
        Parameter("series_resistance", 215.0, "ohm", "R_s", 0, exclusive=True, aliases=("rs",)),
        Parameter("w_min", 1.0e-9, "m", "lower bound of the width", 1e-9, 1e-8),
        Parameter("w_max", 2.5e-9, "m", "upper bound of the width", 1e-9, 1e-8),
        Parameter("w0", 1.2e-9, "m", "width at the start", 1e-9, 1e-8, aliases=("x0",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "simmons_pickett"), level=103
    ),
    reference={"pinched": True, "drive": {"amplitude": 1.0, "frequency": 1e3}, "state_bounds": {"w": (1e-9, 2.5e-9)}},
)
