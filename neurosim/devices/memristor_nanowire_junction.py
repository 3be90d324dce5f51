"""Junction of two silver nanowires: a filament that a flux builds, with tunnelling through the remaining gap.

    lambda' = (abs(v) - V_set) sign(v)                    for abs(v) > V_set
    lambda' = -b (V_reset - abs(v)) sign(lambda)          for abs(v) < V_reset, and lambda does not pass zero
    lambda' = 0                                           between
    i = v G(lambda)

lambda (V s) is the filament state, in [lowest_flux, highest_flux]. With the gap d = 5 nm max(lambda_c - abs(lambda), 0)
/ lambda_c the variants of the conductance found in public codes are (d in nm, A = 0.17, phi = 0.81, C0 = 10.19,
J1 = 4.71307e-5)

- ``tunnelling``: G = 1/(R_t + r_on) + 1/r_off, R_t = (2/A) d phi^-1/2 exp(C0 phi^2 d) / J1, the authors' code
- ``tunnelling_squared_gap``: the same with d^2 for d in front of the exponential
- ``tunnelling_root_barrier``: R_t = (1/A) d phi^-1/2 exp(C0 phi^1/2 d) / J1
- ``binary``: G = 1/r_on for abs(lambda) >= lambda_c, else 1/r_off

Two jumps are made steep slopes, so that the law is continuous: sign(lambda) goes linearly through zero over +-1e-3
lambda_c, and the binary step is a cubic smoothstep between 0.999 lambda_c and lambda_c. A filament that is reset ends
within that width of zero, where it has no effect on G; the next filament is moved by at most 0.6 of the width and the
largest conductance by 0.12 % (a tenth of the width: 0.009 %).
The authors' own resolution is one Euler step of b V_reset: 5e-3 lambda_c in 1 ms (recalled).

Source: Hochstetter et al., Nature Communications 12, 4008 (2021), doi 10.1038/s41467-021-24260-z; constants from the
authors' public code.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from neurosim.devices.device import Columns, Current, Device, NetlistRule, Parameter, Rate, Reference, State, Structure
from neurosim.kernels.abi import CURRENTS, RATES, REQUEST, WANT_DERIVATIVES, helper, kernel
from neurosim.kernels.functions import Inlined, fast_exp

if TYPE_CHECKING:
    import numpy as np

VARIANTS = ("tunnelling", "tunnelling_squared_gap", "tunnelling_root_barrier", "binary")
SQUARED_GAP, ROOT_BARRIER, BINARY = 1, 2, 3
AMPLITUDE, BARRIER, DECAY, DENSITY, LARGEST_GAP = 0.17, 0.81, 10.19, 4.71307e-5, 5.0
ROOT = math.sqrt(BARRIER)
SIGN_WIDTH, STEP_WIDTH = 1e-3, 1e-3


@Inlined
def _step(ratio, r_on, r_off):
    """Conductance [S] and its slope in `ratio` = abs(lambda) / lambda_c, of the binary variant."""
    y = (ratio - 1.0) / STEP_WIDTH + 1.0
    y = 0.0 if y < 0.0 else y
    y = 1.0 if y > 1.0 else y
    rise = 1.0 / r_on - 1.0 / r_off
    return 1.0 / r_off + rise * y * y * (3.0 - 2.0 * y), rise * 6.0 * y * (1.0 - y) / STEP_WIDTH


@Inlined
def _tunnelling(squared, exponent, factor, ratio, r_on, r_off):
    """As `_step`, of the others; the gap stands in front squared where `squared` is 1."""
    d = LARGEST_GAP * (1.0 - ratio)
    d = 0.0 if d < 0.0 else d
    front, front_slope = d + squared * (d * d - d), 1.0 + squared * (2.0 * d - 1.0)
    e = factor * fast_exp(exponent * d)
    g = 1.0 / (front * e + r_on)
    slope = g * g * e * (front_slope + front * exponent) * LARGEST_GAP
    return g + 1.0 / r_off, slope if ratio <= 1.0 else 0.0


@Inlined
def _conductance(kind, ratio, r_on, r_off):
    """Conductance and slope of variant number `kind`."""
    if kind == BINARY:
        return _step(ratio, r_on, r_off)
    barrier = ROOT if kind == ROOT_BARRIER else BARRIER * BARRIER
    factor = (1.0 if kind == ROOT_BARRIER else 2.0) / (AMPLITUDE * ROOT * DENSITY)
    return _tunnelling(1.0 if kind == SQUARED_GAP else 0.0, DECAY * barrier, factor, ratio, r_on, r_off)


@helper
def _conductance_row(variant, flux, critical, r_on, r_off, part, out):
    """Conductances (part 0) or their slopes in abs(lambda) / lambda_c (part 1) of a block."""
    kind, others = variant[0], 0
    for m in range(flux.size):
        others += variant[m] != kind
    # a block of one variant runs on vector registers
    if others == 0 and kind == BINARY:
        for m in range(flux.size):
            both = _conductance(BINARY, abs(flux[m]) / critical[m], r_on[m], r_off[m])
            out[m] = both[1] if part else both[0]
    elif others == 0 and kind == 0:
        for m in range(flux.size):
            both = _conductance(0, abs(flux[m]) / critical[m], r_on[m], r_off[m])
            out[m] = both[1] if part else both[0]
    else:
        for m in range(flux.size):
            both = _conductance(variant[m], abs(flux[m]) / critical[m], r_on[m], r_off[m])
            out[m] = both[1] if part else both[0]


@kernel
def law(context, u, p, memory, table, code, F, D):
    v, flux, v_set, v_reset, boost, critical = u[0], u[1], p[0], p[1], p[2], p[3]
    current, rate = F[0], F[1]
    width = v.size
    part = context[REQUEST]
    if part != RATES:
        _conductance_row(p[6], flux, critical, p[4], p[5], 0, current)
        if context[WANT_DERIVATIVES] != 0.0:
            g, by_flux, rate_by_v, rate_by_flux = D[0, 0], D[0, 1], D[1, 0], D[1, 1]
            _conductance_row(p[6], flux, critical, p[4], p[5], 1, by_flux)
            for m in range(width):
                g[m] = current[m]
                by_flux[m] *= v[m] / (critical[m] if flux[m] >= 0.0 else -critical[m])
            for m in range(width):
                size, polarity, edge = abs(v[m]), 1.0 if v[m] >= 0.0 else -1.0, SIGN_WIDTH * critical[m]
                sign = flux[m] / edge
                within = abs(sign) <= 1.0
                sign = -1.0 if sign < -1.0 else sign
                sign = 1.0 if sign > 1.0 else sign
                pull = boost[m] if size < v_reset[m] and size <= v_set[m] else 0.0
                rate_by_v[m] = 1.0 if size > v_set[m] else pull * polarity * sign
                rate_by_flux[m] = -pull * (v_reset[m] - size) / edge if within else 0.0
        for m in range(width):
            current[m] *= v[m]
    if part != CURRENTS:
        for m in range(width):
            size, polarity = abs(v[m]), 1.0 if v[m] >= 0.0 else -1.0
            sign = flux[m] / (SIGN_WIDTH * critical[m])
            sign = -1.0 if sign < -1.0 else sign
            sign = 1.0 if sign > 1.0 else sign
            decay = boost[m] * (size - v_reset[m]) * sign
            quiet = decay if size < v_reset[m] else 0.0
            rate[m] = v[m] - v_set[m] * polarity if size > v_set[m] else quiet


def derive(columns: Columns) -> Sequence[np.ndarray]:
    """Rows of `p`: the parameters that the law reads, in its order."""
    names = ("v_set", "v_reset", "boost", "critical_flux", "r_on", "r_off", "conductance")
    return tuple(columns[name] for name in names)


device = Device(
    name="nanowire_junction",
    summary="memristor, junction of two silver nanowires with a tunnelling gap",
    source=Reference("Hochstetter et al., Nature Communications 12, 4008 (2021)", "10.1038/s41467-021-24260-z"),
    structure=Structure(
        terminals=("p", "n"),
        inputs=(("p", "n"), ("flux", None)),
        flows=(Current("p", "n"), Rate("flux")),
        states=(State("flux", "V s", "x0", "lowest_flux", "highest_flux", "critical_flux", "filament state lambda"),),
    ),
    parameters=(
        Parameter("v_set", 10e-3, "V", "voltage above which the filament grows V_set", 0, aliases=("vset",)),
        Parameter("v_reset", 5e-3, "V", "voltage below which it decays V_reset, <= V_set", 0, aliases=("vreset",)),
        Parameter("boost", 10.0, "", "speed of the decay b", 0, aliases=("b",)),
        Parameter("critical_flux", 0.01, "V s", "closed filament lambda_c", 0, exclusive=True, aliases=("lambda_c",)),
        Parameter("highest_flux", 0.015, "V s", "upper bound of lambda, lambda_max", 0, aliases=("lambda_max",)),
        Parameter("lowest_flux", -0.015, "V s", "lower bound of lambda", -float("inf"), 0),
        Parameter("r_on", 12.9e3, "ohm", "resistance of a closed filament R_on", 0, exclusive=True, aliases=("ron",)),
        Parameter("r_off", 12.9e6, "ohm", "resistance without filament R_off", 0, exclusive=True, aliases=("roff",)),
        Parameter("conductance", "tunnelling", "", "form of G(lambda)", 0, 3, choices=VARIANTS),
        Parameter("x0", 0.0, "V s", "filament state at the start", aliases=("initial_flux",)),
    ),
    law=law,
    derive=derive,
    netlist=NetlistRule(
        "YMEMRISTOR", "YMEMRISTOR <name> <n+> <n-> <model>", (), ("memristor", "nanowire_junction"), level=108
    ),
    reference={
        "pinched": True,
        "drive": {"amplitude": 0.1, "frequency": 2.0},
        "state_bounds": {"flux": (-0.015, 0.015)},
    },
)
